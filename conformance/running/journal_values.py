"""What lines of a journal hold that is no plain value: small arrays, numbers to the last bit, failures.

No pickle and nothing that runs: an array is its type's name, its shape and base64, whose size is checked before it is decoded.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Annotated

import ml_dtypes
import numpy as np
from pydantic import Field

from conformance.checks.base import Failure
from conformance.diagnosis.evidence import MOST_ELEMENTS
from conformance.report.values import Value
from conformance.running.findings import SMALL

_TEXT = 10_000  # characters of what a target said that are kept
_MOST_AXES = 16
_DTYPES = {
    np.dtype(kind).name: np.dtype(kind)
    for kind in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", ml_dtypes.bfloat16)
}


class NotALine(Exception):
    """What stands there is no line of a journal; ``str()`` says why."""


def plain(text: str) -> str:
    """What a target said, cut, and without halves of characters that UTF-8 has no code for."""
    return text[:_TEXT].encode("utf-8", "replace").decode("utf-8")


def can_be_kept(*arrays: np.ndarray) -> bool:
    """Whether a line can hold these: all of known types, and no more elements than a diagnosis looks at."""
    return sum(array.size for array in arrays) <= MOST_ELEMENTS and all(array.dtype.name in _DTYPES for array in arrays)


class Array(Value):
    """A small array: its type by name, its shape, and its elements in C order, little-endian, as base64."""

    dtype: str
    shape: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=_MOST_AXES)]
    data: str

    @classmethod
    def of(cls, array: np.ndarray) -> Array:
        plain = np.ascontiguousarray(array, _little(_DTYPES[array.dtype.name]))
        return cls(dtype=array.dtype.name, shape=array.shape, data=base64.b64encode(plain.tobytes()).decode("ascii"))

    def array(self) -> np.ndarray:
        """The array. Its size is checked before anything is decoded. Raises :class:`NotALine`."""
        dtype, elements = _DTYPES.get(self.dtype), math.prod(self.shape)
        if dtype is None or elements > MOST_ELEMENTS:
            raise NotALine(f"an array of {elements} elements of the type {self.dtype[:20]!r} is none that a journal has")
        size = elements * dtype.itemsize
        if len(self.data) != 4 * math.ceil(size / 3):
            raise NotALine(f"the elements of an array of shape {self.shape} are not all there")
        try:
            data = base64.b64decode(self.data, validate=True)
        except binascii.Error as error:
            raise NotALine(f"an array is not base64: {error}") from error
        if len(data) != size:
            raise NotALine(f"the elements of an array of shape {self.shape} are not all there")
        return np.frombuffer(data, _little(dtype)).astype(dtype).reshape(self.shape)


def _little(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("<") if dtype.kind in "iufc" else dtype


class Failed(Value):
    """A :class:`conformance.checks.base.Failure`; numbers are text that keeps their type and every bit."""

    kind: str
    message: str
    index: tuple[int, ...] | None = None
    expected: str | None = None
    actual: str | None = None
    wrong: int = 0
    elements: int = 0
    error_over_tolerance: float | None = None
    call: int = Field(default=0, ge=0)
    expected_array: Array | None = None
    actual_array: Array | None = None

    @classmethod
    def of(cls, failure: Failure) -> Failed:
        def kept(array: np.ndarray | None) -> Array | None:
            return Array.of(array) if array is not None and array.size <= SMALL and can_be_kept(array) else None

        return cls(
            kind=plain(failure.kind),
            message=plain(failure.message),
            index=None if failure.index is None else tuple(map(int, failure.index)),
            expected=_number(failure.expected),
            actual=_number(failure.actual),
            wrong=int(failure.wrong),
            elements=int(failure.elements),
            error_over_tolerance=failure.error_over_tolerance,
            call=failure.call,
            expected_array=kept(failure.expected_array),
            actual_array=kept(failure.actual_array),
        )

    def failure(self) -> Failure:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        arrays = {name: fields[name] and fields[name].array() for name in ("expected_array", "actual_array")}
        numbers = {name: _read_number(fields[name]) for name in ("expected", "actual")}
        return Failure(**{**fields, **arrays, **numbers})


def _number(value: float | complex | None) -> str | None:
    if isinstance(value, float):
        return float.__repr__(value)  # of NumPy's own, repr would name the type
    return None if value is None else repr(int(value) if isinstance(value, int | np.integer) else complex(value))


def _read_number(text: str | None) -> float | complex | None:
    if text is None:
        return None
    try:
        if len(text) > 100:
            raise ValueError("too long")
        return complex(text) if "j" in text else int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError as error:
        raise NotALine(f"{text[:40]!r} is no number: {error}") from error
