"""Measures all problems of a bench within its budget, in several sittings: each in processes of its own.

How a process happens to lie in memory makes one or two per cent of its times, which no more rounds in the same process
show. So every problem is measured again in new processes, and how far these are apart is part of what a ratio is worth.
Where few problems say that, more sittings do: they go on while intervals are wide and there is time for another.
What is left of the budget is divided among what is left to measure, so that what one problem does not need is there for the
others; a problem for which nothing is left is said to have been left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from conformance.errors import UsageError
from conformance.problem.accuracy import accuracy_named
from conformance.running.session import Session, WorkerLost
from conformance.timing.bench import Bench, Entry, LeftOut, Plan, load, on_processor
from conformance.timing.compare import Workload
from conformance.timing.conditions import Conditions
from conformance.timing.measure import Aim, Contestant, Measurement, Series, measure
from conformance.timing.roofline import measure_roof, need, own_session

SITTINGS, MOST_SITTINGS = 3, 8
"""Of every problem, and of those that are not known well enough by then."""
_LOOKS = 3  # at the roofline, at most, before a time is said to be beyond it
LONGEST_CALL = 2.0
"""Seconds of a call beyond which it is not timed, however large the budget is."""
_ROOFS, _ROOF_EVERY = 4, 40.0  # times at most that the roofline is measured, as others may disturb it; seconds of budget for each
_ROOF_SHARE, _ROOF_MOST = 0.01, 2.0  # of the budget, each time and under each number of threads; seconds

Said = Callable[[str, int, int], None]


@dataclass
class _Course:
    """A bench while it is made: how many measurements of how many are ``done``, and when the roofline is due again."""

    bench: Bench
    plan: Plan
    said: Said
    own: Session
    total: int
    rng: random.Random
    done: int = 0
    due: list[int] = field(init=False)
    taken: float = 0.0
    sittings: int = 0
    longest: float = 0.0
    """Seconds that a sitting took."""

    def __post_init__(self) -> None:
        looks = min(_ROOFS, 1 + int(self.plan.budget // _ROOF_EVERY))
        self.due = [self.total * look // looks for look in range(looks)]

    @property
    def left(self) -> float:
        """Seconds for measuring, less those of the looks at the roofline that are still to come."""
        return self.plan.left - self.taken * len(self.due)

    def wanting(self) -> list[int]:
        """Places of the entries that are to have one more sitting. How wide an interval is decides, never where it lies."""
        bench, left = self.bench, self.left - (self.longest if self.sittings >= SITTINGS else 0.0)
        if left <= 0 or self.sittings == MOST_SITTINGS:
            return []
        places = [place for place, entry in enumerate(bench.entries) if _can_be_more(entry.measurement, self.plan.least)]
        if self.sittings < SITTINGS:
            return places
        between = {conditions: bench.between(conditions) for conditions in self.plan.conditions}

        def wide(entry: Entry) -> bool:
            ratios = (entry.measurement.ratio(name, between[entry.conditions]) for name in entry.measurement.compared)
            return any(ratio.half_width > self.plan.half_width for ratio in ratios if ratio)

        return [place for place in places if wide(bench.entries[place])]

    def look_up(self) -> None:
        """Measure the roofline if that is due."""
        if not self.due or self.done < self.due[0]:
            return
        self.said("this machine's roofline", self.done, self.total)
        began = self.plan.clock()
        for conditions in self.plan.conditions:
            self.look(conditions, min(_ROOF_MOST, _ROOF_SHARE * self.plan.budget))
        self.taken, self.due = self.plan.clock() - began, [look for look in self.due if look > self.done]

    def look(self, conditions: Conditions, seconds: float) -> None:
        """Measure the roofline; the best that was seen counts."""
        roof, before = measure_roof(self.own, conditions, seconds), self.bench.roofs.get(conditions)
        self.bench.roofs[conditions] = before.joined(roof) if before else roof

    def measured(
        self, workload: Workload, conditions: Conditions, contestants: Mapping[str, Contestant], call: float | None = None
    ) -> Measurement:
        """One problem in one sitting. What takes longer than ``call`` seconds is not timed, by default than its share allows."""
        share = max(0.0, self.left) / (self.total - self.done)
        aim = Aim(
            half_width=self.plan.half_width * math.sqrt(SITTINGS),
            least=self.plan.least,
            most=self.plan.most,
            seconds=share,
            limit=max(0.0, self.left),
            call=call or min(LONGEST_CALL, SITTINGS * share / (self.plan.least + 1)),
        )
        measurement = measure(workload.case, contestants, self.plan.reference, aim, self.rng, conditions)
        self.done += 1
        return measurement


def run(bench: Bench, plan: Plan, stack: ExitStack, said: Said) -> None:
    """Measure what ``plan`` says on the contestants of ``bench``. ``said`` is told what is done, and how many of how many.

    Ctrl-C ends it, and what was measured is kept.
    """
    waiting = [(workload, conditions) for workload in plan.workloads for conditions in plan.conditions]
    own = stack.enter_context(own_session())
    course = _Course(bench, plan, said, own, SITTINGS * len(waiting), random.Random(plan.seed))
    try:
        own.describe()
        _first(course, waiting)
        while not waiting and (places := course.wanting()):
            _again(course, stack, places)
    except KeyboardInterrupt:
        bench.interrupted = True
    why = "interrupted" if bench.interrupted else "the budget was spent: give more with --budget"
    bench.left_out += [LeftOut(workload, conditions, why) for workload, conditions in waiting]


def _first(course: _Course, waiting: list[tuple[Workload, Conditions]]) -> None:
    """The first sitting; ``waiting`` loses what was measured."""
    began, course.sittings = course.plan.clock(), 1
    while waiting:
        course.look_up()
        if course.left <= 0:
            return
        workload, conditions = waiting[0]
        course.said(workload.name, course.done, course.total)
        measurement = course.measured(workload, conditions, course.bench.contestants)
        waiting.pop(0)
        course.bench.entries.append(Entry(workload, conditions, _under_the_roof(course, conditions, measurement)))
        if measurement.ended == "interrupted":
            raise KeyboardInterrupt
    course.longest = course.plan.clock() - began


def _again(course: _Course, stack: ExitStack, places: Sequence[int]) -> None:
    """One more sitting of some entries."""
    bench, plan = course.bench, course.plan
    began, course.sittings = plan.clock(), course.sittings + 1
    targets = {name: one.session.target for name, one in bench.contestants.items()}
    for one in bench.contestants.values():
        one.session.close()
    try:
        load(bench, stack, targets, plan.conditions)
    except (UsageError, WorkerLost):  # what was loaded before cannot be now; what was measured stays
        course.sittings = MOST_SITTINGS
        return
    course.total = course.done + len(places) * max(1, SITTINGS - course.sittings + 1)
    for place in places:
        course.look_up()
        if course.left <= 0:
            return
        entry = bench.entries[place]
        course.said(f"{entry.workload.name}, in new processes", course.done, course.total)
        timed = {name: bench.contestants[name] for name, one in entry.measurement.series.items() if one.times}
        measurement = course.measured(entry.workload, entry.conditions, timed, LONGEST_CALL)
        if measurement.ended == "interrupted":
            raise KeyboardInterrupt
        joined = _joined(entry.measurement, measurement)
        bench.entries[place] = replace(entry, measurement=_under_the_roof(course, entry.conditions, joined))
    course.longest = max(course.longest, plan.clock() - began)


def _can_be_more(measurement: Measurement, least: int) -> bool:
    """Whether it has times, and was not too slow for more than the least rounds."""
    timed = any(one.times for one in measurement.series.values())
    return timed and not (measurement.ended == "budget" and measurement.rounds <= least)


def _joined(first: Measurement, second: Measurement) -> Measurement:
    """Both, unless the second has no times for want of time: then the first alone."""
    lost = any(not one.times and not one.failed for one in second.series.values())
    return first if lost else first.joined(second)


def _under_the_roof(course: _Course, conditions: Conditions, measurement: Measurement) -> Measurement:
    """``measurement`` without times that this machine cannot reach; the roofline is measured again, up to three times, before
    that is said."""
    bench, needed = course.bench, need(measurement.case.problem)

    def beyond() -> dict[str, str]:
        excesses = {
            name: bench.roofs[conditions].excess(needed, one.seconds, _multiplies_less(measurement, bench.contestants[name]))
            for name, one in measurement.series.items()
            if one.seconds is not None and on_processor(one)
        }
        return {name: words for name, words in excesses.items() if words}

    found, looks = beyond(), 0
    while found and looks < _LOOKS and (looks == 0 or course.left > _ROOF_MOST):  # its clock wanders, and a name is at stake
        course.look(conditions, _ROOF_MOST)
        found, looks = beyond(), looks + 1
    refused: dict[str, Series] = {
        name: replace(measurement.series[name], times=(), failed=True, reason=f"faster than the roofline: {words}")
        for name, words in found.items()
    }
    return replace(measurement, series={**measurement.series, **refused}) if refused else measurement


def _multiplies_less(measurement: Measurement, contestant: Contestant) -> bool:
    """Whether it declares a method with fewer multiplications than the direct sum, or numbers of fewer bits."""
    declared = contestant.claims[measurement.case.problem.operator].accuracy
    return accuracy_named(declared).kind != "componentwise"
