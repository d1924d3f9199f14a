"""The oracle: what :mod:`conformance.reference.definition` says, vectorised, with what an error bound needs.

Inputs up to float32 are summed in float64, where every product is exact. Float64 inputs are cut into slices whose
products sum without rounding (Ozaki), and the slices' results are added with TwoSum, so that the truth is far more
accurate than what it judges. The oracle's own error is bounded and handed on, never ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from conformance.problem import Family, Problem
from conformance.reference.floats import slices, two_prod, two_sum

_BLOCK_BYTES = 32 * 2**20  # gathered windows held at a time
_MAX_SLICES = 6  # 6 slices of 20 bits hold any float64 data of a range up to 2^60
_EXACT = 2.0**53


@dataclass(frozen=True, slots=True)
class Truth:
    """For each output: its true value ``y + low``, the number of terms ``n``, and ``S``, the sum of their magnitudes.

    ``error`` bounds how far y + low may be from the truth. ``divisor`` is 1 but for average pooling, where S is already
    divided by it. ``indices`` are those of max pooling, else None. All have the shape of the output.
    """

    y: np.ndarray
    low: np.ndarray
    n: np.ndarray
    S: np.ndarray
    error: np.ndarray
    divisor: np.ndarray
    indices: np.ndarray | None = None


def solve(problem: Problem, arrays: dict[str, np.ndarray]) -> Truth:
    """The truth about a valid problem on the given tensors (``x``, and for convolution ``w`` and perhaps ``b``)."""
    arrays = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    with np.errstate(invalid="ignore", over="ignore"):
        if problem.op.family is Family.CONV:
            return _convolution(problem, **arrays)
        if problem.op.family is Family.MAX_POOL:
            return _max_pooling(problem, **arrays)
        return _average_pooling(problem, **arrays)


def count_terms(problem: Problem) -> np.ndarray:
    """How many terms are summed into each output, a bias counted, shape of the output."""
    return _fill(problem, _taps_inside(problem) * _channels(problem) + problem.bias)


def _convolution(problem: Problem, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> Truth:
    n = count_terms(problem)
    bias = np.zeros(problem.out_channels) if b is None else b
    bias = bias.reshape(-1, *[1] * problem.op.ndim)
    y, S = correlate(problem, x, w) + bias, correlate(problem, np.abs(x), np.abs(w)) + np.abs(bias)
    low, one = np.zeros_like(y), np.ones_like(y)
    if _is_whole(x) and _is_whole(w) and _is_whole(bias) and S.max() < _EXACT:
        return Truth(y, low, n, S, low, one)
    if problem.dtype != "float64" or not np.isfinite(S).all():
        return Truth(y, low, n, S, _gamma64(n) * S, one)

    bits = _slice_bits(problem.max_terms)
    x_parts, x_rest = slices(x, bits, _MAX_SLICES)
    w_parts, w_rest = slices(w, bits, _MAX_SLICES)
    y = np.broadcast_to(bias, problem.output_shape)
    for x_part in x_parts:
        for w_part in w_parts:
            y, rounding = two_sum(y, correlate(problem, x_part, w_part))
            low = low + rounding
    lost = correlate(problem, np.abs(x_rest), np.abs(w)) + correlate(problem, np.abs(x), np.abs(w_rest))
    return Truth(y, low, n, S, _error_of_low(len(x_parts) * len(w_parts), S) + 2 * lost, one)


def _max_pooling(problem: Problem, x: np.ndarray) -> Truth:
    windows = _windows(problem, x, fill=-np.inf)
    windows = windows.reshape(*problem.output_shape, -1)
    best = windows.argmax(axis=-1)  # the first of several; a NaN before everything
    y = np.take_along_axis(windows, best[..., None], axis=-1)[..., 0]
    inside, flat = _flat_positions(problem)
    at = np.broadcast_to(flat, (*problem.output_shape, flat.shape[-1]))
    # Where all of a window is -inf, padding may tie with the input and come first: then take the first input.
    outside = ~np.take_along_axis(np.broadcast_to(inside, at.shape), best[..., None], axis=-1)[..., 0]
    best = np.where(outside, np.broadcast_to(inside.argmax(axis=-1), best.shape), best)
    indices = np.take_along_axis(at, best[..., None], axis=-1)[..., 0]
    zero, one = np.zeros_like(y), np.ones_like(y)
    return Truth(y, zero, np.ones(y.shape, dtype=np.int64), np.abs(y), zero, one, indices)


def _average_pooling(problem: Problem, x: np.ndarray) -> Truth:
    n = count_terms(problem)
    divisor = _fill(problem, _divisor(problem)).astype(np.float64)
    total, S = _window_sums(problem, x), _window_sums(problem, np.abs(x))
    low = np.zeros_like(total)
    if _is_whole(x) and S.max() < _EXACT:
        error = low
    elif problem.dtype != "float64" or not np.isfinite(S).all():
        error = _gamma64(n) * S
    else:
        parts, rest = slices(x, 53 - math.ceil(math.log2(problem.max_terms)) - 1, _MAX_SLICES)
        total = np.zeros_like(total)
        for part in parts:
            total, rounding = two_sum(total, _window_sums(problem, part))
            low = low + rounding
        error = _error_of_low(len(parts), S) + 2 * _window_sums(problem, np.abs(rest))
    y = total / divisor
    back, rounding = two_prod(y, divisor)
    low = ((total - back) - rounding + low) / divisor
    # Splitting for the exact product overflows near the top of the range: there the quotient's own rounding remains.
    error = np.where(np.isfinite(low), error, error + 2.0**-53 * np.abs(total))
    low = np.where(np.isfinite(low), low, 0.0)
    return Truth(y, low, n, S / divisor, error / divisor + 2.0**-100 * S, divisor)


def correlate(problem: Problem, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The sums of products of a convolution without its bias, in float64 and in no particular order."""
    batch, groups, channels = problem.batch, problem.groups, _channels(problem)
    windows = _windows(problem, x)
    kernels = w.reshape(groups, problem.out_channels // groups, -1)
    y = np.empty(problem.output_shape)
    ndim = problem.op.ndim
    order = (0, 1, 2, *range(3 + ndim, 3 + 2 * ndim), *range(3, 3 + ndim))  # taps before positions
    for rows in _row_blocks(problem):
        part = windows[:, :, rows]
        outputs = part.shape[2 : 2 + ndim]
        grouped = part.reshape(batch, groups, channels, *part.shape[2:]).transpose(order)
        columns = grouped.reshape(batch, groups, kernels.shape[2], math.prod(outputs))
        y[:, :, rows] = (kernels @ columns).reshape(batch, problem.out_channels, *outputs)
    return y


def _row_blocks(problem: Problem) -> Iterator[slice]:
    """Slices of the first output axis, so that the windows gathered for one of them stay within _BLOCK_BYTES."""
    rows = problem.windows[0].output
    row_bytes = 8 * problem.batch * problem.channels * math.prod(problem.kernel) * math.prod(problem.output_shape[3:])
    step = max(1, _BLOCK_BYTES // row_bytes)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _windows(problem: Problem, x: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """A view on the padded input of shape (batch, channels, *outputs, *kernel); nothing is copied but the padding."""
    pads = [(0, 0), (0, 0)]
    for window in problem.windows:
        reach = (window.output - 1) * window.stride + window.extent
        pads.append((window.pad_begin, max(0, reach - window.size - window.pad_begin)))
    padded = np.pad(x, pads, constant_values=fill) if any(map(any, pads)) else np.ascontiguousarray(x)
    steps = padded.strides[2:]
    return as_strided(
        padded,
        (*padded.shape[:2], *problem.output_shape[2:], *problem.kernel),
        (
            *padded.strides[:2],
            *(step * window.stride for step, window in zip(steps, problem.windows, strict=True)),
            *(step * window.dilation for step, window in zip(steps, problem.windows, strict=True)),
        ),
        writeable=False,
    )


def _window_sums(problem: Problem, x: np.ndarray) -> np.ndarray:
    ndim = problem.op.ndim
    return _windows(problem, x).sum(axis=tuple(range(2 + ndim, 2 + 2 * ndim)))


def _outer(problem: Problem, per_axis: list[np.ndarray]) -> np.ndarray:
    """The product of one vector of counts per axis, shape of the outputs."""
    result = np.ones((1,) * problem.op.ndim, dtype=np.int64)
    for axis, counts in enumerate(per_axis):
        shape = [1] * problem.op.ndim
        shape[axis] = -1
        result = result * counts.reshape(shape)
    return result


def _taps_inside(problem: Problem) -> np.ndarray:
    return _outer(problem, [window.inside().sum(axis=1) for window in problem.windows])


def _divisor(problem: Problem) -> np.ndarray:
    if problem.divisor is not None:
        return np.full(problem.output_shape[2:], problem.divisor)
    if problem.count_include_pad:
        return _outer(problem, [window.inside_padded().sum(axis=1) for window in problem.windows])
    return _taps_inside(problem)


def _flat_positions(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """For each output position and tap: whether it reads the input, and the flat index it reads, (*outputs, taps)."""
    ndim = problem.op.ndim
    inside = np.ones((1,) * 2 * ndim, dtype=bool)
    flat = np.zeros((1,) * 2 * ndim, dtype=np.int64)
    for axis, window in enumerate(problem.windows):
        shape = [1] * 2 * ndim
        shape[axis], shape[ndim + axis] = window.output, window.kernel
        inside = inside & window.inside().reshape(shape)
        flat = flat * window.size + window.positions().reshape(shape)
    shape = [*problem.output_shape[2:], -1]
    return inside.reshape(shape), flat.reshape(shape)


def _fill(problem: Problem, per_position: np.ndarray) -> np.ndarray:
    return np.broadcast_to(per_position, problem.output_shape)


def _channels(problem: Problem) -> int:
    return 1 if problem.op.is_pool else problem.channels // problem.groups


def _slice_bits(terms: int) -> int:
    """The most bits b with terms * 2^(2 b) <= 2^53."""
    return (53 - math.ceil(math.log2(terms))) // 2


def _is_whole(a: np.ndarray) -> bool:
    return bool((a == np.rint(a)).all())


def _gamma64(n: np.ndarray) -> np.ndarray:
    product = n * 2.0**-53
    return product / (1 - product)


def _error_of_low(parts: int, S: np.ndarray) -> np.ndarray:
    """Adding up k rounding errors in float64 errs by at most about k^2 2^-106 S, here S of slices, at most 4 of the data's."""
    return 4 * (parts + 2) ** 2 * 2.0**-106 * S
