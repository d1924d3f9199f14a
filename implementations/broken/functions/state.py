"""Results that depend on another call: remembered by too little, or in memory that is not cleared."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np

from implementations.broken.functions.base import broken, geometry, kept, remembered
from implementations.broken.functions.reference import Array, Conv, Pool


@broken(
    "conv2d", "state", "the result is remembered by the shapes alone", "two calls of one shape", causes=("remembered-by-shape",)
)
def cached_by_shape(c: Conv) -> Array:
    return remembered(geometry(c), c.run).copy()


@broken(
    "conv1d",
    "state",
    "the result is remembered by the addresses of the arrays",
    "other data at the address of the call before",
    checks="state receptive algebra special",
    causes=("remembered-by-address",),
)
def cached_by_address(c: Conv) -> Array:
    where = tuple(a.ctypes.data for a in (c.x, c.w))
    return remembered((where, geometry(c), c.b is None), c.run).copy()


@broken(
    "conv2d",
    "state",
    "the weights are packed once for an address",
    "other weights at the address of the call before",
    causes=("weights-remembered",),
)
def packed_by_address(c: Conv) -> Array:
    packed = remembered(("packed", c.w.ctypes.data, c.w.shape, c.w.dtype.str), c.w.copy)
    return c.but(w=packed).run()


@broken(
    "conv2d",
    "state",
    "the result is remembered by a text of the arrays, which leaves the middle of long ones out",
    "two inputs of more than 1000 elements that differ in the middle",
    causes=("remembered",),
)
def cached_by_text(c: Conv) -> Array:
    return remembered((str(c.x), str(c.w), str(c.b), geometry(c)), c.run).copy()


@broken(
    "conv2d",
    "state",
    "the result is remembered by the first elements of the input",
    "two inputs that differ behind the second column",
    causes=("remembered",),
)
def cached_by_first_elements(c: Conv) -> Array:
    return remembered((c.x[..., :2].tobytes(), c.w.tobytes(), str(c.b), geometry(c)), c.run).copy()


@broken(
    "conv2d",
    "state",
    "the result is remembered by everything but the bias",
    "two calls with another bias",
    causes=("remembered",),
)
def cached_without_bias(c: Conv) -> Array:
    return remembered((c.x.tobytes(), c.w.tobytes(), c.b is None, geometry(c)), c.run).copy()


@broken(
    "conv2d",
    "state",
    "the result is remembered by everything but the dilation and the padding",
    "two calls with another dilation or padding",
    causes=("remembered",),
)
def cached_without_dilation(c: Conv) -> Array:
    key = (c.x.tobytes(), c.x.shape, c.w.tobytes(), c.w.shape, c.b is None, str(c.b), c.stride, c.groups)
    return remembered(key, c.run).copy()


@broken(
    "avg_pool2d",
    "state",
    "the divisors are remembered by everything but divisor_override",
    "two calls with another divisor",
    source="pytorch/pytorch#94348",
    checks="state exact",
    causes=("parameters-remembered",),
)
def cached_without_divisor(p: Pool) -> Array:
    key = (p.x.shape, p.kernel, p.stride, p.pads, p.ceil, p.include)
    return p.values(0).sum(axis=0) / remembered(key, p.counted).astype(p.x.dtype)


@broken(
    "avg_pool2d",
    "state",
    "the divisors are remembered by everything but count_include_pad",
    "two calls that count the padding or do not",
    causes=("parameters-remembered",),
)
def cached_without_include(p: Pool) -> Array:
    key = (p.x.shape, p.kernel, p.stride, p.pads, p.ceil, p.divisor)
    return p.values(0).sum(axis=0) / remembered(key, p.counted).astype(p.x.dtype)


@broken(
    "max_pool2d",
    "state",
    "the place table is remembered by everything but ceil mode's and the dilation's effect",
    "two calls with another dilation and one output size",
    causes=("parameters-remembered",),
)
def cached_without_dilation_of_pool(p: Pool) -> Any:
    key = (p.x.shape, p.kernel, p.stride, p.pads, p.counts)
    places, inside = remembered(key, lambda: (p.places(), p.inside()))
    flat = p.x.reshape(*p.x.shape[:2], -1)
    values = np.where(inside[:, None, None], np.moveaxis(flat[:, :, np.where(inside, places, 0)], 2, 0), -np.inf).astype(
        p.x.dtype
    )
    y = values.max(axis=0)
    return (y, p.pick(values, y)) if p.indices else y


@broken(
    "conv2d",
    "state",
    "the result of the call before is returned where its shape fits",
    "two calls of one shape",
    causes=("previous-result",),
)
def previous_result(c: Conv) -> Array:
    y, last = c.run(), kept.get("last")
    kept["last"] = y
    return y if last is None or last.shape != y.shape or last.dtype != y.dtype else last


@broken(
    "conv2d",
    "state",
    "the accumulator is not cleared between calls of a shape",
    "two calls of one shape",
    causes=("not-cleared",),
)
def accumulator_not_cleared(c: Conv) -> Array:
    scratch = remembered((geometry(c), "sum"), lambda: np.zeros(c.shape, c.x.dtype))
    return c.run(out=scratch).copy()


@broken(
    "conv2d",
    "state",
    "all calls of a shape return one buffer",
    "two calls of one shape",
    kinds="overwrote_a_result",
    causes=("result-overwritten",),
)
def one_output_buffer(c: Conv) -> Array:
    out = remembered((geometry(c), "out"), lambda: np.zeros(c.shape, c.x.dtype))
    out[...] = c.run()
    return out


@broken(
    "avg_pool3d",
    "state",
    "results lie in one workspace for all shapes",
    "two calls",
    kinds="overwrote_a_result",
    causes=("result-overwritten",),
)
def one_workspace(p: Pool) -> Array:
    space = remembered(("space", p.x.dtype.str), lambda: np.zeros(200_000, p.x.dtype))
    out = space[: math.prod(p.shape)].reshape(p.shape)
    out[...] = p.average()
    return out


@broken(
    "conv3d",
    "state",
    "the padded input lies in one workspace whose border is not cleared",
    "padding, two calls of other shapes",
    causes=("scratch-not-cleared",),
)
def dirty_workspace(c: Conv) -> Array:
    shape = c.padded.shape
    space = remembered(("space", c.x.dtype.str), lambda: np.zeros(2_000_000, c.x.dtype))
    padded = space[: math.prod(shape)].reshape(shape)
    inner = tuple(slice(p[0], p[0] + n) for p, n in zip(c.pads, c.x.shape[2:], strict=True))
    padded[(slice(None), slice(None), *inner)] = c.x
    return c.run(padded=padded)


@broken(
    "conv2d",
    "state",
    "the padded input lies in a buffer of its shape whose border is cleared once",
    "two calls of one padded shape with other padding",
    causes=("shared-by-threads",),
)
def dirty_border(c: Conv) -> Array:
    shape = c.padded.shape
    padded = remembered((shape, c.x.dtype.str), lambda: np.zeros(shape, c.x.dtype))
    inner = tuple(slice(p[0], p[0] + n) for p, n in zip(c.pads, c.x.shape[2:], strict=True))
    padded[(slice(None), slice(None), *inner)] = c.x
    return c.run(padded=padded)


@broken(
    "conv2d",
    "state",
    "threads share the padded input of a shape",
    "two threads, one padded shape",
    source="ggml-org/ggml#483",
    checks="state",
    causes=("shared-by-threads",),
)
def shared_by_threads(c: Conv) -> Array:
    padded = remembered(("threads", c.padded.shape, c.x.dtype.str), lambda: np.zeros(c.padded.shape, c.x.dtype))
    padded[...] = c.padded
    return c.run(padded=padded)


@broken(
    "avg_pool1d", "state", "threads share one variable for the sum", "two threads", checks="state", causes=("shared-by-threads",)
)
def shared_sum(p: Pool) -> Array:
    kept["sum"] = np.zeros(p.shape, p.x.dtype)
    for value in p.values(0):
        kept["sum"] = kept["sum"] + value
    return np.asarray(kept["sum"]) / p.counted().astype(p.x.dtype)


@broken(
    "conv2d",
    "state",
    "the weights are packed once for an array, and not again after it was written to",
    "the same array of weights, changed in place between two calls",
    source="ooples/AiDotNet#1505",
    causes=("weights-remembered",),
)
def packed_by_identity(c: Conv) -> Array:
    key = ("packed", id(c.w))
    if key not in kept or kept[key][0]() is not c.w:
        kept[key] = weakref.ref(c.w), c.w.copy()
    return c.but(w=kept[key][1]).run()
