"""What a body cannot say: a wrong default, and the first call of all."""

from __future__ import annotations

import itertools
from typing import Any

from implementations.broken.functions.base import mark, remembered
from implementations.broken.functions.reference import Array, Conv, function_for


def avg_pool2d_default_stride(
    input: Array, kernel_size: Any, stride: Any = 1, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Array:  # fmt: skip
    """Right whenever its stride is given, and wrong in its default."""
    body = function_for("avg_pool2d", lambda p: p.average(), "average")
    result: Array = body(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return result


def conv1d_first_call(
    input: Array, weight: Array, bias: Array | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> Array:  # fmt: skip
    """A table that is made in the first call is used in it before it is filled."""
    body = function_for("conv1d", Conv.run, "run")
    y: Array = body(input, weight, bias, stride, padding, dilation, groups)
    return y if next(remembered("calls", itertools.count)) else y * 0


mark(
    avg_pool2d_default_stride, "avg_pool2d", "contract", "the stride is 1 where none is given, not the kernel's size",
    "no stride given, kernel > 1", causes=("default-stride-of-1",)
)  # fmt: skip
mark(
    conv1d_first_call,
    "conv1d",
    "state",
    "the very first call in a process gives zeros",
    "the first call in a process",
    causes=("first-call",),
)
