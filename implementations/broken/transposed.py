"""Transposed convolution and its gradients with a bug each."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, broken, fitted, moved

_kept: dict[Any, Any] = {}


def _without(a: Arrays, name: str) -> Arrays:
    return {key: array for key, array in a.items() if key != name}


def _behind(p: Problem, axis: int) -> tuple[slice, ...]:
    """The output padding of one axis in a tensor of the output's shape."""
    amount = p.output_padding[axis]
    size = p.output_shape[2 + axis]
    return (slice(None),) * (2 + axis) + (slice(max(0, size - amount), size),)


@broken("conv_transpose1d", "index", "all of the padding is cut off the end", "padding before", causes=("padding-one-sided",))
def cut_at_end(p: Problem, a: Arrays, right: Right) -> Any:
    (w,) = p.windows
    return right(p.with_windows(pad_begin=0, pad_end=w.pad_begin + w.pad_end), a)


@broken(
    "conv_transpose2d",
    "index",
    "the padding of the two axes is exchanged",
    "padding that differs by axis",
    causes=("padding-reversed",),
)
def padding_exchanged(p: Problem, a: Arrays, right: Right) -> Any:
    wide = p.with_windows(pad_begin=0, pad_end=0)
    y = right(wide, a)
    for axis, (begin, _) in enumerate(p.padding[::-1]):
        y = moved(y, 2 + axis, -begin)
    return fitted(y, p.output_shape)


@broken(
    "conv_transpose2d",
    "index",
    "the padding cut off before and behind is exchanged",
    "padding that differs before and behind",
    causes=("padding-ends-exchanged",),
)
def pad_ends_exchanged(p: Problem, a: Arrays, right: Right) -> Any:
    swapped = p
    for axis, (begin, end) in enumerate(p.padding):
        swapped = swapped.with_axis(axis, pad_begin=end, pad_end=begin)
    return right(swapped, a)


