"""Rejection: a problem that has no meaning must raise an error; a number, a crash or a hang is a finding."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.cases.invalid import INVALID, make_invalid
from conformance.checks.base import Check, Failure, Judgement, OfAll
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply


class Rejection(OfAll):
    """One call that must raise. The case is the valid problem that the invalid one is made of, with its name as the seed."""

    name = "rejection"
    about = "invalid problems raise an error"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        made = make_invalid(case.problem, case.seed) if case.kind == "invalid" and case.problem.batch else None
        return (Call(*made, invalid=True),) if made is not None else ()

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        (reply,) = replies
        if reply.error_kind == "raised" or (reply.error_kind == "out of memory" and INVALID[case.seed].asks_for_much):
            return Judgement(elements=1)
        if INVALID[case.seed].valid and not reply.error:  # then it must be the right result
            return judge_integers(claims, calls, replies, [f" ({INVALID[case.seed].about})"])
        if case.seed.startswith("kernel_too_large") and claims.differs("kernel_too_large", case.problem.dtype):
            return Judgement()
        about = INVALID[case.seed].about
        gave = reply.error or f"returned a result of shape {reply.outputs[0].shape if reply.outputs else ()}"
        return Judgement(Failure(f"accepted {case.seed}", f"{gave} although {about}; an error must be raised"), 1)


CHECKS: tuple[Check, ...] = (Rejection(),)
