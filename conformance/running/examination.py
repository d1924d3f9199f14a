"""From the runner to the diagnosis: what outcomes show, as evidence, and the means to try more cases."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence

from conformance.cases.case import Case
from conformance.checks import Check
from conformance.diagnosis.diagnose import Diagnosis, diagnose
from conformance.diagnosis.evidence import MOST_ELEMENTS, Evidence, Observation, is_small
from conformance.diagnosis.fingerprint import NoAnswer, Send, fingerprint_of
from conformance.diagnosis.hypotheses import RESORT
from conformance.diagnosis.numerics import numerics
from conformance.diagnosis.state import Processes
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Job, Reply
from conformance.problem import Problem
from conformance.running.expected import Expected
from conformance.running.outcome import Outcome, outcome_of
from conformance.running.session import Session, WorkerLost
from conformance.running.trial import Trial, make_trial

_TOGETHER = 16  # trials whose calls make one job


def observed(outcome: Outcome) -> Observation | None:
    """A judged outcome as the diagnosis sees it; None where nothing was judged, or what fails is another, expected failure."""
    trial, failure = outcome.trial, outcome.failure
    if not trial.calls or outcome.status in ("skipped", "xfailed"):
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
    session: Session,
    seconds: float,
    expected: Expected | None = None,
) -> Diagnosis:
    """The diagnosis of a finding whose smallest case gave ``outcome``; what is ``expected`` to fail says nothing of it."""
    failure, trial = outcome.failure, outcome.trial
    assert failure is not None
    operator = trial.case.problem.operator

    def claimed(problem: Problem) -> bool:
        return claims[operator].refusal(problem) is None

    own = sum(array.size for call in trial.calls for array in call.arrays.values())

    def no_larger(call: Call) -> bool:
        if call.invalid or call.repeated:
            return False
        return is_small(call) or (own > MOST_ELEMENTS // 2 and sum(array.size for array in call.arrays.values()) < 2 * own)

    def all_again(cases: Sequence[Case], check: Check | None = None) -> list[Observation]:
        made = [make_trial(check or trial.check, case, claims) for case in cases if case.problem.operator == operator]
        alone = [one for one in made if one and not one.check.concurrent and all(map(no_larger, one.calls))]
        outcomes = run_together(alone, session, claims)
        if expected is not None:
            outcomes = [expected.judged(one) for one in outcomes]
        return [seen for one in outcomes if (seen := observed(one)) is not None]

    def ask(calls: Sequence[Call]) -> Sequence[Reply] | None:
        if not all(claimed(call.problem) for call in calls):
            return None
        try:
            return session.submit(Job(tuple(calls))).result()
        except WorkerLost:
            return None

    def send(calls: Sequence[Call]) -> Sequence[Reply]:
        replies = ask(calls)
        if replies is None:
            raise NoAnswer("the probes got no reply")
        return replies

    def fresh(calls: Sequence[Call]) -> Sequence[Reply] | None:
        return session.elsewhere(Job(tuple(calls)), seconds)

    known = [
        dataclasses.replace(one, before=(*evidence.earlier(one), *one.before))
        for one in evidence.like(trial.check.name, failure.kind)
        if claimed(one.call.problem)
    ]
    finite = not trial.check.name.startswith("special.")
    seen = observed(outcome)
    if not known and seen is not None and seen.outputs and no_larger(seen.call):  # too large to be kept as evidence
        known = [seen]
    right = [one for one in evidence.right(trial.check.name) if claimed(one.call.problem)]
    found = diagnose(known, right, all_again, ask, claims[operator].dtypes, seconds, Processes(ask, fresh, claimed))
    return with_fingerprint(found, failure.kind, trial.case.problem, claims[operator], send) if finite else found


def with_fingerprint(found: Diagnosis, kind: str, problem: Problem, claimed: Claims, send: Send) -> Diagnosis:
    """``found`` with the numerical fingerprint of the type that failed: where accuracy is lacking, or nothing explains it.

    What the fingerprint finds lacking is the diagnosis where there is none but the last resort.
    """
    unexplained = kind == "wrong value" and found.hypothesis in ("", RESORT.key) and not found.where
    if problem.format.kind != "float" or not (unexplained or kind == "inaccurate"):
        return found
    seen = numerics(fingerprint_of(send, claimed, problem.operator, problem.dtype, orders=1))
    if seen.key and found.hypothesis in ("", RESORT.key):
        found = dataclasses.replace(found, words=(seen.words, *found.words), hypothesis=seen.key)
    return dataclasses.replace(found, fingerprint=seen.line)


def run_together(trials: Sequence[Trial], session: Session, claims: Mapping[str, Claims]) -> list[Outcome]:
    """The outcomes of trials, many of whose calls make one job: much faster than one by one. What is lost is left out.

    While one job is judged, the next ones are done.
    """
    made: list[Outcome] = []
    left = [deque(trials[first : first + _TOGETHER]) for first in range(0, len(trials), _TOGETHER)]
    while left:
        jobs = [(part, session.submit(Job(tuple(call for trial in part for call in trial.calls)))) for part in left]
        left = []
        for part, job in jobs:
            try:
                replies = deque(job.result())
            except WorkerLost:
                continue
            before = len(part)
            while part and replies:
                trial = part.popleft()
                own = [replies.popleft() for _ in range(min(len(trial.calls), len(replies)))]
                made.append(outcome_of(trial, own, claims))
            if 0 < len(part) < before:
                left.append(part)  # none are made after an error
    return made
