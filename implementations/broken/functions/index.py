"""Convolutions that read other elements than the right ones: kernels, strides, dilation and padding."""

from __future__ import annotations

import numpy as np

from implementations.broken.functions.base import broken
from implementations.broken.functions.reference import Array, Conv, fitted


@broken(
    "conv2d",
    "index",
    "the kernel is flipped in both axes, as in a convolution of mathematics",
    "kernel > 1",
    checks="exact",
    causes=("kernel-flipped",),
)
def flipped(c: Conv) -> Array:
    return c.but(w=c.w[:, :, ::-1, ::-1]).run()


@broken(
    "conv3d",
    "index",
    "the kernel is flipped in its depth",
    "kernel > 1 in depth",
    checks="exact",
    causes=("kernel-flipped-in-one-axis",),
)
def flipped_depth(c: Conv) -> Array:
    return c.but(w=c.w[:, :, ::-1]).run()


@broken(
    "conv2d", "index", "square kernels are transposed", "a square kernel > 1", checks="exact", causes=("kernel-axes-exchanged",)
)
def transposed(c: Conv) -> Array:
    return c.but(w=c.w.swapaxes(2, 3) if c.w.shape[2] == c.w.shape[3] else c.w).run()


@broken(
    "conv3d",
    "index",
    "the first two axes of kernels are exchanged where they are equally long",
    "kernels as deep as high, > 1",
    checks="exact",
    causes=("kernel-axes-exchanged",),
)
def transposed_depth(c: Conv) -> Array:
    return c.but(w=c.w.swapaxes(2, 3) if c.w.shape[2] == c.w.shape[3] else c.w).run()


@broken(
    "conv2d",
    "index",
    "the stride of axis 0 for both, where the shape allows it",
    "strides that differ",
    checks="exact",
    causes=("stride-of-first-axis",),
)
def stride_of_axis_0(c: Conv) -> Array:
    return fitted(c.but(stride=(c.stride[0],) * 2).run(), c.shape)


@broken(
    "conv3d",
    "index",
    "the strides of the last two axes exchanged",
    "strides that differ in the last two axes",
    checks="exact",
    causes=("stride-exchanged",),
)
def strides_exchanged(c: Conv) -> Array:
    return fitted(c.but(stride=(c.stride[0], c.stride[2], c.stride[1])).run(), c.shape)


@broken(
    "conv3d",
    "index",
    "the paddings of depth and width exchanged",
    "padding that differs in depth and width",
    checks="exact",
    causes=("padding-reversed",),
)
def pads_exchanged(c: Conv) -> Array:
    return fitted(c.but(pads=c.pads[::-1], x=np.pad(c.x, ((0, 0), (0, 0), *[(0, 6)] * 3))).run(), c.shape)


@broken(
    "conv2d",
    "index",
    "the padding before and behind exchanged",
    "padding that differs before and behind",
    checks="exact",
    asymmetric_padding=True,
    causes=("padding-ends-exchanged",),
)
def pad_ends_exchanged(c: Conv) -> Array:
    return c.but(pads=tuple((end, begin) for begin, end in c.pads)).run()


@broken(
    "conv2d",
    "index",
    "the border is repeated instead of padded with 0",
    "padding",
    checks="exact",
    causes=("zeros-as-replicate",),
)
def edge_padding(c: Conv) -> Array:
    return c.run(padded=np.pad(c.x, ((0, 0), (0, 0), *c.pads), mode="edge"))


@broken("conv1d", "index", "the dilation is ignored", "dilation > 1, kernel > 1", checks="exact", causes=("dilation-ignored",))
def no_dilation(c: Conv) -> Array:
    return fitted(c.but(dilation=(1,)).run(), c.shape)


@broken(
    "conv2d",
    "index",
    "dilation 3 is done as dilation 2",
    "dilation > 2, kernel > 1",
    checks="exact",
    causes=("dilation-at-most-2",),
)
def dilation_of_two(c: Conv) -> Array:
    return fitted(c.but(dilation=tuple(min(d, 2) for d in c.dilation)).run(), c.shape)


@broken(
    "conv2d",
    "index",
    "the last row is aligned with the end of the input where the stride leaves a rest",
    "stride > 1 with a rest",
    checks="exact",
    causes=("last-window-at-end",),
)
def last_row_at_end(c: Conv) -> Array:
    y, rows = c.run(), c.padded.shape[2] - c.dilation[0] * (c.w.shape[2] - 1)
    y[:, :, -1:] = Conv(c.padded[:, :, rows - 1 :], c.w, c.b, c.stride, ((0, 0), (0, 0)), c.dilation, c.groups).run()[:, :, :1]
    return y


