"""The failing region of calls too large to be made often: from one result, and one that is a little larger.

What goes wrong at a threshold is wrong in all elements from there on, so the smallest index that is wrong tells it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.diagnosis.elements import axis_names
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.match import wrong_elements
from conformance.diagnosis.separate import Column, Condition, Test
from conformance.problem import Problem
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow

_LARGE = 30_000
_MORE = 5
_SHARE = 0.75


def too_large(one: Observation) -> bool:
    """Whether a case is too large to be run often."""
    return sum(array.size for array in one.call.arrays.values()) > _LARGE


def glance(seen: Observation, run: Callable[[Sequence[Case]], list[Observation]]) -> Condition | None:
    """The places from which on all elements are wrong, if they begin there in a larger result too, and the case that
    ends before them passes."""
    if seen.problem.op.pass_name in (WEIGHT_GRAD, BIAS_GRAD) or seen.case.kind in ("known", "invalid", "periodic"):
        return None
    case = dataclasses.replace(seen.case, kind="integers")
    for axis, first in _beginnings(seen):
        larger, ending = (_of_size(seen.call.problem, axis, size) for size in (seen.problem.result_shape[axis] + _MORE, first))
        if larger is None or ending is None:
            continue
        made = {one.call.problem: one for one in run([dataclasses.replace(case, problem=one) for one in (larger, ending)])}
        if larger not in made or ending not in made or made[ending].failed:
            continue
        if (axis, first) in _beginnings(made[larger]):
            column = Column(f"{axis_names(seen.problem)[axis]}s", index=True)
            return Condition((Test(column, ">=", first, 2.0),))
    return None


def _beginnings(seen: Observation) -> Iterator[tuple[int, int]]:
    """Axes with the index from which on nearly all elements are wrong, and none before."""
    wrong = wrong_elements(seen) if seen.outputs else None
    if wrong is None or not wrong.any():
        return
    places = np.nonzero(wrong)
    for axis in range(wrong.ndim):
        first = int(places[axis].min())
        beyond = wrong.size // wrong.shape[axis] * (wrong.shape[axis] - first)
        if first and len(places[axis]) >= _SHARE * beyond:
            yield axis, first


def _of_size(problem: Problem, axis: int, size: int) -> Problem | None:
    """The problem with a result of another size in one axis, all else alike."""
    if axis == 0:
        return problem.replace(batch=size)
    if axis == 1:
        if problem.op.is_pool:
            return problem.replace(channels=size, out_channels=size)
        return None
    window = problem.windows[axis - 2]
    if isinstance(window, AdaptiveWindow):
        return None
    made = problem.with_axis(axis - 2, size=window.size + size - problem.result_shape[axis - problem.unbatched])
    return made if is_valid(made) and made.result_shape[axis - problem.unbatched] == size else None
