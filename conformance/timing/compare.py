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

from conformance.cases.case import Case
from conformance.checks import CHECKS
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.plugin.target import Target
from conformance.problem import Family
from conformance.report.schema import Accuracy, Timing
from conformance.running.outcome import accuracy_row
from conformance.running.session import Session, WorkerLost
from conformance.timing import block
from conformance.timing.statistics import paired_ratio

MARGIN = 0.05
"""Ratios within 1 +- this are called the same."""
_BLOCK = 0.02  # seconds of one block at least
_CALL_LIMIT = 2.0  # a call that would take longer is not timed
_PROBLEM_SECONDS = 6.0  # aimed at for all implementations of one problem
_MIN_ROUNDS, _MAX_ROUNDS = 5, 25


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
    """The times of one implementation on one problem, or the reason why there are none."""

    reason: str = ""
    accuracy: Accuracy | None = None
    times: list[float] = field(default_factory=list)


def compare(
    targets: Mapping[str, Target], workloads: Sequence[Workload], reference: str, said: Callable[[str], None], seed: int = 0
) -> Iterator[dict[str, Measured]]:
    """For each workload what was measured, by name of the target; ratios are to ``reference``. ``said`` is told progress."""
    rng = random.Random(seed)
    with ExitStack() as stack:
        sessions: dict[str, Session] = {}
        claims: dict[str, Mapping[str, Claims]] = {}
        for name, target in targets.items():
            session = stack.enter_context(Session(target, time_limit=60.0))
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
            try:
                took = sessions[name].call(block.measure, str(workload.case), _BLOCK, limit=60.0)
            except WorkerLost as lost:
                series[name].reason = lost.message
                ready.remove(name)
                continue
            series[name].times.append(took)
            spent += max(took, _BLOCK)
        rounds += 1
    return {name: Measured(_timing(name, workload, series, reference), series[name].accuracy) for name in sessions}


def _prepare(case: Case, session: Session, claims: Mapping[str, Claims]) -> _Series:
    """Have a worker prepare the problem, and judge its first result: what is wrong gets no time."""
    try:
        ready = session.call(block.prepare, case, _CALL_LIMIT, limit=60.0)
    except (WorkerLost, Exception) as error:
        return _Series(f"{getattr(error, 'message', error)}")
    if ready.reason:
        return _Series(ready.reason)
    call = Call(case.problem, case.arrays())
    check = CHECKS["exact" if case.problem.op.family is Family.MAX_POOL else "accuracy"]
    judged = check.judge(case, claims[case.problem.operator], [call], [Reply(ready.outputs)])
    figures = judged.accuracy
    row = accuracy_row(case, figures) if figures and case.problem.op.family is not Family.MAX_POOL else None
    return _Series(f"wrong: {judged.failure.message}" if judged.failure else "", row)


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
