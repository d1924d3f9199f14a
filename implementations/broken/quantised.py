"""Quantised convolution with a bug each: zero points, scales, rounding and short accumulators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.problem import FORMATS, Problem
from implementations.broken.base import Arrays, Right, around, broken, moved, padded


def _sums(p: Problem, a: Arrays, right: Right) -> np.ndarray:
    """The int32 sums, before they are scaled."""
    plain = {name: array for name, array in a.items() if name not in ("scale", "y_zero")}
    return np.asarray(right(p.replace(result=""), plain))


def _scaled(p: Problem, a: Arrays, y: np.ndarray, rounding: Callable[[np.ndarray], np.ndarray] = np.rint) -> np.ndarray:
    """Sums in 8 bits again, or as they are where that is not asked for."""
    if not p.requantised:
        return y.astype(np.int32)
    limits = np.iinfo(FORMATS[p.result].numpy)
    made = rounding(y.astype(np.float32) * a["scale"].reshape(-1, *[1] * p.op.ndim)).astype(np.int64) + int(a["y_zero"])
    return np.clip(made, limits.min, limits.max).astype(limits.dtype)


@broken(
    "conv_integer2d",
    "quantisation",
    "the input's zero point is ignored",
    "a zero point that is not 0",
    causes=("zero-point-ignored",),
)
def zero_point_ignored(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "x_zero": np.zeros_like(a["x_zero"])})


@broken(
    "conv_integer1d",
    "quantisation",
    "the weights' zero point is added",
    "a zero point of the weights that is not 0",
    causes=("weight-zero-point-added",),
)
def zero_point_added(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w_zero": -a["w_zero"]})


@broken(
    "conv_integer3d",
    "quantisation",
    "the zero point of the first output channel is used for all",
    "several output channels",
    causes=("weight-zero-point-of-first",),
)
def zero_point_of_first(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w_zero": np.full_like(a["w_zero"], a["w_zero"][0])})


@broken(
    "conv_integer2d",
    "quantisation",
    "padding holds 0 instead of the zero point",
    "padding, a zero point that is not 0",
    causes=("padding-of-zero",),
)
def padding_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    return right(*padded(p, a, np.pad(a["x"], around(p.padding))))


@broken(
    "conv_integer1d", "quantisation", "the correction for the input's zero point sums all taps, at the border too", "padding",
    source="apache/tvm#13364", causes=("padding-of-zero",)
)  # fmt: skip
def correction_of_all_taps(p: Problem, a: Arrays, right: Right) -> Any:
    zero = np.zeros_like(a["x_zero"])
    y = _sums(p, {**a, "x_zero": zero}, right)
    taps = (a["w"].astype(np.int32) - a["w_zero"].astype(np.int32)[:, None, None]).sum(axis=(1, 2))
    return _scaled(p, a, y - int(a["x_zero"]) * taps.reshape(-1, 1))


@broken(
    "conv_integer2d", "quantisation", "pairs of products are summed in 16 bits, which saturate", "uint8 inputs near 255",
    source="microsoft/onnxruntime#24220", dtypes="uint8", causes=("pairs-saturate",)
)  # fmt: skip
def pairs_saturate(p: Problem, a: Arrays, right: Right) -> Any:
    if max(p.kernel) == 1 or p.groups > 1:
        return right(p, a)
    pairs, ordinary = np.zeros(p.output_shape, np.int64), {**a, "x_zero": np.zeros_like(a["x_zero"])}
    for first in range(0, p.kernel[1], 2):
        for row in range(p.kernel[0]):
            for channel in range(p.channels):
                w = np.broadcast_to(a["w_zero"].reshape(-1, 1, 1, 1), a["w"].shape).copy()
                at = (slice(None), channel, row, slice(first, first + 2))
                w[at] = a["w"][at]
                bare = {name: array for name, array in {**ordinary, "w": w}.items() if name != "b"}
                pairs += np.clip(_sums(p.replace(bias=False), bare, right), -32768, 32767)
    exact, without = _sums(p, a, right), _sums(p.replace(bias=False), {n: v for n, v in ordinary.items() if n != "b"}, right)
    return _scaled(p, a, exact - without + pairs)


@broken("conv_integer3d", "quantisation", "sums are kept in 16 bits, which wrap", "sums over 32767", causes=("sums-of-16-bits",))
def sums_wrap(p: Problem, a: Arrays, right: Right) -> Any:
    return _scaled(p, a, _sums(p, a, right).astype(np.int16))


@broken(
    "conv_integer1d", "quantisation", "uint8 inputs are read as int8", "uint8 over 127", dtypes="uint8", causes=("sign-of-type",)
)
def unsigned_as_signed(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(dtype="int8"), {**a, "x": a["x"].astype(np.int8), "x_zero": a["x_zero"].astype(np.int8)})


@broken("conv_integer2d", "quantisation", "differences from the zero point are kept in int8", "int8, a difference over 127",
        dtypes="int8", causes=("differences-saturate",))  # fmt: skip
def differences_saturate(p: Problem, a: Arrays, right: Right) -> Any:
    x = np.clip(a["x"].astype(np.int32) - int(a["x_zero"]), -128, 127).astype(np.int8)
    return right(p, {**a, "x": x, "x_zero": np.zeros_like(a["x_zero"])})


@broken(
    "conv_integer1d",
    "quantisation",
    "halves are rounded away from zero",
    "requantised, a scaled sum of a half",
    causes=("rounding-away",),
)
def halves_away(p: Problem, a: Arrays, right: Right) -> Any:
    return _scaled(p, a, _sums(p, a, right), lambda y: np.trunc(y + np.copysign(np.float32(0.5), y)))


@broken(
    "conv_integer2d",
    "quantisation",
    "halves are rounded up: floor of y + 0.5",
    "requantised, a half behind an even number",
    causes=("rounding-up",),
)
def halves_up(p: Problem, a: Arrays, right: Right) -> Any:
    return _scaled(p, a, _sums(p, a, right), lambda y: np.floor(y + np.float32(0.5)))


@broken("conv_integer3d", "quantisation", "scaled sums are cut off, not rounded", "requantised", causes=("rounding-cut",))
def cut_off(p: Problem, a: Arrays, right: Right) -> Any:
    return _scaled(p, a, _sums(p, a, right), np.trunc)


@broken(
    "conv_integer3d",
    "quantisation",
    "the scale of the first channel is used for all",
    "requantised, several output channels",
    causes=("scale-of-first",),
)
def scale_of_first(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "scale": np.full_like(a["scale"], a["scale"][0])} if p.requantised else a)


@broken(
    "conv_integer2d", "quantisation", "the bias is added behind the scale", "requantised, a bias",
    source="pytorch/executorch#20655", causes=("bias-unscaled",)
)  # fmt: skip
def bias_unscaled(p: Problem, a: Arrays, right: Right) -> Any:
    if not p.requantised or "b" not in a:
        return right(p, a)
    y = _sums(p.replace(bias=False), {name: array for name, array in a.items() if name != "b"}, right)
    limits = np.iinfo(FORMATS[p.result].numpy)
    made = np.rint(y.astype(np.float32) * a["scale"].reshape(-1, 1, 1)) + a["b"].reshape(-1, 1, 1) + int(a["y_zero"])
    return np.clip(made, limits.min, limits.max).astype(limits.dtype)


@broken(
    "conv_integer1d",
    "quantisation",
    "results wrap instead of being clipped",
    "requantised, a result out of range",
    causes=("results-wrap",),
)
def results_wrap(p: Problem, a: Arrays, right: Right) -> Any:
    if not p.requantised:
        return right(p, a)
    scaled = np.rint(_sums(p, a, right).astype(np.float32) * a["scale"].reshape(-1, 1)).astype(np.int64) + int(a["y_zero"])
    return scaled.astype(FORMATS[p.result].numpy)


@broken(
    "conv_integer3d",
    "quantisation",
    "clipped before the output's zero point is added",
    "requantised, a result near the ends",
    causes=("clipped-early",),
)
def clipped_before_zero_point(p: Problem, a: Arrays, right: Right) -> Any:
    if not p.requantised:
        return right(p, a)
    limits = np.iinfo(FORMATS[p.result].numpy)
    scaled = np.rint(_sums(p, a, right).astype(np.float32) * a["scale"].reshape(-1, 1, 1, 1)).astype(np.int64)
    inner = np.clip(scaled, -128, 127) + int(a["y_zero"])
    return np.clip(inner, limits.min, limits.max).astype(limits.dtype)


@broken(
    "conv_integer2d",
    "quantisation",
    "the scale is a fixed-point number of 8 bits whose sums round twice",
    "requantised",
    causes=("rounding-twice",),
)
def rounded_twice(p: Problem, a: Arrays, right: Right) -> Any:
    if not p.requantised:
        return right(p, a)
    fine = _sums(p, a, right).astype(np.float32) * a["scale"].reshape(-1, 1, 1)
    limits = np.iinfo(FORMATS[p.result].numpy)
    made = np.rint(np.rint(fine * 2) / 2).astype(np.int64) + int(a["y_zero"])
    return np.clip(made, limits.min, limits.max).astype(limits.dtype)


@broken(
    "conv_integer2d", "quantisation", "padding of more than half the outputs moves the taps", "padding before > outputs / 2",
    source="uxlfoundation/oneDNN#3981", causes=("result-one-later",)
)  # fmt: skip
def taps_skipped(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return moved(y, 3, 1) if 2 * p.padding[1][0] > p.output_shape[3] else y


@broken("conv_integer3d", "types", "the sums are returned as int64", "not requantised", dtypes="int8 uint8")
def long_sums(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return y if p.requantised else y.astype(np.int64)


@broken("conv_integer2d", "quantisation", "a uint8 result is the magnitude of what is negative, not 0",
        "requantised to uint8, a negative value", source="tenstorrent/tt-metal#56290")  # fmt: skip
def magnitude_of_negative(p: Problem, a: Arrays, right: Right) -> Any:
    if p.result != "uint8":
        return right(p, a)
    scaled = np.rint(_sums(p, a, right).astype(np.float32) * a["scale"].reshape(-1, 1, 1)).astype(np.int64) + int(a["y_zero"])
    return np.minimum(np.abs(scaled), 255).astype(np.uint8)
