"""What came of trials, as they come: values that the runner hands to whoever listens, and adds up at the end."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from conformance.cases.case import Case
from conformance.cases.covering import Reached
from conformance.cases.integers import most_nonzero
from conformance.checks.base import AccuracyFigures, Failure, Judgement
from conformance.checks.power import slip_bound
from conformance.diagnosis.evidence import MOST_ELEMENTS
from conformance.plain import of_error
from conformance.plugin.claims import Claims, only_accepted
from conformance.plugin.job import NOT_SUPPORTED, Reply
from conformance.report.schema import Accuracy, Finding, Power, Skip, Tally
from conformance.running.trial import Trial
from conformance.running.worker import Description

Status = Literal["passed", "failed", "errored", "skipped", "xfailed"]
HARNESS_FAILED = "the harness failed"
_MOST_BROKEN = 20  # of which the case is said


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one trial. ``seconds`` were spent inside the implementation.

    ``reason`` says why it was skipped, or why its failure was expected (``xfailed``): then it is no failure to look into.
    ``output`` and ``error_output`` are what it printed on stdout and stderr; ``outputs`` are the arrays that the failing call
    returned, where they are small. ``broken``: it was not judged, because the harness itself failed; ``reason`` says how.
    """

    trial: Trial
    status: Status
    judgement: Judgement = field(default_factory=Judgement)
    reason: str = ""
    output: str = ""
    error_output: str = ""
    seconds: float = 0.0
    outputs: tuple[np.ndarray, ...] = ()
    broken: bool = False

    @property
    def failure(self) -> Failure | None:
        return None if self.status == "xfailed" else self.judgement.failure


def unjudged(trial: Trial, trouble: str) -> Outcome:
    """The outcome of a trial in which the harness itself failed: it is told, and nothing else is lost for it."""
    return Outcome(trial, "skipped", reason=f"{HARNESS_FAILED}: {trouble}", broken=True)


def outcome_of(trial: Trial, replies: Sequence[Reply], claims: Mapping[str, Claims]) -> Outcome:
    """What the check says of the replies to a trial's calls."""
    seconds = sum(reply.seconds for reply in replies)
    refused = [reply.error for reply in replies if reply.error_kind == NOT_SUPPORTED]
    if refused:
        return Outcome(trial, "skipped", reason=refused[0], seconds=seconds)
    try:
        judgement = trial.check.judge(trial.case, claims[trial.case.problem.operator], trial.calls, replies)
    except Exception as error:  # a bug of the harness's own
        return unjudged(trial, of_error(error))
    if judgement.failure is None:
        return Outcome(trial, "passed", judgement, seconds=seconds)
    errored = judgement.failure.kind in ("raised", "out of memory")
    accepted = only_accepted(claims, trial.calls[judgement.failure.call].problem)
    if accepted and errored:  # what nobody claims may be refused
        return Outcome(trial, "skipped", reason=f"{accepted}: accepted elsewhere, but refused here", seconds=seconds)
    outputs = replies[judgement.failure.call].outputs
    outputs = outputs if sum(output.size for output in outputs) <= MOST_ELEMENTS else ()
    stdout, stderr = ("".join(each) for each in zip(*((reply.stdout, reply.stderr) for reply in replies), strict=True))
    status: Status = "errored" if errored else "failed"
    return Outcome(trial, status, judgement, output=stdout, error_output=stderr, seconds=seconds, outputs=outputs)


class Listener(Protocol):
    """Who wants to know while it runs: the terminal, or nobody."""

    def began(self, description: Description, expected: int) -> None: ...

    def came(self, outcome: Outcome) -> None: ...

    def found(self, finding: Finding) -> None: ...

    def ended(self) -> None: ...


class Silence:
    """A listener that does nothing."""

    def began(self, description: Description, expected: int) -> None: ...

    def came(self, outcome: Outcome) -> None: ...

    def found(self, finding: Finding) -> None: ...

    def ended(self) -> None: ...


