"""An implementation made of the oracle and a bug, examined as the runner examines one, without a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks import Check
from conformance.checks.exact import Exact
from conformance.diagnosis.diagnose import Diagnosis, diagnose
from conformance.diagnosis.evidence import Observation
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.job import Reply
from conformance.plugin.layouts import lay_out
from conformance.problem import OPERATORS, Problem
from conformance.reference.oracle import solve

Bug = Callable[[Problem, dict[str, np.ndarray]], np.ndarray]
EXACT = Exact()


def right(problem: Problem, arrays: dict[str, np.ndarray]) -> np.ndarray:
    return solve(problem, arrays).y.astype(problem.result_format.numpy)


def run(bug: Bug, case: Case, check: Check = EXACT) -> Observation:
    """What comes of one case of one call."""
    (call,) = check.calls(case)
    outputs = (bug(case.problem, lay_out(call.arrays, call.layout)),)
    claims = Claims(OPERATORS[case.problem.operator].traits.dtypes, options_of(OPERATORS[case.problem.operator]))
    failure = check.judge(case, claims, (call,), (Reply(outputs),)).failure
    return Observation(check.name, case, call, failure.kind if failure else "", outputs if failure else ())


def run_all(bug: Bug, check: Check = EXACT) -> Callable[[Sequence[Case], Check | None], list[Observation]]:
    """The means to run many cases, under ``check`` or another one."""

    def many(cases: Sequence[Case], other: Check | None) -> list[Observation]:
        used = other or check
        return [run(bug, case, used) for case in cases if used.calls(case)]

    return many


def examined(bug: Bug, cases: list[Case], dtypes: tuple[str, ...] = ("float32", "float64")) -> Diagnosis:
    """The diagnosis of a bug that some of ``cases`` show."""
    seen = [run(bug, case) for case in cases]
    failing, passing = [one for one in seen if one.failed], [one for one in seen if not one.failed]
    return diagnose(failing, passing, run_all(bug), None, dtypes, seconds=20.0)
