"""Accumulators, quotients and results of fewer bits than the format has, and inputs that are lost beside larger ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, predicted
from conformance.diagnosis.rules.base import (
    AVERAGES,
    CONVS,
    EVERY_PASS,
    FORWARDS,
    INPUT_GRADS,
    LIKE_FORWARD,
    SUMS,
    by_arrays,
    by_factor,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.rules.numbers import rounded
from conformance.diagnosis.rules.pooling import divisor_of
from conformance.problem import Family, Problem
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays


def _all() -> Iterator[Hypothesis]:
    words = "a wider result is rounded to the inputs' type first"
    yield new("wide-result-rounded", words, _wide_rounded, (Family.CONV,), EVERY_PASS)
    words = "1 / divisor is taken as a whole number, which is 0 of a divisor over 1"
    yield new("reciprocal-whole", words, by_factor(_whole_reciprocal), AVERAGES, LIKE_FORWARD)
    for bits in (8, 11, 16, 24):
        words = f"sums are multiplied by 1 / divisor, rounded to {bits} bits"
        yield new(f"reciprocal-of-{bits}-bits", words, by_factor(_reciprocal(bits)), AVERAGES, LIKE_FORWARD | INPUT_GRADS)
    words = "sums stop where adding 1 no longer changes them: 2048 of float16, 256 of bfloat16"
    yield new("sums-stall", words, _stalled, AVERAGES, FORWARDS)
    words = "the last bit of results is cut off"
    yield new("results-cut", words, _cut, SUMS)


def _last() -> Iterator[Hypothesis]:
    for bits in range(9, 24):
        words = f"sums are accumulated in {bits} bits"
        yield new(f"accumulator-of-{bits}-bits", words, _accumulated_in(bits), SUMS)
    for digits in range(3, 7):
        words = f"inputs below 1e-{digits} of the largest are dropped"
        yield new("small-inputs-dropped", words, by_arrays(_without_small("x", digits)), CONVS, FORWARDS)


def _wide_rounded(problem: Problem, arrays: Arrays) -> Prediction | None:
    if not problem.result or problem.result_format.significand <= problem.format.significand:
        return None
    right, form = predicted(problem, arrays), problem.format
    y = right.y.astype(form.numpy).astype(np.float64)
    tolerance = right.tolerance + 2 * form.unit_roundoff * np.abs(right.y) + form.smallest_subnormal
    exact = right.tolerance == 0
    tolerance = np.where(exact | ~np.isfinite(y), 0.0, tolerance)
    return Prediction(np.where(exact | ~np.isfinite(y), y, right.y), np.zeros(y.shape), tolerance, grid=form)


def _whole_reciprocal(problem: Problem, arrays: Arrays) -> np.ndarray:
    return (divisor_of(problem) <= 1) * 1.0


def _reciprocal(bits: int) -> Callable[[Problem, Arrays], np.ndarray | float | None]:
    def factor(problem: Problem, arrays: Arrays) -> np.ndarray | float | None:
        if problem.format.significand <= bits:
            return None
        divisor = np.maximum(1, divisor_of(problem)).astype(np.float64)
        times = rounded(1 / divisor, bits) * divisor
        if problem.op.pass_name not in INPUT_GRADS:
            return np.asarray(times)
        return float(times.flat[0]) if times.size and (times == times.flat[0]).all() else None

    return factor


def _stalled(problem: Problem, arrays: Arrays) -> Prediction | None:
    if problem.format.kind != "float" or problem.format.significand > 11:
        return None
    truth, right = solve(problem, arrays), predicted(problem, arrays)
    most = 2.0**problem.format.significand / truth.divisor
    over = np.abs(right.y) > most
    y = np.clip(right.y, -most, most)
    return Prediction(y, np.where(over, 0, right.low), np.where(over, 2 * problem.format.unit_roundoff * most, right.tolerance))


def _cut(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Results, wider ones too, have a bit less than the inputs' format."""
    form = problem.format
    if form.kind != "float":
        return None
    right, bits = predicted(problem, arrays), form.significand - 1
    tolerance = np.where(right.tolerance > 0, right.tolerance + 4 * form.unit_roundoff * np.abs(right.y), 0.0)
    y = np.where(tolerance > 0, right.y, rounded(right.y, bits, cut=True))
    return Prediction(y, np.zeros(y.shape), tolerance, bits=bits)


def _accumulated_in(bits: int) -> Callable[[Problem, Arrays], Prediction | None]:
    """Every partial sum has so many bits, rounded or cut off, and so has the result, but for a bias that is added to it."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.format.kind != "float" or problem.format.significand <= bits or problem.result:
            return None
        truth = solve(problem, arrays)
        spread = bounds.gamma(truth.n + truth.roundings, 2.0 ** (1 - bits)) * truth.S
        tolerance = spread + bounds.componentwise(problem, truth).tolerance
        whole = all((a.astype(np.float64) == np.rint(a.astype(np.float64))).all() for a in arrays.values())
        tolerance = np.where(whole & (2.0**bits >= truth.S) & (truth.divisor == 1), 0.0, tolerance)
        if "b" not in arrays:
            return Prediction(truth.y, truth.low, tolerance, bits=bits if (truth.divisor == 1).all() else 0)
        offset = arrays["b"].astype(np.float64).reshape(-1, *[1] * problem.op.ndim)
        return Prediction(truth.y, truth.low, tolerance, offset=offset, bits=bits if whole else 0)

    return rule


def _without_small(name: str, digits: int) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        if problem.format.kind != "float":
            return None
        size = np.abs(arrays[name].astype(np.float64))
        least = 10.0**-digits * size[np.isfinite(size)].max(initial=0)
        lost = (size < least) & (size > 0)
        return {**arrays, name: np.where(lost, arrays[name].dtype.type(0), arrays[name])} if lost.any() else None

    return change


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
LAST: tuple[Hypothesis, ...] = tuple(_last())