@broken(
    "conv1d",
    "index",
    "windows start one later where the stride is larger than the kernel",
    "stride > kernel",
    checks="exact",
    causes=("one-later",),
)
def start_off_by_one(c: Conv) -> Array:
    late = c.stride[0] > c.w.shape[2]
    return c.run(padded=np.pad(c.padded[:, :, late:], ((0, 0), (0, 0), (0, 8))))


@broken(
    "conv2d",
    "index",
    "the last tap of rows longer than four is left out",
    "a kernel of more than 4 columns",
    checks="exact",
    causes=("last-tap-missing",),
)
def last_tap_missing(c: Conv) -> Array:
    w = c.w.copy()
    w[..., 4:] = 0
    return c.but(w=w).run()


@broken(
    "conv3d", "index", "only one side is padded, by both sides' amount", "padding", checks="exact", causes=("padding-one-sided",)
)
def padded_in_front(c: Conv) -> Array:
    return c.but(pads=tuple((begin + end, 0) for begin, end in c.pads)).run()


@broken(
    "conv2d",
    "index",
    "stride and dilation together: taps move by their product",
    "stride and dilation > 1 in both axes",
    checks="exact",
    causes=("dilation-off-by-one",),
)
def stride_times_dilation(c: Conv) -> Array:
    if min(*c.stride, *c.dilation) == 1:
        return c.run()
    return fitted(c.but(dilation=(c.dilation[0] + 1, c.dilation[1])).run(), c.shape)


@broken("conv2d", "index", "the output's width is that of the first axis's kernel and dilation",
        "kernels or dilations that differ", source="tenstorrent/tt-metal#19542", kinds="wrong_shape",
        causes=("result-size-of-first-axis",))  # fmt: skip
def width_of_first_axis(c: Conv) -> Array:
    room = c.padded.shape[3] - c.dilation[0] * (c.w.shape[2] - 1) - 1
    return fitted(c.run(), (*c.shape[:3], max(0, room // c.stride[1] + 1)))


@broken("conv2d", "index", "windows of nothing but padding are those of the nearest one that reads an element",
        "padding >= kernel, stride and dilation 1", source="pytorch/pytorch#90142", checks="exact",
        causes=("*where the window sees nothing but padding*",))  # fmt: skip
def windows_of_padding(c: Conv) -> Array:
    y = c.run()
    if set(c.stride + c.dilation) == {1}:
        for axis, (pads, kernel, count) in enumerate(zip(c.pads, c.w.shape[2:], c.counts, strict=True)):
            outside = max(0, pads[0] - kernel + 1)
            y = y.take(np.arange(count).clip(outside, count - 1 - outside), axis=2 + axis)
    return y


@broken("conv2d", "index", "outputs are zeros where the stride is larger than the kernel", "stride > kernel in both axes",
        source="tensorflow/tfjs#5907", checks="exact",
        causes=("zeros", "*stride larger than the kernel*"))  # fmt: skip
def zeros_for_gaps(c: Conv) -> Array:
    y = c.run()
    if all(s > k for s, k in zip(c.stride, c.w.shape[2:], strict=True)):
        y[...] = 0
    return y


@broken("conv2d", "index", "the unrolled input is packed in panels of 16 columns and read by a step of 4",
        "sums of more than one term", source="microsoft/onnxruntime#20030", checks="exact")  # fmt: skip
def packed_by_16_read_by_4(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype)
    for ins, outs in c.parts:
        one = c.but(x=c.x[:, ins], w=c.w[outs], b=None, groups=1)
        unrolled = np.stack([part for _, part, _ in one.terms()], axis=2).reshape(len(c.x), one.w[0].size, -1)
        terms, columns = unrolled.shape[1:]
        panels = np.pad(unrolled, ((0, 0), (0, 0), (0, -columns % 16)))
        inner = np.arange(columns) % 16
        at = 4 * np.arange(terms)[:, None] + inner  # in a panel, whose rows are 16 apart
        read = panels[:, at // 16, np.arange(columns) - inner + at % 16]
        y[:, outs] = (one.w.reshape(-1, terms) @ read).reshape(one.shape)
    return c.biased(y)