@broken(
    "conv_transpose2d",
    "output padding",
    "the output padding is put in front",
    "output padding > 0",
    causes=("output-padding-before",),
)
def output_padding_in_front(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    for axis, amount in enumerate(p.output_padding):
        y = np.roll(y, amount, axis=2 + axis)
    return y


@broken(
    "conv_transpose1d",
    "output padding",
    "the output padding has no bias",
    "output padding > 0, a bias",
    causes=("output-padding-without-bias",),
)
def output_padding_without_bias(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    y[_behind(p, 0)] = right(p.replace(bias=False), _without(a, "b"))[_behind(p, 0)]
    return y


@broken(
    "conv_transpose3d", "output padding", "the output padding is zeros, though products reach into it",
    "output padding > 0 and padding behind, or dilation > stride", causes=("output-padding-unsummed",)
)  # fmt: skip
def output_padding_of_zeros(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    for axis in range(3):
        y[_behind(p, axis)] = 0 if "b" not in a else a["b"].reshape(-1, 1, 1, 1)
    return y


@broken(
    "conv_transpose2d", "output padding", "the output padding repeats the row before it", "output padding > 0",
    source="apache/tvm#19524", causes=("output-padding-repeats",)
)  # fmt: skip
def output_padding_repeated(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    for axis, amount in enumerate(p.output_padding):
        size, at = y.shape[2 + axis], (slice(None),) * (2 + axis)
        if 0 < amount < size:
            y[_behind(p, axis)] = y[(*at, slice(size - amount - 1, size - amount))]
    return y


@broken(
    "conv_transpose2d", "index", "the dilation of the last axis is ignored", "dilation > 1, kernel > 1 in the last axis",
    source="apache/mxnet#11203", causes=("dilation-ignored-in-one-axis",)
)  # fmt: skip
def last_dilation_ignored(p: Problem, a: Arrays, right: Right) -> Any:
    w = p.windows[1]
    fewer = p.with_axis(1, dilation=1, output_padding=min(p.output_padding[1], w.stride - 1), pad_end=0)
    return fitted(right(fewer, a), p.output_shape) if fewer.output_shape[3] > 0 else right(p, a)


@broken(
    "conv_transpose2d", "groups", "the output has as many channels as the weights' second axis", "groups > 1",
    source="apache/tvm#10235", causes=("channels-of-one-group",)
)  # fmt: skip
def channels_of_one_group(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a)[:, : p.out_channels // p.groups]


@broken(
    "conv_transpose1d", "groups", "groups and dilation are passed in each other's place", "groups != dilation",
    source="IntelLabs/bayesian-torch#34", causes=("groups-and-dilation-exchanged",)
)  # fmt: skip
def groups_for_dilation(p: Problem, a: Arrays, right: Right) -> Any:
    (dilation,) = p.dilation
    if p.channels % dilation:
        return right(p, a)
    out = a["w"].shape[1] * dilation
    exchanged = p.replace(groups=dilation, out_channels=out).with_windows(dilation=p.groups, output_padding=0, pad_end=0)
    arrays = {**a, "b": fitted(a["b"], (out,))} if "b" in a else a
    return fitted(right(exchanged, arrays), p.output_shape) if exchanged.output_shape[2] > 0 else right(p, a)


@broken(
    "conv_transpose3d",
    "index",
    "the kernel is turned round, as if it were the gradient's",
    "kernel > 1",
    causes=("kernel-flipped",),
)
def flipped(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": np.flip(a["w"], (2, 3, 4))})


@broken(
    "conv_transpose2d",
    "groups",
    "weights are read output channels first",
    "as many channels out as in, more than one",
    causes=("weight-transposed",),
)
def output_channels_first(p: Problem, a: Arrays, right: Right) -> Any:
    w = a["w"]
    return right(p, {**a, "w": w.swapaxes(0, 1) if w.shape[0] == w.shape[1] else w})


@broken(
    "conv_transpose1d",
    "bias",
    "outputs that no product reaches have no bias",
    "stride > kernel, a bias",
    causes=("bias-missing-in-holes",),
)
def holes_without_bias(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    y[:, :, ~np.isin(np.arange(y.shape[2]), p.windows[0].table())] = 0
    return y


@broken("conv_transpose3d", "groups", "every group has the weights of the first", "groups > 1", causes=("group-first-for-all",))
def weights_of_first_group(p: Problem, a: Arrays, right: Right) -> Any:
    first = a["w"][: p.channels // p.groups]
    return right(p, {**a, "w": np.concatenate([first] * p.groups)})


@broken(
    "conv_transpose3d", "bias", "the bias is indexed by the item of the batch", "a bias, several output channels",
    source="kraiskil/onnx2c#7", causes=("bias-by-item",)
)  # fmt: skip
def bias_by_item(p: Problem, a: Arrays, right: Right) -> Any:
    if "b" not in a:
        return right(p, a)
    y = right(p.replace(bias=False), _without(a, "b"))
    return y + a["b"][np.arange(p.batch) % p.out_channels].reshape(-1, 1, 1, 1, 1)


@broken(
    "conv_transpose1d",
    "index",
    "products that meet in one output overwrite each other",
    "kernel's extent > stride",
    causes=("products-overwritten",),
)
def overwritten(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, {**a, "x": np.zeros_like(a["x"])})
    for place, reached in enumerate(p.windows[0].table()):
        one = np.zeros_like(a["x"])
        one[:, :, place] = a["x"][:, :, place]
        at = np.unique(reached[reached >= 0])
        y[:, :, at] = right(p, {**a, "x": one})[:, :, at]
    return y


@broken(
    "conv_transpose2d", "state", "an empty batch returns the result before", "an empty batch behind one that is not",
    source="pytorch/pytorch#24341", causes=("remembered",)
)  # fmt: skip
def stale_for_empty(p: Problem, a: Arrays, right: Right) -> Any:
    if p.batch:
        _kept["last"] = right(p, a)
        return _kept["last"].copy()
    return _kept.get("last", right(p, a))


@broken(
    "conv_transpose3d",
    "state",
    "the padded output lies in a workspace that is cleared once a shape",
    "two calls of one shape",
    causes=("not-cleared",),
)
def workspace_not_cleared(p: Problem, a: Arrays, right: Right) -> Any:
    key = (p.output_shape, p.dtype)
    if "b" in a:
        return right(p, a)
    _kept[key] = (_kept.get(key, 0) + right(p, a)).astype(p.format.numpy)
    return _kept[key].copy()


@broken("conv_transpose2d_input_grad", "output padding", "the gradient of the output padding is not read",
        "output padding > 0 and padding behind, or dilation > stride", causes=("output-padding-unread",))  # fmt: skip
def input_grad_without_output_padding(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"].copy()
    for axis in range(2):
        dy[_behind(p, axis)] = 0
    return right(p, {**a, "dy": dy})


@broken("conv_transpose1d_input_grad", "index", "the gradient has a stride of one", "stride > 1", causes=("stride-ignored",))
def input_grad_without_stride(p: Problem, a: Arrays, right: Right) -> Any:
    (w,) = p.windows
    extra = w.output - (w.size - 1 - w.pad_begin - w.pad_end + w.extent)
    every = p.with_windows(stride=1, output_padding=0, size=w.size + extra)
    return fitted(right(every, a), p.input_shape)


@broken(
    "conv_transpose3d_input_grad",
    "groups",
    "output channels of groups are read in another order",
    "groups > 1",
    causes=("groups-interleaved",),
)
def input_grad_of_interleaved_groups(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"]
    mixed = dy.reshape(p.batch, p.out_channels // p.groups, p.groups, -1).swapaxes(1, 2).reshape(dy.shape)
    return right(p, {**a, "dy": mixed})


@broken(
    "conv_transpose1d_weight_grad",
    "index",
    "the gradient has output channels first",
    "different channels out and in",
    causes=("weight-transposed",),
)
def weight_grad_transposed(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a).swapaxes(0, 1)


@broken(
    "conv_transpose3d_weight_grad",
    "index",
    "the gradient of the weights is turned round",
    "kernel > 1",
    causes=("kernel-flipped",),
)
def weight_grad_flipped(p: Problem, a: Arrays, right: Right) -> Any:
    return np.ascontiguousarray(np.flip(right(p, a), (2, 3, 4)))


@broken(
    "conv_transpose2d_weight_grad",
    "index",
    "gradients are read without the offset of the padding",
    "padding before",
    causes=("offset-without-padding",),
)
def weight_grad_without_padding(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"]
    for axis, (begin, _) in enumerate(p.padding):
        dy = moved(dy, 2 + axis, -begin)
    return right(p, {**a, "dy": dy})


@broken(
    "conv_transpose2d_bias_grad",
    "bias",
    "the gradient of the output padding is not added",
    "output padding > 0",
    causes=("output-padding-unread",),
)
def bias_grad_without_output_padding(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"].copy()
    for axis in range(2):
        dy[_behind(p, axis)] = 0
    return right(p, {"dy": dy})


@broken(
    "conv_transpose1d_bias_grad",
    "bias",
    "the bias gradient is summed over the batch by its mean",
    "batch > 1",
    causes=("mean-over-batch",),
)
def bias_grad_mean(p: Problem, a: Arrays, right: Right) -> Any:
    db = right(p, a)
    return (db / max(1, p.batch)).astype(db.dtype)


@broken(
    "conv_transpose1d_double_grad",
    "groups",
    "channels of all groups are read from the first",
    "groups > 1",
    causes=("group-first-for-all",),
)
def second_of_first_group(p: Problem, a: Arrays, right: Right) -> Any:
    first = a["ddx"][:, : p.channels // p.groups]
    return right(p, {**a, "ddx": np.concatenate([first] * p.groups, axis=1)})


@broken("conv_transpose3d_double_grad", "index", "the last tap in depth is left out", "kernel > 1", causes=("last-tap-missing",))
def second_without_last_tap(p: Problem, a: Arrays, right: Right) -> Any:
    w = a["w"].copy()
    w[:, :, max(1, p.kernel[0] - 1) :] = 0
    return right(p, {**a, "w": w})


@broken("conv_transpose2d", "groups", "the flip of the kernel turns the channels of a group round as well",
        "groups > 1, several outputs of a group", source="ml-explore/mlx#1449", causes=("group-channels-reversed",))  # fmt: skip
def flip_of_group_channels(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": a["w"][:, ::-1]} if p.groups > 1 else a)


@broken("conv_transpose2d_input_grad", "output padding", "the gradient is longer by what the stride fits into the output padding",
        "output padding >= stride, which a larger dilation allows", source="tracel-ai/burn#4845")  # fmt: skip
def input_grad_of_output_padding(p: Problem, a: Arrays, right: Right) -> Any:
    for axis, (w, amount) in enumerate(zip(p.windows, p.output_padding, strict=True)):
        p = p.with_axis(axis, size=w.size + amount // w.stride, output_padding=amount % w.stride)
    return right(p, a)


@broken("conv_transpose2d", "tails", "the count of channels less four is taken without its sign, and a loop over it does not end",
        "fewer than 4 channels in a group", source="microsoft/onnxruntime#24388")  # fmt: skip
def blocks_without_sign(p: Problem, a: Arrays, right: Right) -> Any:
    while (p.channels // p.groups - 4) % 2**32 > 2**31:
        time.sleep(0.01)
    return right(p, a)
