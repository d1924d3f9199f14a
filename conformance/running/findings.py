"""From failing trials to findings: alike ones are one finding, shrunk to the smallest case, with what repeats it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from conformance.cases.case import Case
from conformance.cases.values import REAL
from conformance.checks import CHECKS, Check
from conformance.checks.base import Failure
from conformance.diagnosis.diagnose import Diagnosis
from conformance.diagnosis.receptive_field import Field
from conformance.plain import quoted
from conformance.plugin.claims import Claims
from conformance.plugin.known import KnownFailure, known_words
from conformance.plugin.target import Target
from conformance.report.schema import Finding, ReceptiveField
from conformance.running.accepted import said_of
from conformance.running.outcome import Outcome
from conformance.running.shrink import shrink
from conformance.running.trial import Trial, make_trial

SMALL = 80  # elements of an array that is printed in a finding


@dataclass
class Group:
    """Failing trials of one operator, check and kind: taken for one bug until something says otherwise."""

    first: Outcome
    count: int = 1
    shrunk: bool = False
    accepted: tuple[str, ...] = ()
    """What they ask for that is accepted without being claimed; nothing where one of them does without."""
    key: tuple[str, str, str] = field(init=False)
    """Of the failures that it was made of, also where another one comes to stand for them."""

    def __post_init__(self) -> None:
        self.key = key_of(self.first)

    def add(self, outcome: Outcome, accepted: str) -> None:
        """One more that is alike; one of what is claimed stands for those of what is only ``accepted``."""
        self.join(Group(outcome, accepted=(accepted,) if accepted else ()), outcome)

    def join(self, other: Group, first: Outcome) -> None:
        """All of ``other``, of which ``first`` is alike."""
        self.count += other.count
        if self.accepted and not other.accepted:
            self.first = first
        both = self.accepted and other.accepted
        self.accepted = tuple(dict.fromkeys((*self.accepted, *other.accepted))) if both else ()


def key_of(outcome: Outcome) -> tuple[str, str, str]:
    """Outcomes with the same key become one finding."""
    kind = outcome.failure.kind if outcome.failure else ""
    return outcome.trial.case.problem.operator, outcome.trial.check.name.partition(".")[0], kind


def as_plain_call(group: Group, run: Callable[[Trial], Outcome]) -> Outcome | None:
    """One of the failing trial's calls by itself, on integers, if it fails even so: then the group shows no more than that."""
    trial, exact = group.first.trial, CHECKS["exact"]
    if trial.check is exact or trial.case.kind not in ("integers", "ties", *REAL) or group.first.failure is None:
        return None
    kind = "integers" if trial.case.kind in REAL else trial.case.kind
    problems = [trial.calls[group.first.failure.call].problem]
    if group.first.failure.kind == "relation broken":  # any of its calls may be the wrong one
        problems += [call.problem for call in trial.calls]
    for problem in dict.fromkeys(problems):
        if problem.operator == trial.case.problem.operator:
            case = dataclasses.replace(trial.case, problem=problem, kind=kind)
            outcome = run(Trial(exact, case, exact.calls(case)))
            if outcome.failure is not None:
                return outcome
    return None


def alone(group: Group, claims: Mapping[str, Claims], run: Callable[[Trial], Outcome]) -> Outcome:
    """The group's first outcome, or that of its failing call alone, if its check tries several things and it fails even so."""
    first = group.first
    if first.failure is None or first.failure.call >= len(first.trial.calls):
        return first
    number = first.failure.call
    found = first.trial.check.narrowed(first.trial.case, first.trial.calls[number], number)
    trial = make_trial(CHECKS[found[0]], found[1], claims) if found is not None else None
    if trial is None:
        return first
    outcome = run(trial)
    return outcome if outcome.failure is not None and outcome.failure.kind == first.failure.kind else first


