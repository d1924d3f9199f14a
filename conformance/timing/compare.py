"""Times implementations side by side: the same problems, in one run, interleaved in random order, each output judged.

Each implementation stays in a worker process of its own, and only one of them works at a time. A round gives every one a
block of calls; ratios are taken within rounds, so that what slows the whole machine cancels.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from conformance.cases.case import Case
from conformance.checks import CHECKS
from conformance.checks.base import Judgement
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.plugin.target import Target
from conformance.problem import Family
from conformance.report.schema import Accuracy, Timing
from conformance.running.integrity import RESTLESS
from conformance.running.outcome import accuracy_row
from conformance.running.session import Session, WorkerLost
from conformance.timing import block
from conformance.timing.statistics import paired_ratio
from conformance.timing.witness import BLOCK, LIMIT, MARGIN, Round, calls_for, disbelief, take, thinned

_CALL_LIMIT = 2.0  # a call that would take longer is not timed
_PROBLEM_SECONDS = 6.0  # aimed at for all implementations of one problem
_MIN_ROUNDS, _MAX_ROUNDS = 5, 25
_WARM = 10 * BLOCK  # a call that takes longer than this is not made once more to warm up


@dataclass(frozen=True, slots=True)
class Workload:
    """A problem from somewhere, with the name that people know it by."""

    name: str
    case: Case


@dataclass(frozen=True, slots=True)
class Measured:
    """One implementation on one workload: its time, and how accurate the timed result was."""

    timing: Timing
    accuracy: Accuracy | None


@dataclass
class _Series:
    """The blocks of one implementation on one problem, or the reason why there are none."""

    reason: str = ""
    accuracy: Accuracy | None = None
    first_call: float = 0.0
    most_calls: int = 1
    rounds: list[Round] = field(default_factory=list)

    @property
    def times(self) -> list[float]:
        return [one.seconds for one in self.rounds]

    def take(self, session: Session) -> None:
        """One more block; what is wrong about it ends the series."""
        call = self.rounds[-1].seconds if self.rounds else self.first_call
        try:
            one = take(session, len(self.rounds) + 1, calls_for(call, self.most_calls), self.first_call < _WARM)
        except WorkerLost as lost:
            self.reason = lost.message
            return
        self.rounds = thinned([*self.rounds, one])
        self.blame(session, one.trouble)

    def blame(self, session: Session, trouble: Sequence[tuple[str, str]]) -> None:
        """What was done beside the work is a reason; a session that does not rest is ended, as it takes others' cores."""
        self.reason = self.reason or "; ".join(f"{kind}: {message}" for kind, message in trouble)
        if any(kind == RESTLESS for kind, _ in trouble):
            session.close(self.reason)


def compare(
    targets: Mapping[str, Target],
    workloads: Sequence[Workload],
    reference: str,
    said: Callable[[str], None],
    seed: int = 0,
    memory_limit: int | None = None,
) -> Iterator[dict[str, Measured]]:
    """For each workload what was measured, by name of the target; ratios are to ``reference``. ``said`` is told progress;
    ``memory_limit`` is that of each worker in bytes."""
    rng = random.Random(seed)
    with ExitStack() as stack:
        sessions: dict[str, Session] = {}
        claims: dict[str, Mapping[str, Claims]] = {}
        for name, target in targets.items():
            session = stack.enter_context(Session(target, time_limit=LIMIT, memory_limit=memory_limit))
            try:
                description = session.describe()
            except UsageError:
                continue
            if not description.unavailable:
                sessions[name], claims[name] = session, description.claims
        for number, workload in enumerate(workloads, start=1):
            said(f"timing {number} of {len(workloads)}: {workload.name}")
            yield _time(workload, sessions, claims, reference, rng)


def _time(
    workload: Workload, sessions: Mapping[str, Session], claims: Mapping[str, Mapping[str, Claims]], reference: str,
    rng: random.Random,
) -> dict[str, Measured]:  # fmt: skip
    series = {name: _prepare(workload.case, session, claims[name]) for name, session in sessions.items()}
    ready = [name for name, one in series.items() if not one.reason]
    spent, rounds = 0.0, 0
    while ready and rounds < _MAX_ROUNDS and (rounds < _MIN_ROUNDS or spent < _PROBLEM_SECONDS):
        for name in rng.sample(ready, len(ready)):
            series[name].take(sessions[name])
            if series[name].reason:
                ready.remove(name)
            else:
                spent += series[name].rounds[-1].seen
        rounds += 1
    for name in ready:
        series[name].reason = disbelief(workload.case, series[name].rounds, partial(_judge, workload.case, claims[name]))
    return {name: Measured(_timing(name, workload, series, reference), series[name].accuracy) for name in sessions}


def _prepare(case: Case, session: Session, claims: Mapping[str, Claims]) -> _Series:
    """Have a worker prepare the problem, and judge its first result: what is wrong gets no time."""
    try:
        ready = session.call(block.prepare, case, _CALL_LIMIT, limit=LIMIT)
    except (WorkerLost, Exception) as error:
        return _Series(f"{getattr(error, 'message', error)}")
    if ready.reason:
        return _Series(ready.reason)
    judged = _judge(case, claims, Call(case.problem, case.arrays()), Reply(ready.outputs))
    figures = judged.accuracy
    row = accuracy_row(case, figures) if figures and case.problem.op.family is not Family.MAX_POOL else None
    reason = f"wrong: {judged.failure.message}" if judged.failure else ""
    series = _Series(reason, row, ready.first_call, ready.most_calls)
    series.blame(session, ready.trouble)
    return series


def _judge(case: Case, claims: Mapping[str, Claims], call: Call, reply: Reply) -> Judgement:
    check = CHECKS["exact" if case.problem.op.family is Family.MAX_POOL else "accuracy"]
    return check.judge(case, claims[case.problem.operator], [call], [reply])


def _timing(name: str, workload: Workload, series: Mapping[str, _Series], reference: str) -> Timing:
    own, base, problem = series[name], series.get(reference), workload.case.problem
    timing = Timing(problem=str(problem), workload=workload.name, implementation=name, reference=reference, work=problem.work)
    if own.reason or not own.times:
        return timing.model_copy(update={"reason": own.reason or "not timed"})
    median = statistics.median(own.times)
    gflops = None if problem.op.is_pool else 2 * problem.work / median / 1e9
    timing = timing.model_copy(update={"seconds": median, "gflops": gflops})
    if name == reference:
        return timing.model_copy(update={"ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0, "verdict": "REFERENCE"})
    if base is None or base.reason or len(base.times) != len(own.times):
        return timing
    ratio = paired_ratio(own.times, base.times)
    found = {"ratio": ratio.median, "ratio_low": ratio.low, "ratio_high": ratio.high, "verdict": ratio.verdict(MARGIN)}
    return timing.model_copy(update=found)
