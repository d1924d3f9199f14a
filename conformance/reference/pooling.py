"""The oracle of pooling and unpooling, in all passes.

Sums whose terms are not plain inputs (gradients of averages, p-norms) are made in NumPy's long double, and the error of
that is counted.
"""

from __future__ import annotations

import math

import numpy as np

from conformance.problem import Family, Problem
from conformance.problem.operators import DOUBLE_GRAD, INPUT_GRAD
from conformance.reference.contraction import (
    Geometry,
    flat_table,
    fold,
    geometry_of,
    outer,
    planes_of,
    readers,
    taps_read,
    windows,
)
from conformance.reference.floats import slices, two_prod, two_sum
from conformance.reference.truth import MAX_SLICES, Answers, Arrays, Truth, error_of_low, gamma64, is_whole, selected

_EXACT = 2.0**53
_POWER_ULPS = 4  # the largest error of pow() that vendors document: CUDA 4 (float32), SVML 4, glibc 1


def max_pooling(problem: Problem, arrays: Arrays, answers: Answers) -> Truth:
    """Maximum, the first one of equals and the first NaN of all; its gradient goes to that element alone."""
    geometry, x = geometry_of(problem), arrays["x"]
    lowest = np.iinfo(np.int64).min if x.dtype.kind == "i" else -np.inf
    flat = flat_table(geometry).reshape(math.prod(geometry.taps), -1).T  # (places, taps)
    best = planes_of(geometry, x, lowest).take(flat, axis=2).argmax(axis=-1)  # the first of several; a NaN before everything
    place = np.arange(len(flat))
    indices = flat[place, best]
    # Where all of a window is the fill, padding may tie with the input and come first: then take the first input.
    indices = np.where(indices < 0, flat[place, (flat >= 0).argmax(axis=-1)], indices).reshape(problem.output_shape)
    if problem.op.pass_name == INPUT_GRAD:
        return _scattered(problem, arrays["dy"], indices)
    source = arrays["ddx"] if problem.op.pass_name == DOUBLE_GRAD else x
    return selected(_at(source, indices), indices)


def max_unpooling(problem: Problem, arrays: Arrays, answers: Answers) -> Truth:
    """Each value at its index, zero elsewhere; the gradient takes them back from there."""
    indices = arrays["indices"]
    if problem.op.pass_name == INPUT_GRAD:
        return selected(_at(arrays["dy"], indices))
    return selected(*_put(problem, indices, arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"]))


def average_pooling(problem: Problem, arrays: Arrays, answers: Answers) -> Truth:
    geometry = geometry_of(problem)
    divisor = np.broadcast_to(_divisor(problem, geometry, answers), problem.output_shape).astype(np.float64)
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
    terms = dy.astype(np.longdouble) / divisor
    sums, magnitudes = _spread(geometry, terms)
    n = np.broadcast_to(readers(geometry), problem.input_shape)
    # Integers divide exactly where every window has one divisor, a power of two.
    one = float(divisor.max(initial=0))
    even = math.frexp(one)[0] == 0.5 and bool((divisor == one).all())
    return _long(sums, n, magnitudes, roundings=2, divisor=np.full(n.shape, 1.0 if even else 3.0))


def lp_pooling(problem: Problem, arrays: Arrays, answers: Answers) -> Truth:
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
    meets, magnitude = _spread(geometry, share)
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


def _divisor(problem: Problem, geometry: Geometry, answers: Answers) -> np.ndarray:
    if problem.divisor is not None:
        return np.full(problem.output_shape[2:], problem.divisor)
    if problem.count_include_pad and problem.op.family is Family.AVG_POOL:
        if answers.get("ceil_overhang") == "counted":
            return np.full(problem.output_shape[2:], math.prod(problem.kernel))
        return outer([window.inside_padded().sum(axis=1) for window in problem.windows])  # type: ignore[union-attr]
    return taps_read(geometry)


def _window_sums(geometry: Geometry, x: np.ndarray) -> np.ndarray:
    ndim = len(geometry.tables)
    return np.asarray(windows(geometry, x).sum(axis=tuple(range(2, 2 + ndim))))


def _spread(geometry: Geometry, values: np.ndarray) -> list[np.ndarray]:
    """Each place's value added to every element that its window reads, and the same of magnitudes."""
    both = np.concatenate([values, np.abs(values)], axis=1)
    of_taps = both[(slice(None), slice(None), *[None] * len(geometry.taps))]
    return np.split(fold(geometry, np.broadcast_to(of_taps, (*both.shape[:2], *geometry.taps, *geometry.places))), 2, axis=1)


def _taps_last(geometry: Geometry, taken: np.ndarray) -> np.ndarray:
    """(batch, channels, *taps, *places) as (batch, channels, *places, taps)."""
    ndim = len(geometry.tables)
    order = (0, 1, *range(2 + ndim, 2 + 2 * ndim), *range(2, 2 + ndim))
    return taken.transpose(order).reshape(*taken.shape[:2], *geometry.places, math.prod(geometry.taps))


def _at(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The elements of each plane at flat indices."""
    planes, places = (a.reshape(*a.shape[:2], math.prod(a.shape[2:])) for a in (x, indices))
    flat = np.take_along_axis(planes, places, axis=-1)
    return flat.reshape(indices.shape)


def _put(problem: Problem, indices: np.ndarray, *values: np.ndarray) -> list[np.ndarray]:
    """For each of some tensors, planes with its values added at flat indices."""
    shape = problem.output_shape if problem.op.family is Family.MAX_UNPOOL else problem.input_shape
    planes, elements = shape[0] * shape[1], math.prod(shape[2:])
    at = (indices.reshape(planes, math.prod(indices.shape[2:])) + np.arange(planes)[:, None] * elements).reshape(-1)
    made = []
    for array in values:
        total = np.zeros(planes * elements, array.dtype)
        np.add.at(total, at, array.reshape(-1))
        made.append(total.reshape(shape))
    return made


def _scattered(problem: Problem, dy: np.ndarray, indices: np.ndarray) -> Truth:
    """Each gradient added to the element that was selected."""
    whole = dy.dtype.kind == "i" or is_whole(dy)
    exact = dy if whole else dy.astype(np.longdouble)
    y, S, n = _put(problem, indices, exact, np.abs(dy), np.ones(dy.shape, np.int64))
    return Truth(y, np.zeros_like(y), n, S, np.zeros(y.shape), np.ones(y.shape)) if whole else _long(y, n, S, roundings=0)
