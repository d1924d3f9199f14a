"""What a target accepts without claiming it: where it is wrong is told, but what is claimed must be tried all the same.

So its failures are counted by themselves, and after some of them, or a crash, no more of it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.plugin.claims import Claims, only_accepted
from conformance.running.outcome import Outcome
from conformance.running.trial import Trial

_MOST_FAILURES = 5  # of one thing that is accepted, in one operator
_LOST = ("crashed", "hung")


@dataclass
class Accepted:
    """What only is accepted of a target with these ``claims``, by operator; ``losses`` are crashes and hangs of it so far."""

    claims: Mapping[str, Claims]
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: set[tuple[str, str]] = field(default_factory=set)
    losses: int = 0

    def __post_init__(self) -> None:
        self.claimed = {name: claimed.changed((), ("accepted",)) for name, claimed in self.claims.items()}
        """The claims without it."""

    def what(self, outcome: Outcome) -> str:
        """What the failing call, or else any, asks for that is only accepted, in words."""
        trial, failure = outcome.trial, outcome.failure
        if failure is not None and failure.call < len(trial.calls):
            return only_accepted(self.claims, trial.calls[failure.call].problem)
        return self._asked(trial)

    def note(self, outcome: Outcome) -> str:
        """Count a failing outcome; returns :meth:`what` it asks for."""
        what = self.what(outcome)
        if what and outcome.failure is not None:
            key = (outcome.trial.case.problem.operator, what)
            self.failures[key] += 1
            if outcome.failure.kind in _LOST:
                self.lost.add(key)
                self.losses += 1
        return what

    def left_out(self, trial: Trial) -> str:
        """Why a trial is not made any more, or nothing."""
        what = self._asked(trial)
        key = (trial.case.problem.operator, what)
        if not what or (self.failures[key] < _MOST_FAILURES and key not in self.lost):
            return ""
        return f"{what}: accepted without being claimed, and {'lost' if key in self.lost else 'wrong'} before"

    def _asked(self, trial: Trial) -> str:
        problems = [call.problem for call in trial.calls] or [trial.case.problem]
        return next(filter(None, (only_accepted(self.claims, problem) for problem in problems)), "")


def said_of(what: tuple[str, ...], kind: str) -> str:
    """What is said of failures of one ``kind`` that all ask for things that are only accepted."""
    does = {"crashed": "crashes", "hung": "does not return"}.get(kind, "returns wrong results")
    return f"accepts {' and '.join(what)} and {does}: refuse it, or mend it"
