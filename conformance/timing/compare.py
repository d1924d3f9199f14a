"""Times implementations on one problem after the other, and says how each compares with the reference."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.errors import UsageError
from conformance.plugin.target import Target
from conformance.report.schema import Accuracy
from conformance.report.times import Timing
from conformance.timing.measure import Aim, Contestant, Measurement, measure, open_contestant
from conformance.timing.statistics import Ratio
from conformance.timing.witness import MARGIN


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


def compare(
    targets: Mapping[str, Target], workloads: Sequence[Workload], reference: str, said: Callable[[str], None], seed: int = 0,
    aim: Aim | None = None, memory_limit: int | None = None,
) -> Iterator[dict[str, Measured]]:  # fmt: skip
    """For each workload what was measured, by name of the target; ratios are to ``reference``. ``said`` is told progress;
    ``memory_limit`` is that of each worker in bytes."""
    rng, contestants = random.Random(seed), dict[str, Contestant]()
    with ExitStack() as stack:
        for name, target in targets.items():
            try:
                contestant = open_contestant(stack, target, memory_limit=memory_limit)
            except UsageError:
                continue
            if not contestant.description.unavailable:
                contestants[name] = contestant
        for number, workload in enumerate(workloads, start=1):
            said(f"timing {number} of {len(workloads)}: {workload.name}")
            measurement = measure(workload.case, contestants, reference, aim or Aim(), rng)
            yield {
                name: Measured(timing(name, workload.name, measurement), one.accuracy) for name, one in measurement.series.items()
            }
            if measurement.ended == "interrupted":
                raise KeyboardInterrupt


def timing(name: str, workload: str, measurement: Measurement, margin: float = MARGIN, ratio: Ratio | None = None) -> Timing:
    """What was measured of one implementation, as a row of the report; ``ratio`` if it was judged by another estimate."""
    own, problem, reference = measurement.series[name], measurement.case.problem, measurement.reference
    row = Timing(problem=str(problem), workload=workload, implementation=name, reference=reference, work=problem.work)
    if own.seconds is None:
        return row.model_copy(update={"reason": own.reason or "not timed"})
    gflops = None if problem.op.is_pool else 2 * problem.work / own.seconds / 1e9
    row = row.model_copy(update={"seconds": own.seconds, "gflops": gflops, "device_seconds": own.device})
    if name == reference:
        return row.model_copy(update={"ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0, "verdict": "REFERENCE"})
    ratio = ratio or measurement.ratio(name)
    if ratio is None:
        return row
    found = {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high, "verdict": ratio.verdict(margin)}
    return row.model_copy(update=found)
