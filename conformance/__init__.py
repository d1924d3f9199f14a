"""conv-conformance: the place where an implementation of convolution or pooling proves that it is right, accurate and fast.

Importing this package imports no framework and next to nothing of its own; the names below load what they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from conformance.plugin import Claims, Implementation
    from conformance.plugin.abi import get_include
    from conformance.plugin.decorate import claims
    from conformance.plugin.mutants import mutant
    from conformance.problem import Problem

_HOMES = {
    "Claims": "conformance.plugin",
    "Implementation": "conformance.plugin",
    "claims": "conformance.plugin.decorate",
    "get_include": "conformance.plugin.abi",
    "mutant": "conformance.plugin.mutants",
    "Problem": "conformance.problem",
}
__all__ = ["Claims", "Implementation", "Problem", "__version__", "claims", "get_include", "mutant"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'conformance' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
