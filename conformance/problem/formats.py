"""The number formats that tensors are stored in, with the constants that error bounds need.

The unit roundoff ``u`` is half the distance from 1 to the next larger number (2^-24 for float32); the smallest
subnormal bounds what a product can lose by underflow. Both follow from IEEE 754 (bfloat16: float32's exponents).
Integers round nothing; complex numbers are pairs of floats, and their constants are those of one part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """``significand`` counts the leading bit (of integers: all but the sign), ``min_exponent`` is of the smallest normal."""

    name: str
    short: str
    significand: int
    min_exponent: int = 0
    kind: Literal["float", "int", "complex"] = "float"

    @property
    def unit_roundoff(self) -> float:
        return 0.0 if self.kind == "int" else 2.0**-self.significand

    @property
    def smallest_subnormal(self) -> float:
        return 0.0 if self.kind == "int" else 2.0 ** (self.min_exponent - self.significand + 1)

    @property
    def largest_power(self) -> float:
        """The largest power of two; all numbers lie below twice of it."""
        return 2.0 ** (1 - self.min_exponent)

    @property
    def largest_whole(self) -> int:
        """The largest number up to which the format holds every whole number."""
        return 2**self.significand - (self.kind == "int")

    @property
    def signed(self) -> bool:
        return not self.name.startswith("u")

    @property
    def numpy(self) -> np.dtype:
        if self.name == "bfloat16":
            import ml_dtypes  # only bfloat16 needs it

            return np.dtype(ml_dtypes.bfloat16)
        return np.dtype(self.name)

    @property
    def exact(self) -> np.dtype:
        """The NumPy type that the oracle computes in: float64, complex128 or int64."""
        return np.dtype({"float": np.float64, "complex": np.complex128, "int": np.int64}[self.kind])


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("float64", "f64", 53, -1022),
        Format("float32", "f32", 24, -126),
        Format("float16", "f16", 11, -14),
        Format("bfloat16", "bf16", 8, -126),
        Format("complex128", "complex128", 53, -1022, "complex"),
        Format("complex64", "complex64", 24, -126, "complex"),
        Format("int64", "int64", 63, kind="int"),
        Format("int32", "int32", 31, kind="int"),
        Format("int8", "int8", 7, kind="int"),
        Format("uint8", "uint8", 8, kind="int"),
    )
}
FLOATS = tuple(f.name for f in FORMATS.values() if f.kind == "float")
COMPLEX = tuple(f.name for f in FORMATS.values() if f.kind == "complex")
INTEGERS = tuple(f.name for f in FORMATS.values() if f.kind == "int")
_BY_SHORT = {f.short: f for f in FORMATS.values()}


def format_named(name: str) -> Format:
    """The format called ``name``, long (``float32``) or short (``f32``)."""
    found = FORMATS.get(name) or _BY_SHORT.get(name)
    if found is None:
        known = ", ".join(f"{f.name} ({f.short})" for f in FORMATS.values())
        raise UsageError(f"the data type {name!r} is not known", hint=f"known are {known}")
    return found
