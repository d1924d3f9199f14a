"""Functions with a bug each: they measure the suite, and one that is found conformant is a hole in it.

Each is a few lines over :mod:`reference`, for convolution and pooling in one to three dimensions. What is wrong must
show within what the function claims: it is the bug of somebody who meant to write the namesake in torch.nn.functional.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from reference import Conv, Pool, fitted, function_for

from conformance.plugin.decorate import claims

Array = np.ndarray
Body = Callable[[Any], Any]


@dataclass(frozen=True)
class Broken:
    """``kinds``: one of the findings must be of such a kind; ``checks``: of such a group of checks. Empty: any."""

    operator: str
    category: str
    bug: str
    checks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    arrays: str | None = None


BROKEN: dict[str, Broken] = {}


def broken(
    operator: str,
    category: str,
    bug: str,
    *,
    checks: str = "",
    kinds: str = "",
    arrays: str | None = None,
    **claimed: Any,
) -> Callable[[Body], Body]:
    """Make a target of a body, called ``operator_body``; ``claimed`` is what it claims beyond its namesake."""

    def add(body: Body) -> Body:
        name = f"{operator}_{body.__name__}"
        assert name not in BROKEN, name
        BROKEN[name] = Broken(
            operator,
            category,
            bug,
            tuple(checks.split()),
            tuple(kind.replace("_", " ") for kind in kinds.split()),
            arrays,
        )
        function = function_for(operator, body, name)
        globals()[name] = claims(**claimed)(function) if claimed else function
        return body

    return add


def rounded(a: Array, bits: int) -> Array:
    """``a`` with its significand rounded to ``bits`` bits."""
    significand, exponent = np.frexp(a)
    return np.ldexp(np.round(np.ldexp(significand, bits)), exponent - bits).astype(a.dtype)


# Index.


@broken("conv2d", "index", "the kernel is flipped in both axes, as in a convolution of mathematics", checks="exact")
def flipped(c: Conv) -> Array:
    return c.but(w=c.w[:, :, ::-1, ::-1]).run()


@broken("conv3d", "index", "the kernel is flipped in its depth", checks="exact")
def flipped_depth(c: Conv) -> Array:
    return c.but(w=c.w[:, :, ::-1]).run()


@broken("conv2d", "index", "square kernels are transposed", checks="exact")
def transposed(c: Conv) -> Array:
    return c.but(w=c.w.swapaxes(2, 3) if c.w.shape[2] == c.w.shape[3] else c.w).run()


@broken("conv3d", "index", "the first two axes of kernels are exchanged where they are equally long", checks="exact")
def transposed_depth(c: Conv) -> Array:
    return c.but(w=c.w.swapaxes(2, 3) if c.w.shape[2] == c.w.shape[3] else c.w).run()


@broken("conv2d", "index", "the stride of axis 0 for both, where the shape allows it", checks="exact")
def stride_of_axis_0(c: Conv) -> Array:
    return fitted(c.but(stride=(c.stride[0],) * 2).run(), c.shape)


@broken("conv3d", "index", "the strides of the last two axes exchanged", checks="exact")
def strides_exchanged(c: Conv) -> Array:
    return fitted(c.but(stride=(c.stride[0], c.stride[2], c.stride[1])).run(), c.shape)


@broken("conv3d", "index", "the paddings of depth and width exchanged", checks="exact")
def pads_exchanged(c: Conv) -> Array:
    return fitted(c.but(pads=c.pads[::-1], x=np.pad(c.x, ((0, 0), (0, 0), *[(0, 6)] * 3))).run(), c.shape)


@broken("conv2d", "index", "the padding before and behind exchanged", checks="exact", asymmetric_padding=True)
def pad_ends_exchanged(c: Conv) -> Array:
    return c.but(pads=tuple((end, begin) for begin, end in c.pads)).run()


@broken("conv2d", "index", "the border is repeated instead of padded with 0", checks="exact")
def edge_padding(c: Conv) -> Array:
    return c.run(padded=np.pad(c.x, ((0, 0), (0, 0), *c.pads), mode="edge"))


@broken("conv1d", "index", "the dilation is ignored", checks="exact")
def no_dilation(c: Conv) -> Array:
    return fitted(c.but(dilation=(1,)).run(), c.shape)


@broken("conv2d", "index", "dilation 3 is done as dilation 2", checks="exact")
def dilation_of_two(c: Conv) -> Array:
    return fitted(c.but(dilation=tuple(min(d, 2) for d in c.dilation)).run(), c.shape)


@broken(
    "conv2d",
    "index",
    "the last row is aligned with the end of the input where the stride leaves a rest",
    checks="exact",
)
def last_row_at_end(c: Conv) -> Array:
    y, rows = c.run(), c.padded.shape[2] - c.dilation[0] * (c.w.shape[2] - 1)
    y[:, :, -1:] = Conv(c.padded[:, :, rows - 1 :], c.w, c.b, c.stride, ((0, 0), (0, 0)), c.dilation, c.groups).run()[:, :, :1]
    return y


@broken("conv1d", "index", "windows start one later where the stride is larger than the kernel", checks="exact")
def start_off_by_one(c: Conv) -> Array:
    late = c.stride[0] > c.w.shape[2]
    return c.run(padded=np.pad(c.padded[:, :, late:], ((0, 0), (0, 0), (0, 8))))


@broken("conv2d", "index", "the last tap of rows longer than four is left out", checks="exact")
def last_tap_missing(c: Conv) -> Array:
    w = c.w.copy()
    w[..., 4:] = 0
    return c.but(w=w).run()


@broken("conv3d", "index", "only one side is padded, by both sides' amount", checks="exact")
def padded_in_front(c: Conv) -> Array:
    return c.but(pads=tuple((begin + end, 0) for begin, end in c.pads)).run()


@broken("conv2d", "index", "stride and dilation together: taps move by their product", checks="exact")
def stride_times_dilation(c: Conv) -> Array:
    if min(*c.stride, *c.dilation) == 1:
        return c.run()
    return fitted(c.but(dilation=(c.dilation[0] + 1, c.dilation[1])).run(), c.shape)


# Groups.


@broken("conv2d", "groups", "all groups read the channels of the first", checks="exact algebra")
def first_group(c: Conv) -> Array:
    return c.but(x=np.tile(c.x[:, : c.w.shape[1]], (1, c.groups, 1, 1))).run()


@broken("conv1d", "groups", "the input channels of groups are interleaved", checks="exact")
def groups_interleaved(c: Conv) -> Array:
    order = np.arange(c.x.shape[1]).reshape(-1, c.groups).T.ravel()
    return c.but(x=c.x[:, order]).run()


@broken("conv3d", "groups", "the output channels of groups come out in another order", checks="exact")
def group_outputs_permuted(c: Conv) -> Array:
    order = np.arange(c.w.shape[0]).reshape(c.groups, -1).T.ravel()
    return c.run()[:, order]


@broken("conv2d", "groups", "every group after the second has the weights of the second", checks="exact")
def third_group(c: Conv) -> Array:
    size = c.w.shape[0] // c.groups
    order = [i if i < 2 * size else size + i % size for i in range(c.w.shape[0])]
    return c.but(w=c.w[order]).run()


@broken(
    "conv2d",
    "groups",
    "a depthwise kernel with several outputs for each channel takes them channel-minor",
    checks="exact",
)
def depthwise_multiplier(c: Conv) -> Array:
    if c.groups == 1 or c.groups != c.x.shape[1]:
        return c.run()
    return c.but(w=c.w.reshape(-1, c.groups, *c.w.shape[1:]).swapaxes(0, 1).reshape(c.w.shape)).run()


# Bias.


def bias_of(c: Conv, b: Array) -> Array:
    return c.but(b=None).run() + b


@broken("conv2d", "bias", "the bias is missing", checks="exact")
def no_bias(c: Conv) -> Array:
    return c.but(b=None).run()


@broken("conv3d", "bias", "the bias is missing where there are groups", checks="exact")
def no_bias_in_groups(c: Conv) -> Array:
    return c.but(b=None if c.groups > 1 else c.b).run()


@broken("conv1d", "bias", "the bias is doubled", checks="exact")
def bias_doubled(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=2 * c.b).run()


@broken("conv2d", "bias", "the bias is indexed by the item of the batch", checks="exact")
def bias_by_item(c: Conv) -> Array:
    return c.run() if c.b is None else bias_of(c, c.b[np.arange(c.x.shape[0]) % len(c.b)].reshape(-1, 1, 1, 1))


@broken("conv2d", "bias", "the bias is added once for each input channel", checks="exact")
def bias_by_channel(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=c.w.shape[1] * c.b).run()


@broken("conv1d", "bias", "the bias of a group is that of its first channel", checks="exact")
def bias_by_group(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=np.repeat(c.b[:: len(c.b) // c.groups], len(c.b) // c.groups)).run()


@broken("conv2d", "bias", "the bias is along the width where that is as long as the channels", checks="exact")
def bias_along_width(c: Conv) -> Array:
    return c.run() if c.b is None or len(c.b) != c.counts[-1] else bias_of(c, c.b)


@broken("conv2d", "bias", "the bias is rounded to float16", checks="exact accuracy")
def bias_in_half(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=rounded(c.b, 11)).run()


# Tails.


@broken("conv2d", "tails", "columns behind the last full vector of 8 lack the last tap", checks="exact")
def columns_rest_of_8(c: Conv) -> Array:
    y, w, full = c.run(), c.w.copy(), c.counts[1] // 8 * 8
    w[..., -1] = 0
    if full:
        y[..., full:] = c.but(w=w).run()[..., full:]
    return y


@broken("conv1d", "tails", "outputs from the 17th on are those of the channel before", checks="exact")
def columns_over_16(c: Conv) -> Array:
    y = c.run()
    y[:, 1:, 16:] = y[:, :-1, 16:]
    return y


@broken("conv2d", "tails", "outputs from the 65th on are 0", checks="exact")
def columns_over_64(c: Conv) -> Array:
    y = c.run()
    y[..., 64:] = 0
    return y


@broken("conv2d", "tails", "input channels from the 17th on are not read", checks="exact")
def channels_over_16(c: Conv) -> Array:
    return c.but(w=c.w * (np.arange(c.w.shape[1]) < 16).reshape(-1, 1, 1).astype(c.w.dtype)).run()


@broken("conv3d", "tails", "output channels from the 33rd on repeat the one before", checks="exact")
def channels_over_32(c: Conv) -> Array:
    y = c.run()
    y[:, 32:] = y[:, 31:-1] if y.shape[1] > 32 else y[:, 32:]
    return y


@broken("conv2d", "tails", "input channels from the 65th on are not read", checks="exact")
def channels_over_64(c: Conv) -> Array:
    return c.but(w=c.w * (np.arange(c.w.shape[1]) < 64).reshape(-1, 1, 1).astype(c.w.dtype)).run()


@broken("conv2d", "tails", "output channels from the 65th on are 0", checks="exact")
def outputs_over_64(c: Conv) -> Array:
    y = c.run()
    y[:, 64:] = 0
    return y


@broken("conv2d", "tails", "items of the batch from the fifth on are those of the fourth", checks="exact")
def batch_over_4(c: Conv) -> Array:
    y = c.run()
    y[4:] = y[3:4]
    return y


@broken("max_pool3d", "tails", "channels behind the last full vector of 4 are not pooled", checks="exact")
def pool_channels_rest_of_4(p: Pool) -> Any:
    result = p.maximum()
    y = result[0] if p.indices else result
    full = y.shape[1] // 4 * 4
    if full:
        y[:, full:] = y[:, full - 1 : full]
    return result


@broken(
    "avg_pool1d",
    "tails",
    "outputs behind the last full vector of 8 lack the window's first element",
    checks="exact accuracy",
)
def pool_columns_rest_of_8(p: Pool) -> Array:
    y, full = p.average(), p.counts[0] // 8 * 8
    if full:
        y[..., full:] -= p.values(0)[0, ..., full:] / p.counted()[full:].astype(y.dtype)
    return y


# Types.


@broken("conv2d", "types", "returns float64 for float32", checks="exact", kinds="wrong_dtype")
def returns_double(c: Conv) -> Array:
    return c.run().astype(np.float64)


@broken("avg_pool2d", "types", "returns float64 for float32 where the divisor is one of its own", kinds="wrong_dtype")
def divisor_makes_double(p: Pool) -> Array:
    return p.average() if p.divisor is None else p.values(0).sum(axis=0) / np.float64(p.divisor)


@broken("max_pool2d", "types", "returns float32 for float64", kinds="wrong_dtype")
def returns_single(p: Pool) -> Any:
    return p.but(x=p.x.astype(np.float32)).maximum()


@broken("conv2d", "types", "computed in float16")
def in_half(c: Conv) -> Array:
    b = None if c.b is None else c.b.astype(np.float16)
    with np.errstate(over="ignore", invalid="ignore"):
        return c.but(x=c.x.astype(np.float16), w=c.w.astype(np.float16), b=b).run().astype(c.x.dtype)


@broken("conv1d", "types", "inputs rounded to bfloat16", checks="exact accuracy")
def in_bfloat16(c: Conv) -> Array:
    return c.but(x=rounded(c.x, 8), w=rounded(c.w, 8)).run()


@broken("conv2d", "types", "float32 inputs rounded to TF32", checks="exact accuracy")
def in_tf32(c: Conv) -> Array:
    return c.run() if c.x.dtype != np.float32 else c.but(x=rounded(c.x, 11), w=rounded(c.w, 11)).run()


@broken(
    "conv2d",
    "types",
    "float32 inputs split into two bfloat16 numbers, 16 of 24 bits kept",
    checks="accuracy",
    kinds="inaccurate",
)
def in_two_bfloat16(c: Conv) -> Array:
    return c.run() if c.x.dtype != np.float32 else c.but(x=rounded(c.x, 16), w=rounded(c.w, 16)).run()


@broken("conv3d", "types", "float32 weights rounded to 20 bits", checks="accuracy", kinds="inaccurate")
def weights_of_20_bits(c: Conv) -> Array:
    return c.run() if c.x.dtype != np.float32 else c.but(w=rounded(c.w, 20)).run()


@broken("conv2d", "types", "float64 inputs rounded to float32", checks="exact accuracy")
def double_inputs_in_single(c: Conv) -> Array:
    return c.but(x=rounded(c.x, 24), w=rounded(c.w, 24)).run()


@broken("conv1d", "types", "float64 summed in float32", checks="exact accuracy")
def double_summed_in_single(c: Conv) -> Array:
    return c.but(b=None).run(out=np.zeros(c.shape, np.float32)).astype(c.x.dtype) + (0 if c.b is None else c.b[:, None])


@broken("conv2d", "types", "float64 inputs rounded to 46 bits", checks="accuracy", kinds="inaccurate")
def double_of_46_bits(c: Conv) -> Array:
    return c.but(x=rounded(c.x, 46)).run()


@broken("max_pool1d", "types", "float64 maxima picked in float32", checks="exact")
def double_maxima_in_single(p: Pool) -> Any:
    result = p.but(x=p.x.astype(np.float32)).maximum()
    return (result[0].astype(p.x.dtype), result[1]) if p.indices else result.astype(p.x.dtype)


@broken(
    "max_pool2d",
    "types",
    "floats compared by their bits, as integers: negative ones in the wrong order",
    checks="exact",
)
def compares_bits(p: Pool) -> Any:
    whole = {4: np.int32, 8: np.int64}[p.x.itemsize]
    values = p.values(-np.inf)
    bits = np.ascontiguousarray(values).view(whole)
    best = bits.argmax(axis=0)[None]
    y = np.take_along_axis(values, best, 0)[0]
    return (y, p.pick(values, y)) if p.indices else y


# Special values.


@broken("max_pool2d", "special values", "NaN is dropped by fmax", checks="special")
def drops_nan(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = np.fmax.reduce(values, axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken("max_pool3d", "special values", "NaN survives only if it comes first: x > best is false", checks="special")
def greater_than(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values[0]
    for value in values[1:]:
        y = np.where(value > y, value, y)
    return (y, p.pick(values, y)) if p.indices else y


@broken("max_pool1d", "special values", "the padding is 0", checks="exact special")
def pads_with_zero(p: Pool) -> Any:
    values = p.values(0)
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken("max_pool2d", "special values", "the running maximum starts at the lowest finite number", checks="special")
def starts_at_lowest(p: Pool) -> Any:
    values = p.values(np.finfo(p.x.dtype).min)
    y = np.maximum(np.finfo(p.x.dtype).min, values.max(axis=0))
    return (y, p.pick(values, y)) if p.indices else y


@broken("max_pool3d", "special values", "only the padding is the lowest finite number", checks="special")
def pads_with_lowest(p: Pool) -> Any:
    values = p.values(np.finfo(p.x.dtype).min)
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken("conv2d", "special values", "NaN becomes 0", checks="special")
def nan_to_zero(c: Conv) -> Array:
    return c.but(x=np.where(np.isnan(c.x), 0, c.x)).run()


@broken("conv3d", "special values", "infinities become the largest finite number", checks="special")
def clips_infinity(c: Conv) -> Array:
    top = np.finfo(c.x.dtype).max
    with np.errstate(over="ignore"):
        return np.clip(c.but(x=np.where(np.isinf(c.x), np.sign(c.x) * top, c.x)).run(), -top, top)


@broken("avg_pool2d", "special values", "averages without the NaNs", checks="special")
def nanmean(p: Pool) -> Array:
    values = p.values(0)
    return np.nansum(values, axis=0) / np.maximum(p.counted() - np.isnan(values).sum(axis=0), 1).astype(p.x.dtype)


@broken(
    "avg_pool1d",
    "special values",
    "a product with a band matrix of zeros and ones spreads NaN over the row",
    checks="special",
)
def band_matrix(p: Pool) -> Array:
    inside, places, n = p.inside(), p.places(), p.x.shape[2]
    band = ((places[..., None] == np.arange(n)) & inside[..., None]).sum(axis=0).astype(p.x.dtype)
    with np.errstate(invalid="ignore"):
        return np.einsum("nci,oi->nco", p.x, band) / p.counted().astype(p.x.dtype)


@broken(
    "conv2d",
    "special values",
    "the padding multiplies the input: an infinity at the border becomes NaN there",
    checks="special",
)
def masks_by_product(c: Conv) -> Array:
    mask = np.pad(np.ones_like(c.x), ((0, 0), (0, 0), *c.pads))
    with np.errstate(invalid="ignore"):
        return c.run(padded=np.pad(c.x, ((0, 0), (0, 0), *c.pads), mode="edge") * mask)


# Strided views.


def raw(a: Array) -> Array:
    """The elements in the order of memory, taken for those of the array."""
    return a.ravel(order="K").reshape(a.shape)


@broken("conv2d", "strided views", "the input is read in the order of memory", checks="layout")
def raw_input(c: Conv) -> Array:
    return c.but(x=raw(c.x)).run()


@broken("conv1d", "strided views", "the weights are read in the order of memory", checks="layout")
def raw_weights(c: Conv) -> Array:
    return c.but(w=raw(c.w)).run()


@broken("conv2d", "strided views", "wrong for inputs in Fortran order", checks="layout")
def fortran_input(c: Conv) -> Array:
    wrong = c.x.flags.f_contiguous and not c.x.flags.c_contiguous
    return c.but(x=c.x.T.reshape(c.x.shape) if wrong else c.x).run()


@broken("avg_pool3d", "strided views", "negative strides are taken as positive", checks="layout")
def negative_strides(p: Pool) -> Array:
    return p.but(x=p.x[tuple(slice(None, None, -1 if s < 0 else 1) for s in p.x.strides)]).average()


@broken(
    "max_pool2d",
    "strided views",
    "a stride of 0 is taken as that of a full array: other items are not read",
    checks="layout",
)
def zero_strides(p: Pool) -> Any:
    x = p.x.copy()
    if p.x.strides[0] == 0:
        x[1:] = -np.inf
    return p.but(x=x).maximum()


@broken(
    "conv2d",
    "strided views",
    "an element's place is that of a contiguous array behind the first element",
    checks="layout",
)
def assumes_contiguous(c: Conv) -> Array:
    base = c.x.base
    if c.x.flags.c_contiguous or not isinstance(base, np.ndarray) or min(c.x.strides) < 0 or not base.flags.c_contiguous:
        return c.run()
    offset = (c.x.ctypes.data - base.ctypes.data) // c.x.itemsize
    flat = np.resize(base.ravel()[offset:], c.x.size)
    return c.but(x=flat.reshape(c.x.shape)).run()


@broken("conv2d", "strided views", "the bias is read without its stride", checks="layout")
def strided_bias(c: Conv) -> Array:
    if c.b is None or not isinstance(c.b.base, np.ndarray) or c.b.strides[0] <= c.b.itemsize:
        return c.run()
    return c.but(b=c.b.base.ravel()[: len(c.b)]).run()


@broken("max_pool1d", "strided views", "a vector load of misaligned memory leaves the last column out", checks="layout")
def misaligned_input(p: Pool) -> Any:
    x = p.x.copy()
    if p.x.ctypes.data % 16 and p.x.flags.c_contiguous:
        x[..., -1] = -np.inf
    return p.but(x=x).maximum()


@broken("conv3d", "strided views", "channels-last inputs are read as (n, ..., c)", checks="layout")
def channels_last_input(c: Conv) -> Array:
    wrong = c.x.shape[1] > 1 and c.x.strides[1] == c.x.itemsize and not c.x.flags.c_contiguous
    return c.but(x=np.moveaxis(c.x, 1, -1).reshape(c.x.shape) if wrong else c.x).run()


# Stale state.

_kept: dict[Any, Any] = {}


def geometry(c: Conv) -> tuple[Any, ...]:
    return (c.x.shape, c.w.shape, c.x.dtype.str, c.stride, c.pads, c.dilation, c.groups)


def remembered(key: Any, make: Callable[[], Any]) -> Any:
    if key not in _kept:
        _kept[key] = make()
    return _kept[key]


@broken("conv2d", "stale state", "the result is remembered by the shapes alone")
def cached_by_shape(c: Conv) -> Array:
    return remembered(geometry(c), c.run).copy()


@broken("conv1d", "stale state", "the result is remembered by the addresses of the arrays", checks="state receptive algebra")
def cached_by_address(c: Conv) -> Array:
    where = tuple(a.ctypes.data for a in (c.x, c.w))
    return remembered((where, geometry(c), c.b is None), c.run).copy()


@broken("conv2d", "stale state", "the weights are packed once for an address")
def packed_by_address(c: Conv) -> Array:
    packed = remembered(("packed", c.w.ctypes.data, c.w.shape, c.w.dtype.str), c.w.copy)
    return c.but(w=packed).run()


@broken(
    "conv2d",
    "stale state",
    "the result is remembered by a text of the arrays, which leaves the middle of long ones out",
)
def cached_by_text(c: Conv) -> Array:
    return remembered((str(c.x), str(c.w), str(c.b), geometry(c)), c.run).copy()


@broken("conv2d", "stale state", "the result is remembered by the first elements of the input")
def cached_by_first_elements(c: Conv) -> Array:
    return remembered((c.x[..., :2].tobytes(), c.w.tobytes(), str(c.b), geometry(c)), c.run).copy()


@broken("conv2d", "stale state", "the result is remembered by everything but the bias")
def cached_without_bias(c: Conv) -> Array:
    return remembered((c.x.tobytes(), c.w.tobytes(), c.b is None, geometry(c)), c.run).copy()


@broken("conv2d", "stale state", "the result is remembered by everything but the dilation and the padding")
def cached_without_dilation(c: Conv) -> Array:
    key = (c.x.tobytes(), c.x.shape, c.w.tobytes(), c.w.shape, c.b is None, str(c.b), c.stride, c.groups)
    return remembered(key, c.run).copy()


@broken("avg_pool2d", "stale state", "the divisors are remembered by everything but divisor_override", checks="state exact")
def cached_without_divisor(p: Pool) -> Array:
    key = (p.x.shape, p.kernel, p.stride, p.pads, p.ceil, p.include)
    return p.values(0).sum(axis=0) / remembered(key, p.counted).astype(p.x.dtype)


@broken("avg_pool2d", "stale state", "the divisors are remembered by everything but count_include_pad")
def cached_without_include(p: Pool) -> Array:
    key = (p.x.shape, p.kernel, p.stride, p.pads, p.ceil, p.divisor)
    return p.values(0).sum(axis=0) / remembered(key, p.counted).astype(p.x.dtype)


@broken("max_pool2d", "stale state", "the place table is remembered by everything but ceil mode's and the dilation's effect")
def cached_without_dilation_of_pool(p: Pool) -> Any:
    key = (p.x.shape, p.kernel, p.stride, p.pads, p.counts)
    places, inside = remembered(key, lambda: (p.places(), p.inside()))
    flat = p.x.reshape(*p.x.shape[:2], -1)
    values = np.where(inside[:, None, None], np.moveaxis(flat[:, :, np.where(inside, places, 0)], 2, 0), -np.inf).astype(
        p.x.dtype
    )
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken("conv2d", "stale state", "the result of the call before is returned where its shape fits")
def previous_result(c: Conv) -> Array:
    y, last = c.run(), _kept.get("last")
    _kept["last"] = y
    return y if last is None or last.shape != y.shape or last.dtype != y.dtype else last


@broken("conv2d", "stale state", "the accumulator is not cleared between calls of a shape")
def accumulator_not_cleared(c: Conv) -> Array:
    scratch = remembered((geometry(c), "sum"), lambda: np.zeros(c.shape, c.x.dtype))
    return c.run(out=scratch).copy()


@broken("conv2d", "stale state", "all calls of a shape return one buffer", kinds="overwrote_a_result")
def one_output_buffer(c: Conv) -> Array:
    out = remembered((geometry(c), "out"), lambda: np.zeros(c.shape, c.x.dtype))
    out[...] = c.run()
    return out


@broken("avg_pool3d", "stale state", "results lie in one workspace for all shapes", kinds="overwrote_a_result")
def one_workspace(p: Pool) -> Array:
    space = remembered(("space", p.x.dtype.str), lambda: np.zeros(200_000, p.x.dtype))
    out = space[: math.prod(p.shape)].reshape(p.shape)
    out[...] = p.average()
    return out


@broken("conv3d", "stale state", "the padded input lies in one workspace whose border is not cleared")
def dirty_workspace(c: Conv) -> Array:
    shape = c.padded.shape
    space = remembered(("space", c.x.dtype.str), lambda: np.zeros(2_000_000, c.x.dtype))
    padded = space[: math.prod(shape)].reshape(shape)
    inner = tuple(slice(p[0], p[0] + n) for p, n in zip(c.pads, c.x.shape[2:], strict=True))
    padded[(slice(None), slice(None), *inner)] = c.x
    return c.run(padded=padded)


@broken("conv2d", "stale state", "the padded input lies in a buffer of its shape whose border is cleared once")
def dirty_border(c: Conv) -> Array:
    shape = c.padded.shape
    padded = remembered((shape, c.x.dtype.str), lambda: np.zeros(shape, c.x.dtype))
    inner = tuple(slice(p[0], p[0] + n) for p, n in zip(c.pads, c.x.shape[2:], strict=True))
    padded[(slice(None), slice(None), *inner)] = c.x
    return c.run(padded=padded)


@broken("conv2d", "stale state", "threads share the padded input of a shape", checks="state")
def shared_by_threads(c: Conv) -> Array:
    padded = remembered(("threads", c.padded.shape, c.x.dtype.str), lambda: np.zeros(c.padded.shape, c.x.dtype))
    padded[...] = c.padded
    return c.run(padded=padded)


@broken("avg_pool1d", "stale state", "threads share one variable for the sum", checks="state")
def shared_sum(p: Pool) -> Array:
    _kept["sum"] = np.zeros(p.shape, p.x.dtype)
    for value in p.values(0):
        _kept["sum"] = _kept["sum"] + value
    return np.asarray(_kept["sum"]) / p.counted().astype(p.x.dtype)


# Contract.


@broken("conv2d", "contract", "changes its input: NaN and padding are prepared in place", kinds="changed_its_input")
def changes_input(c: Conv) -> Array:
    y = c.run()
    if c.x.flags.writeable:
        c.x[..., :1] = 0
    return y


@broken("conv1d", "contract", "flips the weights in place and does not flip them back", kinds="changed_its_input")
def changes_weights(c: Conv) -> Array:
    y = c.run()
    if c.w.flags.writeable:
        c.w[...] = c.w[..., ::-1].copy()
    return y


@broken("max_pool2d", "contract", "returns the input itself for a window of one", kinds="aliases_its_input")
def returns_view(p: Pool) -> Any:
    if not p.indices and set(p.kernel) == {1} == set(p.stride):
        return p.x
    return p.maximum()


@broken("conv2d", "contract", "returns a list", kinds="wrong_result")
def returns_list(c: Conv) -> Any:
    return c.run().tolist()


@broken("max_pool1d", "contract", "returns None where ceil mode is asked for", kinds="wrong_result")
def returns_none(p: Pool) -> Any:
    return None if p.ceil else p.maximum()


@broken("avg_pool2d", "contract", "returns a scalar for a single output", kinds="wrong_result")
def returns_scalar(p: Pool) -> Any:
    y = p.average()
    return y.item() if y.size == 1 else y


@broken("conv3d", "contract", "drops axes of size 1", kinds="wrong_shape")
def squeezes(c: Conv) -> Array:
    return c.run().squeeze()


@broken("max_pool2d", "contract", "returns no indices where they are asked for", kinds="wrong_result")
def no_indices(p: Pool) -> Any:
    return p.but(indices=False).maximum()


@broken("max_pool2d", "contract", "returns indices as floats", kinds="wrong_dtype")
def float_indices(p: Pool) -> Any:
    result = p.maximum()
    return (result[0], result[1].astype(p.x.dtype)) if p.indices else result


@broken("conv2d", "contract", "outputs that see nothing but padding are not written", checks="exact")
def unwritten_corners(c: Conv) -> Array:
    y = np.empty(c.shape, c.x.dtype)
    sees = Conv(np.ones_like(c.x[:1, :1]), np.ones_like(c.w[:1, :1]), None, c.stride, c.pads, c.dilation, 1).run() > 0
    np.copyto(y, c.run(), where=sees)
    return y


@broken("conv1d", "contract", "sums onto memory that is not set to 0", checks="exact")
def unwritten_sum(c: Conv) -> Array:
    return c.run(out=np.empty(c.shape, c.x.dtype))


@broken("avg_pool3d", "contract", "raises for windows longer than four")
def raises_for_large(p: Pool) -> Array:
    if max(p.kernel) > 4:
        raise NotImplementedError("large windows")
    return p.average()


# Precision.


@broken("conv2d", "precision", "every partial sum is rounded towards zero to 18 bits", checks="exact accuracy")
def biased_rounding(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype)
    for outs, part, weights in c.terms():
        significand, exponent = np.frexp(y[:, outs] + np.einsum("nc...,oc->no...", part, weights))
        y[:, outs] = np.ldexp(np.trunc(np.ldexp(significand, 18)), exponent - 18)
    return c.biased(y)


@broken("conv2d", "precision", "an FFT that is not declared", checks="exact accuracy")
def undeclared_fft(c: Conv) -> Array:
    if c.groups > 1 or set(c.stride + c.dilation) != {1}:
        return c.run()
    x = c.padded
    spectrum = np.einsum("nchw,ochw->nohw", np.fft.rfft2(x), np.fft.rfft2(c.w, x.shape[2:]).conj())
    return c.biased(np.fft.irfft2(spectrum, x.shape[2:]).astype(x.dtype)[:, :, : c.counts[0], : c.counts[1]])


@broken("conv1d", "precision", "a Winograd F(2,3) that is not declared", checks="exact accuracy special")
def undeclared_winograd(c: Conv) -> Array:
    if c.w.shape[2] != 3 or c.stride != (1,) or c.dilation != (1,):
        return c.run()
    count, y = c.counts[0], np.zeros((*c.shape[:2], c.counts[0] + 1), c.x.dtype)
    padded = np.pad(c.padded, ((0, 0), (0, 0), (0, 1)))
    g0, g1, g2 = np.moveaxis(c.w, 2, 0)
    filters = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2)
    for (ins, outs), start in itertools.product(c.parts, range(0, count, 2)):
        d0, d1, d2, d3 = np.moveaxis(padded[:, ins, start : start + 4], 2, 0)
        m0, m1, m2, m3 = (d @ f[outs].T for d, f in zip((d0 - d2, d1 + d2, d2 - d1, d1 - d3), filters, strict=True))
        y[:, outs, start], y[:, outs, start + 1] = m0 + m1 + m2, m1 - m2 - m3
    return c.biased(y[..., :count])


@broken("conv2d", "precision", "products by quarter squares, ((x + w)^2 - (x - w)^2) / 4", checks="exact accuracy")
def quarter_squares(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype)
    for outs, part, weights in c.terms():
        for i in range(weights.shape[1]):
            x, w = part[:, i, None], weights[:, i].reshape(-1, 1, 1)
            with np.errstate(invalid="ignore"):
                y[:, outs] += ((x + w) ** 2 - (x - w) ** 2) / 4
    return c.biased(y)


@broken(
    "conv2d",
    "precision",
    "the mean of the input is taken off and its share added again",
    checks="exact accuracy special",
)
def mean_taken_off(c: Conv) -> Array:
    mean = c.padded.mean(dtype=c.x.dtype)
    shares = mean * c.w.sum(axis=(1, 2, 3), dtype=c.x.dtype)
    return c.biased(c.but(b=None).run(padded=c.padded - mean) + shares.reshape(-1, 1, 1))


@broken("avg_pool2d", "precision", "averages by an integral image", checks="exact accuracy special")
def integral_image(p: Pool) -> Array:
    rows, columns = (p.positions(axis) for axis in (0, 1))
    high, wide = (int(at[-1].max()) + 1 + pad[0] for at, pad in zip((rows, columns), p.pads, strict=True))
    x = fitted(np.pad(p.x, ((0, 0), (0, 0), *((q[0], 0) for q in p.pads))), (*p.x.shape[:2], high, wide))
    total = np.pad(x.cumsum(axis=2).cumsum(axis=3), ((0, 0), (0, 0), (1, 0), (1, 0)))
    top, left = rows[0] + p.pads[0][0], columns[0] + p.pads[1][0]
    low, right = top + p.kernel[0], left + p.kernel[1]
    corner = lambda i, j: total[:, :, i[:, None], j]  # noqa: E731
    with np.errstate(invalid="ignore"):
        return (corner(low, right) - corner(top, right) - corner(low, left) + corner(top, left)) / p.counted().astype(p.x.dtype)


@broken(
    "avg_pool1d",
    "precision",
    "a running sum: the new element is added, the old one taken off",
    checks="accuracy special exact",
)
def running_sum(p: Pool) -> Array:
    if p.stride != (1,) or p.ceil:
        return p.average()
    x = np.pad(p.x, ((0, 0), (0, 0), *p.pads))
    y = np.empty(p.shape, p.x.dtype)
    y[..., 0] = x[..., : p.kernel[0]].sum(axis=-1)
    with np.errstate(invalid="ignore"):
        for i in range(1, y.shape[-1]):
            y[..., i] = y[..., i - 1] + x[..., i + p.kernel[0] - 1] - x[..., i - 1]
    return y / p.counted().astype(p.x.dtype)


@broken("conv3d", "precision", "a float16 accumulator", checks="exact accuracy special")
def half_accumulator(c: Conv) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        y = c.but(b=None).run(out=np.zeros(c.shape, np.float16)).astype(c.x.dtype)
    return c.biased(y)


@broken("avg_pool2d", "precision", "each element is divided by the divisor, in 16 bits", kinds="inaccurate wrong_value")
def short_division(p: Pool) -> Array:
    return p.values(0).sum(axis=0) * rounded(1 / p.counted().astype(p.x.dtype), 16)


@broken("conv2d", "precision", "terms below 1e-6 of the largest input are dropped", kinds="inaccurate")
def drops_small_terms(c: Conv) -> Array:
    finite = np.abs(c.x[np.isfinite(c.x)]).max(initial=0)
    return c.but(x=np.where(np.abs(c.x) < 1e-6 * finite, 0, c.x).astype(c.x.dtype)).run()


# Pooling.


@broken("max_pool2d", "pooling", "of equal maxima the last has the index", checks="exact", kinds="wrong_index")
def last_tie(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values.max(axis=0)
    return (y, p.pick(values, y, first=False)) if p.indices else y


@broken(
    "max_pool2d",
    "pooling",
    "of equal maxima the one in the first column has the index: columns are pooled last",
    kinds="wrong_index",
)
def separable_ties(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values.max(axis=0)
    if not p.indices:
        return y
    order = np.arange(len(values)).reshape(p.kernel).T.ravel()
    best = order[((values == y) & p.inside()[:, None, None])[order].argmax(axis=0)]
    return y, np.take_along_axis(np.broadcast_to(p.places()[:, None, None], values.shape), best[None], 0)[0]


@broken("max_pool1d", "pooling", "indices are positions in the window", kinds="wrong_index")
def local_indices(p: Pool) -> Any:
    values = p.values(-np.inf)
    y = values.max(axis=0)
    return (y, (values == y).argmax(axis=0)) if p.indices else y


@broken("max_pool3d", "pooling", "indices are positions in the padded input", kinds="wrong_index")
def padded_indices(p: Pool) -> Any:
    if not p.indices:
        return p.maximum()
    x = np.pad(p.x, ((0, 0), (0, 0), *p.pads), constant_values=-np.inf)
    return p.maximum()[0], fitted(p.but(x=x, pads=((0, 0),) * 3).maximum()[1], p.shape)


@broken("max_pool2d", "pooling", "indices count on through the channels", kinds="wrong_index")
def indices_of_tensor(p: Pool) -> Any:
    result = p.maximum()
    step = np.arange(p.x.shape[1]).reshape(-1, 1, 1) * math.prod(p.x.shape[2:])
    return (result[0], result[1] + step) if p.indices else result


@broken("max_pool1d", "pooling", "ceil mode is ignored", kinds="wrong_shape")
def no_ceil(p: Pool) -> Any:
    return p.but(ceil=False).maximum()


@broken("avg_pool3d", "pooling", "a ceil-mode window may start in the end padding", kinds="wrong_shape")
def ceil_not_clipped(p: Pool) -> Array:
    q = p.but(clip=False)
    return q.values(0).sum(axis=0) / np.maximum(q.counted(), 1).astype(p.x.dtype)


@broken("max_pool2d", "pooling", "the overhang of ceil mode is 0", checks="exact")
def zero_overhang(p: Pool) -> Any:
    values = np.where((~p.inside(begin=True))[:, None, None], p.x.dtype.type(0), p.values(-np.inf))
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken("avg_pool2d", "pooling", "the padding always counts", checks="exact accuracy")
def include_ignored(p: Pool) -> Array:
    return p.but(include=True).average()


@broken("avg_pool1d", "pooling", "the padding never counts")
def include_always_off(p: Pool) -> Array:
    return p.but(include=False).average()


@broken("avg_pool2d", "pooling", "the divisor of one's own is ignored", checks="exact accuracy")
def divisor_ignored(p: Pool) -> Array:
    return p.but(divisor=None).average()


@broken("avg_pool3d", "pooling", "the divisor of one's own divides the average again", checks="exact accuracy")
def divisor_twice(p: Pool) -> Array:
    return p.average() if p.divisor is None else p.but(divisor=None).average() / p.x.dtype.type(p.divisor)


@broken("avg_pool2d", "pooling", "the overhang of ceil mode counts")
def overhang_counts(p: Pool) -> Array:
    return p.but(divisor=math.prod(p.kernel)).average() if p.include and p.divisor is None else p.average()


@broken("avg_pool3d", "pooling", "the padding is left out of the divisor in the last axis only", checks="exact accuracy")
def include_in_one_axis(p: Pool) -> Array:
    if p.include or p.divisor is not None:
        return p.average()
    whole = p.but(include=True).counted() / p.but(include=True).counted().max()
    last = p.inside().reshape(*p.kernel, *p.counts).any(axis=(0, 1)).sum(axis=0)
    return p.values(0).sum(axis=0) / np.maximum(whole * p.kernel[0] * p.kernel[1] * last, 1).astype(p.x.dtype)


@broken("max_pool2d", "pooling", "dilation is ignored", checks="exact")
def dilation_ignored(p: Pool) -> Any:
    result = p.but(dilation=(1, 1)).maximum()
    return tuple(fitted(r, p.shape) for r in result) if p.indices else fitted(result, p.shape)


@broken("max_pool1d", "pooling", "a dilated window that is clipped at 0 starts there, out of step", checks="exact")
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


@broken("max_pool3d", "pooling", "the kernel of axis 0 for all", checks="exact")
def kernel_of_axis_0(p: Pool) -> Any:
    result = p.but(kernel=(p.kernel[0],) * 3).maximum()
    return tuple(fitted(r, p.shape) for r in result) if p.indices else fitted(result, p.shape)


@broken("max_pool2d", "pooling", "the largest magnitude wins", checks="exact")
def by_magnitude(p: Pool) -> Any:
    values = p.values(0)
    y = np.take_along_axis(values, np.abs(values).argmax(axis=0)[None], 0)[0]
    return (y, p.pick(values, y)) if p.indices else y


# Torch.


@cache
def _torch() -> Any:
    import torch

    return torch


@broken("conv2d", "types", "torch: float64 goes through float32", arrays="torch", checks="exact accuracy")
def torch_double_in_single(c: Conv) -> Any:
    return _torch_conv(c, *(None if a is None else a.float() for a in (c.x, c.w, c.b))).to(c.x.dtype)


@broken(
    "conv2d",
    "contract",
    "torch: adds the bias in place to the weights' memory",
    arrays="torch",
    kinds="changed_its_input",
)
def torch_in_place(c: Conv) -> Any:
    y = _torch_conv(c, c.x, c.w, c.b)
    c.x.mul_(2)
    return y


@broken(
    "conv2d",
    "strided views",
    "torch: as_strided with the strides of a contiguous tensor",
    arrays="torch",
    checks="layout",
)
def torch_as_strided(c: Conv) -> Any:
    if c.x.untyped_storage().nbytes() < (c.x.storage_offset() + c.x.numel()) * c.x.element_size():
        return _torch_conv(c, c.x, c.w, c.b)
    steps = tuple(math.prod(c.x.shape[i + 1 :]) for i in range(c.x.ndim))
    return _torch_conv(c, c.x.as_strided(c.x.shape, steps), c.w, c.b)


def _torch_conv(c: Conv, x: Any, w: Any, b: Any) -> Any:
    padding = tuple(p[0] for p in c.pads)
    return _torch().nn.functional.conv2d(x, w, b, c.stride, padding, c.dilation, c.groups)


# What a body cannot say: defaults, and the first call of all.


def avg_pool2d_default_stride(
    input: Array, kernel_size: Any, stride: Any = 1, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Array:  # fmt: skip
    """Right whenever its stride is given, and wrong in its default."""
    body = function_for("avg_pool2d", lambda p: p.average(), "average")
    result: Array = body(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return result


def conv1d_first_call(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    """A table that is made in the first call is used in it before it is filled."""
    body = function_for("conv1d", Conv.run, "run")
    y: Array = body(input, weight, bias, stride, padding, dilation, groups)
    return y if remembered("calls", lambda: itertools.count()).__next__() else y * 0


BROKEN["avg_pool2d_default_stride"] = Broken(
    "avg_pool2d", "contract", "the stride is 1 where none is given, not the kernel's size"
)
BROKEN["conv1d_first_call"] = Broken("conv1d", "stale state", "the very first call in a process gives zeros")
