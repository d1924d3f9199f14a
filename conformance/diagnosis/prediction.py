"""What would come out under a changed rule, and whether that is what did come out.

A prediction is judged as the truth is: bit for bit where every sum of it is an exact integer, within the error bound of
its own rule elsewhere. So a hypothesis is as hard to satisfy as the check that failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.checks.base import excess_of
from conformance.checks.exact import overflowed
from conformance.problem import Family, Format, Problem
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays, Truth, is_whole


@dataclass(frozen=True, slots=True)
class Prediction:
    """A result of a changed rule with its tolerance, of any shape; ``indices`` where it has some.

    ``grid`` is a format that holds every element of the result less ``offset``, where the rule says that it went through one;
    ``bits`` is how many bits their significands have, where that is no format's.
    """

    y: np.ndarray
    low: np.ndarray
    tolerance: np.ndarray
    indices: np.ndarray | None = None
    grid: Format | None = None
    offset: np.ndarray | float = 0.0
    bits: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.y.shape

    def fitted(self, shape: tuple[int, ...]) -> Prediction:
        """Cut off or filled up with zeros at the end of each axis, as what writes into a tensor of the right shape does."""
        return self._each(lambda part: fitted(part, shape))

    def _each(self, change: Callable[[np.ndarray], np.ndarray]) -> Prediction:
        indices = None if self.indices is None else change(self.indices)
        return Prediction(change(self.y), change(self.low), change(self.tolerance), indices, self.grid, self.offset, self.bits)


Rule = Callable[[Problem, Arrays], Prediction | None]
"""What comes out under a changed rule, of a problem with a batch axis; None where the rule does not apply."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A changed rule, its ``key``, and what it means in a sentence. ``passes`` and ``families`` are those it is made for.

    ``rules`` are ways in which the same mistake comes out: a result may be cut to the right size, or summed in another order.
    ``indices`` marks rules that change the indices of maxima alone.
    """

    key: str
    words: str
    rules: tuple[Rule, ...]
    families: frozenset[Family]
    passes: frozenset[str]
    indices: bool = False

    def applies(self, problem: Problem) -> bool:
        return (
            problem.op.family in self.families and problem.op.pass_name in self.passes and (not self.indices or problem.indices)
        )


def predicted(problem: Problem, arrays: Arrays) -> Prediction:
    """The oracle's result for a problem that stands for the changed rule, with the tolerance that it has itself."""
    return of_truth(problem, arrays, solve(problem, arrays))


def of_truth(problem: Problem, arrays: Arrays, truth: Truth) -> Prediction:
    """A truth with its tolerance: none where all sums are exact integers, else that of a direct sum."""
    loose = bounds.componentwise(problem, truth).tolerance
    if all(is_whole(np.nan_to_num(_wide(array))) for array in arrays.values()):
        strict = bounds.exact_on_integers(problem, truth).tolerance
        exact = problem.result_format.largest_whole >= truth.S * truth.divisor  # before it is divided
        loose = np.where(exact, strict, loose)
    return Prediction(overflowed(truth.y, problem.result_format), truth.low, loose, truth.indices)


def exactly(y: np.ndarray, indices: np.ndarray | None = None, grid: Format | None = None) -> Prediction:
    """A result that is known to the last bit, in the type that the oracle computes in."""
    zero = np.zeros(y.shape)
    return Prediction(y, zero, zero, indices, grid)


def agrees(prediction: Prediction, actual: np.ndarray, problem: Problem) -> np.ndarray:
    """Which elements of ``actual``, of the prediction's shape, are as predicted."""
    if actual.dtype.kind in "iu" or problem.result_format.kind == "int":
        return _equal_integers(prediction, actual)
    y = prediction.y.astype(np.complex128) if actual.dtype.kind == "c" else prediction.y
    same = (excess_of(actual, y, prediction.low, prediction.tolerance) <= 1) | np.isinf(prediction.tolerance)
    return np.asarray(same & _on_grid(prediction, actual.astype(y.dtype)))


def differs(prediction: Prediction, truth: Prediction) -> np.ndarray:
    """Where two predictions of one shape cannot both be right."""
    if truth.y.dtype.kind in "iu" and prediction.y.dtype.kind in "iu" and not prediction.tolerance.any():
        return np.asarray(prediction.y != truth.y)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs((prediction.y - truth.y) + (prediction.low - truth.low)) > prediction.tolerance + truth.tolerance
        same = (prediction.y == truth.y) | (np.isnan(prediction.y) & np.isnan(truth.y)) | np.isinf(prediction.tolerance)
        finite = np.isfinite(prediction.y) & np.isfinite(truth.y)
    known = (truth.tolerance == 0) & (truth.low == 0)  # to the last bit: it may lie where no such result does
    return np.asarray(np.where(finite, apart, ~same) | (known & ~_on_grid(prediction, truth.y)))


def _on_grid(prediction: Prediction, values: np.ndarray) -> np.ndarray:
    """Which values are such as the rule can make."""
    if prediction.grid is None and not prediction.bits:
        return np.ones(values.shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = values - prediction.offset if values.dtype.kind in "fc" else values
        if prediction.grid is None:
            significand, exponent = np.frexp(sums)
            short = np.ldexp(np.rint(np.ldexp(significand, prediction.bits)), exponent - prediction.bits)
        else:
            wide = np.longdouble if sums.dtype.kind in "iu" else sums.dtype
            sums = sums.astype(wide)
            short = sums.astype(prediction.grid.numpy).astype(wide)
        return np.asarray((short == sums) | np.isnan(sums))


def _equal_integers(prediction: Prediction, actual: np.ndarray) -> np.ndarray:
    y = prediction.y
    if actual.dtype.kind not in "iu":
        return np.asarray(actual == y)
    with np.errstate(invalid="ignore"):
        whole = y.astype(np.int64)
        same = np.asarray(whole.astype(actual.dtype) == actual)  # what is out of range wraps
    if not prediction.tolerance.any():
        return same
    near = np.abs(actual.astype(np.longdouble) - whole.astype(np.longdouble)) <= prediction.tolerance
    return np.asarray((same | near) & _on_grid(prediction, actual))


def _wide(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind in "iuc" else array.astype(np.float64)


def fitted(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cut off or filled up with zeros at the end of each axis."""
    full = np.zeros(shape, part.dtype)
    both = tuple(slice(0, min(have, want)) for have, want in zip(part.shape, shape, strict=True))
    full[both] = part[both]
    return full
