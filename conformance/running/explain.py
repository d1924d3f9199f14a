"""From the failures of an operator to its findings: which are the same, the smallest case of each, and why it fails.

It is done when all trials of an operator came, so that a diagnosis has all that was seen to go by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.diagnosis.diagnose import Diagnosis
from conformance.diagnosis.evidence import Evidence
from conformance.plugin.claims import Claims
from conformance.plugin.known import KnownFailure
from conformance.plugin.target import Target
from conformance.running.examination import examine
from conformance.running.expected import Expected
from conformance.running.findings import Group, as_plain_call, describe, known_as, smallest_of
from conformance.running.outcome import Outcome
from conformance.running.record import KnownFinding, Recorder
from conformance.running.session import Session
from conformance.running.trial import Trial

_SHRINK_TOTAL = 6.0
_DIAGNOSE_TOTAL = 4.0


@dataclass(frozen=True, slots=True)
class Explainer:
    """How failures of one target are explained. ``evidence`` is what was seen of each operator, and grows.

    ``run`` makes one more trial, ``run_plain`` one that is recorded; ``loses`` says whether so many processes were lost
    that nothing is tried any more. The two times are in seconds for each finding. What is ``expected`` to fail says nothing.
    """

    target: Target
    session: Session
    claims: Mapping[str, Claims]
    claimed: Mapping[str, Claims]
    """The claims without what is only accepted, which tells nothing of a failure of what is claimed."""
    known_failures: Sequence[KnownFailure]
    evidence: dict[str, Evidence]
    recorder: Recorder
    run: Callable[[Trial], Outcome]
    run_plain: Callable[[Trial], Outcome]
    loses: Callable[[], bool]
    shrink_seconds: float
    diagnose_seconds: float
    expected: Expected

    def findings(self, groups: Sequence[Group]) -> Iterator[KnownFinding]:
        """A finding of each group that shows something of its own, from the record where one is there."""
        new = self._distinct(groups)
        seconds = min(self.shrink_seconds, _SHRINK_TOTAL / max(1, len(new)))
        for_words = min(self.diagnose_seconds, _DIAGNOSE_TOTAL / max(1, len(new)))
        for group in new:
            made = self.recorder.known_finding(group.key)
            if made is None:
                made = self._finding(group, seconds, for_words)
                self.recorder.found(made)
            self.session.losses = max(self.session.losses, made.losses)
            group.shrunk = True  # only now: an interrupt must not lose it
            yield made

    def _distinct(self, groups: Sequence[Group]) -> list[Group]:
        """The groups less those that show no more than that a plain call is wrong in a way that is known."""
        plain = {group.key[-1]: group for group in reversed(groups) if group.first.trial.check.name == "exact"}
        for group in groups:
            outcome = None if self.loses() else as_plain_call(group, self.run_plain)
            if outcome is None or outcome.failure is None:
                continue
            kind = outcome.failure.kind
            if kind in plain:
                plain[kind].join(group, outcome)
                group.shrunk = True
            else:
                group.first, plain[kind] = outcome, group
        return [group for group in groups if not group.shrunk]

    def _finding(self, group: Group, seconds: float, for_words: float) -> KnownFinding:
        worth, claims = 0.0 if self.loses() else seconds, self.claims if group.accepted else self.claimed
        smallest = smallest_of(group, claims, self.run, worth)
        evidence = self.evidence.setdefault(smallest.trial.case.problem.operator, Evidence())
        diagnosis, trouble = Diagnosis(), ""
        if worth and not known_as(smallest, self.known_failures):  # else what is known says more than could be found out
            try:
                diagnosis = examine(smallest, evidence, claims, self.session, for_words, self.expected)
            except Exception as error:  # what was measured must not be lost for the words about it
                trouble = f"the diagnosis of {smallest.trial.case} failed: {type(error).__name__}: {error}"
        finding = describe(smallest, group, self.target, diagnosis, self.known_failures)
        return KnownFinding(group.key, finding, trouble, self.session.losses)
