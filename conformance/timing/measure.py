"""Measures implementations side by side on one problem: a block of calls each in every round, in random order, each
output judged, until the ratios are known well enough or the time for it is spent.

Each implementation stays in a worker process of its own, and only one of them works at a time. Ratios are taken within
rounds, so that what slows the whole machine cancels. When to stop depends on how wide the intervals are, never on where
they lie: else measuring would go on until the answer pleased.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from conformance.cases.case import Case
from conformance.checks import CHECKS
from conformance.checks.base import Judgement
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.plugin.target import Target
from conformance.problem import Family
from conformance.report.schema import Accuracy
from conformance.running.integrity import RESTLESS
from conformance.running.outcome import accuracy_row
from conformance.running.session import Session, WorkerLost
from conformance.running.worker import Description
from conformance.timing import block
from conformance.timing.statistics import Ratio, paired_ratio
from conformance.timing.witness import BLOCK, LIMIT, Round, calls_for, disbelief, take, thinned

Ended = Literal["narrow enough", "budget", "rounds", "interrupted", "nothing to time"]
CALL_LIMIT = 2.0
"""Seconds of a call beyond which it is not timed."""
_WARM = 10 * BLOCK  # a call that takes longer than this is not made once more to warm up


@dataclass(frozen=True, slots=True)
class Aim:
    """When to stop: the relative half width of all ratios' intervals that is narrow enough, the least and the most rounds,
    and the seconds for the problem, preparing and judging counted, after which no round is begun but the ``least`` ones.
    ``limit`` is when these are given up as well: then nothing has a time.
    """

    half_width: float = 0.02
    least: int = 5
    most: int = 60
    seconds: float = 6.0
    limit: float = math.inf


@dataclass(frozen=True, slots=True)
class Contestant:
    """An implementation that was loaded, for many problems: its worker, and what it claims by operator."""

    session: Session
    description: Description

    @property
    def claims(self) -> Mapping[str, Claims]:
        return self.description.claims


@dataclass(frozen=True, slots=True)
class Series:
    """One implementation on one problem: seconds of a call by round, or the ``reason`` why it has none.

    ``failed``: the reason is that it was wrong, crashed or cheated, and not that it does not take part. ``first_call`` is in
    seconds. ``accuracy`` is of the first result.
    """

    times: tuple[float, ...] = ()
    reason: str = ""
    failed: bool = False
    first_call: float = 0.0
    accuracy: Accuracy | None = None

    @property
    def seconds(self) -> float | None:
        """The median over rounds of the seconds of a call."""
        return statistics.median(self.times) if self.times else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of one problem, by name, which rule ended it, and the seconds that it took in all.

    Times are paired: those at one place of two series are of the same round.
    """

    case: Case
    reference: str
    series: Mapping[str, Series]
    ended: Ended
    rounds: int
    spent: float

    def ratio(self, name: str, to: str = "") -> Ratio | None:
        """Time of ``name`` over that of the reference or of ``to``; None where one of them has no time."""
        own, base = self.series.get(name), self.series.get(to or self.reference)
        if own is None or base is None or not own.times or not base.times:
            return None
        return paired_ratio(own.times, base.times)


@dataclass
class _Growing:
    """A series while it is measured."""

    reason: str = ""
    failed: bool = False
    accuracy: Accuracy | None = None
    first_call: float = 0.0
    most_calls: int = 1
    rounds: list[Round] = field(default_factory=list)

    def take(self, session: Session) -> None:
        """One more block; what is wrong about it ends the series."""
        call = self.rounds[-1].seconds if self.rounds else self.first_call
        try:
            one = take(session, len(self.rounds) + 1, calls_for(call, self.most_calls), self.first_call < _WARM)
        except WorkerLost as lost:
            self.blame(lost.message)
            return
        self.rounds = thinned([*self.rounds, one])
        self.trouble(session, one.trouble)

    def trouble(self, session: Session, trouble: Sequence[tuple[str, str]]) -> None:
        """What was done beside the work is a reason; a session that does not rest is ended, as it takes others' cores."""
        self.blame("; ".join(f"{kind}: {message}" for kind, message in trouble))
        if any(kind == RESTLESS for kind, _ in trouble):
            session.close(self.reason)

    def blame(self, reason: str) -> None:
        if reason and not self.reason:
            self.reason, self.failed = reason, True

    def ended(self) -> Series:
        times = () if self.reason else tuple(one.seconds for one in self.rounds)
        return Series(times, self.reason, self.failed, self.first_call, self.accuracy)


