"""The report as one HTML page that needs nothing but itself: styles, plots and sortable tables are inside.

Tables are sorted by DataTables, which the package itables ships for use offline. The page's policy lets a browser run that
script and no other, and load nothing: whatever a name or a message holds, it is text.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from markupsafe import Markup

from conformance.report import bench_terminal, view
from conformance.report.bench_plots import growth_plot, ratio_plot, roofline_plot
from conformance.report.plots import accuracy_plot, speed_plot
from conformance.report.schema import Report
from conformance.report.templating import environment, style

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render_html(report: Report) -> str:
    """``report`` as the text of an HTML page."""
    names, timings = view.timing_rows(report)
    return _page(
        "page.html.j2",
        report=report,
        view=view,
        timed=names,
        timings=timings,
        accuracy_plot=Markup(accuracy_plot(report)),
        speed_plot=Markup(speed_plot(report)),
    )


def render_bench(report: Report) -> str:
    """The report of a bench as the text of an HTML page."""
    return _page(
        "bench.html.j2",
        report=report,
        sentence=bench_terminal.sentence(report),
        several=len({row.threads for row in report.timings}) > 1,
        conditions=bench_terminal.conditions(report),
        left=bench_terminal.left_out(report),
        ratio_plot=Markup(ratio_plot(report)),
        roofline_plot=Markup(roofline_plot(report)),
        growth_plot=Markup(growth_plot(report)),
    )


def _page(template: str, **shown: object) -> str:
    """A page with the style sheet, sortable tables, and the policy that lets nothing else run."""
    script = _script()
    return environment().get_template(template).render(style=style(), policy=policy(script), script=Markup(script), **shown)


def policy(script: str = "") -> str:
    """A page's Content-Security-Policy: nothing is loaded, and nothing is run but ``script`` and the bundle that it holds."""
    if not script:
        return _POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"{_POLICY}; script-src 'sha256-{digest}' blob:"


def _script() -> str:
    """What makes the tables sortable. The bundle is in it as base64, so that nothing in it can end the script element."""
    bundle = files("itables") / "html"
    styles, code = ((bundle / name).read_bytes() for name in ("dt_bundle.css", "dt_bundle.js"))
    template = environment().get_template("tables.js.j2")
    return template.render(tables_css=_base64(styles), tables_js=_base64(code))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
