"""Measures many problems on many implementations within a budget of time, each beside this machine's roofline.

What is left of the budget is divided among the problems that are left, so that what one does not need is there for the
others; a problem for which nothing is left is said to have been left out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from conformance.plugin.target import Target
from conformance.problem.accuracy import accuracy_named
from conformance.running.session import Session
from conformance.timing.compare import Workload
from conformance.timing.conditions import Conditions
from conformance.timing.device import present
from conformance.timing.measure import Aim, Contestant, Measurement, Series, measure, open_contestant
from conformance.timing.roofline import Roof, measure_roof, need, own_session
from conformance.timing.statistics import false_discovery, sign_test

LONGEST_CALL = 2.0
"""Seconds of a call beyond which it is not timed, however large the budget is."""
_ROOFS, _ROOF_EVERY = 4, 40.0  # times at most that the roofline is measured, as others may disturb it; seconds of budget for each
_ROOF_SHARE, _ROOF_MOST = 0.01, 2.0  # of the budget, each time and under each number of threads; seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: every workload under all ``conditions``, to be done ``budget`` seconds after ``began`` on ``clock``."""

    workloads: Sequence[Workload]
    conditions: Sequence[Conditions]
    reference: str
    budget: float
    margin: float
    seed: int
    began: float
    clock: Callable[[], float] = time.monotonic
    half_width: float = 0.02
    least: int = 7
    most: int = 100

    @property
    def left(self) -> float:
        return self.began + self.budget - self.clock()


