"""Divisors, norms and adaptive bounds of another rule."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, Rule, of_truth, predicted
from conformance.diagnosis.rules.base import (
    ADAPTIVE,
    AVERAGES,
    EVERY_PASS,
    FORWARDS,
    INPUT_GRADS,
    by_arrays,
    by_factor,
    by_problem,
    by_tables,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Family, Problem
from conformance.problem.window import OUTSIDE, AdaptiveWindow
from conformance.reference.contraction import fold, geometry_of, outer, windows
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays

_AVG = (Family.AVG_POOL,)


def _divisors() -> Iterator[Hypothesis]:
    words = "the padding always counts in the divisor (count_include_pad is ignored)"
    yield new("padding-always-counts", words, by_problem(lambda p: p.replace(count_include_pad=True)), _AVG)
    words = "the padding never counts in the divisor (count_include_pad is ignored)"
    yield new("padding-never-counts", words, by_problem(lambda p: p.replace(count_include_pad=False)), _AVG)
    words = "count_include_pad is taken the other way round"
    yield new("padding-counts-reversed", words, by_problem(lambda p: p.replace(count_include_pad=not p.count_include_pad)), _AVG)
    words = "the divisor of one's own (divisor_override) is ignored"
    yield new("divisor-override-ignored", words, by_problem(lambda p: p.replace(divisor=None)), _AVG)
    words = "what hangs over the end in ceil mode counts in the divisor"
    yield new("overhang-counts", words, by_problem(_overhang_counts), _AVG)
    words = "every window is divided by the kernel's size"
    yield new("divisor-is-kernel", words, by_problem(_by_kernel), _AVG)
    words = "the sum is not divided"
    yield new("not-divided", words, by_factor(_divisor), AVERAGES)
    words = "the average is divided once more"
    yield new("divided-twice", words, by_factor(lambda p, a: 1 / divisor if (divisor := _divisor(p, a)) is not None else None),
              AVERAGES)  # fmt: skip
    words = "the average is divided by divisor_override once more"
    yield new("divided-twice", words, by_factor(_divided_by_both), _AVG)
    words = "the average is divided by the number of taps once more"
    yield new("divided-twice", words, by_factor(lambda p, a: 1 / (p.divisor or math.prod(p.kernel))), AVERAGES)
    words = "the counts of the elements in each window have their axes exchanged"
    yield new("counts-transposed", words, by_factor(_counts_transposed), _AVG, EVERY_PASS - INPUT_GRADS)
    for axis, name in ((-1, "last"), (0, "first")):
        words = f"the padding is left out of the divisor in the {name} axis alone"
        yield new("padding-counts-by-axis", words, by_factor(_counted_in(axis)), _AVG, EVERY_PASS - INPUT_GRADS)


def _overhang_counts(problem: Problem) -> Problem | None:
    if not problem.ceil or not problem.count_include_pad or problem.divisor is not None:
        return None
    return problem.replace(divisor=math.prod(problem.kernel))


def _by_kernel(problem: Problem) -> Problem | None:
    return problem.replace(divisor=math.prod(problem.kernel)) if problem.divisor is None else None


def _counts(problem: Problem) -> list[np.ndarray]:
    """What a right divisor counts in each axis."""
    padded = problem.count_include_pad and problem.op.family is Family.AVG_POOL
    return [(w.inside_padded() if padded else w.inside()).sum(axis=1) for w in problem.windows]  # type: ignore[union-attr]


def divisor_of(problem: Problem) -> np.ndarray:
    """Each window's divisor."""
    return outer(_counts(problem)) if problem.divisor is None else np.array(problem.divisor)


def _divisor(problem: Problem, arrays: Arrays) -> np.ndarray | float | None:
    """Of a forward pass each window's divisor; of a gradient one for all, where there is one."""
    counts = divisor_of(problem)
    if problem.op.pass_name not in INPUT_GRADS:
        return counts
    return float(counts.flat[0]) if counts.size and (counts == counts.flat[0]).all() else None


def _divided_by_both(problem: Problem, arrays: Arrays) -> np.ndarray | None:
    """Divided by the window's count and by the divisor of one's own."""
    if problem.divisor is None or problem.op.pass_name in INPUT_GRADS:
        return None
    return 1 / np.maximum(1, outer(_counts(problem)))


def _counts_transposed(problem: Problem, arrays: Arrays) -> np.ndarray | None:
    if problem.divisor is not None or problem.op.ndim != 2:
        return None
    counts = outer([w.inside().sum(axis=1) for w in problem.windows])
    if problem.count_include_pad or counts.shape[0] != counts.shape[1]:
        return None
    return np.asarray(counts / np.maximum(1, counts.T))


