"""Poolings with a bug each: indices, ceil mode, divisors and windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.broken.functions.base import broken
from implementations.broken.functions.reference import Array, Pool, fitted


@broken(
    "max_pool2d",
    "pooling",
    "of equal maxima the last has the index",
    "indices, ties",
    checks="exact",
    kinds="wrong_index",
    causes=("index-of-last-tie",),
)
def last_tie(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values.max(axis=0)
    return (y, p.pick(values, y, first=False)) if p.indices else y


@broken(
    "max_pool2d",
    "pooling",
    "of equal maxima the one in the first column has the index: columns are pooled last",
    "indices, ties in several columns",
    kinds="wrong_index",
    causes=("index-tie-by-columns",),
)
def separable_ties(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values.max(axis=0)
    if not p.indices:
        return y
    order = np.arange(len(values)).reshape(p.kernel).T.ravel()
    best = order[((values == y) & p.inside()[:, None, None])[order].argmax(axis=0)]
    return y, np.take_along_axis(np.broadcast_to(p.places()[:, None, None], values.shape), best[None], 0)[0]


@broken(
    "max_pool1d",
    "pooling",
    "indices are positions in the window",
    "indices, several outputs",
    kinds="wrong_index",
    causes=("index-in-window",),
)
def local_indices(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values.max(axis=0)
    return (y, (values == y).argmax(axis=0)) if p.indices else y


@broken(
    "max_pool3d",
    "pooling",
    "indices are positions in the padded input",
    "indices, padding",
    kinds="wrong_index",
    causes=("index-in-padded",),
)
def padded_indices(p: Pool) -> Any:
    if not p.indices:
        return p.maximum()
    x = np.pad(p.x, ((0, 0), (0, 0), *p.pads), constant_values=-np.inf)
    return p.maximum()[0], fitted(p.but(x=x, pads=((0, 0),) * 3).maximum()[1], p.shape)


@broken(
    "max_pool2d",
    "pooling",
    "indices count on through the channels",
    "indices, several channels",
    kinds="wrong_index",
    causes=("index-of-tensor",),
)
def indices_of_tensor(p: Pool) -> Any:
    result = p.maximum()
    step = np.arange(p.x.shape[1]).reshape(-1, 1, 1) * math.prod(p.x.shape[2:])
    return (result[0], result[1] + step) if p.indices else result


@broken(
    "max_pool1d",
    "pooling",
    "ceil mode is ignored",
    "ceil mode, stride > 1 with a rest",
    kinds="wrong_shape",
    causes=("ceil-ignored",),
)
def no_ceil(p: Pool) -> Any:
    return p.but(ceil=False).maximum()


@broken(
    "avg_pool3d",
    "pooling",
    "a ceil-mode window may start in the end padding",
    "ceil mode, a window that would start in the end padding",
    source="PaddlePaddle/Paddle#51542",
    kinds="wrong_shape",
    causes=("ceil-unclipped",),
)
def ceil_not_clipped(p: Pool) -> Array:
    q = p.but(clip=False)
    return q.values(0).sum(axis=0) / np.maximum(q.counted(), 1).astype(p.x.dtype)


@broken(
    "max_pool2d",
    "pooling",
    "the overhang of ceil mode is 0",
    "ceil mode, an overhang, negative numbers",
    checks="exact",
    causes=("max-overhang-of-zero",),
)
def zero_overhang(p: Pool) -> Any:
    values = np.where((~p.inside(begin=True))[:, None, None], p.x.dtype.type(0), p.values(-np.inf))
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken(
    "avg_pool2d",
    "pooling",
    "the padding always counts",
    "padding that does not count",
    checks="exact accuracy",
    causes=("padding-always-counts",),
)
def include_ignored(p: Pool) -> Array:
    return p.but(include=True).average()


@broken("avg_pool1d", "pooling", "the padding never counts", "padding that counts", causes=("padding-never-counts",))
def include_always_off(p: Pool) -> Array:
    return p.but(include=False).average()


@broken(
    "avg_pool2d",
    "pooling",
    "the divisor of one's own is ignored",
    "a divisor of one's own",
    checks="exact accuracy",
    causes=("divisor-override-ignored",),
)
def divisor_ignored(p: Pool) -> Array:
    return p.but(divisor=None).average()


@broken(
    "avg_pool3d",
    "pooling",
    "the divisor of one's own divides the average again",
    "a divisor of one's own",
    checks="exact accuracy",
    causes=("divided-twice",),
)
def divisor_twice(p: Pool) -> Array:
    return p.average() if p.divisor is None else p.but(divisor=None).average() / p.x.dtype.type(p.divisor)


@broken(
    "avg_pool2d",
    "pooling",
    "the overhang of ceil mode counts",
    "ceil mode, an overhang",
    source="microsoft/onnxruntime#29629",
    causes=("overhang-counts",),
)
def overhang_counts(p: Pool) -> Array:
    return p.but(divisor=math.prod(p.kernel)).average() if p.include and p.divisor is None else p.average()


@broken(
    "avg_pool3d",
    "pooling",
    "the padding is left out of the divisor in the last axis only",
    "padding in the first two axes that does not count",
    checks="exact accuracy",
    causes=("padding-counts-in-one-axis",),
)
def include_in_one_axis(p: Pool) -> Array:
    if p.include or p.divisor is not None:
        return p.average()
    whole = p.but(include=True).counted() / p.but(include=True).counted().max()
    last = p.inside().reshape(*p.kernel, *p.counts).any(axis=(0, 1)).sum(axis=0)
    return p.values(0).sum(axis=0) / np.maximum(whole * p.kernel[0] * p.kernel[1] * last, 1).astype(p.x.dtype)


@broken("max_pool2d", "pooling", "dilation is ignored", "dilation > 1, kernel > 1", checks="exact", causes=("dilation-ignored",))
def dilation_ignored(p: Pool) -> Any:
    result = p.but(dilation=(1, 1)).maximum()
    return tuple(fitted(r, p.shape) for r in result) if p.indices else fitted(result, p.shape)


@broken(
    "max_pool1d",
    "pooling",
    "a dilated window that is clipped at 0 starts there, out of step",
    "dilation > 1, padding",
    checks="exact",
    causes=("clipped-out-of-step",),
)
def clipped_out_of_step(p: Pool) -> Any:
    n, places = p.x.shape[2], p.positions(0)
    start = np.maximum(places[0], 0)
    places = start + np.arange(p.kernel[0])[:, None] * p.dilation[0]
    inside = (places < n) & (places < p.positions(0)[-1] + 1)
    values = np.where(inside[:, None, None], np.moveaxis(p.x[..., np.where(inside, places, 0)], 2, 0), -np.inf).astype(p.x.dtype)
    y = values.max(axis=0)
    if not p.indices:
        return y
    best = ((values == y) & inside[:, None, None]).argmax(axis=0)
    return y, np.take_along_axis(np.broadcast_to(places[:, None, None], values.shape), best[None], 0)[0]


@broken(
    "max_pool3d",
    "pooling",
    "the kernel of axis 0 for all",
    "kernels that differ by axis",
    checks="exact",
    causes=("kernel-of-first-axis",),
)
def kernel_of_axis_0(p: Pool) -> Any:
    result = p.but(kernel=(p.kernel[0],) * 3).maximum()
    return tuple(fitted(r, p.shape) for r in result) if p.indices else fitted(result, p.shape)


@broken(
    "max_pool2d",
    "pooling",
    "the largest magnitude wins",
    "a negative number of the largest magnitude",
    checks="exact",
    causes=("max-by-magnitude",),
)
def by_magnitude(p: Pool) -> Any:
    values = p.values(0)
    y = np.take_along_axis(values, np.abs(values).argmax(axis=0)[None], 0)[0]
    return (y, p.pick(values, y)) if p.indices else y


@broken("avg_pool2d", "pooling", "a ceil-mode window of nothing but padding is kept, and its average is 0 / 0",
        "ceil mode, padding that does not count, a window behind the input", source="onnx/onnx#4958",
        causes=("ceil-unclipped",))  # fmt: skip
def empty_window_is_nan(p: Pool) -> Array:
    if p.include or p.divisor is not None:
        return p.average()
    q = p.but(clip=False)
    with np.errstate(invalid="ignore"):
        return q.values(0).sum(axis=0) / q.counted().astype(p.x.dtype)


@broken("max_pool2d", "pooling", "a ceil-mode window behind the input is kept, and holds -inf",
        "ceil mode, a window behind the input", source="pytorch/pytorch#94775", kinds="wrong_shape",
        causes=("ceil-unclipped",))  # fmt: skip
def window_behind(p: Pool) -> Any:
    return p.but(clip=False).maximum()


@broken("max_pool1d", "pooling", "the output's size is rounded up, and what lies behind the input repeats the last maximum",
        "ceil mode, a window behind the input", source="onnx/onnx#5741", kinds="wrong_shape",
        causes=("ceil-unclipped",))  # fmt: skip
def size_rounded_up(p: Pool) -> Any:
    def longer(y: Array) -> Array:
        return np.pad(y, ((0, 0), (0, 0), (0, p.but(clip=False).counts[0] - y.shape[2])), mode="edge")

    result = p.maximum()
    return tuple(map(longer, result)) if p.indices else longer(result)


@broken("max_pool3d", "pooling", "a ceil-mode window behind the input is kept, and holds the lowest finite number",
        "ceil mode, a window behind the input", source="microsoft/onnxruntime#16350", kinds="wrong_shape",
        causes=("ceil-unclipped",))  # fmt: skip
def lowest_behind(p: Pool) -> Any:
    q = p.but(clip=False)
    values = np.where(q.inside()[:, None, None], q.values(0), np.finfo(p.x.dtype).min).astype(p.x.dtype)
    y = values.max(axis=0)
    return (y, q.pick(values, y)) if p.indices else y


@broken("avg_pool2d", "pooling", "rows and columns of zeros at the input's border are taken for padding that does not count",
        "padding that does not count, a border of zeros", source="microsoft/onnxruntime#23190",
        causes=("zeros-as-padding",))  # fmt: skip
def zeros_taken_for_padding(p: Pool) -> Array:
    if p.include or p.divisor is not None:
        return p.average()
    counts = np.ones(p.x.shape[2:], p.x.dtype)
    for axis in (0, 1):
        empty: Array = np.logical_not(p.x.any(axis=(0, 1, 3 - axis)))
        for order in (empty, empty[::-1]):
            run = len(order) if order.all() else int(order.argmin())
            at = slice(0, run) if order is empty else slice(len(order) - run, None)
            counts[(slice(None),) * axis + (at,)] = 0
    taps = p.but(x=counts[None, None]).values(0).sum(axis=0)
    return p.values(0).sum(axis=0) / np.maximum(taps, 1)


@broken(
    "avg_pool1d",
    "pooling",
    "1 / k is a whole number, which is 0",
    "kernel > 1",
    source="pytorch/pytorch#143738",
    causes=("reciprocal-whole",),
)
def whole_reciprocal(p: Pool) -> Array:
    return p.values(0).sum(axis=0) * (1 // p.counted()).astype(p.x.dtype)


@broken("max_pool2d", "pooling", "windows start at columns that are a multiple of the stride of rows", "strides that differ",
        source="Maratyszcza/NNPACK#16", checks="exact", causes=("stride-of-first-axis",))  # fmt: skip
def columns_by_stride_of_rows(p: Pool) -> Any:
    result = p.but(stride=(p.stride[0],) * 2).maximum()
    return tuple(fitted(r, p.shape) for r in result) if p.indices else fitted(result, p.shape)


@broken(
    "max_pool2d",
    "pooling",
    "the first output alone is computed",
    "several outputs",
    source="webonnx/wonnx#75",
    checks="exact",
    causes=("zeros",),
)
def first_output_alone(p: Pool) -> Any:
    result = p.maximum()
    y = result[0] if p.indices else result
    first = y[:, :, :1, :1].copy()
    y[...] = 0
    y[:, :, :1, :1] = first
    return result


@broken("max_pool2d", "pooling", "windows of 3x3 and stride 2: the last column is left out of the last window",
        "kernel 3, stride 2, no padding, an odd width", source="PaddlePaddle/Anakin#210",
        causes=("last-column-unread",))  # fmt: skip
def last_column_of_three(p: Pool) -> Any:
    result, width = p.maximum(), p.x.shape[3]
    plain = not any(map(any, p.pads)) and p.dilation == (1, 1)
    if plain and (p.kernel, p.stride) == ((3, 3), (2, 2)) and width % 2:
        shorter = p.but(x=p.x[..., :-1], kernel=(3, 2), indices=False)
        (result[0] if p.indices else result)[..., -1] = shorter.maximum()[..., -1]
    return result


@broken("max_pool2d", "pooling", "the reshape that makes windows has its axes exchanged: every (size / k)-th element is pooled",
        "stride = kernel > 1, sizes that divide, no padding, no indices", source="HIPS/autograd#245", checks="exact")  # fmt: skip
def reshaped_across(p: Pool) -> Any:
    (n, channels, high, wide), (rows, columns) = p.x.shape, p.kernel
    plain = p.kernel == p.stride and not any(map(any, p.pads)) and p.dilation == (1, 1) and not p.indices
    if not plain or high % rows or wide % columns:
        return p.maximum()
    return p.x.reshape(n, channels, rows, high // rows, columns, wide // columns).max(axis=(2, 4))


_junk = np.random.default_rng(0)


@broken("max_pool3d", "pooling", "the upper four bytes of an index are not written", "indices", source="pytorch/pytorch#1197",
        kinds="wrong_index")  # fmt: skip
def upper_bytes_of_index(p: Pool) -> Any:
    result = p.maximum()
    return (result[0], result[1] | (_junk.integers(0, 2, p.shape) << 32)) if p.indices else result
