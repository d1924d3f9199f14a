"""What people see of a bench in a terminal or a log: a table of times, and below it under which conditions they are true."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.report.schema import Report
from conformance.report.times import Growth, Roofline, Timing
from conformance.report.view import duration, number

_STYLE = {"FASTER": "green", "SLOWER": "red", "INCONCLUSIVE": "yellow", "REFERENCE": "dim", "SAME": ""}
_LEFT_OUT = 5  # problems left out that are named
_BUSY = 0.5  # of its time that a device must work at least, else launches are what was measured


def print_bench(console: Console, report: Report) -> None:
    """The whole of it."""
    if any(row.seconds is not None for row in report.timings):
        console.print(bench_table(report))
    if report.growth:
        console.print(growth_table(report.growth))
    for line in conditions(report):
        console.print(Text(line, "dim"), soft_wrap=True)
    for text in failures(report.timings):
        console.print(text, soft_wrap=True)
    for line in [*not_timed(report.timings), *left_out(report)]:
        console.print(Text(line), soft_wrap=True)


def bench_table(report: Report) -> Table:
    """A row for each implementation on each problem, those of a problem together."""
    several = len({row.threads for row in report.timings}) > 1
    device = any(row.device_seconds is not None for row in report.timings)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("problem")
    if several:
        table.add_column("threads", justify="right")
    table.add_column("implementation")
    for column in ("time", *(["on device"] if device else []), "ratio", "95 % interval"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for column in ("GFLOP/s", "GB/s", "of roofline"):
        table.add_column(column, justify="right")
    before: tuple[str, int | None] | None = None
    for row in report.timings:
        if row.seconds is None and not row.failed:
            continue  # said once below the table, and not for every problem
        problem = (row.workload, row.threads)
        head = [row.workload if problem != before else "", *([str(row.threads)] if several else [])]
        before = problem
        if row.seconds is None:
            table.add_row(
                *head, row.implementation, "–", *([""] if device else []), "", "", Text("FAILED", "bold red"), "", "", ""
            )
            continue
        interval = "" if row.verdict in ("", "REFERENCE") else f"{number(row.ratio_low)} – {number(row.ratio_high)}"
        share = "" if row.share is None else f"{100 * row.share:.{0 if row.share >= 0.1 else 1}f} %"
        table.add_row(
            *head, row.implementation, duration(row.seconds), *([_on_device(row)] if device else []), number(row.ratio),
            interval, Text(row.verdict, _STYLE.get(row.verdict, "")), number(row.gflops), number(row.gbytes), share,
        )  # fmt: skip
    return table


def _on_device(row: Timing) -> str:
    return "" if row.device_seconds is None else duration(row.device_seconds)


def growth_table(growth: Sequence[Growth]) -> Table:
    """How time grows with work, one row an implementation."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("problem")
    table.add_column("implementation")
    for column in ("factors", "time", "grows as", "95 % interval"):
        table.add_column(column, justify="right")
    for one in growth:
        times = " … ".join(dict.fromkeys((duration(one.seconds[0]), duration(one.seconds[-1])))) if one.seconds else "–"
        factors = f"{one.factors[0]:g} … {one.factors[-1]:g} × {one.dimension}" if one.factors else "–"
        exponent = "–" if one.exponent is None else f"work^{one.exponent:.2f}"
        interval = "" if one.low is None or one.high is None else f"{one.low:.2f} – {one.high:.2f}"
        table.add_row(one.workload, one.implementation, factors, times, exponent, interval)
    return table


def sentence(report: Report) -> str:
    """The run in one sentence: of each implementation on how many problems it was faster, the same, slower."""
    counts: dict[str, Counter[str]] = {}
    for row in report.timings:
        if row.verdict not in ("", "REFERENCE"):
            counts.setdefault(row.implementation, Counter())[row.verdict] += 1
    if not counts:
        timed = sum(row.seconds is not None for row in report.timings)
        return f"{timed} times, nothing compared" if timed else "Nothing was timed"
    reference = report.timings[0].reference
    parts = [
        f"{name} {', '.join(f'{count} {verdict}' for verdict, count in found.most_common())}" for name, found in counts.items()
    ]
    return f"Against {reference}: {'; '.join(parts)}" + ("; interrupted before the end" if report.interrupted else "")


