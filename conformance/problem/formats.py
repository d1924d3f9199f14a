"""The number formats that tensors are stored in, with the constants that error bounds need.

The unit roundoff ``u`` is half the distance from 1 to the next larger number (2^-24 for float32); the smallest
subnormal bounds what a product can lose by underflow. Both follow from IEEE 754 (bfloat16: float32's exponents).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """A binary floating-point format: ``significand`` counts the leading bit, ``min_exponent`` is of the smallest normal."""

    name: str
    short: str
    significand: int
    min_exponent: int

    @property
    def unit_roundoff(self) -> float:
        return 2.0**-self.significand

    @property
    def smallest_subnormal(self) -> float:
        return 2.0 ** (self.min_exponent - self.significand + 1)

    @property
    def numpy(self) -> np.dtype:
        if self.name == "bfloat16":
            import ml_dtypes  # only bfloat16 needs it

            return np.dtype(ml_dtypes.bfloat16)
        return np.dtype(self.name)


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("float64", "f64", 53, -1022),
        Format("float32", "f32", 24, -126),
        Format("float16", "f16", 11, -14),
        Format("bfloat16", "bf16", 8, -126),
    )
}
_BY_SHORT = {f.short: f for f in FORMATS.values()}


def format_named(name: str) -> Format:
    """The format called ``name``, long (``float32``) or short (``f32``)."""
    found = FORMATS.get(name) or _BY_SHORT.get(name)
    if found is None:
        known = ", ".join(f"{f.name} ({f.short})" for f in FORMATS.values())
        raise UsageError(f"the data type {name!r} is not known", hint=f"known are {known}")
    return found
