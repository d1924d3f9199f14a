"""One trial by itself: its calls are handed in to the worker, waited for, and judged."""

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
from conformance.running.session import Pending, Session, WorkerLost


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trial whose calls are under way."""

    trial: Trial
    pending: Pending

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for call in self.trial.calls for array in call.arrays.values())


def handed_in(session: Session, trial: Trial) -> Waiting:
    """``trial`` with its calls under way."""
    return Waiting(trial, session.submit(Job(trial.calls, trial.check.concurrent), trial.limit))


def run_trial(session: Session, trial: Trial, claims: Mapping[str, Claims]) -> Outcome:
    """One trial by itself: hand in, wait, judge."""
    return finish(handed_in(session, trial), claims)


def finish(waiting: Waiting, claims: Mapping[str, Claims]) -> Outcome:
    """Wait for a trial's replies and judge them."""
    trial = waiting.trial
    try:
        replies = waiting.pending.result()
    except WorkerLost as lost:
        failure = Failure(lost.kind, lost.message)
        return Outcome(trial, "errored", Judgement(failure), output=lost.printed.stdout, error_output=lost.printed.stderr)
    return outcome_of(trial, replies, claims)


def judged_first_call(call: Call, reply: Reply, claims: Mapping[str, Claims]) -> Outcome:
    """What the first smoke call of the process gave, which no later call can repeat."""
    trial = Trial(CHECKS["exact"], Case(call.problem, "ramp", "0", "first call in the process"), (call,))
    judgement = trial.check.judge(trial.case, claims[call.problem.operator], (call,), (reply,))
    if judgement.failure is not None:
        said = f"{judgement.failure.message} (in the first call of the process)"
        judgement = dataclasses.replace(judgement, failure=dataclasses.replace(judgement.failure, message=said))
    return Outcome(trial, "failed" if judgement.failure else "passed", judgement, outputs=reply.outputs)
