"""What rules are made with: families and passes by name, changed problems, changed tensors, and scaled results."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, Rule, exactly, fitted, of_truth, predicted
from conformance.diagnosis.tables import Reading, with_tables
from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, FORWARD, INPUT_GRAD, PASSES, WEIGHT_GRAD
from conformance.problem.validity import is_valid
from conformance.reference.contraction import outer
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays

ALL = frozenset(Family)
CONVS = frozenset({Family.CONV, Family.CONV_TRANSPOSE, Family.CONV_INTEGER})
MAXIMA = frozenset({Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL})
AVERAGES = frozenset({Family.AVG_POOL, Family.ADAPTIVE_AVG_POOL})
ADAPTIVE = frozenset({Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL})
GEOMETRIC = ALL - {Family.MAX_UNPOOL}
SUMS = ALL - MAXIMA - {Family.MAX_UNPOOL, Family.CONV_INTEGER}
"""What adds up numbers of the inputs' own type."""
SLIDING = GEOMETRIC - ADAPTIVE
EVERY_PASS = frozenset(PASSES)
WITH_WINDOWS = EVERY_PASS - {BIAS_GRAD}
FORWARDS = frozenset({FORWARD})
LIKE_FORWARD = frozenset({FORWARD, DOUBLE_GRAD})
GRADIENTS = EVERY_PASS - {FORWARD}
INPUT_GRADS = frozenset({INPUT_GRAD})
WEIGHT_GRADS = frozenset({WEIGHT_GRAD})
BIAS_GRADS = frozenset({BIAS_GRAD})


def hypothesis(
    key: str,
    words: str,
    rule: Rule,
    families: Iterable[Family] = ALL,
    passes: Iterable[str] = EVERY_PASS,
    indices: bool = False,
) -> Hypothesis:
    return Hypothesis(key, words, (rule,), frozenset(families), frozenset(passes), indices)


def by_tables(reading: Reading) -> Rule:
    """Windows that read elsewhere, in as many places as there should be."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        changed = with_tables(problem, reading)
        return None if changed is None else solved(changed, arrays)

    return rule


def solved(problem: Problem, arrays: Arrays) -> Prediction:
    """What is predicted, where windows may hold nothing: their maximum is the lowest number, and has no gradient."""
    if problem.op.family not in MAXIMA or problem.op.pass_name not in (FORWARD, INPUT_GRAD):
        return predicted(problem, arrays)
    empty = outer([window.inside().sum(axis=1) for window in problem.windows]) == 0
    if not empty.any():
        return predicted(problem, arrays)
    if "dy" in arrays:
        return predicted(problem, {**arrays, "dy": np.where(empty, arrays["dy"].dtype.type(0), arrays["dy"])})
    made = predicted(problem, arrays)
    lowest = np.iinfo(problem.format.numpy).min if problem.format.kind == "int" else -np.inf
    return dataclasses.replace(made, y=np.where(empty, lowest, made.y))


def by_problem(change: Callable[[Problem], Problem | None], fit: bool = False) -> Rule:
    """The same tensors for another problem, whose result may have another shape.

    With ``fit`` a gradient is read for as many places as the other problem has, and where no window fits, nothing comes out.
    """

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        changed = change(problem.replace(auto_pad=""))
        if changed is None or changed == problem.replace(auto_pad=""):
            return None
        if fit and min(changed.output_shape, default=1) < 1 <= min(problem.output_shape, default=1):
            return exactly(np.zeros(problem.result_shape, problem.format.exact))
        if not is_valid(changed) and not (fit and problem.op.is_pool):
            return None
        if fit and "dy" in arrays:
            arrays = {**arrays, "dy": fitted(arrays["dy"], changed.array_shapes["dy"])}
        fits = all(changed.array_shapes.get(name) == array.shape for name, array in arrays.items())
        return solved(changed, arrays) if fits else None

    return rule


def by_arrays(change: Callable[[Problem, Arrays], Arrays | None]) -> Rule:
    """The same problem on other tensors."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        changed = change(problem, arrays)
        return None if changed is None else predicted(problem, changed)

    return rule


def by_result(change: Callable[[Problem, np.ndarray], np.ndarray | None]) -> Rule:
    """The right result with its elements moved, repeated or left out."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        right = predicted(problem, arrays)
        y, low, tolerance = (change(problem, part) for part in (right.y, right.low, right.tolerance))
        return None if y is None or low is None or tolerance is None else Prediction(y, low, np.abs(tolerance))

    return rule


def by_factor(factor: Callable[[Problem, Arrays], np.ndarray | float | None]) -> Rule:
    """The right result times a factor, which costs two roundings more: of the factor and of the product."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        times = factor(problem, arrays)
        if times is None:
            return None
        truth = solve(problem, arrays)
        times = np.broadcast_to(np.asarray(times, np.float64), truth.y.shape)
        if problem.format.kind == "int":  # a quotient is cut off
            return Prediction(np.trunc(truth.y / (1 / times)).astype(np.int64), truth.low, np.zeros(truth.y.shape))
        power = np.frexp(times)[0] == 0.5
        return of_truth(
            problem,
            arrays,
            dataclasses.replace(
                truth,
                y=truth.y * times,
                low=truth.low * times,
                magnitudes=truth.S * np.abs(times),
                error=truth.error * np.abs(times) + np.where(power, 0.0, 2.0**-52) * np.abs(truth.y * times),
                divisor=np.where(power, truth.divisor, 3.0),
                roundings=truth.roundings + 2,
            ),
        )

    return rule


def on_axis(array: np.ndarray, axis: int, order: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.take(array, order, axis=axis))
