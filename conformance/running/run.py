"""Runs the checks on one target: plans trials, keeps a worker busy, judges what comes back, and adds it up.

Nothing measured is lost: a crash or a hang is one outcome, an interrupt ends the run with what was seen so far.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from conformance.cases.case import Case
from conformance.cases.covering import Covering
from conformance.checks import CHECKS
from conformance.checks.judged import FRACTION
from conformance.diagnosis.evidence import Evidence
from conformance.errors import UsageError
from conformance.plain import line
from conformance.plugin.claims import Claims
from conformance.plugin.job import Job
from conformance.plugin.known import KnownFailure
from conformance.plugin.target import Target
from conformance.problem import OPERATORS
from conformance.problem.operators import with_passes
from conformance.report.schema import Finding, Implementation
from conformance.running import worker
from conformance.running.accepted import Accepted
from conformance.running.ahead import Ahead, in_order
from conformance.running.crossing import flat_job, replies_of
from conformance.running.examination import record
from conformance.running.expected import Expected
from conformance.running.explain import Explainer
from conformance.running.findings import Group, describe, key_of
from conformance.running.heard import plain_replies
from conformance.running.memory import too_large
from conformance.running.outcome import Listener, Outcome, Silence, Totals, outcome_of
from conformance.running.pace import OF_PACE, Seen, pace_of
from conformance.running.plan import expected_trials
from conformance.running.profile import Profile
from conformance.running.record import Finished, Known, KnownFinding, Recorder, Stage
from conformance.running.session import Session, WorkerLost
from conformance.running.trial import Trial, make_trial
from conformance.running.trials import Begun, begin, first_trial, judged_first_call, lost_outcome, run_trial
from conformance.running.verdict import verdict_of
from conformance.running.visited import Branch
from conformance.running.worker import Description

_AHEAD = 16  # jobs handed in before the first of them is judged
_AHEAD_BYTES = 64 * 2**20  # but no more data than this
_MOST_LOSSES = 3  # crashes or hangs of one operator after which the rest of it is not tried
_MOST_LOSSES_IN_ALL = 36  # and of all of them
_ASK_LIMIT = 30.0  # seconds
_SHRINK_SECONDS = 2.0
_DIAGNOSE_SECONDS = 1.5
_THE_END: Any = object()  # of a plan
_CUT = "cut short"
"""How the reason begins for which the rest of an operator is skipped."""
_UNKNOWN = "not known: which branches of its own never ran, as the run was interrupted and went on in another process"


@dataclass(frozen=True, slots=True)
class Options:
    """What to run: ``operators`` (empty: all that are claimed), how much, from which seed, with which time limit."""

    profile: Profile
    operators: tuple[str, ...] = ()
    seed: int = 0
    time_limit: float = 10.0
    memory_limit: int | None = None
    """Bytes that a worker may take; None is a share of what is free, 0 is no limit."""


@dataclass
class Run:
    """One run over one target. ``result`` may be asked for at any time, also after an interrupt."""

    target: Target
    options: Options
    listener: Listener = field(default_factory=Silence)
    totals: Totals = field(default_factory=Totals)
    groups: dict[tuple[str, str, str], Group] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What failed in the harness itself, without an end to the run."""
    covered: dict[str, Covering | Finished] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    description: Description | None = None
    interrupted: bool = False
    failures: int = 0
    first_failure: float | None = None
    began: float = field(default_factory=time.perf_counter)
    ended: float | None = None
    checking_began: float | None = None
    session: Session | None = None
    """One that was opened ahead of need; it is closed here."""
    recorder: Recorder = field(default_factory=Recorder)
    earlier: float = 0.0
    """Seconds of checking before an interrupt that this run goes on from."""
    shrink_seconds: float = _SHRINK_SECONDS
    diagnose_seconds: float = _DIAGNOSE_SECONDS
    unvisited: list[Branch] = field(default_factory=list)
    """Branches of the target's own source that no trial of a plan took,"""
    reached: set[Branch] = field(default_factory=set)
    """and those of them that a search took."""
    reduced: dict[str, str] = field(default_factory=dict)
    """Operators of which the target is so slow that calls of kinds of layers are smaller: how large at most, in words."""
    accepted: Accepted = field(default_factory=lambda: Accepted({}))
    expected: Expected = field(default_factory=Expected)
    """Failures that are known: they are counted, and neither findings nor looked into."""

    def execute(self) -> Implementation:
        """Run everything. Raises :class:`UsageError` if the target cannot be loaded, nothing else."""
        try:
            options = self.options
            opened = self.session or Session(self.target, options.time_limit, memory_limit=options.memory_limit, watched=True)
            with opened as session:
                self.description = self.recorder.begin(self.target, session.describe())
                self.target = session.target
                self.expected.begin(self.description, self.target)
                self.accepted = Accepted(self.description.claims)
                if not self.description.unavailable:
                    self._check_all(session, self.description)
        except KeyboardInterrupt:
            self.interrupted = True
        self.listener.ended()
        self.ended = time.perf_counter()
        made = self.result()
        if not self.interrupted:
            self.recorder.ended(made)
        return made

    def recall(self, description: Description, seconds: float) -> Implementation:
        """The result of what is on record alone, which took so many seconds: nothing is called."""
        self.description = description
        self.expected.begin(description, self.target)
        self.accepted = Accepted(description.claims)
        for part in self.recorder.earlier():
            self._recall(part)
        self.earlier, self.ended = seconds, self.began
        for finding in self.findings:
            self.listener.found(finding)
        return self.result()

    def _check_all(self, session: Session, description: Description) -> None:
        claims, options = description.claims, self.options
        wanted = with_passes(options.operators) if options.operators else tuple(OPERATORS)
        operators = [name for name in in_order(claims) if name in wanted]
        missing = [name for name in options.operators if name not in claims]
        if missing and not operators:
            raise UsageError(f"{description.name} does not claim {missing[0]}", hint=f"it claims {', '.join(claims)}")
        expected = sum(expected_trials(name, claims[name], options.profile) for name in operators)
        self.checking_began = time.perf_counter()
        self.listener.began(description, expected)
        for part in self.recorder.earlier():
            session.losses = max(session.losses, self._recall(part))
            if isinstance(part, Known):
                self.listener.came(self.expected.judged(part.outcome))
            elif isinstance(part, KnownFinding):
                self.listener.found(part.finding)
        for call, reply in () if self.covered else description.first_calls:
            if call.problem.operator in operators and call.problem.dtype in claims[call.problem.operator].dtypes:
                trial = first_trial(call)
                known = self.recorder.known(trial, "first")
                self._note(known.outcome if known else judged_first_call(trial, reply, claims), "first", session, known)
        left = [operator for operator in operators if operator not in self.covered]
        ahead = Ahead(left, claims, options.profile, options.seed, options.time_limit, description.constants)
        for operator in left:
            cover = self._check(operator, session, claims, ahead)
            self._search(operator, session, description)
            self._shrink(session, claims)
            reduced = self.reduced.get(operator, "")
            self.recorder.done(Finished(operator, cover.reached(), self._at(), session.losses, reduced))

    def _search(self, operator: str, session: Session, description: Description) -> None:
        """Look for calls of an operator that take branches of the target's source which no call has taken."""
        if self.failures or not OPERATORS[operator].forward or session.losses:
            return
        for known in self.recorder.searched():
            self._note(known.outcome, "search", session, known)
        found = session.call(worker.never_run, limit=_ASK_LIMIT) if session.alive else []
        self.unvisited = [Branch(*fields) for fields in found]
        left = [branch for branch in self.unvisited if branch not in self.reached and not branch.raises]
        if not left or not self.options.profile.search:
            return

        def attempt(case: Case) -> Sequence[float] | None:
            trial = make_trial(CHECKS["exact"], case, description.claims)
            if trial is None or trial.trouble:
                return None
            try:
                asked = flat_job(Job(trial.calls)), list(map(dataclasses.astuple, left))
                flat, distances, taken = session.call(worker.perform_watched, *asked, limit=self.options.time_limit)
            except WorkerLost as lost:
                self._note(lost_outcome(trial, lost), "search", session, None)
                return ()
            self.reached |= {branch for branch, was in zip(left, taken, strict=True) if was}
            outcome = outcome_of(trial, plain_replies(replies_of(flat)), description.claims)
            if any(taken) or outcome.failure is not None:
                self._note(outcome, "search", session, None)
            open_ones = [d for d, branch in zip(distances, left, strict=True) if branch not in self.reached]
            return () if outcome.failure is not None else open_ones

        from conformance.running.search import search  # hypothesis is slow to import, and most targets need none of it

        search(OPERATORS[operator], description.claims[operator], description.constants, attempt, self.options.profile.search,
               self.options.seed)  # fmt: skip

    def _at(self) -> float:
        """Seconds since the checking began, before an interrupt too."""
        return self.earlier + time.perf_counter() - (self.checking_began or self.began)

    def _recall(self, part: Known | KnownFinding | Finished) -> int:
        """Count what is on record of operators that are finished; the number of crashes and hangs by then."""
        if isinstance(part, Known):
            operator, reason = part.outcome.trial.case.problem.operator, part.outcome.reason
            if part.outcome.status == "skipped" and reason.startswith(_CUT):
                self.expected.cut_short(operator, reason)
            self._count(self.expected.noted(part.outcome), part.at)
        elif isinstance(part, KnownFinding):
            self._take(part)
            if part.key in self.groups:
                self.groups[part.key].shrunk = True
        else:
            self.covered[part.operator] = part
            self._paced(part.operator, part.reduced)
            for group in self.groups.values():
                group.shrunk = True
        self.earlier = self.earlier if isinstance(part, KnownFinding) else part.at
        return part.losses

    def _check(self, operator: str, session: Session, claims: Mapping[str, Claims], ahead: Ahead) -> Covering:
        """All trials of one operator, in the order of its plan, some of them under way while others are planned and judged."""
        self.failures, self.losses_before = 0, self._losses(session)
        cover, trials = ahead.trials(operator)
        seen = list[Seen]()
        self.covered[operator], cover.counted = cover, 0
        waiting, held = deque[tuple[Begun, int]](), 0
        while True:
            head = waiting[0][0] if waiting else None
            enough = len(waiting) > _AHEAD or held > _AHEAD_BYTES or (head and head.known)  # the record has an end
            planned = None if enough else next(trials, _THE_END)
            if planned is None and head is None:
                self._paced(operator, ahead.paced(operator, pace_of(seen)).reduced)
                continue
            if planned not in (None, _THE_END):
                trial, steps = planned
                waiting.append((self._begun(trial, session), steps))
                held += trial.bytes
                continue
            if head is None:
                cover.counted = None
                break
            while head.waits and ahead.think():
                pass
            one, cover.counted = waiting.popleft()
            held -= one.trial.bytes
            outcome = one.outcome(claims)
            if one.trial.case.origin == OF_PACE:
                seen.append(Seen(one.trial.work, one.trial.steps, outcome.seconds))
            self._note(outcome, "plan", session, one.known)
            if stop := self._not_worthwhile(session):
                session.forget(at_once=self._loses(session))
                ahead.paced(operator, pace_of(seen))
                rest = chain((begun for begun, _ in waiting), (self._unasked(planned[0]) for planned in trials if planned))
                self._cut_short(stop, rest, session, claims)
                break
        ahead.drop(operator)
        return cover

    def _paced(self, operator: str, reduced: str) -> None:
        if reduced and self.options.profile.kinds:
            self.reduced[operator] = reduced

    def _begun(self, trial: Trial, session: Session) -> Begun:
        one = self._unasked(trial)
        return one if one.settled else begin(session, trial)

    def _unasked(self, trial: Trial) -> Begun:
        """What is known of a trial without asking: an outcome on record, or why there is nothing to call."""
        known = self.recorder.known(trial, "plan")
        return Begun(trial, known=known, reason="" if known else self._left_out(trial))

    def _left_out(self, trial: Trial) -> str:
        return trial.reason or too_large(trial.memory) or self.accepted.left_out(trial)

    def _cut_short(self, stop: str, rest: Iterator[Begun], session: Session, claims: Mapping[str, Claims]) -> None:
        """Leave the rest of an operator, whether it was handed in or not; the first trial that could be called says why."""
        for one in rest:
            asked = one.pending is not None or not one.settled
            outcome = Outcome(one.trial, "skipped", reason=stop) if asked else one.outcome(claims)
            self._note(outcome, "plan", session, one.known)
            if outcome.reason.startswith(_CUT):
                self.expected.cut_short(one.trial.case.problem.operator, stop)
                return

    def _not_worthwhile(self, session: Session) -> str:
        """Why the rest of an operator would only cost time, or nothing."""
        if self._loses(session):
            return f"{_CUT} after {self._losses(session) - self.losses_before} crashes or hangs"
        if self.failures >= self.options.profile.most_failures:
            return f"{_CUT} after {self.failures} failing cases"
        return ""

    def _loses(self, session: Session) -> bool:
        """Whether so many processes were lost that more of this operator would only lose more."""
        losses = self._losses(session)
        return losses - self.losses_before >= _MOST_LOSSES or losses >= _MOST_LOSSES_IN_ALL

    def _losses(self, session: Session) -> int:
        """Crashes and hangs of what is claimed."""
        return session.losses - self.accepted.losses

    def _note(self, outcome: Outcome, stage: Stage, session: Session, known: Known | None) -> None:
        """Record an outcome as it is, and count it as what it is where failures are expected."""
        known = self._recorded(outcome, stage, session, known)
        outcome = self.expected.noted(outcome)
        self.listener.came(outcome)
        self._remember(outcome)
        self._count(outcome, known.at)

    def _recorded(self, outcome: Outcome, stage: Stage, session: Session, known: Known | None) -> Known:
        """Record an outcome, unless it is ``known`` from the record."""
        if known is None:
            known = Known(outcome, self._at(), session.losses)
            self.recorder.came(known, stage)
        else:
            self.earlier = known.at
        session.losses = max(session.losses, known.losses)
        return known

    def _count(self, outcome: Outcome, at: float) -> None:
        """Add an outcome to the totals, and a failing one to its group."""
        self.totals.add(outcome)
        if outcome.failure is None:
            return
        if self.first_failure is None:
            self.first_failure = at
        key, accepted = key_of(outcome), self.accepted.note(outcome)
        self.failures += not accepted
        if key in self.groups:
            self.groups[key].add(outcome, accepted)
        else:
            self.groups[key] = Group(outcome, accepted=(accepted,) if accepted else ())

    def _remember(self, outcome: Outcome) -> None:
        """Keep what a diagnosis of its operator can go by."""
        record(self.evidence.setdefault(outcome.trial.case.problem.operator, Evidence()), outcome)

    def _shrink(self, session: Session, claims: Mapping[str, Claims]) -> None:
        """Turn the groups of failures that are new into findings."""

        def run(trial: Trial) -> Outcome:
            outcome = self.expected.judged(run_trial(session, trial, claims))
            self._remember(outcome)
            return outcome

        def run_plain(trial: Trial) -> Outcome:
            known = self.recorder.known(trial, "plain")
            outcome = known.outcome if known else run_trial(session, trial, claims)
            self._recorded(outcome, "plain", session, known)
            outcome = self.expected.judged(outcome)
            self._remember(outcome)
            return outcome

        explainer = Explainer(
            self.target, session, claims, self.accepted.claimed, self._known, self.evidence, self.recorder, run, run_plain,
            lambda: self._loses(session), self.shrink_seconds, self.diagnose_seconds, self.expected,
        )  # fmt: skip
        new = [group for group in self.groups.values() if not group.shrunk]
        for made in explainer.findings(sorted(new, key=lambda group: bool(group.accepted))):  # what is claimed comes first
            self._take(made)
            self.listener.found(made.finding)
        self.evidence.clear()  # of operators that are done

    def _take(self, made: KnownFinding) -> None:
        self.findings.append(made.finding)
        self.troubles += [made.trouble] if made.trouble else []

    @property
    def _known(self) -> tuple[KnownFailure, ...]:
        return self.description.known_failures if self.description else ()

    def result(self) -> Implementation:
        """What is known by now, as the report holds it."""
        known, totals = self.description, self.totals
        for group in self.groups.values():  # an interrupt may have come before they were shrunk
            if not group.shrunk:
                group.shrunk = True
                self.findings.append(describe(group.first, group, self.target, known=self._known))
        drawn = [(name, cover) for name, cover in self.covered.items() if name in totals.drawn]
        made = verdict_of(totals, known, self.target.text, self.expected)
        unvisited = [_told(branch) for branch in self.unvisited if branch not in self.reached]
        unknown = [] if self.recorder.whole or not unvisited else [_UNKNOWN]
        return made.model_copy(
            update={
                "notes": (*made.notes, *self.troubles),
                "scope": (*made.scope, *_reduced(self.reduced), *_sampled(totals), *unknown),
                "unvisited": () if unknown else tuple(unvisited),
                "power": tuple(totals.drawn[name].power(name, cover.reached()) for name, cover in drawn),
                "findings": tuple(self.findings),
                "seconds": self.earlier + (self.ended or time.perf_counter()) - self.began,
                "seconds_to_first_finding": self.first_failure,
            }
        )


def _reduced(reduced: Mapping[str, str]) -> Iterator[str]:
    """What a slow target was spared, in a line for all operators of which it is equally slow."""
    for words in dict.fromkeys(reduced.values()):
        names = ", ".join(name for name, own in reduced.items() if own == words)
        yield f"reduced: calls of kinds of layers have at most {words}, as the target is too slow for more ({names})"


def _sampled(totals: Totals) -> Iterator[str]:
    """What was judged on a sample of its results, and what that may miss."""
    if totals.sampled:
        chance = f"{totals.missed:.2g} at most"
        yield (
            f"judged on samples: {totals.sampled:,} cases of very large tensors; if {FRACTION:.0%} of the results of one "
            f"were wrong, the chance that its sample has none of them is {chance}"
        )


def _told(branch: Branch) -> str:
    said = " (errors are asked for by --claim rejects)" if branch.raises else ""
    return line(f"{Path(branch.file).name}, {branch.words}{said}")
