"""Poolings for an output size and unpooling, and their gradients, with a bug each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.problem import Problem
from conformance.problem.window import AdaptiveWindow
from implementations.broken.base import Arrays, Right, broken, fitted, put, selected, spot

_kept: dict[Any, Any] = {}


def _adaptive(p: Problem, a: Arrays, rows: list[list[tuple[int, int]]]) -> np.ndarray:
    """Averages of other windows than the right ones: (first, end) in each axis."""
    x = a["x"].astype(np.float64)
    for axis, bounds in enumerate(rows):
        means = [x.take(range(first, max(end, first + 1)), axis=2 + axis).mean(axis=2 + axis) for first, end in bounds]
        x = np.stack(means, axis=2 + axis)
    return x.astype(a["x"].dtype)


def _bounds(w: Any) -> list[tuple[int, int]]:
    assert isinstance(w, AdaptiveWindow)
    return w.bounds


@broken(
    "adaptive_avg_pool2d",
    "adaptive",
    "windows end at the floor of (i + 1) size / output",
    "sizes that do not divide",
    causes=("adaptive-ends-floored",),
)
def ends_floored(p: Problem, a: Arrays, right: Right) -> Any:
    rows = [[(i * w.size // w.output, (i + 1) * w.size // w.output) for i in range(w.output)] for w in p.windows]
    return _adaptive(p, a, rows) if p.batch else right(p, a)


@broken(
    "adaptive_avg_pool1d",
    "adaptive",
    "all windows have one size and one stride, size / output",
    "sizes that do not divide",
    causes=("adaptive-fixed-windows",),
)
def fixed_stride(p: Problem, a: Arrays, right: Right) -> Any:
    steps = [max(1, w.size // w.output) for w in p.windows]
    rows = [
        [(min(i * step, w.size - 1), min(i * step + step, w.size)) for i in range(w.output)]
        for w, step in zip(p.windows, steps, strict=True)
    ]
    return _adaptive(p, a, rows) if p.batch else right(p, a)


@broken(
    "adaptive_avg_pool3d",
    "adaptive",
    "the output size of the last axis is taken for the windows of all",
    "sizes that differ",
    causes=("adaptive-bounds-of-last-axis",),
)
def bounds_of_last(p: Problem, a: Arrays, right: Right) -> Any:
    last = p.windows[-1].output
    rows = [
        [(min(i * w.size // last, w.size - 1), min(-(-(i + 1) * w.size // last), w.size)) for i in range(w.output)]
        for w in p.windows
    ]
    return _adaptive(p, a, rows) if p.batch else right(p, a)


@broken(
    "adaptive_avg_pool2d", "adaptive", "every output-th element is averaged: the reshape has its axes exchanged",
    "output size > 1, sizes that divide", source="riccardomusmeci/mlx-image#16", causes=("adaptive-strided",)
)  # fmt: skip
def strided_average(p: Problem, a: Arrays, right: Right) -> Any:
    x = a["x"]
    for axis, w in enumerate(p.windows):
        if w.size % w.output == 0:
            order = np.arange(w.size).reshape(w.size // w.output, w.output).T.reshape(-1)
            x = x.take(order, axis=2 + axis)
    return right(p, {**a, "x": x})


@broken(
    "adaptive_avg_pool1d", "adaptive", "windows are cut off behind 64 elements", "a window over more than 64 elements",
    source="flagos-ai/FlagGems#4924", causes=("taps-over-64-unread",)
)  # fmt: skip
def sixty_four_taps(p: Problem, a: Arrays, right: Right) -> Any:
    rows = [[(first, min(end, first + 64)) for first, end in _bounds(w)] for w in p.windows]
    return _adaptive(p, a, rows) if max(p.kernel) > 64 and p.batch else right(p, a)


@broken("adaptive_avg_pool1d", "adaptive", "where windows start and end is computed in float32", "index times size over 2^24",
        source="pytorch/pytorch#84010", causes=("bounds-in-float32",))  # fmt: skip
def bounds_in_single(p: Problem, a: Arrays, right: Right) -> Any:
    (w,), one = p.windows, np.float32(1)
    if p.batch == 0 or w.elements * w.output < 2**24:
        return right(p, a)
    places = np.arange(w.output).astype(np.float32)
    first = np.floor(places * np.float32(w.elements) / np.float32(w.output)).astype(int)
    end = np.ceil((places + one) * np.float32(w.elements) / np.float32(w.output)).astype(int)
    return _adaptive(p, a, [[(max(f, 0), min(e, w.elements)) for f, e in zip(first, end, strict=True)]])


@broken(
    "adaptive_max_pool2d",
    "adaptive",
    "windows start at the ceiling of i size / output",
    "sizes that do not divide",
    causes=("adaptive-starts-raised",),
)
def starts_raised(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    y = (made[0] if p.indices else made).copy()
    for place in np.ndindex(y.shape[2:]):
        at = [slice(-(-i * w.size // w.output), _bounds(w)[i][1]) for i, w in zip(place, p.windows, strict=True)]
        if all(part.start < part.stop for part in at):
            y[spot(place)] = a["x"][spot(at)].max(axis=(2, 3))
    return (y, made[1]) if p.indices else y


@broken(
    "adaptive_max_pool1d",
    "indices",
    "indices are positions in the window",
    "indices, output size > 1",
    causes=("index-in-window",),
)
def index_in_window(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    return (made[0], made[1] - np.array([first for first, _ in _bounds(p.windows[0])])) if p.indices else made


@broken(
    "adaptive_max_pool3d",
    "indices",
    "indices take height for depth",
    "indices, sizes that differ",
    causes=("index-axes-exchanged",),
)
def index_of_other_axes(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    if not p.indices:
        return made
    depth, height, width = np.unravel_index(made[1], p.input_shape[2:])
    return made[0], (height * p.input_shape[2] + depth) * p.input_shape[4] + width


@broken("adaptive_max_pool3d", "special values", "the maximum starts at the lowest finite number", "a window of nothing but -inf",
        source="pytorch/pytorch#39044", dtypes="float16 float32 float64", causes=("max-starts-at-lowest",))  # fmt: skip
def starts_at_lowest(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    y = np.maximum(made[0] if p.indices else made, np.finfo(p.format.numpy).min)
    return (y, made[1]) if p.indices else y


@broken("adaptive_max_pool2d", "special values", "NaN is dropped", "a NaN beside a number", causes=("nan-dropped",))
def adaptive_without_nan(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {"x": np.where(np.isnan(a["x"]), a["x"].dtype.type(-np.inf), a["x"])})


@broken(
    "adaptive_avg_pool1d_input_grad",
    "adaptive",
    "overlapping windows overwrite each other's gradients",
    "sizes that do not divide",
    causes=("gradient-overwritten",),
)
def adaptive_overwritten(p: Problem, a: Arrays, right: Right) -> Any:
    dx = np.zeros(p.input_shape, a["dy"].dtype)
    for place, (first, end) in enumerate(_bounds(p.windows[0])):
        dx[:, :, first:end] = a["dy"][:, :, place : place + 1] / dx.dtype.type(end - first)
    return dx


@broken(
    "adaptive_avg_pool3d_input_grad",
    "adaptive",
    "gradients are divided by size / output",
    "sizes that do not divide",
    causes=("adaptive-divided-by-ratio",),
)
def adaptive_gradient_by_ratio(p: Problem, a: Arrays, right: Right) -> Any:
    ratio = math.prod(max(1, w.size // w.output) for w in p.windows)
    taps = [np.array([end - first for first, end in _bounds(w)]) for w in p.windows]
    counts = taps[0].reshape(-1, 1, 1) * taps[1].reshape(-1, 1) * taps[2]
    return right(p, {**a, "dy": (a["dy"].astype(np.float64) * counts / ratio).astype(a["dy"].dtype)})


@broken(
    "adaptive_max_pool1d_input_grad",
    "adaptive",
    "of windows with one maximum the first one's gradient is kept",
    "overlapping windows",
    causes=("gradient-overwritten",),
)
def adaptive_first_kept(p: Problem, a: Arrays, right: Right) -> Any:
    return put(p, np.flip(a["dy"], 2), np.flip(selected(p, a, right), 2), add=False)


@broken(
    "adaptive_avg_pool2d_double_grad",
    "adaptive",
    "the second derivative exchanges the axes of square outputs",
    "a square output",
    causes=("result-transposed",),
)
def adaptive_second_transposed(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return y.swapaxes(2, 3).copy() if y.shape[2] == y.shape[3] else y


@broken(
    "adaptive_max_pool2d_double_grad",
    "adaptive",
    "the second derivative is read at the place of the output",
    "several elements",
    causes=("second-at-start",),
)
def adaptive_second_at_place(p: Problem, a: Arrays, right: Right) -> Any:
    starts = [[first for first, _ in _bounds(w)] for w in p.windows]
    return a["ddx"][:, :, starts[0]][:, :, :, starts[1]]


@broken("adaptive_avg_pool2d", "state", "a call writes over the result of the call before", "two calls of one shape",
        source="tenstorrent/tt-metal#26093", causes=("result-overwritten",))  # fmt: skip
def one_buffer(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    buffer = _kept.setdefault((y.shape, p.dtype), np.empty_like(y))
    buffer[...] = y
    return buffer


@broken("adaptive_avg_pool2d_input_grad", "adaptive", "outputs that share an element write their gradients one over the other",
        "an output larger than the input", source="Oneflow-Inc/oneflow#5614", causes=("gradient-overwritten",))  # fmt: skip
def adaptive_without_atomics(p: Problem, a: Arrays, right: Right) -> Any:
    if all(w.output <= w.size for w in p.windows):
        return right(p, a)
    dx, (rows, columns) = np.zeros(p.input_shape), map(_bounds, p.windows)
    for row, column in np.ndindex(p.output_shape[2:]):
        (top, bottom), (left, end) = rows[row], columns[column]
        dy = a["dy"][:, :, row, column].astype(np.float64)[:, :, None, None]
        dx[:, :, top:bottom, left:end] = dy / ((bottom - top) * (end - left))
    return dx.astype(a["dy"].dtype)


# Unpooling.


@broken(
    "max_unpool2d", "unpooling", "indices count on through the planes of a batch", "several planes", causes=("other-items-zero",)
)
def index_of_first_plane(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    y[1:] = 0
    return y


@broken(
    "max_unpool1d", "unpooling", "values are put to the first element of their window", "kernel > 1", causes=("unpool-to-first",)
)
def put_to_first(p: Problem, a: Arrays, right: Right) -> Any:
    (w,) = p.windows
    first = np.clip(np.arange(w.output) * w.stride - w.pad_begin, 0, w.size - 1)
    return right(p, {**a, "indices": np.broadcast_to(first, a["indices"].shape).copy()})


@broken(
    "max_unpool2d",
    "unpooling",
    "the output has its default size, and is filled up",
    "an output size that is not the default",
    causes=("unpool-default-size",),
)
def default_output_size(p: Problem, a: Arrays, right: Right) -> Any:
    sizes = [(w.output - 1) * w.stride + w.kernel - w.pad_begin - w.pad_end for w in p.windows]
    y = np.zeros((*p.input_shape[:2], math.prod(p.output_shape[2:])), a["x"].dtype)
    width = max(1, sizes[1])
    rows, columns = a["indices"] // width, a["indices"] % width
    at = np.minimum(rows * p.output_shape[3] + columns, y.shape[2] - 1).reshape(*y.shape[:2], -1)
    np.put_along_axis(y, at, a["x"].reshape(*y.shape[:2], -1), axis=2)
    return y.reshape(p.output_shape)


@broken(
    "max_unpool3d",
    "unpooling",
    "elements that no value is put to are not written",
    "more elements than values",
    causes=("unwritten",),
)
def unpooled_not_cleared(p: Problem, a: Arrays, right: Right) -> Any:
    y, empty = right(p, a), np.empty(p.output_shape, p.format.numpy)
    reached = right(p, {**a, "x": np.ones_like(a["x"])})
    return np.where(reached != 0, y, empty)


@broken(
    "max_unpool1d_input_grad",
    "unpooling",
    "the gradient reads the planes in reverse",
    "several channels",
    causes=("channels-reversed",),
)
def unpool_gradient_of_other_channel(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "dy": a["dy"][:, ::-1]})


@broken(
    "max_unpool3d_input_grad",
    "unpooling",
    "the gradient reads the start of each window",
    "kernel > 1",
    causes=("unpool-gradient-at-start",),
)
def unpool_gradient_at_start(p: Problem, a: Arrays, right: Right) -> Any:
    starts = [np.clip(np.arange(w.output) * w.stride - w.pad_begin, 0, w.size - 1) for w in p.windows]
    return a["dy"][:, :, starts[0]][:, :, :, starts[1]][:, :, :, :, starts[2]]


@broken(
    "max_unpool1d_double_grad max_unpool2d_double_grad",
    "unpooling",
    "the second derivative is a gather of its own size",
    "kernel > 1",
    causes=("copy-of-input",),
)
def unpool_second_fitted(p: Problem, a: Arrays, right: Right) -> Any:
    return fitted(a["ddx"], p.output_shape)


@broken(
    "max_unpool3d_double_grad",
    "unpooling",
    "the second derivative has the magnitudes alone",
    "negative numbers",
    causes=("magnitude",),
)
def unpool_second_magnitude(p: Problem, a: Arrays, right: Right) -> Any:
    return np.abs(right(p, a))
