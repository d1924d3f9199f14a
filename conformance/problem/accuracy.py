"""The accuracy that an implementation declares, by name: what its results are held to on real-valued data.

``componentwise`` (any direct sum), ``fft`` and ``winograd(4,3)`` (normwise), ``tf32``, ``bfloat16`` and ``float16``
(reduced: inputs rounded to that format). Undeclared means componentwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from conformance.errors import UsageError

_REDUCED = {"tf32": 2.0**-11, "bfloat16": 2.0**-8, "float16": 2.0**-11}
_WINOGRAD = re.compile(r"winograd\((\d+),\s*(\d+)\)")


@dataclass(frozen=True, slots=True)
class AccuracyClass:
    """``u_in`` is the unit roundoff that class R's inputs are rounded to, ``tile`` Winograd's (m, r)."""

    name: str
    kind: Literal["componentwise", "normwise", "reduced"]
    method: str = ""
    tile: tuple[int, int] | None = None
    u_in: float = 0.0


def accuracy_named(name: str) -> AccuracyClass:
    """The class called ``name``."""
    if name == "componentwise":
        return AccuracyClass(name, "componentwise")
    if name in _REDUCED:
        return AccuracyClass(name, "reduced", u_in=_REDUCED[name])
    if name == "fft":
        return AccuracyClass(name, "normwise", method="fft")
    if match := _WINOGRAD.fullmatch(name):
        m, r = int(match[1]), int(match[2])
        if 2 <= m <= 8 and 2 <= r <= 7:
            return AccuracyClass(name, "normwise", method="winograd", tile=(m, r))
    allowed = ", ".join(["componentwise", "fft", "winograd(4,3) for F(4,3)", *_REDUCED])
    raise UsageError(f"the accuracy {name!r} is not known", hint=f"known are {allowed}")
