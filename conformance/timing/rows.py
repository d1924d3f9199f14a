"""What was measured as rows of the report: each time with its verdict, its rates, and its share of the roofline."""

from __future__ import annotations

from conformance.report.times import LeftOut, Rate, Roofline, Timing
from conformance.timing.bench import Bench, Entry, on_processor
from conformance.timing.compare import timing
from conformance.timing.roofline import Roof, need
from conformance.timing.statistics import Between


def timings(bench: Bench, margin: float) -> list[Timing]:
    """A row for each implementation on each problem, verdicts corrected for that there are many."""
    probabilities = bench.probabilities(margin)
    between = {conditions: bench.between(conditions) for conditions in bench.roofs}
    return [
        _row(entry, name, bench.roofs[entry.conditions], margin, probabilities.get((place, name)), between[entry.conditions])
        for place, entry in enumerate(bench.entries)
        for name in entry.measurement.series
    ]


def _row(entry: Entry, name: str, roof: Roof, margin: float, probability: float | None, between: Between) -> Timing:
    measurement, problem = entry.measurement, entry.workload.case.problem
    one, ratio = measurement.series[name], measurement.ratio(name, between)
    row = timing(name, entry.workload.name, measurement, margin, ratio)
    more: dict[str, object] = {"threads": entry.conditions.threads, "cold": entry.conditions.cold, "failed": one.failed}
    if one.seconds is not None:
        needed = need(problem)
        fastest = roof.seconds(needed)
        more |= {
            "rounds": len(one.times), "sittings": max(1, len(measurement.sittings)), "ended": measurement.ended,
            "first_call": one.first_call, "prepare": one.prepare,
            "fetch": one.fetch, "peak": one.peak, "probability": probability, "bytes": needed.bytes,
            "gbytes": needed.bytes / one.seconds / 1e9, "intensity": operations(row) / needed.bytes,
            "share": fastest / one.seconds if fastest is not None and on_processor(one) else None,
        }  # fmt: skip
        if row.verdict not in ("", "REFERENCE") and ratio is not None:
            more["verdict"] = ratio.verdict(margin, probability or 0.0)
    return row.model_copy(update=more)


def operations(row: Timing) -> int:
    """FLOP of a convolution, elements read by a pooling."""
    return row.work if "pool" in row.problem.split()[0] else 2 * row.work


def rooflines(bench: Bench) -> list[Roofline]:
    """What was measured of this machine."""
    return [
        Roofline(
            threads=conditions.threads,
            cold=conditions.cold,
            products=tuple(Rate(what=dtype, best=one.best, spread=one.spread) for dtype, one in roof.products.items()),
            copies=tuple(Rate(what=str(size), best=one.best, spread=one.spread) for size, one in sorted(roof.copies.items())),
        )
        for conditions, roof in bench.roofs.items()
    ]


def left_out(bench: Bench) -> list[LeftOut]:
    """The problems that were not begun."""
    return [
        LeftOut(
            workload=one.workload.name,
            problem=str(one.workload.case.problem),
            threads=one.conditions.threads,
            reason=one.reason,
        )
        for one in bench.left_out
    ]
