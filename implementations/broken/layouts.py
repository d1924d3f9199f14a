"""Memory and batch axes with a bug each: strides that are not read, unbatched tensors and empty batches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, broken


def _in_memory(array: np.ndarray) -> np.ndarray:
    """The elements as they follow each other in memory, whatever their strides say."""
    return array.ravel(order="K").reshape(array.shape)


def _as_contiguous(array: np.ndarray) -> np.ndarray:
    """What a kernel without strides reads from the first element on; only where that memory is the array's own."""
    if not array.size or min(array.strides) <= 0:
        return array
    strides = np.empty(array.shape, np.bool_).strides
    return as_strided(array, array.shape, tuple(array.itemsize * step for step in strides)).copy()


@broken(
    "conv2d_input_grad",
    "layout",
    "the gradient is read in the order of memory",
    "a gradient in another order than C",
    causes=("memory-order",),
)
def gradient_in_memory(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "dy": _in_memory(a["dy"])})


@broken("conv1d_weight_grad", "layout", "the gradient is read without its strides", "a gradient that is a view",
        source="pytorch/pytorch#16301", causes=("*the gradient is strided*", "strides-ignored",))  # fmt: skip
def gradient_without_strides(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "dy": _as_contiguous(a["dy"])})


@broken(
    "conv_transpose3d",
    "layout",
    "weights are read in the order of memory",
    "weights in another order than C",
    causes=("memory-order",),
)
def weights_in_memory(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": _in_memory(a["w"])})


@broken(
    "conv_transpose2d", "layout", "one input channel and weights with channels last: every second output channel is not written",
    "one input channel, several out, weights with channels last", source="pytorch/pytorch#99519",
    causes=("*the weights are*channels last*",)
)  # fmt: skip
def partly_unwritten(p: Problem, a: Arrays, right: Right) -> Any:
    y, w = right(p, a), a["w"]
    if p.channels == 1 < p.out_channels and max(p.kernel) > 1 and w.strides[1] == w.itemsize:
        y[:, 1::2] = 0
    return y


@broken(
    "avg_pool2d_input_grad", "layout", "a gradient with channels last is read as if they were first",
    "channels last, several channels", source="pytorch/pytorch#189233", causes=("memory-order",)
)  # fmt: skip
def channels_last_as_first(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"]
    last = p.channels > 1 and dy.strides[1] == dy.itemsize and dy.strides[3] == dy.itemsize * p.channels
    return right(p, {**a, "dy": _in_memory(dy) if last else dy})


@broken(
    "max_pool2d_input_grad", "layout", "an unbatched gradient whose channels are next to each other is taken for channels last",
    "unbatched, channels next to each other", source="pytorch/pytorch#177568", unchecked=True, causes=("channels-last-as-first",)
)  # fmt: skip
def unbatched_as_channels_last(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"]
    if p.unbatched and dy.ndim == 3 and dy.shape[0] > 1 and dy.strides[0] == dy.itemsize:
        a = {**a, "dy": dy.transpose(1, 2, 0).reshape(dy.shape)}
    return right(p, a)


@broken(
    "adaptive_avg_pool3d",
    "layout",
    "negative strides are taken as positive",
    "a view stored backwards",
    causes=("strides-without-sign",),
)
def strides_without_sign(p: Problem, a: Arrays, right: Right) -> Any:
    x = a["x"]
    return right(p, {"x": np.flip(x, tuple(axis for axis, step in enumerate(x.strides) if step < 0))})


@broken(
    "conv3d_input_grad",
    "layout",
    "a stride of 0 is taken as that of a full array: other items are 0",
    "a broadcast gradient",
    causes=("strides-of-zero",),
)
def broadcast_not_read(p: Problem, a: Arrays, right: Right) -> Any:
    dy = a["dy"]
    if p.batch > 1 and dy.strides[0] == 0:
        dy = np.concatenate([dy[:1], np.zeros_like(dy[1:])])
    return right(p, {**a, "dy": dy})


@broken(
    "max_unpool2d",
    "layout",
    "indices are read in the order of memory",
    "indices in another order than C",
    causes=(
        "*the indices are*in memory*",
        "memory-order",
    ),
)
def indices_in_memory(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "indices": _in_memory(a["indices"])})


@broken(
    "conv_integer2d",
    "layout",
    "quantised weights are read without their strides",
    "weights that are a view",
    causes=("strides-ignored",),
)
def quantised_weights_without_strides(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w": _as_contiguous(a["w"])})


@broken(
    "conv_integer1d",
    "layout",
    "scales and zero points of channels are read without their stride",
    "strided zero points",
    causes=("strides-ignored",),
)
def zero_points_without_strides(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "w_zero": _as_contiguous(a["w_zero"])})


@broken(
    "lp_pool1d",
    "layout",
    "a vector load of misaligned memory leaves the last column out",
    "misaligned memory",
    causes=("*misaligned*",),
)
def last_column_of_misaligned(p: Problem, a: Arrays, right: Right) -> Any:
    x = a["x"]
    if x.ctypes.data % 16 and x.shape[-1] > 1 and x.flags.c_contiguous:
        x = x.copy()
        x[..., -1] = 0
    return right(p, {"x": x})


@broken(
    "conv2d_bias_grad",
    "layout",
    "the bias gradient is summed over channels that lie last",
    "channels last",
    causes=("memory-order",),
)
def bias_grad_in_memory(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {"dy": _in_memory(a["dy"])})


@broken(
    "avg_pool3d_double_grad",
    "layout",
    "the second derivative reads a view from its buffer's start",
    "a slice",
    causes=("strides-ignored",),
)
def second_without_strides(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "ddx": _as_contiguous(a["ddx"])})


@broken("max_pool1d", "unbatched", "indices of an unbatched input keep the batch axis", "unbatched, indices",
        source="pytorch/pytorch#38986", unchecked=True, causes=("batch-axis-kept",))  # fmt: skip
def indices_keep_batch(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    return (made[0], made[1][None]) if p.indices and p.unbatched else made


@broken(
    "conv1d_double_grad",
    "unbatched",
    "an unbatched tensor comes back with a batch axis",
    "unbatched",
    unchecked=True,
    causes=("batch-axis-kept",),
)
def batch_axis_kept(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a)[None] if p.unbatched else right(p, a)


@broken("conv_transpose2d_weight_grad", "unbatched", "the channels of an unbatched tensor are taken for its batch",
        "unbatched, several channels", unchecked=True, causes=("*when unbatched*channels ≥ 2*",))  # fmt: skip
def channels_as_batch(p: Problem, a: Arrays, right: Right) -> Any:
    if not p.unbatched or p.channels == 1:
        return right(p, a)
    return right(p, {**a, "x": np.broadcast_to(a["x"].sum(axis=0, keepdims=True), a["x"].shape).astype(a["x"].dtype)})


@broken("conv2d_weight_grad", "empty batch", "an empty batch gives None", "an empty batch")
def none_for_empty(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a) if p.batch else None


@broken(
    "conv_transpose1d_bias_grad",
    "empty batch",
    "the sum over an empty batch is not written",
    "an empty batch",
    causes=("unwritten",),
)
def garbage_for_empty(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a) if p.batch else np.empty(p.result_shape, p.format.numpy)


@broken("adaptive_max_pool1d", "refused", "an empty batch is refused", "an empty batch", causes=("*with an empty batch*",))
def empty_refused(p: Problem, a: Arrays, right: Right) -> Any:
    if p.batch == 0:
        raise ValueError("expected a batch that is not empty")
    return right(p, a)


@broken(
    "max_unpool1d", "empty batch", "an empty batch gives one item of zeros", "an empty batch", causes=("*with an empty batch*",)
)
def one_item_for_empty(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, a) if p.batch else np.zeros((1, *p.output_shape[1:]), p.format.numpy)


@broken("adaptive_avg_pool2d", "layout", "the step between items is rounded up to an even number of elements",
        "batch > 1, an odd number of elements in an item", source="pytorch/pytorch#179931",
        causes=("*not a multiple of 2*",))  # fmt: skip
def padded_batch_step(p: Problem, a: Arrays, right: Right) -> Any:
    flat, size = a["x"].reshape(-1), p.channels * p.windows[0].elements * p.windows[1].elements
    longer = np.concatenate([flat, np.zeros(p.batch, flat.dtype)])
    items = [longer[n * (size + size % 2) :][:size] for n in range(p.batch)]
    return right(p, {"x": np.concatenate(items).reshape(a["x"].shape)} if items else a)


@broken("max_unpool2d", "layout", "indices without gaps are read through their pointer, as if they were contiguous",
        "indices in another order than C, with channels last for one", source="pytorch/pytorch#197888",
        causes=("*the indices are*in memory*", "memory-order"))  # fmt: skip
def indices_through_pointer(p: Problem, a: Arrays, right: Right) -> Any:
    indices = a["indices"]
    first, end = byte_bounds(indices)
    dense = end - first == indices.nbytes and min(indices.strides) >= 0
    return right(p, {**a, "indices": _in_memory(indices) if dense else indices})
