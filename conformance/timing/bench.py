"""What a bench is: which problems are to be measured on which implementations, and what was measured of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from conformance.plugin.target import Target
from conformance.timing.compare import Workload
from conformance.timing.conditions import Conditions
from conformance.timing.device import present
from conformance.timing.measure import Contestant, Measurement, Series, open_contestants
from conformance.timing.roofline import Roof
from conformance.timing.statistics import Between, between_sets, false_discovery, sign_test


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

    def between(self, conditions: Conditions) -> Between:
        """How far apart sets of processes are under these conditions, from all that was measured in several."""
        measured = [entry.measurement for entry in self.entries if entry.conditions == conditions]
        return between_sets(one.ratios(name) for one in measured for name in one.compared)

    def probabilities(self, margin: float) -> dict[tuple[int, str], float]:
        """By place of the entry and name: the sign test against ``margin``, corrected for all problems of the run."""
        found: dict[tuple[int, str], float] = {}
        for place, entry in enumerate(self.entries):
            series, reference = entry.measurement.series, entry.measurement.reference
            for name in entry.measurement.compared:
                found[place, name] = sign_test(series[name].times, series[reference].times, margin)
        return dict(zip(found, false_discovery(list(found.values())), strict=True))


def load(bench: Bench, stack: ExitStack, targets: Mapping[str, Target], conditions: Sequence[Conditions]) -> None:
    """Load each target in a worker that lives as long as ``stack``. Raises :class:`UsageError` for what cannot be loaded."""
    most = max((one.threads for one in conditions if one.threads), default=None)
    for name, contestant in zip(targets, open_contestants(stack, targets.values(), most), strict=True):
        if contestant.description.unavailable:
            bench.absent[name] = contestant.description.unavailable
        else:
            bench.contestants[name] = contestant


def on_processor(one: Series) -> bool:
    """Whether the roofline holds for it, which is the processor's."""
    return one.device is None or not present()