def _counted_in(axis: int) -> Callable[[Problem, Arrays], np.ndarray | None]:
    """The padding is left out of the divisor in one axis, and counts in the others."""

    def factor(problem: Problem, arrays: Arrays) -> np.ndarray | None:
        if problem.count_include_pad or problem.divisor is not None or problem.op.ndim < 2:
            return None
        right = _counts(problem)
        wrong = [w.inside_padded().sum(axis=1) for w in problem.windows]  # type: ignore[union-attr]
        wrong[axis] = right[axis]
        return np.asarray(outer(right) / np.maximum(1, outer(wrong)))

    return factor


def _adaptive(bounds: Callable[[AdaptiveWindow, Problem], list[tuple[int, int]]]) -> Callable[[Problem, int], np.ndarray | None]:
    """Tables of other windows than those that share the elements evenly; an empty window reads one element."""

    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        if not isinstance(window, AdaptiveWindow):
            return None
        rows = [
            (min(first, window.size - 1), max(end, min(first, window.size - 1) + 1)) for first, end in bounds(window, problem)
        ]
        rows = [(first, min(end, window.size)) for first, end in rows]
        taps = np.arange(max((end - first for first, end in rows), default=1))
        return np.array([np.where(first + taps < end, first + taps, OUTSIDE) for first, end in rows], np.int64).reshape(
            -1, len(taps)
        )

    return read


def _or_empty(bounds: Callable[[AdaptiveWindow, Problem], list[tuple[int, int]]]) -> Rule:
    """The result of other windows; of those that are empty, which the table has no entry for, it may be anything."""
    rule = by_tables(_adaptive(bounds))

    def or_anything(problem: Problem, arrays: Arrays) -> Prediction | None:
        made = rule(problem, arrays)
        if made is None or problem.op.pass_name in INPUT_GRADS:
            return made
        some = [np.array([min(end, w.size) > first for first, end in bounds(w, problem)]) for w in problem.windows]  # type: ignore[arg-type]
        known = outer(some) > 0
        return dataclasses.replace(made, tolerance=np.where(known, made.tolerance, np.inf)) if known.any() else made

    return or_anything


