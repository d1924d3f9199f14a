"""The oracle of pooling and unpooling, in all passes.

Sums whose terms are not plain inputs (gradients of averages, p-norms) are made in NumPy's long double, and the error of
that is counted.
"""

from __future__ import annotations

import math

import numpy as np

from conformance.problem import Family, Problem
from conformance.problem.operators import DOUBLE_GRAD, INPUT_GRAD
from conformance.reference.contraction import Geometry, fold, geometry_of, outer, readers, taps_read, windows
from conformance.reference.floats import slices, two_prod, two_sum
from conformance.reference.truth import MAX_SLICES, Arrays, Truth, error_of_low, gamma64, is_whole, selected

_EXACT = 2.0**53
_POWER_ULPS = 4  # the largest error of pow() that vendors document: CUDA 4 (float32), SVML 4, glibc 1


def max_pooling(problem: Problem, arrays: Arrays) -> Truth:
    """Maximum, the first one of equals and the first NaN of all; its gradient goes to that element alone."""
    geometry, x = geometry_of(problem), arrays["x"]
    lowest = np.iinfo(np.int64).min if x.dtype.kind == "i" else -np.inf
    taken = _taps_last(geometry, windows(geometry, x, fill=lowest))
    best = taken.argmax(axis=-1)  # the first of several; a NaN before everything
    flat = _flat(geometry)
    # Where all of a window is the fill, padding may tie with the input and come first: then take the first input.
    outside = np.take_along_axis(np.broadcast_to(flat, taken.shape), best[..., None], axis=-1)[..., 0] < 0
    best = np.where(outside, np.broadcast_to((flat >= 0).argmax(axis=-1), best.shape), best)
    indices = np.take_along_axis(np.broadcast_to(flat, taken.shape), best[..., None], axis=-1)[..., 0]
    if problem.op.pass_name == INPUT_GRAD:
        return _scattered(problem, arrays["dy"], indices)
    source = arrays["ddx"] if problem.op.pass_name == DOUBLE_GRAD else x
    return selected(_at(source, indices), indices)


