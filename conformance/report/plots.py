"""The plots of the page, as SVG drawn by Altair and vl-convert: they work offline, in print, and without JavaScript."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import altair as alt
import vl_convert

from conformance.report.mutation import MutationReport, power_curve
from conformance.report.schema import Report

WIDTH = 620
INK = "#5f6b7a"  # readable on light and on dark ground
_COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#9c755f", "#edc948"]  # Tableau 10


def accuracy_plot(report: Report) -> str:
    """rho against the number of terms, with the bound n and the expectation sqrt(n); empty without data."""
    rows: list[dict[str, Any]] = [
        {"implementation": one.name, "n": max(1, row.n), "rho": max(row.rho, 1e-3), "dtype": row.dtype}
        for one in report.implementations
        for row in one.accuracy
        if math.isfinite(row.rho)  # a plot has no place for others; the table does
    ]
    if not rows:
        return ""
    most = max(row["n"] for row in rows)
    points = sorted({1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, most})
    lines = [
        {"n": n, "rho": value, "line": name}
        for n in points
        if n <= most
        for name, value in (("n: no sum can be worse", n), ("√n: independent roundings", math.sqrt(n)))
    ]
    scale = alt.Scale(type="log")
    marks = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=28, opacity=0.55)
        .encode(
            x=alt.X("n:Q", scale=scale, title="terms in one output, n"),
            y=alt.Y("rho:Q", scale=scale, title="largest error ρ, in u·S"),
            color=colour(report),
            shape=alt.Shape("dtype:N", title="data type"),
        )
    )
    bounds = (
        alt.Chart(data(lines)).mark_line(color=INK).encode(x="n:Q", y="rho:Q", strokeDash=alt.StrokeDash("line:N", title=None))
    )
    return svg((bounds + marks).properties(width=WIDTH, height=320))


def speed_plot(report: Report) -> str:
    """The time of each implementation on each workload, one row a workload; empty without timings."""
    rows = [
        {"implementation": t.implementation, "workload": t.workload, "seconds": t.seconds, "ms": 1000 * t.seconds}
        for t in report.timings
        if t.seconds is not None and math.isfinite(t.seconds)
    ]
    if not rows:
        return ""
    order = list(dict.fromkeys(t.workload for t in report.timings))
    chart = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=110, opacity=0.85)
        .encode(
            x=alt.X("ms:Q", scale=alt.Scale(type="log"), title="milliseconds a call (log scale, left is faster)"),
            y=alt.Y("workload:N", sort=order, title=None, axis=alt.Axis(labelLimit=240, grid=True)),
            color=colour(report),
            shape=alt.Shape("implementation:N", title="implementation", scale=alt.Scale(domain=shown_names(report))),
        )
        .properties(width=WIDTH, height=alt.Step(30))
    )
    return svg(chart)


def power_plot(report: MutationReport) -> str:
    """The share of the mutants that is killed, against seconds and against cases; empty where none was run."""
    of_seconds, of_cases = power_curve(report.mutants)
    if not of_seconds:
        return ""
    axes = (("seconds of checking", of_seconds), ("cases", of_cases))
    charts = [
        alt.Chart(data([{"within": point.within, "share": point.share} for point in points]))
        .mark_line(color=_COLOURS[0], point=alt.OverlayMarkDef(color=_COLOURS[0]))
        .encode(
            x=alt.X("within:Q", scale=alt.Scale(type="log"), title=f"{words} (log scale)"),
            y=alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"), title="killed"),
        )
        .properties(width=WIDTH // 2 - 30, height=200)
        for words, points in axes
    ]
    return svg(alt.hconcat(*charts))


def data(rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def colour(report: Report) -> Any:
    names = shown_names(report)
    return alt.Color("implementation:N", title="implementation", scale=alt.Scale(domain=names, range=_COLOURS[: len(names)]))


def shown_names(report: Report) -> list[str]:
    return [one.name for one in report.implementations if one.status != "unavailable"]


def svg(chart: Any) -> str:
    chart = chart.configure(background="transparent").configure_view(stroke=None)
    chart = chart.configure_axis(
        labelColor=INK, titleColor=INK, gridColor=INK, gridOpacity=0.18, domainColor=INK, tickColor=INK, labelFontSize=11
    )
    chart = chart.configure_legend(labelColor=INK, titleColor=INK, labelLimit=220)
    svg = str(vl_convert.vegalite_to_svg(json.loads(chart.to_json())))
    # Let the page size it: the drawing's own width is only its proportion.
    return re.sub(r'<svg([^>]*?) width="[\d.]+" height="[\d.]+"', r"<svg\1", svg, count=1)
