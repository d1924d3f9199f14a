"""What a run makes of the entries of an xfail file: which failures they cover, and which of them nothing fails any more.

Entries are strict. One of which no case fails is stale, so that a mended failure leaves the file with it; but only where
the run could have met it: an entry about what was not run is not judged, and the reason is told.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from conformance.checks import CHECKS
from conformance.plugin.target import Target
from conformance.report.schema import ExpectedFailure, UnmetEntry, XfailEntry
from conformance.running.outcome import Outcome
from conformance.running.profile import PROFILES, Profile
from conformance.running.trial import Trial
from conformance.running.worker import Description
from conformance.running.xfail import Entry
from conformance.running.xfail_file import XfailFile

State = Literal["met", "stale", "open", "elsewhere"]
"""Of an entry in a run: it failed as it says; nothing did; the run does not tell; or it is about another implementation."""


@dataclass
class Seen:
    """What came of the trials that an entry is about. ``otherwise`` counts failures of other kinds."""

    met: int = 0
    example: str = ""
    passed: int = 0
    skipped: int = 0
    otherwise: Counter[str] = field(default_factory=Counter)


@dataclass
class Expected:
    """The entries of ``file`` in one run, with the run's ``profile`` and ``seed``; without entries nothing is expected."""

    file: XfailFile = field(default_factory=XfailFile)
    profile: Profile = field(default_factory=lambda: PROFILES["quick"])
    seed: int = 0
    entries: tuple[Entry, ...] = ()
    seen: dict[Entry, Seen] = field(default_factory=dict)
    operators: dict[str, str] = field(default_factory=dict)
    """Those that were begun, each with why the rest of it was not run."""
    description: Description | None = None

    def begin(self, description: Description, target: Target) -> None:
        """The target is known: what is about another implementation says nothing here."""
        self.description = description
        self.entries = tuple(entry for entry in self.file.entries if entry.about(description.name, target.text))
        self.seen = {entry: Seen() for entry in self.entries}

    def cut_short(self, operator: str, reason: str) -> None:
        """The rest of an operator is not run."""
        self.operators[operator] = reason

    def gaps(self) -> str:
        """What was not verified of a run whose failures were all expected; empty where it was not cut short."""
        cut = [f"{name} was {reason}" for name, reason in self.operators.items() if reason]
        return f"{'; '.join(cut)}: the rest of it is not verified" if cut else ""

    def judged(self, outcome: Outcome) -> Outcome:
        """``outcome``, as ``xfailed`` where an entry covers its failure: of several the first."""
        entry = self.entry_of(outcome) if outcome.failure is not None else None
        return outcome if entry is None else dataclasses.replace(outcome, status="xfailed", reason=entry.reason)

    def entry_of(self, outcome: Outcome) -> Entry | None:
        """The first entry that covers the failure of ``outcome``; of one that passed, the first that is about it."""
        operator, check, kind, case = _words(outcome)
        for entry in self.entries:
            if entry.covers(operator, check, kind, case) if kind else entry.matches(operator, check, case):
                return entry
        return None

    def noted(self, outcome: Outcome) -> Outcome:
        """The same of a trial of the plan, which is counted: those that only explain a failure meet no entry."""
        self.operators.setdefault(outcome.trial.case.problem.operator, "")
        if not self.entries:
            return outcome
        operator, check, kind, case = _words(outcome)
        for entry, seen in self.seen.items():
            if not entry.matches(operator, check, case):
                continue
            if outcome.status == "skipped":
                seen.skipped += 1
            elif not kind:
                seen.passed += 1
            elif entry.covers(operator, check, kind, case):  # each that covers it is met, whichever comes first
                seen.met += 1
                seen.example = seen.example or case
            else:
                seen.otherwise[kind] += 1
        return self.judged(outcome)

    def planned(self, trial: Trial) -> None:
        """A trial that somebody else runs: an entry that is about it is left to them."""
        words = trial.case.problem.operator, trial.check.name, str(trial.case)
        self.operators.setdefault(words[0], "")
        for entry, seen in self.seen.items():
            seen.met += entry.matches(*words)

    def met(self) -> tuple[ExpectedFailure, ...]:
        """The entries of which something failed."""
        found = ((entry, seen) for entry, seen in self.seen.items() if seen.met)
        return tuple(ExpectedFailure(**_written(self.file, entry), count=seen.met, example=seen.example) for entry, seen in found)

    def state(self, entry: Entry) -> tuple[State, str]:
        """What a finished run makes of an entry, and why."""
        if self.description is None:
            return "open", "the run was interrupted"
        if entry not in self.seen:
            return "elsewhere", f"{self.description.name} is not what it is about"
        if self.description.unavailable:
            return "open", f"{self.description.name} is not available here"
        seen = self.seen[entry]
        if seen.met:
            return "met", ""
        claimed = [name for name in self.description.claims if fnmatchcase(name, entry.operator)]
        if not claimed:
            return "elsewhere", f"no such operator of {self.description.name} was run"
        return self._unmet(entry, seen, claimed)

    def _unmet(self, entry: Entry, seen: Seen, claimed: Sequence[str]) -> tuple[State, str]:
        names = list(PROFILES)
        if self.profile.name == "brief" or names.index(self.profile.name) < names.index(entry.profile):
            return "open", f"the profile is {self.profile.name}"
        if not self.profile.huge and [name for name in CHECKS if fnmatchcase(name, entry.check)] == ["huge"]:
            return "open", "there was no --huge"
        for name in claimed:
            if name not in self.operators:
                return "open", f"{name} was not run"
            if self.operators[name]:
                return "open", f"{name} was {self.operators[name]}"
        ran = seen.passed + seen.otherwise.total()
        if seen.otherwise:
            kinds = ", ".join(f"{count} × {kind}" for kind, count in seen.otherwise.items())
            return "stale", f"none of its cases fails as it says ({kinds})"
        if ran:
            return "stale", f"all {ran} cases that it is about pass" if ran > 1 else "the case that it is about passes"
        if seen.skipped:
            return "open", "the cases that it is about were skipped"
        if entry.case != "*" and self.seed != 0:
            return "open", f"seed {self.seed} draws other cases"
        return "stale", "it is about no case that was run"


def unmet(file: XfailFile, runs: Sequence[Expected], interrupted: bool = False) -> tuple[UnmetEntry, ...]:
    """The entries that none of the runs of one command met, in the order of the file."""
    found = []
    for entry in file.entries:
        states = [run.state(entry) for run in runs] or [("open", "nothing was run")]
        if any(state == "met" for state, _ in states):
            continue
        if interrupted:
            states = [("open", "the run was interrupted")]
        # A run that does not tell keeps the others from telling too: it might have met the entry.
        order: tuple[State, ...] = ("open", "stale", "elsewhere")
        state, because = min(states, key=lambda one: order.index(one[0]))
        found.append(UnmetEntry(**_written(file, entry), stale=state == "stale", because=because))
    return tuple(found)


def _words(outcome: Outcome) -> tuple[str, str, str, str]:
    """Operator, check, kind of failure ("" for none) and text, by which entries go."""
    case, kind = outcome.trial.case, outcome.failure.kind if outcome.failure else ""
    return case.problem.operator, outcome.trial.check.name, kind, str(case)


def _written(file: XfailFile, entry: Entry) -> dict[str, Any]:
    """An entry as a report holds it."""
    return XfailEntry(
        file=file.name, first=entry.first, last=entry.last, covers=entry.words, reason=entry.reason, link=entry.link
    ).model_dump()
