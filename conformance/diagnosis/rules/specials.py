"""Special values that are dropped, clipped or spread."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from conformance.checks.exact import overflowed
from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly, of_truth, predicted
from conformance.diagnosis.rules.base import (
    ALL,
    AVERAGES,
    FORWARDS,
    MAXIMA,
    by_arrays,
    by_result,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.rules.maxima import taken
from conformance.problem import Problem
from conformance.reference.contraction import geometry_of, windows
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays


def _specials() -> Iterator[Hypothesis]:
    words = "NaN is dropped: the others' maximum is taken"
    yield new("nan-dropped", words, by_arrays(_without_nan(-np.inf)), MAXIMA, FORWARDS)
    yield new("nan-dropped", words, _fmax, MAXIMA, FORWARDS)
    words = "NaN survives a maximum only where it comes first in the window"
    yield new("nan-only-first", words, _greater_than, MAXIMA, FORWARDS)
    yield new("nan-to-zero", "NaN is taken as 0", by_arrays(_without_nan(0.0)), ALL - MAXIMA)
    yield new("nan-left-out", "NaNs are left out of the average", _nan_mean, AVERAGES, FORWARDS)
    words = "infinities are clipped to the largest finite number"
    yield new("infinity-clipped", words, _clipped, ALL)
    yield new("infinity-clipped", words, _clipped_inputs, ALL)
    yield new("infinity-clipped", words, _clipped_sums, ALL)
    words = "infinities become NaN"
    yield new("infinity-to-nan", words, _infinity_to_nan, ALL)
    words = "subnormal numbers are flushed to zero"
    yield new("subnormals-flushed", words, by_arrays(_flushed()), ALL)
    yield new("subnormals-flushed", words, by_result(_flushed_result), ALL)
    yield new("subnormals-flushed", "subnormal results are flushed to zero", by_result(_flushed_result), ALL)
    for name, noun in (("x", "inputs"), ("w", "weights"), ("dy", "gradients"), ("ddx", "second gradients")):
        words = f"subnormal {noun} are flushed to zero"
        yield new("subnormals-flushed", words, by_arrays(_flushed(name)), ALL)


def _without_nan(value: float) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        if problem.format.kind != "float":
            return None
        return {n: np.where(np.isnan(a), a.dtype.type(value), a) if a.dtype.kind not in "iu" else a for n, a in arrays.items()}

    return change


def _fmax(problem: Problem, arrays: Arrays) -> Prediction | None:
    """NaN is left where there is nothing else, neither a number nor padding."""
    return exactly(np.fmax.reduce(taken(problem, arrays["x"])[0], axis=2)) if problem.format.kind == "float" else None


def _greater_than(problem: Problem, arrays: Arrays) -> Prediction | None:
    if problem.format.kind != "float":
        return None
    values, _ = taken(problem, arrays["x"])
    y = values[:, :, 0]
    for tap in range(1, values.shape[2]):
        y = np.where(values[:, :, tap] > y, values[:, :, tap], y)
    return exactly(y)


def _nan_mean(problem: Problem, arrays: Arrays) -> Prediction | None:
    x = arrays["x"].astype(np.float64)
    if problem.format.kind != "float" or not np.isnan(x).any():
        return None
    missing = windows(geometry_of(problem), np.isnan(x).astype(np.int64), fill=0)
    truth = solve(problem, {"x": np.nan_to_num(x, nan=0.0).astype(arrays["x"].dtype)})
    left = np.maximum(1, truth.divisor - missing.sum(axis=tuple(range(2, 2 + problem.op.ndim))))
    total, S = np.rint(truth.y * truth.divisor), truth.S * truth.divisor / left  # the values around NaNs are whole
    made = dataclasses.replace(truth, y=total / left, low=np.zeros_like(total), magnitudes=S, error=2.0**-52 * S, divisor=left)
    return of_truth(problem, arrays, made)


def _largest(problem: Problem) -> float:
    form = problem.result_format
    return form.largest_power * (2 - 2.0 ** (1 - form.significand))


def _clipped(problem: Problem, arrays: Arrays) -> Prediction | None:
    if problem.result_format.kind != "float":
        return None
    right = predicted(problem, arrays)
    return dataclasses.replace(right, y=np.clip(right.y, -_largest(problem), _largest(problem)))


def _clipped_inputs(problem: Problem, arrays: Arrays) -> Prediction | None:
    if problem.result_format.kind != "float" or problem.result:
        return None
    top = _largest(problem)
    given = {n: np.clip(a.astype(np.float64), -top, top) if a.dtype.kind not in "iu" else a for n, a in arrays.items()}
    if all(np.array_equal(given[n], a, equal_nan=True) for n, a in arrays.items() if a.dtype.kind not in "iu"):
        return None
    truth = solve(problem, given)
    made = of_truth(problem, given, truth)
    return dataclasses.replace(made, y=np.clip(overflowed(truth.y, problem.result_format), -top, top))


def _clipped_sums(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Clipped inputs and clipped sums: where infinities of both signs meet, what is left depends on their order."""
    made = _clipped(problem, arrays)
    if made is None or not any(np.isinf(a.astype(np.float64)).any() for a in arrays.values() if a.dtype.kind == "f"):
        return None
    return dataclasses.replace(made, tolerance=np.where(np.isnan(made.y), np.inf, made.tolerance))


def _infinity_to_nan(problem: Problem, arrays: Arrays) -> Prediction | None:
    right = predicted(problem, arrays)
    return None if right.y.dtype.kind != "f" else dataclasses.replace(right, y=np.where(np.isinf(right.y), np.nan, right.y))


def _smallest_normal(problem: Problem) -> float:
    return 2.0**problem.format.min_exponent


def _flushed(*names: str) -> Callable[[Problem, Arrays], Arrays | None]:
    """Those in the tensors named, or in all."""

    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        if problem.format.kind != "float":
            return None
        least, made = _smallest_normal(problem), {}
        for name in names or arrays:
            if name in arrays and arrays[name].dtype.kind not in "iu":
                small = np.abs(arrays[name].astype(np.float64)) < least
                if (small & (arrays[name] != 0)).any():
                    made[name] = np.where(small, arrays[name].dtype.type(0), arrays[name])
        return {**arrays, **made} if made else None

    return change


def _flushed_result(problem: Problem, part: np.ndarray) -> np.ndarray | None:
    return np.where(np.abs(part) < _smallest_normal(problem), 0, part) if problem.format.kind == "float" else None


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_specials())