def conditions(report: Report) -> list[str]:
    """Under which conditions the times are true, and what ended the measuring."""
    lines = [roofline_words(one) for one in report.rooflines]
    lines += report.conditions
    lines += on_device(report.timings)
    ended = Counter(ended for _, _, ended in {(t.workload, t.threads, t.ended) for t in report.timings if t.ended})
    words = {
        "narrow enough": "until all intervals were narrow enough",
        "budget": "until its share of the budget was spent",
        "rounds": "for the most rounds",
        "interrupted": "until interrupted",
    }
    if ended:
        counts = ", ".join(f"{count} {words.get(how, how)}" for how, count in ended.most_common())
        total = sum(ended.values())
        sittings = {t.sittings for t in report.timings if t.ended}
        counts_of = " to ".join(map(str, sorted({min(sittings), max(sittings)})))
        sets = f" in {counts_of} sets of processes" if max(sittings) > 1 else ""
        lines.append(f"{total} problem{'s' * (total != 1)} measured{sets}: {counts}")
    return lines


def on_device(timings: Sequence[Timing]) -> list[str]:
    """What is to be known of times on a device: that no roofline holds for them, and where launches take most of the time."""
    timed = [row for row in timings if row.seconds is not None and row.device_seconds is not None]
    lines = []
    for name in dict.fromkeys(row.implementation for row in timed):
        if all(row.share is None for row in timed if row.implementation == name):
            lines.append(f"{name} works on a device, the roofline of which is not measured")
        bound = [
            (row, row.seconds, row.device_seconds)
            for row in timed
            if row.implementation == name and row.seconds and row.device_seconds is not None
            if row.device_seconds < _BUSY * row.seconds
        ]
        if bound:
            row, seconds, busy = min(bound, key=lambda one: one[2] / one[1])
            where = row.workload if len(bound) == 1 else f"{len(bound)} problems, for example {row.workload}"
            parts = f"at most {duration(busy)} of {duration(seconds)}"
            lines.append(f"{name} is bound by launches on {where}: the device works for {parts}")
    return lines


def roofline_words(one: Roofline) -> str:
    """A roofline in a sentence."""
    products = ", ".join(f"{rate.best / 1e9:.3g} GFLOP/s {rate.what}" for rate in one.products)
    memory = f"{one.copies[-1].best / 1e9:.3g} GB/s copied in memory, {one.copies[0].best / 1e9:.3g} in cache"
    threads = "" if one.threads is None else f" with {one.threads} thread{'s' * (one.threads != 1)}"
    return f"roofline of this machine{threads}, measured in this run: {products}; {memory}"


def failures(timings: Sequence[Timing]) -> list[Text]:
    """What was wrong, crashed or cheated."""
    return [
        Text.assemble(("✗ ", "bold red"), (row.implementation, "bold"), f" on {row.workload} ({row.problem}): {row.reason}")
        for row in timings
        if row.failed
    ]


def not_timed(timings: Sequence[Timing]) -> list[str]:
    """Why implementations have no time on how many problems, reasons that differ in figures only taken together."""
    grouped: dict[tuple[str, str], list[Timing]] = {}
    for row in timings:
        if row.seconds is None and not row.failed:
            grouped.setdefault((row.implementation, re.sub(r"[\d.e+-]+", "#", row.reason)), []).append(row)
    lines = []
    for (name, _), rows in grouped.items():
        where = rows[0].workload if len(rows) == 1 else f"{len(rows)} problems, for example {rows[0].workload}"
        lines.append(f"not timed: {name} on {where}: {rows[0].reason}")
    return lines


def left_out(report: Report) -> list[str]:
    """The problems that were not begun, and why."""
    if not report.left_out:
        return []
    named = [one.workload for one in report.left_out[:_LEFT_OUT]]
    more = f" and {len(report.left_out) - _LEFT_OUT} more" if len(report.left_out) > _LEFT_OUT else ""
    return [f"left out: {', '.join(named)}{more}: {report.left_out[0].reason}"]
