"""Inputs that are views, read as if they were contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from implementations.broken.functions.base import broken
from implementations.broken.functions.reference import Array, Conv, Pool


def raw(a: Array) -> Array:
    """The elements in the order of memory, taken for those of the array."""
    return a.ravel(order="K").reshape(a.shape)


@broken(
    "conv2d",
    "layout",
    "the input is read in the order of memory",
    "an input in another order than C",
    checks="layout exact",
    causes=("memory-order",),
)
def raw_input(c: Conv) -> Array:
    return c.but(x=raw(c.x)).run()


@broken(
    "conv1d",
    "layout",
    "the weights are read in the order of memory",
    "weights in another order than C",
    checks="layout",
    causes=("memory-order",),
)
def raw_weights(c: Conv) -> Array:
    return c.but(w=raw(c.w)).run()


@broken(
    "conv2d",
    "layout",
    "wrong for inputs in Fortran order",
    "an input in Fortran order",
    checks="layout exact",
    causes=("memory-order",),
)
def fortran_input(c: Conv) -> Array:
    wrong = c.x.flags.f_contiguous and not c.x.flags.c_contiguous
    return c.but(x=c.x.T.reshape(c.x.shape) if wrong else c.x).run()


@broken(
    "avg_pool3d",
    "layout",
    "negative strides are taken as positive",
    "an input stored backwards",
    checks="layout",
    causes=("strides-without-sign",),
)
def negative_strides(p: Pool) -> Array:
    return p.but(x=p.x[tuple(slice(None, None, -1 if s < 0 else 1) for s in p.x.strides)]).average()


@broken(
    "max_pool2d",
    "layout",
    "a stride of 0 is taken as that of a full array: other items are not read",
    "a broadcast input, batch > 1",
    checks="layout",
    causes=("strides-of-zero",),
)
def zero_strides(p: Pool) -> Any:
    x = p.x.copy()
    if p.x.strides[0] == 0:
        x[1:] = -np.inf
    return p.but(x=x).maximum()


@broken(
    "conv2d",
    "layout",
    "an element's place is that of a contiguous array behind the first element",
    "an input that is a view",
    checks="layout",
    causes=("*the input is strided*in memory*",),
)
def assumes_contiguous(c: Conv) -> Array:
    base = c.x.base
    if c.x.flags.c_contiguous or not isinstance(base, np.ndarray) or min(c.x.strides) < 0 or not base.flags.c_contiguous:
        return c.run()
    offset = (c.x.ctypes.data - base.ctypes.data) // c.x.itemsize
    flat = np.resize(base.ravel()[offset:], c.x.size)
    return c.but(x=flat.reshape(c.x.shape)).run()


@broken(
    "conv2d",
    "layout",
    "the bias is read without its stride",
    "a bias that is a view",
    checks="layout",
    causes=("strides-ignored",),
)
def strided_bias(c: Conv) -> Array:
    if c.b is None or not isinstance(c.b.base, np.ndarray) or c.b.strides[0] <= c.b.itemsize:
        return c.run()
    return c.but(b=c.b.base.ravel()[: len(c.b)]).run()


@broken(
    "max_pool1d",
    "layout",
    "a vector load of misaligned memory leaves the last column out",
    "misaligned memory",
    checks="layout",
    causes=("*misaligned*",),
)
def misaligned_input(p: Pool) -> Any:
    x = p.x.copy()
    if p.x.ctypes.data % 16 and p.x.flags.c_contiguous:
        x[..., -1] = -np.inf
    return p.but(x=x).maximum()


@broken(
    "conv3d",
    "layout",
    "channels-last inputs are read as (n, ..., c)",
    "an input with channels last",
    checks="layout",
    causes=("channels-last-as-first",),
)
def channels_last_input(c: Conv) -> Array:
    wrong = c.x.shape[1] > 1 and c.x.strides[1] == c.x.itemsize and not c.x.flags.c_contiguous
    return c.but(x=np.moveaxis(c.x, 1, -1).reshape(c.x.shape) if wrong else c.x).run()


@broken("conv2d", "layout", "the step between planes is taken from the stride of an axis of one row, which says nothing",
        "one row, an input that is a view", source="pytorch/pytorch#195394", checks="layout",
        causes=("*the input is*in memory*",))  # fmt: skip
def stride_of_one_row(c: Conv) -> Array:
    n, channels, rows, columns = c.x.shape
    if rows != 1 or n * channels == 1 or c.x.strides[2] in (c.x.strides[3] * columns, c.x.strides[1]):
        return c.run()
    return c.but(x=np.roll(c.x, 1, axis=1 if channels > 1 else 0)).run()


@broken("conv2d", "layout", "results are written one after the other into rows that are padded to 4 columns",
        "several rows, columns that are no multiple of 4", source="NVIDIA/cutlass#1323", checks="exact",
        causes=("*not a multiple of 4*",))  # fmt: skip
def written_packed(c: Conv) -> Array:
    y = c.run()
    rows = np.zeros((*y.shape[:3], -(-y.shape[3] // 4) * 4), y.dtype)
    rows.reshape(-1)[: y.size] = y.reshape(-1)
    return rows[..., : y.shape[3]]


@broken("conv2d", "layout", "some channels of a tensor with channels last are read as if there were no others between the pixels",
        "a slice of the channels of an input with channels last", source="pytorch/pytorch#180984",
        causes=("*the input is*in memory*",))  # fmt: skip
def channels_cut_of_channels_last(c: Conv) -> Array:
    (_, channels, rows, columns), (item, channel, row, column), size = c.x.shape, c.x.strides, c.x.itemsize
    cut = channel == size and column > channels * size and (item, row) == (row * rows, column * columns)
    packed = np.array([rows * columns * channels, 1, columns * channels, channels]) * size
    return c.but(x=as_strided(c.x, c.x.shape, tuple(packed.tolist())) if cut else c.x).run()