def max_unpooling(problem: Problem, arrays: Arrays) -> Truth:
    """Each value at its index, zero elsewhere; the gradient takes them back from there."""
    indices = arrays["indices"]
    if problem.op.pass_name == INPUT_GRAD:
        return selected(_at(arrays["dy"], indices))
    return selected(_put(problem, arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"], indices)[0])


def average_pooling(problem: Problem, arrays: Arrays) -> Truth:
    geometry = geometry_of(problem)
    divisor = np.broadcast_to(_divisor(problem, geometry), problem.output_shape).astype(np.float64)
    if problem.op.pass_name == INPUT_GRAD:
        return _average_gradient(problem, geometry, arrays["dy"], divisor)
    x = arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"]
    n = np.broadcast_to(taps_read(geometry), problem.output_shape)
    total, S = _window_sums(geometry, x), _window_sums(geometry, np.abs(x))
    low = np.zeros_like(total)
    if is_whole(x) and S.max(initial=0) < _EXACT:
        error = low
    elif problem.dtype != "float64" or not np.isfinite(S).all():
        error = gamma64(n) * S
    else:
        parts, rest = slices(x, 53 - math.ceil(math.log2(problem.max_terms)) - 1, MAX_SLICES)
        total = np.zeros_like(total)
        for part in parts:
            total, rounding = two_sum(total, _window_sums(geometry, part))
            low = low + rounding
        error = error_of_low(len(parts), S) + 2 * _window_sums(geometry, np.abs(rest))
    y = total / divisor
    back, rounding = two_prod(y, divisor)
    low = ((total - back) - rounding + low) / divisor
    # Splitting for the exact product overflows near the top of the range: there the quotient's own rounding remains.
    error = np.where(np.isfinite(low), error, error + 2.0**-53 * np.abs(total))
    low = np.where(np.isfinite(low), low, 0.0)
    return Truth(y, low, n, S / divisor, error / divisor + 2.0**-100 * S, divisor, roundings=2)


def _average_gradient(problem: Problem, geometry: Geometry, dy: np.ndarray, divisor: np.ndarray) -> Truth:
    """dx[i] = sum over the windows that hold i of dy / divisor."""

    def spread(values: np.ndarray) -> np.ndarray:
        ones = np.ones((1,) * 2 + geometry.taps + (1,) * len(geometry.taps), values.dtype)
        return fold(geometry, ones * values[(slice(None), slice(None), *[None] * len(geometry.taps))])

    terms = dy.astype(np.longdouble) / divisor
    n = np.broadcast_to(readers(geometry), problem.input_shape)
    # Integers divide exactly where every window has one divisor, a power of two.
    even = len(np.unique(divisor)) == 1 and np.frexp(divisor.flat[0])[0] == 0.5
    return _long(spread(terms), n, spread(np.abs(terms)), roundings=2, divisor=np.full(n.shape, 1.0 if even else 3.0))


def lp_pooling(problem: Problem, arrays: Arrays) -> Truth:
    """(sum |x|^p)^(1/p). All terms are positive, so the root's relative error is the sum's over p, and the powers' own."""
    geometry, p, x = geometry_of(problem), problem.norm, arrays["x"]
    n = np.broadcast_to(taps_read(geometry), problem.output_shape)
    if math.isinf(p):
        return selected(_taps_last(geometry, windows(geometry, np.abs(x))).max(axis=-1))
    powers = np.abs(windows(geometry, x.astype(np.longdouble))) ** np.longdouble(p)
    y = powers.sum(axis=tuple(range(2, 2 + problem.op.ndim))) ** (1 / np.longdouble(p))
    root = 4 * _POWER_ULPS + 4 + _of_exponent(p, y)
    if problem.op.forward:
        return _long(y, n, y, roundings=root)
    # dx = sum over the windows of dy |x|^(p-1) sign(x) y^(1-p)
    dy = arrays["dy"].astype(np.longdouble)
    with np.errstate(divide="ignore"):
        share = np.where(y > 0, dy * np.where(y > 0, y, 1) ** np.longdouble(1 - p), 0)
    base = x.astype(np.longdouble)
    slope = np.sign(base) * np.abs(base) ** np.longdouble(p - 1)
    ones = np.ones((1,) * 2 + geometry.taps + (1,) * problem.op.ndim, np.longdouble)
    at = (slice(None), slice(None), *[None] * problem.op.ndim)
    meets, magnitude = (fold(geometry, ones * values[at]) for values in (share, np.abs(share)))
    counted = np.broadcast_to(readers(geometry), problem.input_shape)
    taps = math.prod(problem.kernel)
    # The norm in y^(1-p) has the relative error of the forward pass, taken (p - 1) times.
    roundings = math.ceil((p + 1) * (taps + root))
    return _long(slope * meets, counted, np.abs(slope) * magnitude, roundings=roundings)


def _of_exponent(p: float, y: np.ndarray) -> int:
    """Units that y = s^(1/p) errs by where 1/p is rounded: d(s^e) = ln(s) s^e de with de = u / p makes u ln(y) of y."""
    if math.frexp(p)[0] == 0.5:
        return 0
    known = y[(y > 0) & np.isfinite(y)]
    return math.ceil(float(np.abs(np.log(known)).max(initial=0)))


def _long(y: np.ndarray, n: np.ndarray, S: np.ndarray, roundings: int, divisor: np.ndarray | None = None) -> Truth:
    """The truth of what was computed in long double with n terms and so many roundings."""
    high = y.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        low = (y - high).astype(np.float64)
    low = np.where(np.isfinite(low), low, 0.0)
    unit = float(np.finfo(np.longdouble).eps)
    S = S.astype(np.float64)
    error = 2 * (n + roundings) * unit * np.where(np.isfinite(S), S, 0.0)
    return Truth(high, low, n, S, error, np.ones(y.shape) if divisor is None else divisor, roundings)


def _divisor(problem: Problem, geometry: Geometry) -> np.ndarray:
    if problem.divisor is not None:
        return np.full(problem.output_shape[2:], problem.divisor)
    if problem.count_include_pad and problem.op.family is Family.AVG_POOL:
        return outer([window.inside_padded().sum(axis=1) for window in problem.windows])  # type: ignore[union-attr]
    return taps_read(geometry)


def _window_sums(geometry: Geometry, x: np.ndarray) -> np.ndarray:
    ndim = len(geometry.tables)
    return np.asarray(windows(geometry, x).sum(axis=tuple(range(2, 2 + ndim))))


def _taps_last(geometry: Geometry, taken: np.ndarray) -> np.ndarray:
    """(batch, channels, *taps, *places) as (batch, channels, *places, taps)."""
    ndim = len(geometry.tables)
    order = (0, 1, *range(2 + ndim, 2 + 2 * ndim), *range(2, 2 + ndim))
    return taken.transpose(order).reshape(*taken.shape[:2], *geometry.places, math.prod(geometry.taps))


def _flat(geometry: Geometry) -> np.ndarray:
    """The flat index of the element that each (place, tap) reads, -1 for none, shape (*places, taps)."""
    grid = np.arange(math.prod(geometry.elements)).reshape(1, 1, *geometry.elements)
    return np.asarray(_taps_last(geometry, windows(geometry, grid, fill=-1))[0, 0])


def _at(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The elements of each plane at flat indices."""
    planes, places = (a.reshape(*a.shape[:2], math.prod(a.shape[2:])) for a in (x, indices))
    flat = np.take_along_axis(planes, places, axis=-1)
    return flat.reshape(indices.shape)


def _put(problem: Problem, values: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Planes with the values added at flat indices, and how many were added to each element."""
    shape = problem.output_shape if problem.op.family is Family.MAX_UNPOOL else problem.input_shape
    planes = shape[0] * shape[1]
    total, count = np.zeros((planes, math.prod(shape[2:])), values.dtype), np.zeros((planes, math.prod(shape[2:])), np.int64)
    plane = np.repeat(np.arange(planes), math.prod(indices.shape[2:]))
    np.add.at(total, (plane, indices.reshape(-1)), values.reshape(-1))
    np.add.at(count, (plane, indices.reshape(-1)), 1)
    return total.reshape(shape), count.reshape(shape)


def _scattered(problem: Problem, dy: np.ndarray, indices: np.ndarray) -> Truth:
    """Each gradient added to the element that was selected."""
    if dy.dtype.kind == "i" or is_whole(dy):
        y, n = _put(problem, dy, indices)
        S, _ = _put(problem, np.abs(dy), indices)
        return Truth(y, np.zeros_like(y), n, S, np.zeros(y.shape), np.ones(y.shape))
    long, n = _put(problem, dy.astype(np.longdouble), indices)
    S, _ = _put(problem, np.abs(dy), indices)
    return _long(long, n, S, roundings=0)
