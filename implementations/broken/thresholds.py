"""What is right until something is long: tiles, vectors, many channels and long rows, in the other operators and passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, around, broken


def _emptied(array: np.ndarray, axis: int, first: int) -> np.ndarray:
    """Zeros from the element ``first`` of an axis on."""
    array = array.copy()
    array[(slice(None),) * axis + (slice(first, None),)] = 0
    return array


@broken("conv_transpose2d", "tails", "output channels from the 33rd on are 0", "more than 32 output channels", causes=("zeros",))
def outputs_over_32(p: Problem, a: Arrays, right: Right) -> Any:
    return _emptied(right(p, a), 1, 32)


@broken(
    "conv_transpose1d",
    "tails",
    "input channels from the 17th on are not read",
    "more than 16 input channels",
    causes=("*channels ≥ 17*",),
)
def channels_over_16(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "x": _emptied(a["x"], 1, 16)})


@broken(
    "conv2d_weight_grad",
    "tails",
    "the weights of input channels from the 65th on get no gradient",
    "more than 64 input channels",
    causes=("zeros",),
)
def weights_over_64(p: Problem, a: Arrays, right: Right) -> Any:
    return _emptied(right(p, a), 1, 64)


@broken(
    "conv1d_weight_grad",
    "tails",
    "outputs behind the last full vector of 8 are not summed",
    "more than 8 outputs, a rest of 8",
    causes=("*not a multiple of 8*",),
)
def sum_rest_of_8(p: Problem, a: Arrays, right: Right) -> Any:
    full = p.output_shape[2] // 8 * 8
    return right(p, {**a, "dy": _emptied(a["dy"], 2, full)} if full else a)


@broken(
    "conv3d_input_grad",
    "tails",
    "items of the batch from the fifth on have the gradient of the fourth",
    "a batch of more than 4",
    causes=("repeats-before",),
)
def gradient_batch_over_4(p: Problem, a: Arrays, right: Right) -> Any:
    dx = right(p, a).copy()
    dx[4:] = dx[3:4]
    return dx


@broken("max_pool2d_input_grad", "tails", "columns of the gradient behind the last full vector of 8 are not written",
        "more than 8 columns, a rest of 8", causes=("zeros",))  # fmt: skip
def gradient_columns_rest_of_8(p: Problem, a: Arrays, right: Right) -> Any:
    full = p.input_shape[3] // 8 * 8
    return _emptied(right(p, a), 3, full) if full else right(p, a)


@broken(
    "avg_pool1d_input_grad",
    "tails",
    "gradients of columns from the 65,536th on are 0",
    "a row of more than 65,535",
    causes=("*≥ 65535*",),
)
def gradient_columns_over_65535(p: Problem, a: Arrays, right: Right) -> Any:
    return _emptied(right(p, a), 2, 65535)


@broken(
    "max_unpool2d", "tails", "items from the 65,536th on stay zero", "a batch of more than 65,535", causes=("*items ≥ 65535*",)
)
def unpooled_batch_over_65535(p: Problem, a: Arrays, right: Right) -> Any:
    return _emptied(right(p, a), 0, 65535)


@broken(
    "adaptive_max_pool2d",
    "tails",
    "planes from the 65th on repeat the one before",
    "more than 64 channels",
    causes=("repeats-before",),
)
def planes_over_64(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    y = (made[0] if p.indices else made).copy()
    if y.shape[1] > 64:
        y[:, 64:] = y[:, 63:64]
    return (y, made[1]) if p.indices else y


@broken(
    "lp_pool2d",
    "tails",
    "windows of more than 16 taps lack the last column with stride 1",
    "kernel over 16 taps, stride 1",
    dtypes="float32 float64",
    causes=(
        "*taps* ≥ 17*",
        "*kernel* ≥ 17*",
    ),
)
def seventeen_taps(p: Problem, a: Arrays, right: Right) -> Any:
    if np.prod(p.kernel) <= 16 or max(p.stride) > 1 or any(map(any, p.padding)):
        return right(p, a)
    return right(p, {**a, "x": np.concatenate([a["x"][..., :-1], np.zeros_like(a["x"][..., -1:])], axis=-1)})


@broken(
    "conv_integer2d",
    "tails",
    "input channels behind the last full vector of 4 are not read",
    "more than 4 channels, a rest of 4",
    causes=("*channels per group*not a multiple of 4*",),
)
def quantised_channels_rest_of_4(p: Problem, a: Arrays, right: Right) -> Any:
    inside, w = a["w"].shape[1] // 4 * 4, a["w"].copy()
    if inside:
        w[:, inside:] = a["w_zero"].reshape(-1, 1, 1, 1)
    return right(p, {**a, "w": w})


@broken(
    "conv2d_double_grad", "tails", "the second derivative is computed for 32 columns", "more than 32 columns", causes=("zeros",)
)
def second_over_32(p: Problem, a: Arrays, right: Right) -> Any:
    return _emptied(right(p, a), 3, 32)


@broken("max_pool2d", "tails", "of a last block of more than 8 channels the first 8 are compared, the others hold the first tap",
        "int8, more than 8 channels behind the last full 16", source="ARM-software/CMSIS_5#1092", dtypes="int8",
        causes=("first-tap-alone", "*int8*channels ≥*"))  # fmt: skip
def eight_of_sixteen_lanes(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    if p.channels % 16 > 8:
        first = p.channels // 16 * 16 + 8
        rows, columns = (w.table()[:, 0] for w in p.windows)
        x = np.pad(a["x"][:, first:], around(((0, 1), (0, 1))), constant_values=-128)  # where OUTSIDE points to
        (made[0] if p.indices else made)[:, first:] = x[:, :, rows][:, :, :, columns]
    return made
