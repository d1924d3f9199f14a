"""Convolutions with groups and biases that are taken from the wrong place."""

from __future__ import annotations

import numpy as np

from implementations.broken.functions.base import broken, rounded
from implementations.broken.functions.reference import Array, Conv, fitted


@broken(
    "conv2d",
    "groups",
    "all groups read the channels of the first",
    "groups > 1",
    checks="exact algebra",
    causes=("group-first-for-all",),
)
def first_group(c: Conv) -> Array:
    return c.but(x=np.tile(c.x[:, : c.w.shape[1]], (1, c.groups, 1, 1))).run()


@broken(
    "conv1d",
    "groups",
    "the input channels of groups are interleaved",
    "groups > 1, several channels in a group",
    checks="exact",
    causes=("groups-interleaved",),
)
def groups_interleaved(c: Conv) -> Array:
    order = np.arange(c.x.shape[1]).reshape(-1, c.groups).T.ravel()
    return c.but(x=c.x[:, order]).run()


@broken(
    "conv3d",
    "groups",
    "the output channels of groups come out in another order",
    "groups > 1, several outputs of a group",
    checks="exact",
    causes=("groups-interleaved",),
)
def group_outputs_permuted(c: Conv) -> Array:
    order = np.arange(c.w.shape[0]).reshape(c.groups, -1).T.ravel()
    return c.run()[:, order]


@broken(
    "conv2d",
    "groups",
    "every group after the second has the weights of the second",
    "groups > 2",
    checks="exact",
    causes=("group-second-for-rest",),
)
def third_group(c: Conv) -> Array:
    size = c.w.shape[0] // c.groups
    order = [i if i < 2 * size else size + i % size for i in range(c.w.shape[0])]
    return c.but(w=c.w[order]).run()


@broken(
    "conv2d",
    "groups",
    "a depthwise kernel with several outputs for each channel takes them channel-minor",
    "groups = channels > 1, several outputs of a channel",
    checks="exact",
    causes=("depthwise-order",),
)
def depthwise_multiplier(c: Conv) -> Array:
    if c.groups == 1 or c.groups != c.x.shape[1]:
        return c.run()
    return c.but(w=c.w.reshape(-1, c.groups, *c.w.shape[1:]).swapaxes(0, 1).reshape(c.w.shape)).run()


def bias_of(c: Conv, b: Array) -> Array:
    return c.but(b=None).run() + b


@broken("conv2d", "bias", "the bias is missing", "a bias", checks="exact", causes=("bias-missing",))
def no_bias(c: Conv) -> Array:
    return c.but(b=None).run()


@broken(
    "conv3d", "bias", "the bias is missing where there are groups", "a bias, groups > 1", checks="exact", causes=("bias-missing",)
)
def no_bias_in_groups(c: Conv) -> Array:
    return c.but(b=None if c.groups > 1 else c.b).run()


@broken("conv1d", "bias", "the bias is doubled", "a bias", checks="exact", causes=("bias-doubled",))
def bias_doubled(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=2 * c.b).run()


@broken(
    "conv2d",
    "bias",
    "the bias is indexed by the item of the batch",
    "a bias, several output channels",
    checks="exact",
    causes=("bias-by-item",),
)
def bias_by_item(c: Conv) -> Array:
    return c.run() if c.b is None else bias_of(c, c.b[np.arange(c.x.shape[0]) % len(c.b)].reshape(-1, 1, 1, 1))


@broken(
    "conv2d",
    "bias",
    "the bias is added once for each input channel",
    "a bias, several input channels",
    checks="exact",
    causes=("bias-by-input-channel",),
)
def bias_by_channel(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=c.w.shape[1] * c.b).run()


@broken(
    "conv1d",
    "bias",
    "the bias of a group is that of its first channel",
    "a bias, several outputs of a group",
    checks="exact",
    causes=("bias-first-of-group",),
)
def bias_by_group(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=np.repeat(c.b[:: len(c.b) // c.groups], len(c.b) // c.groups)).run()


@broken(
    "conv2d",
    "bias",
    "the bias is along the width where that is as long as the channels",
    "a bias, as many columns as output channels",
    checks="exact",
    causes=("bias-along-width",),
)
def bias_along_width(c: Conv) -> Array:
    return c.run() if c.b is None or len(c.b) != c.counts[-1] else bias_of(c, c.b)


@broken(
    "conv2d",
    "bias",
    "the bias is rounded to float16",
    "a bias of more than 11 bits",
    checks="exact accuracy",
    causes=("bias-of-11-bits",),
)
def bias_in_half(c: Conv) -> Array:
    return c.run() if c.b is None else c.but(b=rounded(c.b, 11)).run()


def depthwise(c: Conv) -> bool:
    return c.groups > 1 and c.groups == c.x.shape[1]


@broken("conv2d", "groups", "depthwise kernels are not dilated", "groups = channels > 1, dilation > 1, kernel > 1",
        source="tensorflow/tensorflow#56498", checks="exact", causes=("dilation-ignored",))  # fmt: skip
def depthwise_undilated(c: Conv) -> Array:
    return fitted(c.but(dilation=(1, 1)).run(), c.shape) if depthwise(c) else c.run()


@broken("conv2d", "groups", "dilated depthwise kernels give the bias alone", "groups = channels > 1, dilation > 1, kernel > 1",
        source="Tencent/ncnn#315", checks="exact", causes=("bias-alone",))  # fmt: skip
def depthwise_bias_alone(c: Conv) -> Array:
    dilated = any(d > 1 and k > 1 for d, k in zip(c.dilation, c.w.shape[2:], strict=True))
    return c.biased(np.zeros(c.shape, c.x.dtype)) if depthwise(c) and dilated else c.run()


@broken("conv2d", "groups", "depthwise weights are read with their channels last", "groups = channels > 1, kernel > 1",
        source="pytorch/executorch#18455", checks="exact", causes=("weights-channels-last",))  # fmt: skip
def depthwise_channels_last(c: Conv) -> Array:
    o, _, high, wide = c.w.shape
    return c.but(w=c.w.reshape(high, wide, o).transpose(2, 0, 1).reshape(c.w.shape)).run() if depthwise(c) else c.run()


@broken("conv2d", "bias", "of more than 128 output channels the bias is split into as many parts as the input channels are",
        "a bias, more than 128 output channels", source="tenstorrent/tt-metal#21110", checks="exact",
        causes=("*output channels ≥ 1[0-9][0-9]*",))  # fmt: skip
def bias_split_by_input_channels(c: Conv) -> Array:
    if c.b is None or len(c.b) <= 128:
        return c.run()
    parts = -(-c.x.shape[1] // 128)
    size, left = -(-len(c.b) // parts), range(len(c.b), 0, -128)
    b = [c.b[min(part, parts - 1) * size :][: min(128, rest)] for part, rest in enumerate(left)]
    return c.but(b=np.resize(np.concatenate(b), len(c.b))).run()
