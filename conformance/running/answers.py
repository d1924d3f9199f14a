"""What a worker may say: the values of the harness's own that carry results, NumPy's arrays, and errors. Nothing else is made.

A worker runs code that is not trusted, and answers in pickles. A pickle names the classes of what it holds and may name any
function instead; here each name is looked up in a list, so that reading an answer runs no code but these classes' own.
"""

from __future__ import annotations

import builtins
import importlib
import io
import pickle
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy._core import multiarray

from conformance.plain import MOST_OF_NAME, line

_VALUES = {
    "conformance.errors": ("UsageError", "_rebuild"),
    "conformance.plugin.claims": ("Claims",),
    "conformance.plugin.implementation": ("Lost", "NotSupported", "WrongResult", "WroteBeside"),
    "conformance.plugin.job": ("Call", "Reply"),
    "conformance.plugin.known": ("KnownFailure",),
    "conformance.plugin.mutants": ("Broken",),
    "conformance.problem.problem": ("Problem",),
    "conformance.problem.text": ("TextError",),
    "conformance.problem.validity": ("InvalidProblem",),
    "conformance.problem.window": ("AdaptiveWindow", "TransposedWindow", "Window"),
    "conformance.running.worker": ("Description",),
    "conformance.timing.block": ("Ran", "Ready", "Settled"),
    "conformance.timing.conditions": ("Limited",),
    "conformance.timing.roofline": ("Rates",),
    "ml_dtypes": ("bfloat16",),
    "numpy": ("dtype", "ndarray"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.numeric": ("_frombuffer",),
    "builtins": ("complex", "frozenset", "set"),
}
"""By module. Of the builtins also every error."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _named(module, name)


def load(body: bytes, arrays: Sequence[np.ndarray] = ()) -> Any:
    """The message of a pickle. Raises :class:`pickle.UnpicklingError` if it names what it may not."""
    return _Reader(io.BytesIO(body), buffers=arrays).load()


@cache
def _named(module: str, name: str) -> Any:
    if module == "builtins" and isinstance(found := getattr(builtins, name, None), type) and issubclass(found, Exception):
        return found
    if name not in _VALUES.get(module, ()):
        raise pickle.UnpicklingError(f"{line(f'{module}.{name}', MOST_OF_NAME)} has no place in an answer")
    return _INSTEAD.get((module, name)) or getattr(importlib.import_module(module), name)


def _empty_array(*_: object) -> np.ndarray:
    """To be filled from what follows. An array made by its class would take any bytes for the addresses of objects."""
    return multiarray._reconstruct(np.ndarray, (0,), b"b")  # type: ignore[attr-defined, return-value]


def _scalar(kind: np.dtype, data: bytes) -> Any:
    """A number of NumPy's. One of several fields would be read from an array of any type, and may hold objects."""
    if kind.hasobject or kind.names is not None:
        raise pickle.UnpicklingError(f"{line(kind, MOST_OF_NAME)} has no place in an answer")
    return multiarray.scalar(kind, data)


_INSTEAD = {
    ("numpy", "ndarray"): "ndarray",  # which stands before the arrays that are not written as bytes, and is called by none
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "scalar"): _scalar,
}
