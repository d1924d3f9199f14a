"""NaN and infinities that reach results which do not read them: through a dense matrix, a running sum, or padding by a factor 0.

Each such method sums over more than the window: 0 times NaN is NaN, and so is an infinity that is taken off again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, Rule, predicted
from conformance.diagnosis.rules.base import AVERAGES, FORWARDS, LIKE_FORWARD
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Family, Problem
from conformance.problem.operators import DOUBLE_GRAD
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays

Reach = Callable[[Problem, int], np.ndarray]
"""Which elements of one axis each place sums over, on the way to its own sum: (places, elements)."""


def _read(problem: Problem, axis: int) -> np.ndarray:
    table, elements = problem.windows[axis].table(), np.arange(problem.windows[axis].elements)
    return np.asarray((table[:, :, None] == elements).any(axis=1))


def _dense(problem: Problem, axis: int) -> np.ndarray:
    return np.ones_like(_read(problem, axis))


def _prefix(problem: Problem, axis: int) -> np.ndarray:
    read = _read(problem, axis)
    ends = np.where(read.any(axis=1), read.shape[1] - read[:, ::-1].argmax(axis=1), 0)
    return np.asarray(np.arange(read.shape[1]) < ends[:, None])


def _in_last(reach: Reach) -> Reach:
    return lambda problem, axis: reach(problem, axis) if axis == problem.op.ndim - 1 else _read(problem, axis)


def _total(problem: Problem, x: np.ndarray, reach: Reach) -> np.ndarray:
    """The sum of ``x`` over what each place reaches."""
    for axis in range(problem.op.ndim):
        x = np.moveaxis(np.tensordot(reach(problem, axis).astype(np.float64), x, (1, 2 + axis)), 0, 2 + axis)
    return x


def _spread(reach: Reach) -> Rule:
    """NaN where something is reached and not read that is NaN or infinite."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        bad = _bad(problem, arrays)
        if bad is None:
            return None
        if problem.op.family in (Family.CONV, Family.CONV_TRANSPOSE):  # every output channel sums over its group's
            bad = bad.reshape(problem.batch, problem.groups, -1, *bad.shape[2:]).sum(axis=2)
        hit = _total(problem, bad, reach) > _total(problem, bad, _read)
        return _with_nan(problem, arrays, np.repeat(hit, problem.out_channels // hit.shape[1], axis=1))

    return rule


def _bad(problem: Problem, arrays: Arrays) -> np.ndarray | None:
    """Where the input is NaN or infinite."""
    x = arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"]
    if problem.format.kind != "float" or not x.size:
        return None
    bad = ~np.isfinite(x.astype(np.float64))
    return bad.astype(np.float64) if bad.any() else None


def _with_nan(problem: Problem, arrays: Arrays, hit: np.ndarray) -> Prediction:
    right = predicted(problem, arrays)
    return dataclasses.replace(right, y=np.where(hit, np.nan, right.y))


def _everywhere(by_item: bool) -> Rule:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        bad = _bad(problem, arrays)
        if bad is None:
            return None
        hit = bad.reshape(len(bad), -1).any(axis=1) if by_item else np.full(len(bad), True)
        return _with_nan(problem, arrays, hit.reshape(-1, *[1] * (1 + problem.op.ndim)))

    return rule


def _masked(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Padding that is the nearest element times 0."""
    bad = _bad(problem, arrays)
    if bad is None or problem.pad_mode != "zeros" or min(map(min, problem.padding)) < 0 or not max(map(max, problem.padding)):
        return None
    pads = [(0, 0), (0, 0), *problem.padding]
    zero = np.pad(np.where(bad > 0, np.nan, 0.0), pads, mode="edge")
    inner = (
        slice(None),
        slice(None),
        *(slice(b, b + w.size) for (b, _), w in zip(problem.padding, problem.windows, strict=True)),
    )
    zero[inner] = arrays["x"].astype(np.float64)
    wide = problem.replace(auto_pad="")
    for axis, window in enumerate(problem.windows):
        wide = wide.with_axis(axis, size=window.padded, pad_begin=0, pad_end=0)
    made = predicted(wide, {**arrays, "x": zero.astype(arrays["x"].dtype)})
    return _with_nan(problem, arrays, np.isnan(made.y))


def _taken_off(reach: Reach) -> Rule:
    """A difference of sums over all that is reached: accurate relative to these. Each corner of a window is one such sum."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.format.significand < 24 or _bad(problem, arrays) is not None:
            return None  # shorter formats are summed in float32
        x = np.abs(arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"].astype(np.float64))
        truth, count = solve(problem, arrays), _total(problem, np.ones_like(x), reach)
        sums, right = _total(problem, x, reach), predicted(problem, arrays)
        spread = bounds.gamma(2 * count + 4, problem.format.unit_roundoff) * sums / truth.divisor
        exact = bool((x == np.rint(x)).all()) & (sums <= problem.format.largest_whole)
        return Prediction(right.y, right.low, right.tolerance + np.where(exact, 0.0, 2**problem.op.ndim * spread))

    return rule


def _all() -> Iterator[Hypothesis]:
    words = "NaN and infinities of a row reach results that do not read them: 0 * NaN of a dense matrix"
    yield new("nan-spread-by-matrix", words, _spread(_in_last(_dense)), AVERAGES, LIKE_FORWARD)
    words = "NaN and infinities reach results of their plane that do not read them: 0 * NaN of a dense matrix"
    both = (*AVERAGES, Family.CONV)
    yield new("nan-spread-by-matrix", words, _spread(_dense), both, LIKE_FORWARD)
    words = "NaN and infinities stay in a running sum that they were added to and taken off"
    yield new("running-sum", words, _spread(_in_last(_prefix)), AVERAGES, LIKE_FORWARD)
    words = "NaN and infinities stay in an integral image, whose sums are taken off each other"
    yield new("integral-image", words, _spread(_prefix), AVERAGES, LIKE_FORWARD)
    words = "padding is an element of the border times 0, which is NaN for NaN and infinities"
    yield new("padding-by-product", words, _masked, (*AVERAGES, Family.CONV), FORWARDS)
    for by_item, where in ((True, "its item"), (False, "the tensor")):
        words = f"one NaN or infinity makes all results of {where} NaN"
        yield new("nan-everywhere", words, _everywhere(by_item), (*AVERAGES, Family.CONV, Family.CONV_TRANSPOSE), LIKE_FORWARD)


def _last() -> Iterator[Hypothesis]:
    words = "averages are differences of running sums, whose rounding errors stay"
    yield new("running-sum", words, _taken_off(_in_last(_prefix)), AVERAGES, LIKE_FORWARD)
    words = "averages are differences of sums over all before (an integral image), whose rounding errors stay"
    yield new("integral-image", words, _taken_off(_prefix), AVERAGES, LIKE_FORWARD)


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
LAST: tuple[Hypothesis, ...] = tuple(_last())
