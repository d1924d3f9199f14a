"""A listener that keeps the texts of all failing cases, by what fails and how: what a gate compares."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.report.schema import Finding
from conformance.running.outcome import Listener, Outcome, Silence
from conformance.running.worker import Description


@dataclass
class Failing:
    """Passes everything on to ``inner``."""

    inner: Listener = field(default_factory=Silence)
    cases: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    """By operator, check and kind of failure."""

    def began(self, description: Description, expected: int) -> None:
        self.inner.began(description, expected)

    def came(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            key = (outcome.trial.case.problem.operator, outcome.trial.check.name, outcome.failure.kind)
            self.cases.setdefault(key, []).append(str(outcome.trial.case))
        self.inner.came(outcome)

    def found(self, finding: Finding) -> None:
        self.inner.found(finding)

    def ended(self) -> None:
        self.inner.ended()
