"""The report of a bench."""

from __future__ import annotations

from conformance.cli.options import begun_report
from conformance.report.schema import Implementation, Report
from conformance.timing.bench import Bench
from conformance.timing.growth import fits
from conformance.timing.notes import notes
from conformance.timing.rows import left_out, rooflines, timings


def bench_report(bench: Bench, margin: float, began: float, seed: int, budget: float, scale: str | None) -> Report:
    """What was measured as a report. ``began`` is the command's time.monotonic() at the start."""
    rows = timings(bench, margin)
    numbers = {row.threads for row in rows}
    described = {name: contestant.description for name, contestant in bench.contestants.items()}
    here = [
        Implementation(name=name, summary=one.summary, status="nothing verified", versions=dict(one.versions))
        for name, one in described.items()
    ]
    absent = [Implementation(name=name, summary="", status="unavailable", reason=reason) for name, reason in bench.absent.items()]
    return begun_report(
        began,
        title="Speed of convolution and pooling",
        seed=seed,
        profile="bench",
        interrupted=bench.interrupted,
        implementations=(*here, *absent),
        timings=tuple(rows),
        margin=margin,
        threads=numbers.pop() if len(numbers) == 1 else None,
        budget=budget,
        conditions=notes(bench),
        rooflines=tuple(rooflines(bench)),
        left_out=tuple(left_out(bench)),
        growth=tuple(fits(rows, scale)) if scale else (),
    )
