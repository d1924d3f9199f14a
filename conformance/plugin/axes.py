"""The order of axes that a function's tensors have: channels first (NCHW, OIHW), or as TensorFlow and JAX have them.

Formats are written for two axes and meant for any number: ``HW`` stands for all spatial axes.
"""

from __future__ import annotations

import numpy as np

from conformance.errors import UsageError
from conformance.problem import Family, Operator
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD

DATA_FORMATS = ("NCHW", "NHWC")
KERNEL_FORMATS = ("OIHW", "HWIO", "HWOI", "OHWI", "IOHW")
_DATA = ("x", "dy", "ddx", "indices")


def check_formats(data: str, kernel: str) -> None:
    for word, name, known in (("data_format", data, DATA_FORMATS), ("kernel_format", kernel, KERNEL_FORMATS)):
        if name and name not in known:
            raise UsageError(f"{word}={name} is not known", hint=f"write {word}= and one of {', '.join(known)}")


def to_format(operator: Operator, name: str, array: np.ndarray, data: str, kernel: str) -> np.ndarray:
    """A tensor with its axes in the order wanted; contiguous where it was. Axes in front may have been left out."""
    if data == "NCHW" and not kernel:
        return array
    order = _order(operator, name, array.ndim, data, kernel)
    if order is None or list(order) == sorted(order):
        return array
    moved = array.transpose(order)
    return np.ascontiguousarray(moved) if array.flags.c_contiguous else moved


def from_format(operator: Operator, array: np.ndarray, data: str, kernel: str) -> np.ndarray:
    """A result with its axes put back into the harness's order."""
    if data == "NCHW" and not kernel:
        return array
    name = {WEIGHT_GRAD: "w", BIAS_GRAD: "b"}.get(operator.pass_name, "x")
    order = _order(operator, name, array.ndim, data, kernel)
    if order is None or list(order) == sorted(order):
        return array
    return array.transpose(np.argsort(order))


def _order(operator: Operator, name: str, rank: int, data: str, kernel: str) -> tuple[int, ...] | None:
    """Where each axis comes from; None for a tensor without spatial axes, or of another rank than any."""
    if name not in (*_DATA, "w") or not operator.ndim <= rank <= operator.ndim + 2:
        return None
    first = "NC" if name in _DATA else "IO" if operator.family is Family.CONV_TRANSPOSE else "OI"
    letters = first[operator.ndim + 2 - rank :] + "".join(map(str, range(operator.ndim)))
    wanted = (data if name in _DATA else kernel or f"{first}HW").replace("HW", "".join(map(str, range(operator.ndim))))
    return tuple(letters.index(letter) for letter in wanted if letter in letters)
