"""Calls that change their inputs, share memory with them, read beyond them, or return something else than an array."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from implementations.broken.functions.base import broken, remembered
from implementations.broken.functions.reference import Array, Conv, Pool


@broken(
    "conv2d",
    "contract",
    "changes its input: NaN and padding are prepared in place",
    "an input whose first column is not 0",
    kinds="changed_its_input",
    causes=("input-changed",),
)
def changes_input(c: Conv) -> Array:
    y = c.run()
    if c.x.flags.writeable:
        c.x[..., :1] = 0
    return y


@broken(
    "conv1d",
    "contract",
    "flips the weights in place and does not flip them back",
    "kernel > 1",
    kinds="changed_its_input",
    causes=("input-changed",),
)
def changes_weights(c: Conv) -> Array:
    y = c.run()
    if c.w.flags.writeable:
        c.w[...] = c.w[..., ::-1].copy()
    return y


@broken(
    "max_pool2d",
    "contract",
    "returns the input itself for a window of one",
    "kernel 1, stride 1",
    kinds="aliases_its_input",
    causes=("input-returned",),
)
def returns_view(p: Pool) -> Any:
    if not p.indices and set(p.kernel) == {1} == set(p.stride):
        return p.x
    return p.maximum()


@broken("conv2d", "contract", "returns a list", "any call", kinds="wrong_result")
def returns_list(c: Conv) -> Any:
    return c.run().tolist()


@broken("max_pool1d", "contract", "returns None where ceil mode is asked for", "ceil mode", kinds="wrong_result")
def returns_none(p: Pool) -> Any:
    return None if p.ceil else p.maximum()


@broken("avg_pool2d", "contract", "returns a scalar for a single output", "a single output", kinds="wrong_result")
def returns_scalar(p: Pool) -> Any:
    y = p.average()
    return y.item() if y.size == 1 else y


@broken("conv3d", "contract", "drops axes of size 1", "an axis of size 1", kinds="wrong_shape", causes=("squeezed",))
def squeezes(c: Conv) -> Array:
    return c.run().squeeze()


@broken("max_pool2d", "contract", "returns no indices where they are asked for", "indices", kinds="wrong_result")
def no_indices(p: Pool) -> Any:
    return p.but(indices=False).maximum()


@broken("max_pool2d", "contract", "returns indices as floats", "indices", kinds="wrong_dtype")
def float_indices(p: Pool) -> Any:
    result = p.maximum()
    return (result[0], result[1].astype(p.x.dtype)) if p.indices else result


@broken(
    "conv2d",
    "contract",
    "outputs that see nothing but padding are not written",
    "a window of nothing but padding",
    checks="exact",
    causes=("unwritten",),
)
def unwritten_corners(c: Conv) -> Array:
    y = np.empty(c.shape, c.x.dtype)
    sees = Conv(np.ones_like(c.x[:1, :1]), np.ones_like(c.w[:1, :1]), None, c.stride, c.pads, c.dilation, 1).run() > 0
    np.copyto(y, c.run(), where=sees)
    return y


@broken(
    "conv1d",
    "contract",
    "sums onto memory that is not set to 0",
    "memory that was used before",
    checks="exact",
    causes=("unwritten",),
)
def unwritten_sum(c: Conv) -> Array:
    return c.run(out=np.empty(c.shape, c.x.dtype))


@broken("avg_pool3d", "refused", "raises for windows longer than four", "a kernel of more than 4", causes=("*kernel ≥ 5*",))
def raises_for_large(p: Pool) -> Array:
    if max(p.kernel) > 4:
        raise NotImplementedError("large windows")
    return p.average()


@broken("conv1d", "contract", "every third call leaves the last columns of a long row as they were in memory",
        "more than 16 outputs, three calls", source="pytorch/pytorch#84138", checks="exact state layout",
        causes=("unwritten", "varies",))  # fmt: skip
def sometimes_unwritten(c: Conv) -> Array:
    y, calls = c.run(), remembered("sometimes", itertools.count)
    if next(calls) % 3 == 2 and y.shape[2] > 16:
        y[:, :, -4:] = np.empty_like(y[:, :, -4:])
    return y


@broken("conv2d", "contract", "the last block of 32 elements is read beyond the input's end, and multiplied by zeros there",
        "NaN or infinity behind the input's memory, no multiple of 32 elements",
        source="openvinotoolkit/openvino#37067")  # fmt: skip
def reads_behind(c: Conv) -> Array:
    y, more = c.run(), -c.x.size % 32
    if more and more * c.x.itemsize <= 128 and c.x.flags.c_contiguous and c.x.dtype.kind == "f":
        behind = as_strided(c.x.reshape(-1), (c.x.size + more,), (c.x.itemsize,))[c.x.size :]
        with np.errstate(all="ignore"):
            y[-1, :, -1, -1] += (behind * behind.dtype.type(0)).sum()
    return y
