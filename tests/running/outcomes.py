"""Outcomes as a run has them, without a run."""

from __future__ import annotations

from conformance.cases.case import Case, parse_case
from conformance.checks import CHECKS
from conformance.checks.base import Failure, Judgement
from conformance.running.outcome import Outcome, Status
from conformance.running.trial import Trial

CASE = "conv2d f16 n1 c1 i3x3 o1 k2x2 values=integers:1"


def outcome(status: Status, kind: str = "", check: str = "exact", text: str = CASE) -> Outcome:
    case: Case = parse_case(text)
    judgement = Judgement(Failure(kind, "message") if kind else None)
    return Outcome(Trial(CHECKS[check], case), status, judgement, reason="too large" if status == "skipped" else "")
