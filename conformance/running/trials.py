"""One trial from its calls to its outcome: handed in, waited for, judged; or taken from the record of an earlier run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from conformance.cases.case import Case
from conformance.checks import CHECKS
from conformance.checks.base import Failure, Judgement
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Job, Reply
from conformance.problem import OPERATORS
from conformance.running.outcome import Outcome, outcome_of, unjudged
from conformance.running.pace import REPEATED, Pace, Seen, measured, pace_of
from conformance.running.record import Known
from conformance.running.session import Pending, Session, WorkerLost
from conformance.running.trial import Trial, make_trial

_PACE_LIMIT = 10.0  # seconds of a call that tells the pace


@dataclass(frozen=True, slots=True)
class Begun:
    """A trial whose outcome is waited for, or one that needs no waiting: it is ``known``, or skipped for a ``reason``."""

    trial: Trial
    pending: Pending | None = None
    known: Known | None = None
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing need be asked: what comes of it is known, or why nothing does."""
        return bool(self.known or self.reason or self.trial.trouble)

    @property
    def waits(self) -> bool:
        """Whether its replies have not come yet."""
        return self.pending is not None and not self.pending.ready

    def outcome(self, claims: Mapping[str, Claims]) -> Outcome:
        """Wait for the replies and judge them."""
        if self.known is not None:
            return self.known.outcome
        if self.trial.trouble:
            return unjudged(self.trial, self.trial.trouble)
        if self.pending is None:
            return Outcome(self.trial, "skipped", reason=self.reason)
        try:
            replies = self.pending.result()
        except WorkerLost as lost:
            return lost_outcome(self.trial, lost)
        return outcome_of(self.trial, replies, claims)


def lost_outcome(trial: Trial, lost: WorkerLost) -> Outcome:
    """The outcome of a trial in which the worker was lost."""
    printed = lost.printed
    return Outcome(
        trial, "errored", Judgement(Failure(lost.kind, lost.message)), output=printed.stdout, error_output=printed.stderr
    )


def begin(session: Session, trial: Trial, limit: float | None = None) -> Begun:
    """Hand in a trial's calls; they may take ``limit`` seconds, if it is not the trial's own or the session's."""
    return Begun(trial, session.submit(Job(trial.calls, trial.check.concurrent), limit or trial.limit))


def run_trial(session: Session, trial: Trial, claims: Mapping[str, Claims]) -> Outcome:
    """One trial by itself: hand in, wait, judge; or why there is nothing to hand in."""
    one = Begun(trial, reason=trial.reason)
    return (one if one.settled else begin(session, trial)).outcome(claims)


def paces(session: Session, claims: Mapping[str, Claims], operators: Sequence[str]) -> dict[str, Pace]:
    """How fast a target is at each operator, by calls that are made again, since the first may be slow; until one is lost."""
    found = {}
    for name in operators:
        if session.losses:
            break
        seen = list[Seen]()
        for problem, seed in product(measured(OPERATORS[name], claims[name]), REPEATED):
            trial = make_trial(CHECKS["exact"], Case(problem, "integers", seed), claims)
            if trial is not None:
                begun = begin(session, trial, min(session.time_limit, _PACE_LIMIT))
                seen.append(Seen(trial.work, trial.steps, begun.outcome(claims).seconds))
        found[name] = pace_of(seen)
    return found


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
