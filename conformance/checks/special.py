"""Special values: every NaN and Inf of the output is one that the definition has, and the other way round.

They are planted in the input alone: an infinite weight over padding, or an infinite input under a zero weight, is where
frameworks legitimately differ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.checks.base import Check, Judgement
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Family
from conformance.problem.accuracy import accuracy_named


class Special:
    """One call on integers with non-finite inputs. Transform methods are excused: they spread them over the signal."""

    concurrent = False
    optional_calls = False

    def __init__(self, kind: str, about: str, families: tuple[Family, ...] = tuple(Family)) -> None:
        self.name, self.kind, self.about, self.families = f"special.{kind}", kind, about, families

    def calls(self, case: Case) -> tuple[Call, ...]:
        # With two NaNs in one window frameworks differ in whose index they give, so indices are not asked for.
        problem = case.problem.replace(indices=False)
        if problem.op.family not in self.families:
            return ()
        return (Call(problem, dataclasses.replace(case, problem=problem, kind=self.kind).arrays()),)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        if accuracy_named(claims.accuracy).kind == "normwise":
            return Judgement()
        return judge_integers(claims, calls, replies, [f" ({self.about})"])


CHECKS: tuple[Check, ...] = (
    Special("nan", "some inputs are NaN"),
    Special("infinities", "some inputs are +Inf or -Inf"),
    Special("lowest", "nothing but -Inf and the lowest finite number", (Family.MAX_POOL,)),
)
