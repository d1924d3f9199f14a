"""Convolution as one matrix product over gathered windows (im2col), and pooling over the same windows, in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.problem import OPERATORS, Family, Problem

ORDER = 10


class NumpyGemm(Implementation):
    name = "numpy-gemm"
    summary = "windows gathered into a matrix (im2col), then one BLAS product for each group"

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {name: Claims(options=options_of(operator)) for name, operator in OPERATORS.items()}

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], object]:
        x, w, b = arrays["x"], arrays.get("w"), arrays.get("b")
        if problem.op.family is Family.CONV:
            assert w is not None
            return lambda: convolution(problem, x, w, b)
        if problem.op.family is Family.MAX_POOL:
            return lambda: max_pooling(problem, x)
        return lambda: average_pooling(problem, x)


def convolution(problem: Problem, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    ndim, groups = problem.op.ndim, problem.groups
    windows = gather(problem, x)  # (batch, channels, *outputs, *kernel)
    windows = windows.reshape(problem.batch, groups, -1, *windows.shape[2:])
    taps_first = windows.transpose(0, 1, 2, *range(3 + ndim, 3 + 2 * ndim), *range(3, 3 + ndim))
    terms = w.shape[1] * math.prod(problem.kernel)
    columns = taps_first.reshape(problem.batch, groups, terms, -1)
    y = (w.reshape(groups, -1, terms) @ columns).reshape(problem.output_shape)
    return y if b is None else y + b.reshape(-1, *[1] * ndim)


def max_pooling(problem: Problem, x: np.ndarray) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    windows = gather(problem, x, fill=-np.inf)
    if not problem.indices:
        return windows.max(axis=tuple(range(-problem.op.ndim, 0)))
    flat = np.arange(math.prod(x.shape[2:])).reshape(1, 1, *x.shape[2:])
    where = gather(problem, flat, fill=-1)
    windows = windows.reshape(*problem.output_shape, -1)
    where = np.broadcast_to(where, (*x.shape[:2], *where.shape[2:])).reshape(windows.shape)
    # Padding is -inf too, so among equals the first one inside the input is meant.
    best = np.where(where < 0, np.nan, windows)
    best = np.where(np.isnan(windows) & (where >= 0), np.inf, best)
    first = np.nanargmax(np.where(np.isnan(windows).any(axis=-1, keepdims=True) & ~np.isnan(windows), -np.inf, best), axis=-1)
    pick = first[..., None]
    return (np.take_along_axis(windows, pick, -1)[..., 0], np.take_along_axis(where, pick, -1)[..., 0])


def average_pooling(problem: Problem, x: np.ndarray) -> np.ndarray:
    total = gather(problem, x).sum(axis=tuple(range(-problem.op.ndim, 0)), dtype=x.dtype)
    if problem.divisor is not None:
        return total / x.dtype.type(problem.divisor)
    counts = np.ones((1,) * problem.op.ndim, dtype=np.int64)
    for axis, window in enumerate(problem.windows):
        inside = window.inside_padded() if problem.count_include_pad else window.inside()
        counts = counts * inside.sum(axis=1).reshape([-1 if i == axis else 1 for i in range(problem.op.ndim)])
    return (total / counts.astype(x.dtype)).astype(x.dtype, copy=False)


def gather(problem: Problem, x: np.ndarray, fill: float = 0) -> np.ndarray:
    """Every window of the padded input as a view of shape (batch, channels, *outputs, *kernel)."""
    pads = [(0, 0), (0, 0)]
    for window in problem.windows:
        reach = (window.output - 1) * window.stride + window.extent
        pads.append((window.pad_begin, max(0, reach - window.size - window.pad_begin)))
    if any(map(any, pads)):
        x = np.pad(x, pads, constant_values=fill)
    view = sliding_window_view(x, [window.extent for window in problem.windows], axis=tuple(range(2, x.ndim)))
    positions = tuple(slice(0, (w.output - 1) * w.stride + 1, w.stride) for w in problem.windows)
    taps = tuple(slice(None, None, w.dilation) for w in problem.windows)
    return view[(slice(None), slice(None), *positions, *taps)]
