"""What padding and the start of a maximum hold: anything but -inf may win."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly
from conformance.diagnosis.rules.base import (
    ADAPTIVE,
    FORWARDS,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Family, Problem
from conformance.reference.contraction import geometry_of, windows
from conformance.reference.truth import Arrays


def _values() -> Iterator[Hypothesis]:
    """What padding holds in a maximum."""
    yield new("max-padded-with-zero", "the padding is 0, which may win the maximum", _max_padded_with(0.0), (Family.MAX_POOL,),
              FORWARDS)  # fmt: skip
    words = "the maximum starts at 0, not at -inf"
    yield new("max-starts-at-zero", words, _max_starts_at(lambda f: 0.0), ADAPTIVE | {Family.MAX_POOL}, FORWARDS)
    words = "the maximum starts at the lowest finite number, not at -inf"
    yield new("max-starts-at-lowest", words, _max_starts_at(_lowest), ADAPTIVE | {Family.MAX_POOL}, FORWARDS)
    words = "the padding is the lowest finite number, not -inf"
    yield new("max-padded-with-lowest", words, _max_padded_with(None), (Family.MAX_POOL,), FORWARDS)
    words = "what hangs over the end in ceil mode is 0, which may win the maximum"
    yield new("max-overhang-of-zero", words, _zero_overhang, (Family.MAX_POOL,), FORWARDS)


def _lowest(problem: Problem) -> float:
    form = problem.format
    return -form.largest_power * (2 - 2.0 ** (1 - form.significand)) if form.kind == "float" else -(2.0**63)


def _max_padded_with(value: float | None) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        fill = _lowest(problem) if value is None else value
        if value is None and problem.format.kind == "int":
            return None
        x = arrays["x"].astype(problem.format.exact)
        taken = windows(geometry_of(problem), x, fill=int(fill) if x.dtype.kind == "i" else fill)
        return exactly(taken.max(axis=tuple(range(2, 2 + problem.op.ndim))))

    return rule


def _max_starts_at(start: Callable[[Problem], float]) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        x = arrays["x"].astype(problem.format.exact)
        least = start(problem)
        lowest: Any = np.iinfo(np.int64).min if x.dtype.kind == "i" else -np.inf
        taken = windows(geometry_of(problem), x, fill=lowest).max(axis=tuple(range(2, 2 + problem.op.ndim)))
        return exactly(np.maximum(taken, x.dtype.type(least)))

    return rule


def _zero_overhang(problem: Problem, arrays: Arrays) -> Prediction | None:
    if not problem.ceil:
        return None
    whole = np.ones((1,) * problem.op.ndim, bool)
    for axis, window in enumerate(problem.windows):
        inside = window.inside_padded().all(axis=1)  # type: ignore[union-attr]
        whole = whole & inside.reshape([-1 if i == axis else 1 for i in range(problem.op.ndim)])
    rule = _max_starts_at(lambda p: -np.inf if p.format.kind != "int" else float(np.iinfo(np.int64).min))
    right = rule(problem, arrays)
    assert right is not None
    return exactly(np.where(whole, right.y, np.maximum(right.y, 0)))


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_values())
