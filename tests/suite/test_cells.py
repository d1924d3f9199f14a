"""Every cell of what is covered is exercised: an implementation that is wrong only there is found out by the quick profile,
and the right one, asked the same, is not.

The trials are those that a run makes, and are made as its worker makes them, but in this process and no more than needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from conformance.cases.coverage import ALL_LAYOUTS, Cell, cells
from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import OPTIONS
from conformance.plugin.implementation import as_arrays
from conformance.plugin.job import Job
from conformance.plugin.layouts import lay_out
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, Problem
from conformance.running.plan import plan
from conformance.running.profile import PROFILES
from conformance.running.trial import Trial
from conformance.running.worker import perform
from implementations.naive import Naive
from implementations.numpy_gemm import NumpyGemm
from tests.suite.logged import layouts_of


class Wrong(Implementation):
    """The right implementation, but for one element of results in one cell; right everywhere without a cell."""

    name, summary = "wrong in a cell", "right but for one element in one cell"
    cell: Cell | None = None

    def __init__(self) -> None:
        self._naive, self._gemm = Naive(), NumpyGemm()
        self._by_gemm = set(self._gemm.claims)

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {**self._naive.claims, **self._gemm.claims}

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        right = (self._gemm if problem.operator in self._by_gemm else self._naive).prepare(problem, arrays)
        if self.cell is None or not lies_in(self.cell, problem, arrays):
            return right
        which = -1 if self.cell.name == "indices" else 0
        return lambda: _spoilt(as_arrays(right()), which)


WRONG = Wrong()
TARGET = Target(f"{__name__}:WRONG")
CLAIMS = WRONG.claims


def _spoilt(outputs: tuple[np.ndarray, ...], which: int) -> tuple[np.ndarray, ...]:
    """The last element of an output too large by one or by its own size, whichever is more; an empty one is not empty."""
    right = outputs[which]
    wrong = np.array(right, order="C") if right.size else np.zeros([max(size, 1) for size in right.shape], right.dtype)
    flat = wrong.reshape(-1)
    larger = flat[-1] + np.maximum(np.abs(flat[-1]), 1)
    flat[-1] = larger if larger != flat[-1] and np.isfinite(larger) else 0
    return tuple(wrong if output is right else output for output in outputs)


def lies_in(cell: Cell, problem: Problem, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether a call belongs to a cell."""
    if problem.operator != cell.operator:
        return False
    if cell.aspect == "type":
        return problem.dtype == cell.name
    if cell.aspect == "option":
        return OPTIONS[cell.name].required(problem)
    return cell.name in layouts_of(next(iter(arrays.values())))


def _touches(trial: Trial, cell: Cell) -> bool:
    """Whether a trial makes a call in the cell. Laying tensors out takes time, so layouts are looked at where they are meant."""
    return any(
        lies_in(cell, call.problem, lay_out(call.arrays, call.layout))
        for call in trial.calls
        if not call.invalid and (cell.aspect != "layout" or call.layout == cell.name)
    )


def _failure(trial: Trial, cell: Cell | None) -> str:
    """What a trial finds wrong of the implementation that is wrong in ``cell``, or of the right one."""
    WRONG.cell = cell
    replies = perform(TARGET, Job(trial.calls, trial.check.concurrent))
    failure = trial.check.judge(trial.case, CLAIMS[trial.case.problem.operator], trial.calls, replies).failure
    return f"{trial.check.name}: {trial.case}: {failure.kind}: {failure.message}" if failure else ""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NaN and overflow, which are meant
@pytest.mark.parametrize("operator", OPERATORS)
def test_what_is_wrong_in_one_cell_is_found_out_and_what_is_right_is_not(operator: str) -> None:
    missed = dict.fromkeys(cells(OPERATORS[operator]), "no trial")
    for trial in plan(operator, CLAIMS, PROFILES["quick"], seed=0):
        touched = [cell for cell in missed if _touches(trial, cell)]
        if touched:
            assert _failure(trial, None) == ""
        for cell in touched:
            if _failure(trial, cell):
                del missed[cell]
            else:
                missed[cell] = f"not seen by {trial.check.name}: {trial.case}"
        if not missed:
            break
    if missed:
        pytest.fail("\n".join(f"{cell}: {why}" for cell, why in missed.items()), pytrace=False)


@pytest.mark.parametrize("layout", ALL_LAYOUTS)
def test_a_layout_is_recognised(layout: str) -> None:
    laid = lay_out({"x": np.ones((2, 3, 4, 5), np.float32)}, layout)["x"]
    assert layouts_of(laid) == {layout}
    assert layouts_of(np.ones((2, 3, 4, 5), np.float32)) == {"contiguous"}
