"""The output padding of transposed convolution: put in front, left out, or filled with something else than sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, predicted
from conformance.diagnosis.rules.base import FORWARDS, GRADIENTS, WITH_WINDOWS, by_arrays, by_problem, by_result, by_tables
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.tables import table_like
from conformance.problem import Family, Problem
from conformance.problem.operators import DOUBLE_GRAD
from conformance.problem.window import TransposedWindow
from conformance.reference.truth import Arrays

_TRANSPOSED = (Family.CONV_TRANSPOSE,)


def _all() -> Iterator[Hypothesis]:
    words = "the output padding is ignored"
    yield new("output-padding-ignored", words, by_problem(lambda p: p.with_windows(output_padding=0)), _TRANSPOSED, FORWARDS)
    words = "the output padding is put before, not behind"
    yield new("output-padding-before", words, by_tables(_before), _TRANSPOSED, WITH_WINDOWS)
    words = "the output padding is put before, not behind, and holds what should be at the end"
    yield new("output-padding-before", words, by_result(_rolled), _TRANSPOSED, FORWARDS)
    words = "the output padding holds the bias alone, though products reach into it"
    yield new("output-padding-unsummed", words, _unsummed, _TRANSPOSED, FORWARDS)
    words = "the output padding has no bias"
    yield new("output-padding-without-bias", words, _without_bias, _TRANSPOSED, FORWARDS)
    words = "the output padding repeats what lies before it"
    yield new("output-padding-repeats", words, by_result(_repeated), _TRANSPOSED, FORWARDS)
    words = "the gradient of the output padding is not read"
    yield new("output-padding-unread", words, by_arrays(_unread), _TRANSPOSED, GRADIENTS - {DOUBLE_GRAD})


def _amounts(problem: Problem) -> Iterator[tuple[int, int, int]]:
    """The axes of a tensor that have output padding, each with its size and the amount."""
    for axis, window in enumerate(problem.windows):
        if problem.output_padding[axis] > 0:
            yield 2 + axis, window.elements, min(problem.output_padding[axis], window.elements)


def _behind(problem: Problem) -> np.ndarray:
    """What of an output is output padding."""
    mask = np.zeros(tuple(window.elements for window in problem.windows), bool)
    for axis, size, amount in _amounts(problem):
        mask[(slice(None),) * (axis - 2) + (slice(size - amount, size),)] = True
    return mask


def _before(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    if not isinstance(window, TransposedWindow) or not window.output_padding:
        return None
    return table_like(window, pad_begin=window.pad_begin - window.output_padding)


def _rolled(problem: Problem, part: np.ndarray) -> np.ndarray | None:
    amounts = {axis: amount for axis, _, amount in _amounts(problem)}
    return np.roll(part, tuple(amounts.values()), tuple(amounts)) if amounts else None


def _repeated(problem: Problem, part: np.ndarray) -> np.ndarray | None:
    part = part.copy()
    for axis, size, amount in _amounts(problem):
        if amount < size:
            at = (slice(None),) * axis
            part[(*at, slice(size - amount, size))] = part[(*at, slice(size - amount - 1, size - amount))]
    return part if max(problem.output_padding) else None


def _unsummed(problem: Problem, arrays: Arrays) -> Prediction | None:
    return _mixed(problem, arrays, {**arrays, "x": np.zeros_like(arrays["x"])})


def _without_bias(problem: Problem, arrays: Arrays) -> Prediction | None:
    return _mixed(problem, arrays, {**arrays, "b": np.zeros_like(arrays["b"])}) if "b" in arrays else None


def _mixed(problem: Problem, arrays: Arrays, other: Arrays) -> Prediction | None:
    """The right result, and in the output padding that of other tensors."""
    if not max(problem.output_padding):
        return None
    behind, right, wrong = _behind(problem), predicted(problem, arrays), predicted(problem, other)
    low, tolerance = np.where(behind, wrong.low, right.low), np.where(behind, wrong.tolerance, right.tolerance)
    return Prediction(np.where(behind, wrong.y, right.y), low, tolerance)


def _unread(problem: Problem, arrays: Arrays) -> Arrays | None:
    if not max(problem.output_padding):
        return None
    return {**arrays, "dy": np.where(_behind(problem), arrays["dy"].dtype.type(0), arrays["dy"])}


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
