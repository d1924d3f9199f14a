"""The plots of a bench: ratios with their intervals, the roofline with what reaches up to it, and how time grows with work."""

from __future__ import annotations

import math
from typing import Any

import altair as alt

from conformance.report.plots import INK, WIDTH, colour, data, shown_names, svg
from conformance.report.schema import Report
from conformance.report.times import Roofline, Timing

_AROUND = {"left": 60, "right": 24, "top": 5, "bottom": 5}  # a browser's letters may be wider than those that were measured
_STEPS = 40  # points of a line


def ratio_plot(report: Report) -> str:
    """Each ratio to the reference with its interval, one row a problem; empty without ratios."""
    rows: list[dict[str, Any]] = [
        {
            "implementation": t.implementation,
            "problem": label(t, report),
            "ratio": t.ratio,
            "low": t.ratio_low,
            "high": t.ratio_high,
        }
        for t in report.timings
        if t.ratio is not None and t.verdict != "REFERENCE"
    ]
    if not rows:
        return ""
    reference, margin = report.timings[0].reference, report.margin or 0.0
    order = list(dict.fromkeys(row["problem"] for row in rows))
    y = alt.Y("problem:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, grid=True))
    offset = alt.YOffset("implementation:N", scale=alt.Scale(domain=shown_names(report)))
    scale = alt.Scale(type="log", nice=False, padding=8)
    base = alt.Chart(data(rows)).encode(y=y, yOffset=offset, color=colour(report))
    intervals = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale, title=""), x2="high:Q")
    title = f"time over that of {reference} (log scale, left is faster), with 95 % interval; band: called the same"
    points = base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("ratio:Q", scale=scale, title=title))
    band = (
        alt.Chart(data([{"low": 1 / (1 + margin), "high": 1 + margin}]))
        .mark_rect(color=INK, opacity=0.18)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    )
    one = alt.Chart(data([{"x": 1}])).mark_rule(color=INK, strokeDash=[3, 3]).encode(x=alt.X("x:Q", scale=scale))
    step = max(16, 9 * len({row["implementation"] for row in rows}))
    return svg((band + one + intervals + points).properties(padding=_AROUND, width=WIDTH, height=step * len(order)))


def roofline_plot(report: Report) -> str:
    """Operations a second against operations a byte, below what this machine can do; empty without a roofline."""
    rows: list[dict[str, Any]] = [
        {
            "implementation": t.implementation,
            "intensity": t.intensity,
            "rate": t.intensity * t.gbytes,
            "threads": threads(t.threads),
        }
        for t in report.timings
        if t.intensity is not None and t.gbytes is not None
        if t.device_seconds is None or t.share is not None  # it is no device's roofline
    ]
    if not rows or not report.rooflines:
        return ""
    low, high = (pick(row["intensity"] for row in rows) for pick in (min, max))
    lines = [line for roof in report.rooflines for line in _roof_lines(roof, low / 1.5, high * 1.5)]
    scale = alt.Scale(type="log", nice=False, padding=6)
    x = alt.X("intensity:Q", scale=scale, title="operations a byte that must be moved (log scale)")
    shape: dict[str, Any] = {}
    if len(report.rooflines) > 1:
        shape["shape"] = alt.Shape("threads:N", title=None)
    points = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=60, opacity=0.8)
        .encode(x=x, y=alt.Y("rate:Q", scale=scale, title="GFLOP/s (log scale)"), color=colour(report), **shape)
    )
    roofs = (
        alt.Chart(data(lines))
        .mark_line(color=INK, clip=True)
        .encode(x="intensity:Q", y="rate:Q", detail="threads:N", strokeDash=alt.StrokeDash("roof:N", title="roofline"))
    )
    return svg((roofs + points).properties(padding=_AROUND, width=WIDTH, height=340))


def growth_plot(report: Report) -> str:
    """Time against work where a dimension was varied, with the fitted powers; empty where none was."""
    rows = [
        {"implementation": g.implementation, "work": w, "seconds": 1000 * s, "series": f"{g.workload} {threads(g.threads)}"}
        for g in report.growth
        for w, s in zip(g.work, g.seconds, strict=True)
    ]
    if not rows:
        return ""
    lines = []
    for g in report.growth:
        if g.exponent is None:
            continue
        middle = [sum(math.log(value) for value in values) / len(values) for values in (g.work, g.seconds)]
        for w in (min(g.work), max(g.work)):
            fitted = 1000 * math.exp(middle[1] + g.exponent * (math.log(w) - middle[0]))
            lines.append(
                {"implementation": g.implementation, "work": w, "seconds": fitted, "series": f"{g.workload} {threads(g.threads)}"}
            )
    scale = alt.Scale(type="log", nice=False, padding=8)
    x = alt.X("work:Q", scale=scale, title="multiply-adds, of pooling elements read (log scale)", axis=alt.Axis(format="~s"))
    y = alt.Y("seconds:Q", scale=scale, title="milliseconds a call (log scale)")
    points = alt.Chart(data(rows)).mark_point(filled=True, size=60).encode(x=x, y=y, color=colour(report), detail="series:N")
    fits = alt.Chart(data(lines)).mark_line(opacity=0.6).encode(x=x, y=y, color=colour(report), detail="series:N")
    return svg((fits + points).properties(padding=_AROUND, width=WIDTH, height=320))


def label(timing: Timing, report: Report) -> str:
    """A problem by the name that people know it by, with the threads where there are several numbers of them."""
    several = len({one.threads for one in report.timings}) > 1
    return f"{timing.workload}, {threads(timing.threads)}" if several else timing.workload


def threads(number: int | None) -> str:
    """A number of threads in words."""
    return "" if number is None else f"{number} thread{'s' * (number != 1)}"


def _roof_lines(roof: Roofline, low: float, high: float) -> list[dict[str, Any]]:
    """The roofline of float32 for data from memory and from the quickest cache."""
    peak = max(rate.best for rate in roof.products)
    lines = []
    for name, rate in (("data from memory", roof.copies[-1]), ("data from a cache", roof.copies[0])):
        for step in range(_STEPS + 1):
            intensity = low * (high / low) ** (step / _STEPS)
            reached = min(peak, intensity * rate.best) / 1e9
            lines.append({"roof": name, "threads": threads(roof.threads), "intensity": intensity, "rate": reached})
    return lines
