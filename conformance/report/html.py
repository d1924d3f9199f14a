"""The report as one HTML page that needs nothing but itself: styles, plots and sortable tables are inside.

Tables are sorted by DataTables, which the package itables ships for use offline.
"""

from __future__ import annotations

import base64
from importlib.resources import files

from markupsafe import Markup

from conformance.report import view
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


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