@dataclass(frozen=True, slots=True)
class Entry:
    """One workload under one condition."""

    workload: Workload
    conditions: Conditions
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A workload that was not begun, and why."""

    workload: Workload
    conditions: Conditions
    reason: str


@dataclass
class Bench:
    """What was measured so far; it stays whatever ends the run. ``absent`` are implementations that are not here, with why."""

    entries: list[Entry] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    roofs: dict[Conditions, Roof] = field(default_factory=dict)
    contestants: dict[str, Contestant] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def timed(self) -> bool:
        return any(series.times for entry in self.entries for series in entry.measurement.series.values())

    @property
    def failures(self) -> list[tuple[Entry, str, str]]:
        """Entry, name and reason of what was wrong, crashed or cheated."""
        return [
            (entry, name, one.reason)
            for entry in self.entries
            for name, one in entry.measurement.series.items()
            if one.failed and one.reason
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """For each number of threads what was done about it, and what could not be."""
        cores: dict[int | None, tuple[int, ...]] = {}
        pools: dict[int | None, dict[str, str]] = {}
        trouble: dict[str, None] = {}
        for entry in self.entries:
            threads = entry.conditions.threads
            for name, one in entry.measurement.series.items():
                cores[threads] = cores.get(threads) or one.limited.cores
                if one.limited.pools:
                    pools.setdefault(threads, {})[name] = ", ".join(one.limited.pools)
                trouble |= dict.fromkeys(f"{name}: {words}" for words in one.limited.trouble)
        lines = []
        for threads, kept in cores.items():
            if threads is None:
                continue
            pinned = f", workers kept to {'core' if len(kept) == 1 else 'cores'} {', '.join(map(str, kept))}" if kept else ""
            limited = "; ".join(f"{name} ({libraries})" for name, libraries in pools.get(threads, {}).items())
            lines.append(f"{threads} thread{'s' * (threads != 1)}{pinned}; pools limited: {limited or 'none found'}")
        return (*lines, *trouble)

    def probabilities(self, margin: float) -> dict[tuple[int, str], float]:
        """By place of the entry and name: the sign test against ``margin``, corrected for all problems of the run."""
        found: dict[tuple[int, str], float] = {}
        for place, entry in enumerate(self.entries):
            series, reference = entry.measurement.series, entry.measurement.reference
            base = series[reference].times if reference in series else ()
            for name, one in series.items():
                if one.times and base and name != reference:
                    found[place, name] = sign_test(one.times, base, margin)
        return dict(zip(found, false_discovery(list(found.values())), strict=True))


def load(bench: Bench, stack: ExitStack, targets: Mapping[str, Target], conditions: Sequence[Conditions]) -> None:
    """Load each target in a worker that lives as long as ``stack``. Raises :class:`UsageError` for what cannot be loaded."""
    most = max((one.threads for one in conditions if one.threads), default=None)
    for name, target in targets.items():
        contestant = open_contestant(stack, target, most)
        if contestant.description.unavailable:
            bench.absent[name] = contestant.description.unavailable
        else:
            bench.contestants[name] = contestant


def run(bench: Bench, plan: Plan, stack: ExitStack, said: Callable[[str, int, int], None]) -> None:
    """Measure what ``plan`` says on the contestants of ``bench``. ``said`` is told what is done, and how many of how many.

    Ctrl-C ends it, and what was measured is kept.
    """
    rng, own = random.Random(plan.seed), stack.enter_context(own_session())
    waiting = [(workload, conditions) for workload in plan.workloads for conditions in plan.conditions]
    total = len(waiting)
    try:
        own.describe()
        looks, taken = min(_ROOFS, 1 + int(plan.budget // _ROOF_EVERY)), 0.0
        due = [total * look // looks for look in range(looks)]  # how many are done when it is measured again
        while waiting:
            done = total - len(waiting)
            if due and done >= due[0]:
                said("this machine's roofline", done, total)
                began = plan.clock()
                _look_up(bench, plan, own)
                taken, due = plan.clock() - began, [look for look in due if look > done]
            workload, conditions = waiting[0]
            left = plan.left - taken * len(due)
            if left <= 0:
                break
            said(workload.name, total - len(waiting), total)
            aim = aim_of(plan, left, len(waiting))
            measurement = measure(workload.case, bench.contestants, plan.reference, aim, rng, conditions)
            waiting.pop(0)
            bench.entries.append(Entry(workload, conditions, _under_the_roof(bench, conditions, measurement, own)))
            if measurement.ended == "interrupted":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        bench.interrupted = True
    why = "interrupted" if bench.interrupted else "the budget was spent: give more with --budget"
    bench.left_out += [LeftOut(workload, conditions, why) for workload, conditions in waiting]


def _look_up(bench: Bench, plan: Plan, own: Session) -> None:
    """Measure the roofline, once more if that was done before; the best that was seen counts."""
    for conditions in plan.conditions:
        roof = measure_roof(own, conditions, min(_ROOF_MOST, _ROOF_SHARE * plan.budget))
        before = bench.roofs.get(conditions)
        bench.roofs[conditions] = before.joined(roof) if before else roof


def aim_of(plan: Plan, left: float, problems: int) -> Aim:
    """When to stop with the next problem if so many seconds and problems are left."""
    share = max(0.0, left) / problems
    call = min(LONGEST_CALL, share / (plan.least + 1))
    return Aim(plan.half_width, plan.least, plan.most, share, max(0.0, left), call)


def _under_the_roof(bench: Bench, conditions: Conditions, measurement: Measurement, own: Session) -> Measurement:
    """``measurement`` without times that this machine cannot reach; the roofline is measured again before that is said."""
    needed = need(measurement.case.problem)

    def beyond() -> dict[str, str]:
        excesses = {
            name: bench.roofs[conditions].excess(needed, one.seconds, _multiplies_less(measurement, bench.contestants[name]))
            for name, one in measurement.series.items()
            if one.seconds is not None and on_processor(one)
        }
        return {name: words for name, words in excesses.items() if words}

    if not beyond():
        return measurement
    again = measure_roof(own, conditions, _ROOF_MOST)
    bench.roofs[conditions] = bench.roofs[conditions].joined(again)
    refused: dict[str, Series] = {
        name: replace(measurement.series[name], times=(), failed=True, reason=f"faster than the roofline: {words}")
        for name, words in beyond().items()
    }
    return replace(measurement, series={**measurement.series, **refused})


def on_processor(one: Series) -> bool:
    """Whether the roofline holds for it, which is the processor's."""
    return one.device is None or not present()


def _multiplies_less(measurement: Measurement, contestant: Contestant) -> bool:
    """Whether it declares a method with fewer multiplications than the direct sum, or numbers of fewer bits."""
    declared = contestant.claims[measurement.case.problem.operator].accuracy
    return accuracy_named(declared).kind != "componentwise"
