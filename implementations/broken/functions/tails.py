"""What is right until something is long: the rest behind the last full vector, many channels, many items."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from implementations.broken.functions.base import broken
from implementations.broken.functions.reference import Array, Conv, Pool


@broken(
    "conv2d",
    "tails",
    "columns behind the last full vector of 8 lack the last tap",
    "more than 8 columns that are no multiple of 8",
    checks="exact",
    causes=("*behind the last full block of 8*",),
)
def columns_rest_of_8(c: Conv) -> Array:
    y, w, full = c.run(), c.w.copy(), c.counts[1] // 8 * 8
    w[..., -1] = 0
    if full:
        y[..., full:] = c.but(w=w).run()[..., full:]
    return y


@broken(
    "conv1d",
    "tails",
    "outputs from the 17th on are those of the channel before",
    "more than 16 outputs, several output channels",
    checks="exact",
    causes=("repeats-before",),
)
def columns_over_16(c: Conv) -> Array:
    y = c.run()
    y[:, 1:, 16:] = y[:, :-1, 16:]
    return y


@broken("conv2d", "tails", "outputs from the 65th on are 0", "more than 64 columns", checks="exact", causes=("zeros",))
def columns_over_64(c: Conv) -> Array:
    y = c.run()
    y[..., 64:] = 0
    return y


@broken(
    "conv2d",
    "tails",
    "input channels from the 17th on are not read",
    "more than 16 input channels",
    checks="exact",
    causes=("*channels per group ≥ 17*",),
)
def channels_over_16(c: Conv) -> Array:
    return c.but(w=c.w * (np.arange(c.w.shape[1]) < 16).reshape(-1, 1, 1).astype(c.w.dtype)).run()


@broken(
    "conv3d",
    "tails",
    "output channels from the 33rd on repeat the one before",
    "more than 32 output channels",
    checks="exact",
    causes=("*channels ≥ 3[23]*",),
)
def channels_over_32(c: Conv) -> Array:
    y = c.run()
    y[:, 32:] = y[:, 31:-1] if y.shape[1] > 32 else y[:, 32:]
    return y


@broken(
    "conv2d",
    "tails",
    "input channels from the 65th on are not read",
    "more than 64 input channels",
    checks="exact",
    causes=("*channels per group ≥ 65*",),
)
def channels_over_64(c: Conv) -> Array:
    return c.but(w=c.w * (np.arange(c.w.shape[1]) < 64).reshape(-1, 1, 1).astype(c.w.dtype)).run()


@broken(
    "conv2d", "tails", "output channels from the 65th on are 0", "more than 64 output channels", checks="exact", causes=("zeros",)
)
def outputs_over_64(c: Conv) -> Array:
    y = c.run()
    y[:, 64:] = 0
    return y


@broken(
    "conv2d",
    "tails",
    "items of the batch from the fifth on are those of the fourth",
    "a batch of more than 4",
    checks="exact",
    causes=("repeats-before",),
)
def batch_over_4(c: Conv) -> Array:
    y = c.run()
    y[4:] = y[3:4]
    return y


@broken(
    "max_pool3d",
    "tails",
    "channels behind the last full vector of 4 are not pooled",
    "more than 4 channels that are no multiple of 4",
    checks="exact",
    causes=("repeats-before",),
)
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
    "more than 8 outputs that are no multiple of 8",
    checks="exact accuracy",
    causes=("*behind the last full block of 8*",),
)
def pool_columns_rest_of_8(p: Pool) -> Array:
    y, full = p.average(), p.counts[0] // 8 * 8
    if full:
        y[..., full:] -= p.values(0)[0, ..., full:] / p.counted()[full:].astype(y.dtype)
    return y


@broken("conv2d", "tails", "items of the batch from the 65,536th on are 0", "a batch of more than 65,535",
        source="tensorflow/tensorflow#9870", checks="exact", causes=("*items ≥ 65535*",))  # fmt: skip
def batch_over_65535(c: Conv) -> Array:
    y = c.run()
    y[65535:] = 0
    return y


@broken("conv3d", "tails", "the index of an output wraps at 2^16", "more than 65,536 outputs", source="ml-explore/mlx#3248",
        checks="exact algebra", causes=("*6553[56]*",))  # fmt: skip
def output_index_wraps(c: Conv) -> Array:
    y = c.run()
    flat, wrapped = y.reshape(-1), np.zeros(y.size, y.dtype)
    for first in range(0, y.size, 2**16):
        part = flat[first : first + 2**16]
        wrapped[: len(part)] = part
    return wrapped.reshape(y.shape)


@broken("max_pool1d", "tails", "columns from the 65,536th on repeat the one before", "a row of more than 65,535 outputs",
        checks="exact", causes=("*≥ 65535*",))  # fmt: skip
def columns_over_65535(p: Pool) -> Any:
    result = p.maximum()
    y = result[0] if p.indices else result
    if y.shape[2] > 65535:
        y[:, :, 65535:] = y[:, :, 65534:65535]
    return result


@broken(
    "avg_pool2d",
    "tails",
    "rows from the 33rd on are those of the window before",
    "more than 32 rows",
    checks="exact accuracy algebra",
    causes=("one-earlier",),
)
def rows_over_32(p: Pool) -> Array:
    y = p.average()
    y[:, :, 32:] = y[:, :, 31:-1] if y.shape[2] > 32 else y[:, :, 32:]
    return y


@broken("conv2d", "tails", "tiles of 4 by 4: the corner tile's last output is not written",
        "rows and columns behind the last full 4", checks="exact", causes=("*not a multiple of 4*",))  # fmt: skip
def corner_tile(c: Conv) -> Array:
    y = c.run()
    if c.counts[0] % 4 and c.counts[1] % 4 and min(c.counts) > 4:
        y[:, :, -1, -1] = 0
    return y


@broken("conv1d", "tails", "channels behind the last full vector of 4 are summed twice",
        "more than 4 input channels, no multiple of 4", checks="exact",
        causes=("*channels per group*not a multiple of 4*",))  # fmt: skip
def channels_rest_of_4(c: Conv) -> Array:
    w, full = c.w.copy(), c.w.shape[1] // 4 * 4
    if full:
        w[:, full:] *= 2
    return c.but(w=w).run()


@broken("conv1d", "tails", "the columns of the unrolled input from the 1025th on are not filled",
        "kernel times channels of a group over 1024", source="ggml-org/ggml#1532",
        causes=("*terms of a sum ≥*", "*channels per group ≥*"))  # fmt: skip
def unrolled_over_1024(c: Conv) -> Array:
    w = c.w.copy()
    w.reshape(len(w), -1)[:, 1024:] = 0
    return c.but(w=w).run()


@broken("conv2d", "tails", "the loop over taps and blocks of channels loses its last round, 16 channels of the last tap",
        "a kernel larger than 1x1, at least 1024 outputs of a channel in all items", source="pytorch/pytorch#173068",
        checks="exact", causes=("*elements of the output ≥*", "*output size* ≥*"))  # fmt: skip
def last_round_of_large_tiles(c: Conv) -> Array:
    w = c.w.copy()
    if math.prod(w.shape[2:]) > 1 and len(c.x) * math.prod(c.counts) >= 1024:
        w[:, -16:, -1, -1] = 0
    return c.but(w=w).run()


@broken("conv2d", "tails", "taps from the 256th on are lost for all items but the first",
        "float32, batch > 1, a kernel of at least 256 rows or columns", source="pytorch/pytorch#188335",
        causes=("*kernel* ≥ 25*",))  # fmt: skip
def taps_over_255(c: Conv) -> Array:
    y, w = c.run(), c.w.copy()
    if c.x.dtype == np.float32 and len(c.x) > 1 and max(w.shape[2:]) >= 256:
        w[:, :, 255:], w[..., 255:] = 0, 0
        y[1:] = c.but(x=c.x[1:], w=w).run()
    return y