def _even(window: AdaptiveWindow, output: int) -> list[tuple[int, int]]:
    return [(i * window.size // output, -(-(i + 1) * window.size // output)) for i in range(window.output)]


def _adaptives() -> Iterator[Hypothesis]:
    told: list[tuple[str, str, Callable[[AdaptiveWindow, Problem], list[tuple[int, int]]]]] = [
        (
            "adaptive-ends-floored",
            "windows end at the floor of (i + 1) size / output, not at its ceiling",
            lambda w, p: [(i * w.size // w.output, (i + 1) * w.size // w.output) for i in range(w.output)],
        ),
        (
            "adaptive-starts-raised",
            "windows start at the ceiling of i size / output, not at its floor",
            lambda w, p: [(-(-i * w.size // w.output), end) for i, (_, end) in enumerate(w.bounds)],
        ),
        (
            "adaptive-fixed-windows",
            "all windows have one size and one stride, size / output",
            lambda w, p: [(i * max(1, w.size // w.output), (i + 1) * max(1, w.size // w.output)) for i in range(w.output)],
        ),
        (
            "adaptive-fixed-stride",
            "all windows have the stride size / output, and the size that is left for the last",
            lambda w, p: [
                (i * (w.size // w.output), w.size - (w.output - 1 - i) * (w.size // w.output)) for i in range(w.output)
            ],
        ),
        ("adaptive-bounds-of-last-axis", "the output size of the last axis is taken for the windows of all",
         lambda w, p: _even(w, p.windows[-1].output)),
        ("adaptive-bounds-of-first-axis", "the output size of the first axis is taken for the windows of all",
         lambda w, p: _even(w, p.windows[0].output)),
    ]  # fmt: skip
    for key, words, bounds in told:
        yield new(key, words, _or_empty(bounds), ADAPTIVE)
    words = "averages are divided by size / output, not by the elements of their window"
    averages = (Family.ADAPTIVE_AVG_POOL,)
    yield new("adaptive-divided-by-ratio", words, by_factor(_counts_by_ratio), averages, EVERY_PASS - INPUT_GRADS)
    yield new("adaptive-divided-by-ratio", words, _gradient_by_ratio, averages, INPUT_GRADS)
    words = "every output-th element is pooled: the axes of a reshape are exchanged"
    yield new("adaptive-strided", words, by_tables(_strided), ADAPTIVE)


def _counts_by_ratio(problem: Problem, arrays: Arrays) -> np.ndarray:
    """How many times too large an average is: its window's elements over size / output."""
    ratio = math.prod(max(1, w.size // w.output) for w in problem.windows)  # type: ignore[union-attr]
    return np.asarray(outer([w.inside().sum(axis=1) for w in problem.windows]) / ratio)


def _gradient_by_ratio(problem: Problem, arrays: Arrays) -> Prediction | None:
    """The quotient of each gradient may be rounded before it is divided: two roundings more."""
    dy = arrays["dy"].astype(np.float64) * _counts_by_ratio(problem, arrays)
    truth = solve(problem, {**arrays, "dy": dy})
    return of_truth(
        problem, arrays, dataclasses.replace(truth, divisor=np.full(truth.y.shape, 3.0), roundings=truth.roundings + 2)
    )


def _strided(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    if not isinstance(window, AdaptiveWindow) or window.size % window.output:
        return None
    return np.arange(window.size).reshape(-1, window.output).T


def _norms() -> Iterator[Hypothesis]:
    lp = (Family.LP_POOL,)
    yield new("norm-without-root", "the root of the norm is not taken", _rootless, lp, FORWARDS)
    words = "the root is a square root whatever the norm"
    yield new("norm-with-square-root", words, _square_root, lp, FORWARDS)
    yield new("norm-is-2", "the norm is 2 whatever is asked for", by_problem(lambda p: p.replace(norm=2.0)), lp)
    yield new("norm-is-1", "the norm is 1 whatever is asked for", by_problem(lambda p: p.replace(norm=1.0)), lp)
    yield new("norm-rounded-down", "the norm is rounded down to a whole number", by_problem(_whole_norm), lp)
    words = "the sum of powers is divided by the number of taps"
    yield new("norm-of-mean", words, by_factor(_mean_of_powers), lp)
    words = "the gradient lacks the sign of the input"
    yield new("norm-gradient-without-sign", words, by_arrays(lambda p, a: {**a, "x": np.abs(a["x"])}), lp, INPUT_GRADS)
    words = "a window of zeros has the gradient NaN: 0 / 0"
    yield new("norm-gradient-of-zeros", words, _nan_of_zeros, lp, INPUT_GRADS)
    words = "the gradient has the power p instead of p - 1"
    yield new("norm-gradient-of-power", words, by_factor(lambda p, a: np.abs(a["x"].astype(np.float64))), lp, INPUT_GRADS)


def _nan_of_zeros(problem: Problem, arrays: Arrays) -> Prediction | None:
    geometry = geometry_of(problem)
    none = (windows(geometry, np.abs(arrays["x"].astype(np.float64))).sum(axis=tuple(range(2, 2 + problem.op.ndim))) == 0) * 1.0
    ones = np.ones((1,) * 2 + geometry.taps + (1,) * problem.op.ndim)
    met = fold(geometry, ones * none[(slice(None), slice(None), *[None] * problem.op.ndim)])
    right = predicted(problem, arrays)
    return dataclasses.replace(right, y=np.where(met > 0, np.nan, right.y))


def _whole_norm(problem: Problem) -> Problem | None:
    return None if math.isinf(problem.norm) or problem.norm < 1 else problem.replace(norm=float(int(problem.norm)))


def _rootless(problem: Problem, arrays: Arrays) -> Prediction | None:
    return None if math.isinf(problem.norm) else _power(problem, arrays, problem.norm)


def _square_root(problem: Problem, arrays: Arrays) -> Prediction | None:
    return None if math.isinf(problem.norm) or problem.norm == 2 else _power(problem, arrays, problem.norm / 2)


def _power(problem: Problem, arrays: Arrays, exponent: float) -> Prediction:
    """A power of the right result: its relative error so many times, and the power's own."""
    truth = solve(problem, arrays)
    with np.errstate(over="ignore"):
        y = truth.y**exponent
    roundings = (1 + math.ceil(exponent)) * (truth.roundings + int(truth.n.max(initial=1)))
    return of_truth(
        problem,
        arrays,
        dataclasses.replace(truth, y=y, low=np.zeros_like(y), magnitudes=y, error=y * 2.0**-48, roundings=roundings),
    )


def _mean_of_powers(problem: Problem, arrays: Arrays) -> float | None:
    return None if math.isinf(problem.norm) or not problem.op.forward else math.prod(problem.kernel) ** (-1 / problem.norm)


HYPOTHESES: tuple[Hypothesis, ...] = (*_divisors(), *_adaptives(), *_norms())
