"""The report as one HTML page that needs nothing but itself: styles, plots and sortable tables are inside.

Tables are sorted by DataTables, which the package itables ships for use offline.
"""

from __future__ import annotations

import base64
from importlib.resources import files

from markupsafe import Markup

from conformance.report import bench_terminal, view
from conformance.report.bench_plots import growth_plot, ratio_plot, roofline_plot
from conformance.report.plots import accuracy_plot, speed_plot
from conformance.report.schema import Report
from conformance.report.templating import environment


def render_html(report: Report) -> str:
    """``report`` as the text of an HTML page."""
    bundle = files("itables") / "html"
    names, timings = view.timing_rows(report)
    style = (files("conformance.report") / "templates" / "page.css").read_text(encoding="utf-8")
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            view=view,
            timed=names,
            timings=timings,
            style=Markup(style),
            accuracy_plot=Markup(accuracy_plot(report)),
            speed_plot=Markup(speed_plot(report)),
            # As base64, so that nothing in it can end the script element it is in.
            tables_css=_base64((bundle / "dt_bundle.css").read_bytes()),
            tables_js=_base64((bundle / "dt_bundle.js").read_bytes()),
        )
    )


def render_bench(report: Report) -> str:
    """The report of a bench as the text of an HTML page."""
    bundle = files("itables") / "html"
    style = (files("conformance.report") / "templates" / "page.css").read_text(encoding="utf-8")
    return (
        environment()
        .get_template("bench.html.j2")
        .render(
            report=report,
            sentence=bench_terminal.sentence(report),
            several=len({row.threads for row in report.timings}) > 1,
            conditions=bench_terminal.conditions(report),
            left=bench_terminal.left_out(report),
            style=Markup(style),
            ratio_plot=Markup(ratio_plot(report)),
            roofline_plot=Markup(roofline_plot(report)),
            growth_plot=Markup(growth_plot(report)),
            tables_css=_base64((bundle / "dt_bundle.css").read_bytes()),
            tables_js=_base64((bundle / "dt_bundle.js").read_bytes()),
        )
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