def open_contestant(stack: ExitStack, target: Target) -> Contestant:
    """Load ``target`` in a worker that lives as long as ``stack``. Raises :class:`UsageError` if it cannot be loaded.

    Its ``description`` says whether it is available.
    """
    session = stack.enter_context(Session(target, time_limit=LIMIT))
    return Contestant(session, session.describe())


def measure(
    case: Case, contestants: Mapping[str, Contestant], reference: str, aim: Aim, rng: random.Random,
    said: Callable[[str], None] = lambda line: None, clock: Callable[[], float] = time.monotonic,
) -> Measurement:  # fmt: skip
    """Measure ``case`` on all contestants, as ratios to ``reference``; ``rng`` draws the order. ``said`` is told progress.

    Ctrl-C ends it with what was measured, if that is the least number of rounds, and as "interrupted".
    """
    began, rounds, ended = clock(), 0, None
    series = {name: _prepare(case, one) for name, one in contestants.items()}
    ready = [name for name, one in series.items() if not one.reason]
    try:
        while ended is None and ready:
            for name in rng.sample(ready, len(ready)):
                series[name].take(contestants[name].session)
            ready = [name for name in ready if not series[name].reason]
            rounds += 1
            said(f"round {rounds}")
            ended = _ended({name: series[name].rounds for name in ready}, reference, aim, clock() - began)
    except KeyboardInterrupt:
        ended = "interrupted"
    fewest = min((len(series[name].rounds) for name in ready), default=0)
    for name in ready:
        one = series[name]
        if fewest < aim.least:
            one.reason = f"{ended}: only {fewest} of at least {aim.least} rounds were made"
        else:
            one.rounds = one.rounds[:fewest]  # an interrupted round is of some only
            one.blame(disbelief(case, one.rounds, partial(judge, case, contestants[name].claims)))
    done = {name: one.ended() for name, one in series.items()}
    return Measurement(case, reference, done, ended or "nothing to time", fewest, clock() - began)


def _ended(series: Mapping[str, Sequence[Round]], reference: str, aim: Aim, spent: float) -> Ended | None:
    rounds = min((len(one) for one in series.values()), default=0)
    if rounds < aim.least:
        return "budget" if spent > aim.limit else None
    base = [one.seconds for one in series.get(reference, next(iter(series.values())))]
    ratios = [paired_ratio([one.seconds for one in own], base) for name, own in series.items() if name != reference]
    if all(ratio.half_width <= aim.half_width for ratio in ratios):
        return "narrow enough"
    if rounds >= aim.most:
        return "rounds"
    return "budget" if spent >= aim.seconds else None


def _prepare(case: Case, contestant: Contestant) -> _Growing:
    """Have a worker prepare the problem, and judge its first result: what is wrong gets no time."""
    session, claims = contestant.session, contestant.claims
    try:
        ready = session.call(block.prepare, case, CALL_LIMIT, limit=LIMIT)
    except (WorkerLost, Exception) as error:
        return _Growing(f"{getattr(error, 'message', error)}", failed=True)
    if ready.reason:
        return _Growing(ready.reason)
    judged = judge(case, claims, Call(case.problem, case.arrays()), Reply(ready.outputs))
    figures = judged.accuracy
    row = accuracy_row(case, figures) if figures and case.problem.op.family is not Family.MAX_POOL else None
    series = _Growing("", False, row, ready.first_call, ready.most_calls)
    series.blame(f"wrong: {judged.failure.message}" if judged.failure else "")
    series.trouble(session, ready.trouble)
    return series


def judge(case: Case, claims: Mapping[str, Claims], call: Call, reply: Reply) -> Judgement:
    """Whether an output is right, by the check that is about values like the case's."""
    check = CHECKS["exact" if case.problem.op.family is Family.MAX_POOL else "accuracy"]
    return check.judge(case, claims[case.problem.operator], [call], [reply])
