"""One trial from its calls to its outcome: handed in, waited for, judged; or taken from the record of an earlier run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.checks import CHECKS
from conformance.checks.base import Failure, Judgement
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Job, Reply
from conformance.running.outcome import Outcome, outcome_of
from conformance.running.plan import Trial
from conformance.running.record import Known
from conformance.running.session import Pending, Session, WorkerLost


@dataclass(frozen=True, slots=True)
class Begun:
    """A trial whose outcome is waited for, or one that needs no waiting: it is ``known``, or skipped for a ``reason``."""

    trial: Trial
    pending: Pending | None = None
    known: Known | None = None
    reason: str = ""

    @property
    def waits(self) -> bool:
        """Whether its replies have not come yet."""
        return self.pending is not None and not self.pending.ready

    def outcome(self, claims: Mapping[str, Claims]) -> Outcome:
        """Wait for the replies and judge them."""
        if self.known is not None:
            return self.known.outcome
        if self.pending is None:
            return Outcome(self.trial, "skipped", reason=self.reason)
        try:
            replies = self.pending.result()
        except WorkerLost as lost:
            failure = Failure(lost.kind, lost.message)
            return Outcome(
                self.trial, "errored", Judgement(failure), output=lost.printed.stdout, error_output=lost.printed.stderr
            )
        return outcome_of(self.trial, replies, claims)


def begin(session: Session, trial: Trial) -> Begun:
    """Hand in a trial's calls."""
    return Begun(trial, session.submit(Job(trial.calls, trial.check.concurrent), trial.limit))


def run_trial(session: Session, trial: Trial, claims: Mapping[str, Claims]) -> Outcome:
    """One trial by itself: hand in, wait, judge."""
    return begin(session, trial).outcome(claims)


def first_trial(call: Call) -> Trial:
    """The trial of the first smoke call in a process, which no later call can repeat."""
    return Trial(CHECKS["exact"], Case(call.problem, "ramp", "0", "first call in the process"), (call,))


def judged_first_call(trial: Trial, reply: Reply, claims: Mapping[str, Claims]) -> Outcome:
    """What that call gave."""
    judgement = trial.check.judge(trial.case, claims[trial.case.problem.operator], trial.calls, (reply,))
    if judgement.failure is not None:
        said = f"{judgement.failure.message} (in the first call of the process)"
        judgement = dataclasses.replace(judgement, failure=dataclasses.replace(judgement.failure, message=said))
    return Outcome(trial, "failed" if judgement.failure else "passed", judgement, outputs=reply.outputs)
