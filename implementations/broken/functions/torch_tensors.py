"""Functions on PyTorch's tensors with a bug each."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from implementations.broken.functions.base import broken


@cache
def _torch() -> Any:
    import torch

    return torch


@broken(
    "conv2d",
    "types",
    "torch: float64 goes through float32",
    "float64 of more than 24 bits",
    arrays="torch",
    checks="exact accuracy",
    causes=("computed-in-float32",),
)
def torch_double_in_single(c: Any) -> Any:
    return _torch_conv(c, *(None if a is None else a.float() for a in (c.x, c.w, c.b))).to(c.x.dtype)


@broken(
    "conv2d",
    "contract",
    "torch: the input is doubled in place",
    "an input that is not 0",
    arrays="torch",
    kinds="changed_its_input",
    causes=("input-changed",),
)
def torch_in_place(c: Any) -> Any:
    y = _torch_conv(c, c.x, c.w, c.b)
    c.x.mul_(2)
    return y


@broken(
    "conv2d",
    "layout",
    "torch: as_strided with the strides of a contiguous tensor",
    "an input that is a view",
    arrays="torch",
    checks="layout",
    causes=("memory-order",),
)
def torch_as_strided(c: Any) -> Any:
    if c.x.untyped_storage().nbytes() < (c.x.storage_offset() + c.x.numel()) * c.x.element_size():
        return _torch_conv(c, c.x, c.w, c.b)
    steps = tuple(math.prod(c.x.shape[i + 1 :]) for i in range(c.x.ndim))
    return _torch_conv(c, c.x.as_strided(c.x.shape, steps), c.w, c.b)


def _torch_conv(c: Any, x: Any, w: Any, b: Any) -> Any:
    padding = tuple(p[0] for p in c.pads)
    return _torch().nn.functional.conv2d(x, w, b, c.stride, padding, c.dilation, c.groups)