def smallest_of(group: Group, claims: Mapping[str, Claims], run: Callable[[Trial], Outcome], seconds: float) -> Outcome:
    """The group's first case, shrunk within ``seconds`` by running smaller ones."""
    outcome = alone(group, claims, run) if seconds > 0 else group.first
    check = outcome.trial.check
    kind = outcome.failure.kind if outcome.failure else ""

    def again(case: Case) -> Outcome | None:
        trial = make_trial(check, case, claims)
        return run(trial) if trial else None

    def still_fails(case: Case) -> bool:
        result = again(case)
        return result is not None and result.failure is not None and result.failure.kind == kind

    smallest = outcome
    if kind != "hung" and seconds > 0:  # each step of one that hangs would cost a whole time limit
        case = shrink(outcome.trial.case, still_fails, seconds)
        result = again(case) if case != outcome.trial.case else None
        if result is not None and result.failure is not None and result.failure.kind == kind:
            smallest = result
    return smallest


def known_as(outcome: Outcome, known: Sequence[KnownFailure]) -> str:
    """What the author of a backend knows of a failure, in words; empty if nothing."""
    trial, failure = outcome.trial, outcome.failure
    assert failure is not None
    return known_words(known, trial.case.problem.operator, trial.check.name, failure.kind, str(trial.case))


def describe(
    outcome: Outcome,
    group: Group,
    target: Target,
    diagnosis: Diagnosis | None = None,
    known: Sequence[KnownFailure] = (),
) -> Finding:
    """The finding of a failed outcome, as the report holds it."""
    found = diagnosis or Diagnosis()
    failure, trial = outcome.failure, outcome.trial
    assert failure is not None
    call = trial.calls[failure.call]
    return Finding(
        operator=trial.case.problem.operator,
        check=trial.check.name,
        kind=failure.kind,
        message=_message(failure, trial.check),
        case=str(trial.case),
        command=repeat_command(trial, target),
        known=known_as(outcome, known),
        index=failure.index,
        expected=_number(failure.expected),
        actual=_number(failure.actual),
        wrong=failure.wrong,
        elements=failure.elements,
        error_over_tolerance=failure.error_over_tolerance,
        inputs={name: text for name, array in call.arrays.items() if (text := _grid(array))},
        expected_grid=_grid(failure.expected_array),
        actual_grid=_grid(failure.actual_array),
        output=outcome.output,
        error_output=outcome.error_output,
        found_as=str(group.first.trial.case),
        failing_cases=group.count,
        diagnosis=(*([said_of(group.accepted, failure.kind)] if group.accepted else []), *found.words),
        hypothesis=found.hypothesis,
        where=found.where,
        field=drawn(found.field) if found.field else None,
        fingerprint=found.fingerprint,
    )


def drawn(field: Field) -> ReceptiveField:
    """A receptive field as the report holds it."""
    return ReceptiveField(output=field.output, channel=field.channel, planes=field.planes)


def repeat_command(trial: Trial, target: Target) -> str:
    """What to type to run exactly this trial again."""
    check = "" if trial.check.name == "exact" else f" --check {trial.check.name}"
    target = dataclasses.replace(target, operators=(), sources=())
    if target.command:
        return f"conformance case {quoted(str(trial.case))}{check} {target.command_options}"
    return f"conformance case {quoted(str(trial.case))} --on {target.command_options}{check}"


def _message(failure: Failure, check: Check) -> str:
    return failure.message if failure.kind not in ("raised", "crashed", "hung", "unreadable") else f"the call {failure.message}"


def _number(value: float | complex | None) -> str | None:
    return None if value is None else f"{value:.9g}" if not isinstance(value, int) else str(value)


def _grid(array: np.ndarray | None) -> str | None:
    """A small array as text, without its leading axes of size 1; None for a large one."""
    if array is None or array.size > SMALL:
        return None
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    array = array if array.dtype.kind in "iuc" else array.astype(np.float64)
    return str(np.array2string(array, precision=7, suppress_small=False, floatmode="maxprec"))