@dataclass
class PassingOn:
    """A listener that passes everything on; who wants to hear something of it overrides that."""

    inner: Listener = field(default_factory=Silence)

    def began(self, description: Description, expected: int) -> None:
        self.inner.began(description, expected)

    def came(self, outcome: Outcome) -> None:
        self.inner.came(outcome)

    def found(self, finding: Finding) -> None:
        self.inner.found(finding)

    def ended(self) -> None:
        self.inner.ended()


@dataclass
class Drawn:
    """What cases of integers of one operator could show, added up."""

    cases: int = 0
    elements: int = 0
    blind: int = 0
    slips: list[float] = field(default_factory=list)
    sparse: int = 0

    def add(self, outcome: Outcome) -> None:
        problem, judgement = outcome.trial.case.problem, outcome.judgement
        self.cases += 1
        self.elements += judgement.elements
        self.blind += judgement.blind
        chance = slip_bound(problem)
        if chance is not None:
            self.slips.append(chance)
        self.sparse += most_nonzero(problem) is not None

    def power(self, operator: str, reached: Reached) -> Power:
        """As the report holds it; ``reached`` is what the covering set covered."""
        return Power(
            operator=operator,
            cases=self.cases,
            elements=self.elements,
            blind=self.blind,
            **dataclasses.asdict(reached),
            slips=max(self.slips, default=None),
            slips_median=statistics.median(self.slips) if self.slips else None,
            sparse=self.sparse,
        )


@dataclass
class Totals:
    """Adds outcomes up to what the report shows of an implementation."""

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """By operator and group of checks, for each status the trials, and the elements that were compared."""
    skips: dict[tuple[str, str], Skip] = field(default_factory=dict)
    accuracy: list[Accuracy] = field(default_factory=list)
    drawn: dict[str, Drawn] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    """Where the harness itself failed: the check, the case, and how."""
    sampled: int = 0
    missed: float = 0.0
    """Trials of which a sample was judged, and the most that the chance can be that one missed a result in a hundred."""
    seconds_inside: float = 0.0
    trials: int = 0

    def add(self, outcome: Outcome) -> None:
        self.trials += 1
        self.sampled += outcome.judgement.missed > 0
        self.missed = max(self.missed, outcome.judgement.missed)
        self.seconds_inside += outcome.seconds
        problem = outcome.trial.case.problem
        if outcome.broken and len(self.broken) < _MOST_BROKEN:
            self.broken.append(f"{outcome.trial.check.name} on {outcome.trial.case}: {outcome.reason}")
        if outcome.status == "skipped":
            key = (problem.operator, outcome.reason)
            old = self.skips.get(key)
            self.skips[key] = Skip(
                operator=key[0],
                reason=key[1],
                count=(old.count if old else 0) + 1,
                example=old.example if old else str(outcome.trial.case),
            )
            return
        key = (problem.operator, outcome.trial.check.name.partition(".")[0])
        counted = self.counts.setdefault(key, Counter())
        counted[outcome.status] += 1
        known = outcome.status == "xfailed"  # nothing is shown by a case that may fail
        counted["elements"] += 0 if known else outcome.judgement.elements
        if outcome.trial.check.name == "exact" and not known:
            self.drawn.setdefault(problem.operator, Drawn()).add(outcome)
        if outcome.judgement.accuracy is not None and problem.op.rounds:
            self.accuracy.append(accuracy_row(outcome.trial.case, outcome.judgement.accuracy))

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """As the report holds them."""
        return tuple(Tally(operator=operator, check=check, **counted) for (operator, check), counted in self.counts.items())

    @property
    def elements(self) -> int:
        return self.count("elements")

    def count(self, what: Status | Literal["elements"]) -> int:
        return sum(counted[what] for counted in self.counts.values())


def accuracy_row(case: Case, figures: AccuracyFigures) -> Accuracy:
    """The figures of one case as the report holds them."""
    problem = case.problem
    return Accuracy(
        operator=problem.operator,
        problem=str(problem),
        dtype=problem.dtype,
        values=case.kind,
        origin=case.origin,
        **dataclasses.asdict(figures),
    )
