"""A metamorphic relation: an equation between calls that holds whatever the numbers, so that it needs no oracle.

On small integers both sides are exact and must be equal. A relation names calls and combines their results into a left
and a right side; calls that the implementation does not claim make the relation skip.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Judgement, OneThing, difference, excess_of, first_trouble, is_right
from conformance.checks.exact import allowed_on_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import FORMATS, Family, Operator, Problem, Window

Arrays = dict[str, np.ndarray]
Outputs = list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Relation(OneThing):
    """``calls(case)`` makes the calls (none: says nothing here); ``sides(case, outputs)`` the two equal results."""

    name: str
    about: str
    make: Callable[[Case], tuple[Call, ...]]
    sides: Callable[[Case, Outputs], tuple[np.ndarray, np.ndarray]]
    families: tuple[Family, ...] = (Family.CONV, Family.MAX_POOL, Family.AVG_POOL, Family.LP_POOL)
    concurrent: bool = False
    optional_calls: bool = False

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        is_complex = dtype != "" and FORMATS[dtype].kind == "complex"
        return operator.family in self.families and operator.forward and not is_complex

    def calls(self, case: Case) -> tuple[Call, ...]:
        return self.make(_plain(case)) if self.applies(case.problem.op, case.problem.dtype) else ()

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies)
        if trouble:
            return Judgement(trouble)
        left, right = self.sides(_plain(case), [reply.outputs[0].astype(np.float64) for reply in replies])
        if is_right(left, right):
            return Judgement(elements=left.size)
        # Zero for direct sums; a transform's or an average's error may come in from every call.
        allowed = sum(float(allowed_on_integers(claims, call).max()) for call in calls)
        excess = excess_of(left, right, np.zeros_like(right), np.full(right.shape, allowed))
        return Judgement(difference(left, right, excess, kind="relation broken", note=f": {self.about}"), left.size)


def _plain(case: Case) -> Case:
    """The case as relations see it: digits, one output, of the input's type unless the operator has another."""
    result = "" if case.problem.op.family is Family.CONV else case.problem.result
    problem = case.problem.replace(indices=False, unbatched=False, result=result)
    return dataclasses.replace(case, problem=problem, kind="digits")


def whole(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    """Two results that are equal as they are."""
    return outputs[0], outputs[1]


def sliding(problem: Problem) -> list[Window]:
    return [window for window in problem.windows if isinstance(window, Window)]
