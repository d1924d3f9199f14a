"""Gradients of convolution with a bug each."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, around, broken, fitted, moved, padded

_kept: dict[Any, Any] = {}


def _rest(p: Problem) -> list[int]:
    """Elements behind the last window, in each axis."""
    return [(w.padded - w.extent) % w.stride for w in p.windows]


@broken("conv2d_input_grad", "index", "the kernel is not turned round", "kernel > 1", causes=("kernel-flipped",))
def unflipped(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": np.flip(a["w"], (2, 3))})


@broken(
    "conv2d_input_grad", "index", "kernels of one row or one column are not turned round", "kernel 1xK",
    source="llvm/torch-mlir#4437", causes=("kernel-flipped",)
)  # fmt: skip
def unflipped_rows(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": np.flip(a["w"], (2, 3)) if 1 in p.kernel else a["w"]})


@broken(
    "conv1d_input_grad", "index", "the padding of the gradient is k - 1 - p, without the dilation", "dilation > 1, kernel > 1",
    source="jax-ml/jax#567", causes=("padding-without-dilation",)
)  # fmt: skip
def padding_without_dilation(p: Problem, a: Arrays, right: Right) -> Any:
    (w,) = p.windows
    return moved(right(p, a), 2, (w.kernel - 1) * (w.dilation - 1))


@broken(
    "conv2d_input_grad", "refused", "an input size that the stride leaves a rest of is refused where there is dilation",
    "dilation > 1, stride > 1 with a rest", source="pytorch/pytorch#13008", causes=("*stride leaves a rest*dilation*",)
)  # fmt: skip
def size_refused(p: Problem, a: Arrays, right: Right) -> Any:
    if max(p.dilation) > 1 and any(_rest(p)):
        raise ValueError("requested an input grad size that is not possible")
    return right(p, a)


@broken(
    "conv2d_input_grad", "refused", "turning a kernel round exchanges its axes, which raises where they differ",
    "kernel not square", source="mlpack/mlpack#3376", causes=("*kernels that differ by axis*",)
)  # fmt: skip
def kernel_not_square(p: Problem, a: Arrays, right: Right) -> Any:
    turned = np.empty_like(a["w"])
    turned[...] = np.rot90(a["w"], 1, (2, 3))
    return right(p, a)


@broken(
    "conv3d_input_grad", "index", "the depth of the gradient is written by the output's index", "stride or padding in depth",
    source="NervanaSystems/neon#111", causes=("padding-and-stride-ignored",)
)  # fmt: skip
def depth_of_output(p: Problem, a: Arrays, right: Right) -> Any:
    w, x = p.windows[0], p.input_shape
    dense = p.replace(auto_pad="").with_windows(mode="zeros")
    dense = dense.with_axis(0, stride=1, pad_begin=0, pad_end=0, size=w.output - 1 + w.extent)
    for axis in (1, 2):
        one = p.windows[axis]
        dense = dense.with_axis(axis, pad_begin=max(one.pad_begin, 0), pad_end=one.pad_end + min(one.pad_begin, 0))
    return fitted(right(p if p.pad_mode != "zeros" or min(min(pair) for pair in p.padding) < 0 else dense, a), x)


@broken(
    "conv1d_input_grad",
    "index",
    "the gradient is aligned with the end of the input",
    "stride > 1 with a rest",
    causes=("aligned-at-end",),
)
def aligned_at_end(p: Problem, a: Arrays, right: Right) -> Any:
    return moved(right(p, a), 2, _rest(p)[0])


@broken(
    "conv3d_input_grad",
    "groups",
    "every group is multiplied by the kernels of the first",
    "groups > 1",
    causes=("group-first-for-all",),
)
def kernels_of_first_group(p: Problem, a: Arrays, right: Right) -> Any:
    first = a["w"][: p.out_channels // p.groups]
    return right(p, {**a, "w": np.concatenate([first] * p.groups)})


@broken(
    "conv2d_input_grad",
    "borders",
    "what reflected padding copied gets no gradient",
    "reflected padding",
    causes=("reflect-as-zeros",),
)
def reflection_dropped(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.with_windows(mode="zeros") if p.pad_mode == "reflect" else p, a)


@broken(
    "conv1d_input_grad",
    "borders",
    "the gradient of replicated padding is put, not added, to the edge",
    "replicated padding",
    causes=("replicate-as-zeros",),
)
def replication_overwritten(p: Problem, a: Arrays, right: Right) -> Any:
    dx = right(p, a)
    (w,) = p.windows
    if p.pad_mode == "replicate" and w.pad_begin > 0 and p.channels == p.groups:
        dx[:, :, 0] = right(p.with_windows(mode="zeros"), a)[:, :, 0]
    return dx


@broken(
    "conv2d_input_grad",
    "borders",
    "cropped elements have the gradient of their neighbour",
    "negative padding",
    causes=("cropped-repeats-neighbour",),
)
def crop_repeated(p: Problem, a: Arrays, right: Right) -> Any:
    dx = right(p, a)
    for axis, (begin, end) in enumerate(p.padding):
        size, at = dx.shape[2 + axis], (slice(None),) * (2 + axis)
        if begin < 0:
            dx[(*at, slice(0, -begin))] = dx[(*at, slice(-begin, 1 - begin))]
        if end < 0:
            dx[(*at, slice(size + end, size))] = dx[(*at, slice(size + end - 1, size + end))]
    return dx


@broken(
    "conv1d_input_grad", "types", "the kernel is not conjugated", "a complex type", dtypes="complex64 complex128",
    causes=("not-conjugated",)
)  # fmt: skip
def kernel_not_conjugated(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].conj()})


@broken(
    "conv2d_input_grad", "state", "sums are added in an order that changes from call to call", "several output channels",
    source="soumith/cudnn.torch#274", causes=("sums-in-varying-order",)
)  # fmt: skip
def order_of_atomics(p: Problem, a: Arrays, right: Right) -> Any:
    _kept["calls"] = _kept.get("calls", 0) + 1
    if _kept["calls"] % 2 and p.groups == 1:
        return right(p, {"dy": a["dy"][:, ::-1], "w": a["w"][::-1]})
    return right(p, a)


@broken(
    "conv1d_input_grad", "state", "the kernel lies in a variable that threads share until the product is made",
    "calls from several threads", source="arrayfire/arrayfire#3711", causes=("shared-by-threads",)
)  # fmt: skip
def shared_kernel(p: Problem, a: Arrays, right: Right) -> Any:
    _kept["w", a["w"].shape, p.dtype] = a["w"].copy()
    time.sleep(1e-4)  # the launch comes later than the copy
    return right(p, {**a, "w": _kept["w", a["w"].shape, p.dtype]})


@broken(
    "conv2d_weight_grad", "index", "the stride is taken as dilation and the dilation as stride", "stride != dilation, kernel > 1",
    source="iree-org/iree-turbine#1223", causes=("stride-and-dilation-exchanged",)
)  # fmt: skip
def stride_for_dilation(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode != "zeros" or min(min(pair) for pair in p.padding) < 0:
        return right(p, a)
    sizes = [(w.output - 1) * w.dilation + (w.kernel - 1) * w.stride + 1 for w in p.windows]
    x = fitted(np.pad(a["x"], around(p.padding)), (*p.input_shape[:2], *sizes))
    swapped, arrays = padded(p, a, x)
    for axis, w in enumerate(p.windows):
        swapped = swapped.with_axis(axis, stride=w.dilation, dilation=w.stride)
    return right(swapped, arrays)


@broken(
    "conv2d_weight_grad", "groups", "depthwise: the last kernel row lacks the last row of outputs", "groups = channels > 1",
    source="pytorch/pytorch#50042", causes=("last-tap-at-last-place",)
)  # fmt: skip
def last_row_of_depthwise(p: Problem, a: Arrays, right: Right) -> Any:
    dw = right(p, a)
    if p.groups == p.channels > 1:
        dy = a["dy"].copy()
        dy[:, :, -1] = 0
        dw[:, :, -1] = right(p, {**a, "dy": dy})[:, :, -1]
    return dw


@broken(
    "conv1d_weight_grad", "groups", "the channel axis is transposed as if there were no groups",
    "groups > 1 and several channels in each", source="ml-explore/mlx#2495", causes=("groups-interleaved",)
)  # fmt: skip
def interleaved_groups(p: Problem, a: Arrays, right: Right) -> Any:
    x = a["x"].reshape(p.batch, p.channels // p.groups, p.groups, -1).swapaxes(1, 2).reshape(a["x"].shape)
    return right(p, {**a, "x": x})


@broken(
    "conv2d_weight_grad", "index", "the gradient is not cropped to the kernel where the stride leaves a rest",
    "stride > 1 with a rest", source="meta-pytorch/opacus#245", causes=("weight-grad-uncropped",)
)  # fmt: skip
def not_cropped(p: Problem, a: Arrays, right: Right) -> Any:
    dw = right(p, a)
    return fitted(dw, (*dw.shape[:2], *(size + rest for size, rest in zip(dw.shape[2:], _rest(p), strict=True))))


@broken("conv3d_weight_grad", "tails", "items of the batch behind the fourth are not added", "batch > 4", causes=("*batch ≥ 5*",))
def four_items(p: Problem, a: Arrays, right: Right) -> Any:
    x = a["x"].copy()
    x[4:] = 0
    return right(p, {**a, "x": x})


@broken("conv2d_weight_grad", "index", "the mean over the batch instead of the sum", "batch > 1", causes=("mean-over-batch",))
def mean_over_batch(p: Problem, a: Arrays, right: Right) -> Any:
    dw = right(p, a)
    return (dw / max(p.batch, 1)).astype(dw.dtype)


@broken(
    "conv1d_weight_grad",
    "state",
    "the gradient is added to that of the call before",
    "two calls of one shape",
    causes=("not-cleared",),
)
def accumulated(p: Problem, a: Arrays, right: Right) -> Any:
    key = (p.dtype, p.result_shape)
    _kept[key] = _kept.get(key, 0) + right(p, a)
    return _kept[key].astype(p.format.numpy)


@broken(
    "conv2d_weight_grad",
    "index",
    "the padding before and behind is exchanged",
    "padding that differs before and behind",
    causes=("padding-ends-exchanged",),
)
def pad_ends_exchanged(p: Problem, a: Arrays, right: Right) -> Any:
    swapped = p.replace(auto_pad="")
    for axis, (begin, end) in enumerate(p.padding):
        swapped = swapped.with_axis(axis, pad_begin=end, pad_end=begin)
    return right(swapped, a)


@broken("conv3d_weight_grad", "borders", "circular padding is taken for zeros", "circular padding", causes=("circular-as-zeros",))
def circular_as_zeros(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.with_windows(mode="zeros") if p.pad_mode == "circular" else p, a)


@broken(
    "conv2d_weight_grad", "types", "the input is not conjugated", "a complex type", dtypes="complex64 complex128",
    causes=("not-conjugated",)
)  # fmt: skip
def input_not_conjugated(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "x": a["x"].conj()})


@broken("conv1d_bias_grad", "bias", "the first item of the batch alone", "batch > 1", causes=("first-item-alone",))
def first_item(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(batch=min(p.batch, 1)), {"dy": a["dy"][:1]})


@broken(
    "conv3d_bias_grad", "bias", "the mean over the places instead of the sum", "several outputs", causes=("mean-over-places",)
)
def mean_over_places(p: Problem, a: Arrays, right: Right) -> Any:
    db = right(p, a)
    return (db / np.prod(p.output_shape[2:])).astype(db.dtype)


@broken(
    "conv2d_bias_grad",
    "bias",
    "summed over channels and width, not by channel",
    "several outputs",
    source="snuspl/cruise#800",
    causes=("bias-grad-of-other-axis",),
)
def summed_over_rows(p: Problem, a: Arrays, right: Right) -> Any:
    return fitted(a["dy"].sum(axis=(0, 1, 3), dtype=a["dy"].dtype), (p.out_channels,))


@broken("conv2d_double_grad", "index", "the dilation is ignored", "dilation > 1, kernel > 1", causes=("dilation-ignored",))
def second_without_dilation(p: Problem, a: Arrays, right: Right) -> Any:
    return fitted(right(p.replace(auto_pad="").with_windows(dilation=1), a), p.result_shape)


@broken("conv3d_double_grad", "index", "the kernel is turned round", "kernel > 1", causes=("kernel-flipped",))
def second_flipped(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": np.flip(a["w"], (2, 3, 4))})


@broken(
    "conv1d_double_grad",
    "types",
    "the kernel is conjugated once more",
    "a complex type",
    dtypes="complex64 complex128",
    causes=("conjugated",),
)
def second_conjugated(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].conj()})


@broken(
    "conv2d_double_grad",
    "groups",
    "only the first channel of each group is read",
    "several channels in a group",
    causes=("first-channel-alone",),
)
def second_of_first_channels(p: Problem, a: Arrays, right: Right) -> Any:
    w = a["w"].copy()
    w[:, 1:] = 0
    return right(p, {**a, "w": w})


@broken(
    "conv2d_input_grad", "gradients", "the second half of the output channels overwrites what the first half added",
    "several output channels", source="FluxML/NNlib.jl#538", causes=("half-of-channels",)
)  # fmt: skip
def halves_overwritten(p: Problem, a: Arrays, right: Right) -> Any:
    w = a["w"].copy()
    w[: p.out_channels // 2] = 0
    return right(p, {**a, "w": w})


@broken(
    "conv2d_input_grad", "index", "the gradient lies in rows that are shorter by what the stride leaves",
    "a stride that leaves a rest", source="flagos-ai/FlagGems#1576", causes=("*stride leaves a rest*",)
)  # fmt: skip
def rows_without_rest(p: Problem, a: Arrays, right: Right) -> Any:
    dx = right(p, a)
    high, wide = (max(0, size - rest) for size, rest in zip(dx.shape[2:], _rest(p), strict=True))
    flat = np.zeros((*dx.shape[:2], math.prod(dx.shape[2:])), dx.dtype)
    flat[:, :, : high * wide] = dx[:, :, :high, :wide].reshape(*dx.shape[:2], -1)
    return flat.reshape(dx.shape)


@broken(
    "conv2d_input_grad", "index", "a kernel of 2x2 with dilation 2 in the first axis alone is transposed",
    "float32, kernel 2x2, dilation (2, 1)", source="ROCm/legacy-rocm-build#4606", dtypes="float32",
    causes=("kernel-axes-exchanged",)
)  # fmt: skip
def two_by_two_dilated_in_rows(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"].swapaxes(2, 3)} if p.kernel == (2, 2) and p.dilation == (2, 1) else a)
