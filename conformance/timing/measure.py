"""Measures implementations side by side on one problem: a block of calls each in every round, in random order, each
output judged, until the ratios are known well enough or the time for it is spent.

Each implementation stays in a worker process of its own, and only one of them works at a time. Ratios are taken within
rounds, so that what slows the whole machine cancels. When to stop depends on how wide the intervals are, never on where
they lie: else measuring would go on until the answer pleased.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, pairwise
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
from conformance.timing.conditions import AS_IT_COMES, NOT_LIMITED, Conditions, Limited, pin
from conformance.timing.statistics import UNKNOWN, Between, Ratio, paired_ratio, pooled
from conformance.timing.witness import LIMIT, Round, calls_for, disbelief, take, thinned

Ended = Literal["narrow enough", "budget", "rounds", "interrupted", "nothing to time"]
Estimate = Callable[[Sequence[float], Sequence[float]], Ratio]
_FEW = 8  # calls of the block by which it is found out how long one takes
_LOOKS = 8  # at intervals while the number of rounds doubles
_WARM = 0.2  # seconds: a call that takes longer than this is not made once more to warm up


@dataclass(frozen=True, slots=True)
class Aim:
    """When to stop: the relative half width of all ratios' intervals that is narrow enough, the least and the most rounds,
    and the seconds for the problem, preparing and judging counted, after which no round is begun but the ``least`` ones.
    ``limit`` is when these are given up as well: then nothing has a time. What takes longer than ``call`` seconds is not timed.
    ``estimate`` is what makes a ratio of times.
    """

    half_width: float = 0.02
    least: int = 5
    most: int = 60
    seconds: float = 6.0
    limit: float = math.inf
    call: float = 2.0
    estimate: Estimate = paired_ratio


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

    ``failed``: the reason is that it was wrong, crashed or cheated, and not that it does not take part. Seconds of the first
    call, and of preparing and fetching, which is conversion and transfer and no part of a call. ``peak``: bytes that a call
    took at most, None where that is unknown. ``device``: at most the seconds that a device works for a call, None without one.
    ``limited`` says what is known about threads. ``accuracy`` is of the first result.
    """

    times: tuple[float, ...] = ()
    reason: str = ""
    failed: bool = False
    first_call: float = 0.0
    prepare: float = 0.0
    fetch: float = 0.0
    peak: int | None = None
    limited: Limited = NOT_LIMITED
    accuracy: Accuracy | None = None
    device: float | None = None

    @property
    def seconds(self) -> float | None:
        """The median over rounds of the seconds of a call."""
        return statistics.median(self.times) if self.times else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of one problem, by name, which rule ended it, and the seconds that it took in all.

    Times are paired: those at one place of two series are of the same round. ``sittings`` are the rounds that each set of
    processes made, where there were several.
    """

    case: Case
    reference: str
    series: Mapping[str, Series]
    ended: Ended
    rounds: int
    spent: float
    sittings: tuple[int, ...] = ()

    @property
    def compared(self) -> list[str]:
        """The names of which there is a ratio: all that have times but the reference, if that has."""
        base = self.series.get(self.reference)
        return [name for name, one in self.series.items() if one.times and name != self.reference] if base and base.times else []

    def ratio(self, name: str, between: Between = UNKNOWN) -> Ratio | None:
        """Time of ``name`` over that of the reference, with what is ``between`` sets of processes; None where one of them has
        no time."""
        ratios = self.ratios(name)
        return pooled(ratios, between) if ratios else None

    def ratios(self, name: str) -> list[Ratio]:
        """The same by set of processes."""
        own, base = self.series.get(name), self.series.get(self.reference)
        if own is None or base is None or not own.times or not base.times:
            return []
        ends = list(accumulate(self.sittings, initial=0)) if self.sittings else [0, len(own.times)]
        parts = [slice(*pair) for pair in pairwise(ends)]
        return [paired_ratio(own.times[part], base.times[part]) for part in parts]

    def joined(self, other: Measurement) -> Measurement:
        """Both as one: what was measured in these processes and in others. What has no time in one of them has none."""
        sittings = tuple(rounds for one in (self, other) for rounds in one.sittings or (one.rounds,))
        series = {name: _series(one, other.series.get(name, one)) for name, one in self.series.items()}
        rounds, spent = self.rounds + other.rounds, self.spent + other.spent
        return replace(self, series=series, ended=other.ended, rounds=rounds, spent=spent, sittings=sittings)


def _series(one: Series, other: Series) -> Series:
    """What two sets of processes say of one implementation."""
    if one.times and other.times:
        return replace(one, times=one.times + other.times)
    return one if one.reason else other


@dataclass
class _Growing:
    """A series while it is measured."""

    reason: str = ""
    failed: bool = False
    accuracy: Accuracy | None = None
    first_call: float = 0.0
    most_calls: int = 1
    peak: int | None = None
    limited: Limited = NOT_LIMITED
    call: float = 0.0
    judging: float = 0.0
    rounds: list[Round] = field(default_factory=list)

    def calibrate(self, session: Session) -> None:
        """A block of few calls that is not counted: a first call may take a hundred times as long as the others do."""
        if self.reason or self.first_call > _WARM:
            return
        one = self._block(session, 0, calls_for(self.first_call, min(_FEW, self.most_calls)))
        if one is not None:
            self.call = one.seconds

    def take(self, session: Session) -> None:
        """One more block; what is wrong about it ends the series."""
        one = self._block(session, len(self.rounds) + 1, calls_for(self.call, self.most_calls))
        if one is not None:
            self.call = one.seconds
            self.rounds = thinned([*self.rounds, one])

    def _block(self, session: Session, number: int, calls: int) -> Round | None:
        try:
            one = take(session, number, calls, self.first_call < _WARM)
        except WorkerLost as lost:
            self.blame(lost.message)
            return None
        self.trouble(session, one.trouble)
        return one

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
        prepare, fetch = (
            statistics.median(getattr(one, n) for one in self.rounds) if times else 0.0 for n in ("prepare", "fetch")
        )
        on_device = [one.device for one in self.rounds if one.device is not None]
        device = statistics.median(on_device) if times and on_device else None
        first = self.first_call
        return Series(times, self.reason, self.failed, first, prepare, fetch, self.peak, self.limited, self.accuracy, device)


def open_contestant(stack: ExitStack, target: Target, threads: int | None = None, memory_limit: int | None = None) -> Contestant:
    """Load ``target`` in a worker that lives as long as ``stack``. Raises :class:`UsageError` if it cannot be loaded.

    Its ``description`` says whether it is available. The worker is kept to so many cores before its libraries are loaded.
    """
    return open_contestants(stack, [target], threads, memory_limit)[0]


def open_contestants(
    stack: ExitStack, targets: Iterable[Target], threads: int | None = None, memory_limit: int | None = None
) -> list[Contestant]:
    """As :func:`open_contestant`, with all workers starting at the same time."""
    # What a function accepts beyond its namesake is not timed, and calls to find it out could leave it in another state.
    asked_less = [dataclasses.replace(one, probe="form") if one.probe == "all" else one for one in targets]
    sessions = [stack.enter_context(Session(one, time_limit=LIMIT, memory_limit=memory_limit)) for one in asked_less]
    asked = [(session, session.ask(set_out, threads, limit=LIMIT)) for session in sessions]
    for session, ticket in asked:
        session.wait(ticket)
    return [Contestant(session, session.describe()) for session in sessions]


def set_out(target: Target, threads: int | None) -> None:
    """What a new worker is asked first."""
    pin(threads)


def measure(
    case: Case, contestants: Mapping[str, Contestant], reference: str, aim: Aim, rng: random.Random,
    conditions: Conditions = AS_IT_COMES, said: Callable[[str], None] = lambda line: None,
    clock: Callable[[], float] = time.monotonic,
) -> Measurement:  # fmt: skip
    """Measure ``case`` on all contestants, as ratios to ``reference``; ``rng`` draws the order. ``said`` is told progress.

    Ctrl-C ends it with what was measured, if that is the least number of rounds, and as "interrupted".
    """
    began, rounds, ended = clock(), 0, None
    series = {name: _prepare(case, one, aim.call, conditions) for name, one in contestants.items()}
    ready = [name for name, one in series.items() if not one.reason]
    try:
        while ended is None and ready:
            round_began = clock()
            for name in rng.sample(ready, len(ready)):
                series[name].take(contestants[name].session)
            ready = [name for name in ready if not series[name].reason]
            rounds += 1
            said(f"round {rounds}")
            now = clock()  # a round more and judging must have an end in time, too
            due = now - began + (now - round_began) + 2 * sum(series[name].judging for name in ready)
            ended = _ended({name: series[name].rounds for name in ready}, reference, aim, due)
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


def _ended(series: Mapping[str, Sequence[Round]], reference: str, aim: Aim, due: float) -> Ended | None:
    rounds = min((len(one) for one in series.values()), default=0)
    if rounds < aim.least:
        return "budget" if due > aim.limit else None
    base = [one.seconds for one in series.get(reference, next(iter(series.values())))]
    ratios = (aim.estimate([one.seconds for one in own], base) for name, own in series.items() if name != reference)
    # An interval takes as long as a block does, so it is not looked at in every round.
    if rounds % max(1, rounds // _LOOKS) == 0 and all(ratio.half_width <= aim.half_width for ratio in ratios):
        return "narrow enough"
    if rounds >= aim.most:
        return "rounds"
    return "budget" if due >= aim.seconds else None


def _prepare(case: Case, contestant: Contestant, most: float, conditions: Conditions) -> _Growing:
    """Have a worker prepare the problem, and judge its first result: what is wrong gets no time."""
    session, claims = contestant.session, contestant.claims
    try:
        ready = session.call(block.prepare, case, most, conditions, limit=LIMIT)
    except (WorkerLost, Exception) as error:
        return _Growing(f"{getattr(error, 'message', error)}", failed=True)
    if ready.reason:
        return _Growing(ready.reason)
    began = time.monotonic()
    judged = judge(case, claims, Call(case.problem, case.arrays()), Reply(ready.outputs))
    judging = time.monotonic() - began
    figures = judged.accuracy
    row = accuracy_row(case, figures) if figures and case.problem.op.family is not Family.MAX_POOL else None
    series = _Growing("", False, row, ready.first_call, ready.most_calls, ready.peak, ready.limited, ready.first_call, judging)
    series.blame(f"wrong: {judged.failure.message}" if judged.failure else "")
    series.trouble(session, ready.trouble)
    series.calibrate(session)
    return series


def judge(case: Case, claims: Mapping[str, Claims], call: Call, reply: Reply) -> Judgement:
    """Whether an output is right, by the check that is about values like the case's."""
    check = CHECKS["exact" if case.problem.op.family is Family.MAX_POOL else "accuracy"]
    return check.judge(case, claims[case.problem.operator], [call], [reply])
