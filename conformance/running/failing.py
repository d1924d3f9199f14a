"""A listener that keeps the texts of all failing cases, by what fails and how: what a gate compares."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.running.outcome import Outcome, PassingOn


@dataclass
class Failing(PassingOn):
    cases: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    """By operator, check and kind of failure."""

    def came(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            key = (outcome.trial.case.problem.operator, outcome.trial.check.name, outcome.failure.kind)
            self.cases.setdefault(key, []).append(str(outcome.trial.case))
        super().came(outcome)
