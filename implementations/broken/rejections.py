"""What accepts something invalid: it gives a plausible result where an error must be raised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, broken, fitted, padded


@broken("conv2d conv2d_input_grad", "rejection", "groups that do not divide channels are taken as one", "3 groups, 4 channels",
        unchecked=True)  # fmt: skip
def groups_that_do_not_divide(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(groups=1) if p.groups > 1 and p.channels % p.groups else p, a)


@broken("conv_transpose1d", "rejection", "0 groups are taken as one", "groups = 0", unchecked=True)
def no_groups(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(groups=1) if p.groups == 0 else p, a)


@broken("conv_transpose2d", "rejection", "any output padding is filled up with zeros", "output padding >= stride and dilation",
        unchecked=True)  # fmt: skip
def large_output_padding(p: Problem, a: Arrays, right: Right) -> Any:
    if all(w.output_padding < max(w.stride, w.dilation) for w in p.windows):  # type: ignore[union-attr]
        return right(p, a)
    return fitted(right(p.with_windows(output_padding=0), a), p.output_shape)


@broken("conv_transpose3d", "rejection", "negative output padding cuts the output", "output padding < 0", unchecked=True)
def negative_output_padding(p: Problem, a: Arrays, right: Right) -> Any:
    if min(p.output_padding) >= 0:
        return right(p, a)
    return fitted(right(p.with_windows(output_padding=0), a), p.output_shape)


@broken("conv_transpose2d", "rejection", "padding that leaves nothing gives an empty output", "padding over the output's size",
        unchecked=True)  # fmt: skip
def nothing_left(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a) if min(w.output for w in p.windows) > 0 else np.zeros((p.batch, p.out_channels, 0, 0), a["x"].dtype)


@broken("conv1d", "rejection", "the rest of a bias that is too long is not read", "a bias of more elements than output channels",
        unchecked=True)  # fmt: skip
def long_bias(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "b": a["b"][: p.out_channels]} if "b" in a and a["b"].ndim == 1 else a)


@broken("conv3d", "rejection", "a bias that is too short is filled up", "a bias of fewer elements than output channels",
        unchecked=True)  # fmt: skip
def short_bias(p: Problem, a: Arrays, right: Right) -> Any:
    short = "b" in a and 0 < a["b"].size < p.out_channels
    return right(p, {**a, "b": np.resize(a["b"], p.out_channels)} if short else a)


@broken("conv2d", "rejection", "weights of another type are converted", "float64 weights, float32 input", unchecked=True)
def mixed_types(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].astype(a["x"].dtype)})


@broken("conv1d_weight_grad max_pool3d", "rejection", "a negative stride is taken as positive", "stride < 0", unchecked=True)
def negative_stride(p: Problem, a: Arrays, right: Right) -> Any:
    changed = p
    for axis, w in enumerate(p.windows):
        changed = changed.with_axis(axis, stride=abs(w.stride))
    return right(changed, a)


@broken("conv2d", "rejection", "a stride of 0 is taken as 1", "stride = 0", source="pytorch/pytorch#27598", unchecked=True)
def stride_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.with_windows(stride=1) if min(p.stride) == 0 else p, a)


@broken("max_pool2d", "rejection", "a dilation of 0 is taken as 1", "dilation = 0", unchecked=True)
def dilation_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.with_windows(dilation=1) if min(p.dilation) == 0 else p, a)


@broken(
    "conv3d", "rejection", "a kernel longer than the input gives an empty output", "kernel > padded input",
    source="microsoft/CNTK#1710", unchecked=True,
)  # fmt: skip
def kernel_too_large(p: Problem, a: Arrays, right: Right) -> Any:
    if all(w.extent <= w.padded for w in p.windows):
        return right(p, a)
    return np.zeros((p.batch, p.out_channels, *(max(0, w.output) for w in p.windows)), a["x"].dtype)


@broken(
    "max_pool1d avg_pool2d", "rejection", "a negative quotient is cut off to 0, so that a kernel that does not fit has one place",
    "kernel > padded input by less than the stride", source="microsoft/onnxruntime#25234", unchecked=True,
)  # fmt: skip
def quotient_cut_off(p: Problem, a: Arrays, right: Right) -> Any:
    rooms = [(w.padded - w.extent, w.stride) for w in p.windows]
    if p.indices or p.ceil or not any(-stride < room < 0 for room, stride in rooms):
        return right(p, a)
    if any(room <= -stride for room, stride in rooms):
        return right(p, a)
    wide = np.pad(a["x"], [(0, 0), (0, 0), *((0, max(0, -room)) for room, _ in rooms)], mode="edge")
    return right(*padded(p, a, wide))


@broken(
    "conv1d", "rejection", "a kernel of no taps gives zeros", "kernel = 0", source="PaddlePaddle/Paddle#78237", unchecked=True
)
def kernel_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    if min(p.kernel) != 0:
        return right(p, a)
    return np.zeros((p.batch, p.out_channels, max(0, p.windows[0].output)), a["x"].dtype)


@broken("max_pool1d", "rejection", "negative padding crops", "padding < 0", source="pytorch/pytorch#83224", unchecked=True)
def negative_padding(p: Problem, a: Arrays, right: Right) -> Any:
    if min(map(min, p.padding)) >= 0:
        return right(p, a)
    (begin, end), size = p.padding[0], p.windows[0].size  # type: ignore[union-attr]
    return right(*padded(p, a, a["x"][:, :, -begin : size + end].copy()))


@broken("avg_pool2d", "rejection", "padding of more than half the kernel is averaged", "padding > kernel / 2", unchecked=True)
def padding_over_half(p: Problem, a: Arrays, right: Right) -> Any:
    if p.auto_pad or p.ceil or all(max(pair) <= k // 2 for pair, k in zip(p.padding, p.kernel, strict=True)):
        return right(p, a)
    return right(*padded(p, a, np.pad(a["x"], [(0, 0), (0, 0), *p.padding])))


@broken(
    "avg_pool3d", "rejection", "a divisor of 0 gives infinities", "divisor = 0", source="pytorch/pytorch#179303", unchecked=True
)
def divisor_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    if p.divisor != 0:
        return right(p, a)
    with np.errstate(divide="ignore", invalid="ignore"):
        return right(p.replace(divisor=1), a) / a["x"].dtype.type(0)


@broken("lp_pool2d", "rejection", "the norm 0 counts what is not 0", "norm = 0", unchecked=True)
def norm_of_zero(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(norm=1.0), {"x": (a["x"] != 0).astype(a["x"].dtype)}) if p.norm == 0 else right(p, a)


@broken("adaptive_avg_pool2d adaptive_max_pool1d", "rejection", "a negative output size is one window", "output size < 0",
        unchecked=True)  # fmt: skip
def negative_output(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.with_windows(output=1) if min(w.output for w in p.windows) < 0 else p, a)


@broken("max_unpool2d", "rejection", "indices behind the plane are put to its end", "an index behind its plane", unchecked=True)
def index_behind(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "indices": np.minimum(a["indices"], math.prod(w.size for w in p.windows) - 1)})  # type: ignore[union-attr]


@broken("max_unpool1d", "rejection", "negative indices count from the end", "an index below 0", unchecked=True)
def index_negative(p: Problem, a: Arrays, right: Right) -> Any:
    size = math.prod(w.size for w in p.windows)  # type: ignore[union-attr]
    return right(p, {**a, "indices": np.where(a["indices"] < 0, a["indices"] % max(1, size), a["indices"])})


@broken("conv_integer2d", "rejection", "zero points beyond the output channels are not read", "more zero points than channels",
        unchecked=True)  # fmt: skip
def many_zero_points(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w_zero": a["w_zero"][: p.out_channels]})


@broken("conv3d_input_grad max_pool2d_input_grad", "rejection", "gradients behind the output's size are not read",
        "a gradient longer than the output", unchecked=True)  # fmt: skip
def long_gradient(p: Problem, a: Arrays, right: Right) -> Any:
    wanted = p.array_shapes["dy"]
    longer = a["dy"].ndim == len(wanted) and a["dy"].shape[-1] > wanted[-1]
    return right(p, {**a, "dy": a["dy"][..., : wanted[-1]]} if longer else a)


@broken(
    "conv2d_weight_grad", "rejection", "items that input or gradient lack are left out", "batches that differ", unchecked=True
)
def batches_that_differ(p: Problem, a: Arrays, right: Right) -> Any:
    if p.unbatched or a["dy"].ndim != 4 or a["dy"].shape[0] == p.batch:
        return right(p, a)
    return right(p, {**a, "dy": a["dy"][: p.batch]})


@broken(
    "conv1d", "rejection", "input channels that the weights lack are not read", "more channels than the weights", unchecked=True
)
def channels_not_read(p: Problem, a: Arrays, right: Right) -> Any:
    more = not p.unbatched and a["x"].ndim == 3 and a["x"].shape[1] > p.channels
    return right(p, {**a, "x": a["x"][:, : p.channels]} if more else a)


@broken("avg_pool1d lp_pool3d", "rejection", "an axis in front of the batch is dropped", "an axis too many", unchecked=True)
def axis_dropped(p: Problem, a: Arrays, right: Right) -> Any:
    more = a["x"].ndim == len(p.array_shapes["x"]) + 1 and a["x"].shape[0] == 1
    return right(p, {**a, "x": a["x"][0]} if more else a)


@broken("conv2d_bias_grad", "rejection", "a gradient of one plane is a bias gradient of its sum", "axes too few", unchecked=True)
def plane_accepted(p: Problem, a: Arrays, right: Right) -> Any:
    return np.full(p.out_channels, a["dy"].sum(), a["dy"].dtype) if a["dy"].ndim == 2 else right(p, a)


@broken("conv2d", "rejection", "the difference of sizes is taken without its sign, so that a kernel too large has outputs",
        "kernel > padded input", source="keras-team/keras#6649", unchecked=True)  # fmt: skip
def size_without_sign(p: Problem, a: Arrays, right: Right) -> Any:
    if all(w.extent <= w.padded for w in p.windows) or min(p.stride) < 1:
        return right(p, a)
    return np.zeros((p.batch, p.out_channels, *(abs(w.padded - w.extent) // w.stride + 1 for w in p.windows)), a["x"].dtype)


@broken("conv2d", "rejection", "circular padding wider than the input is folded back once", "circular padding > size",
        source="scipy/scipy#12686", unchecked=True)  # fmt: skip
def circular_folded_once(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode != "circular" or all(max(pair) <= w.size for pair, w in zip(p.padding, p.windows, strict=True)):  # type: ignore[union-attr]
        return right(p, a)
    x = a["x"]
    for axis, (begin, end) in enumerate(p.padding):
        size = x.shape[2 + axis]
        at = np.arange(-begin, size + end)
        at = np.where(at < 0, at + size, np.where(at >= size, at - size, at))
        x = np.where(((at >= 0) & (at < size)).reshape(-1, *[1] * (1 - axis)), x.take(at.clip(0, size - 1), axis=2 + axis), 0)
    return right(*padded(p, a, np.ascontiguousarray(x.astype(a["x"].dtype))))


@broken("max_unpool2d", "rejection", "indices are cut to 32 bits before they are checked, so that 2^32 + 3 is 3",
        "an index over 2^32", source="pytorch/pytorch#197409", unchecked=True)  # fmt: skip
def index_cut_to_32_bits(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "indices": a["indices"].astype(np.int32).astype(a["indices"].dtype)})
