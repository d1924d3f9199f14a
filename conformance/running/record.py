"""What a run has its outcomes recorded by, and learns from of those that an earlier part of it made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from conformance.cases.covering import Reached
from conformance.plugin.target import Target
from conformance.report.schema import Finding, Implementation
from conformance.running.outcome import Outcome
from conformance.running.trial import Trial
from conformance.running.worker import Description

Stage = Literal["first", "plan", "search", "plain"]
"""Of a trial: the first call in the process, one of an operator's plan, one that a search for branches made, or a failing
one's call by itself."""
Key = tuple[str, str, str]
"""Of a group of failures: operator, group of checks, kind."""


@dataclass(frozen=True, slots=True)
class Known:
    """An outcome on record. ``at`` is in seconds since the checking began; ``losses`` counts crashes and hangs by then."""

    outcome: Outcome
    at: float
    losses: int


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding of one group of failures; ``trouble`` is what failed in the diagnosis itself."""

    key: Key
    finding: Finding
    trouble: str
    losses: int


@dataclass(frozen=True, slots=True)
class Finished:
    """An operator of which everything came. ``covered`` is what its covering set reached; ``reduced`` says
    how large calls of kinds of layers were at most, if the target is too slow for more."""

    operator: str
    covered: Reached
    at: float
    losses: int
    reduced: str = ""

    def reached(self) -> Reached:
        return self.covered


class Recorder:
    """Keeps nothing and knows nothing. :mod:`conformance.running.journal` has one that does."""

    whole = True
    """Whether all calls of the run are made in this process."""

    def begin(self, target: Target, description: Description) -> Description:
        """The target is loaded; what it said of itself when the run began."""
        return description

    def earlier(self) -> Iterator[Known | KnownFinding | Finished]:
        """What is on record of operators that are finished, in the order in which it came."""
        return iter(())

    def known(self, trial: Trial, stage: Stage) -> Known | None:
        """What is on record of the next trial of the operator that is under way, which must be this one; None if nothing is."""
        return None

    def searched(self) -> Iterator[Known]:
        """What is on record of a search of the operator that is under way."""
        return iter(())

    def known_finding(self, key: Key) -> KnownFinding | None:
        """The next finding of the operator that is under way, which must be of this group; None if none is on record."""
        return None

    def came(self, known: Known, stage: Stage) -> None:
        """An outcome came."""

    def found(self, known: KnownFinding) -> None:
        """A finding was made."""

    def done(self, finished: Finished) -> None:
        """An operator is finished."""

    def ended(self, made: Implementation) -> None:
        """The run of the target is over."""
