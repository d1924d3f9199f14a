"""From the runner to the diagnosis: what outcomes show, as evidence, and the means to try more cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from conformance.cases.case import Case
from conformance.diagnosis.diagnose import Diagnosis, diagnose
from conformance.diagnosis.evidence import Evidence, Observation, is_small
from conformance.diagnosis.state import Processes
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Job, Reply
from conformance.running.outcome import Outcome
from conformance.running.plan import Trial, make_trial
from conformance.running.session import Session, WorkerLost


def observed(outcome: Outcome) -> Observation | None:
    """A judged outcome as the diagnosis sees it; None where nothing was judged."""
    trial, failure = outcome.trial, outcome.failure
    if not trial.calls or outcome.status == "skipped":
        return None
    at = failure.call if failure is not None else 0
    kind = failure.kind if failure is not None else ""
    return Observation(trial.check.name, trial.case, trial.calls[at], kind, outcome.outputs, trial.calls[:at])


def record(evidence: Evidence, outcome: Outcome) -> None:
    """Add an outcome to what is known of its operator."""
    if outcome.status == "passed":
        if len(outcome.trial.calls) == 1:
            evidence.passed(outcome.trial.check, outcome.trial.case)
        return
    seen = observed(outcome)
    if seen is not None:
        evidence.failed(seen)


def examine(
    outcome: Outcome,
    evidence: Evidence,
    claims: Mapping[str, Claims],
    run: Callable[[Trial], Outcome],
    session: Session,
    seconds: float,
) -> Diagnosis:
    """The diagnosis of a finding whose smallest case gave ``outcome``."""
    failure, trial = outcome.failure, outcome.trial
    assert failure is not None
    operator = trial.case.problem.operator

    def again(case: Case) -> Observation | None:
        made = make_trial(trial.check, case, claims)
        if made is None or case.problem.operator != operator or not all(map(is_small, made.calls)):
            return None
        return observed(run(made))

    def ask(calls: Sequence[Call]) -> Sequence[Reply] | None:
        if any(claims[operator].refusal(call.problem) for call in calls):
            return None
        try:
            return session.submit(Job(tuple(calls))).result()
        except WorkerLost:
            return None

    def fresh(calls: Sequence[Call]) -> Sequence[Reply] | None:
        return session.elsewhere(Job(tuple(calls)), seconds)

    known = [
        dataclasses.replace(one, before=(*evidence.earlier(one), *one.before))
        for one in evidence.like(trial.check.name, failure.kind)
    ]
    processes = Processes(ask, fresh, lambda problem: claims[operator].refusal(problem) is None)
    return diagnose(known, evidence.right(trial.check.name), again, ask, claims[operator].dtypes, seconds, processes)
