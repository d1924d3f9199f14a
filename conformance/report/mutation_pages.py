"""The results of ``conformance mutants`` as Markdown and as one HTML page."""

from __future__ import annotations

from markupsafe import Markup

from conformance.report.html import policy
from conformance.report.markdown import FILTERS
from conformance.report.mutation import MutationReport, scores, with_fate
from conformance.report.mutation_terminal import LEGEND, SIGNS, WHAT_TO_DO, named, power_lines, summary
from conformance.report.plots import power_plot
from conformance.report.templating import environment, style


def render_markdown(report: MutationReport) -> str:
    """``report`` as GitHub-flavoured Markdown."""
    templates = environment()
    templates.filters |= FILTERS
    return templates.get_template("mutants.md.j2").render(**_shown(report))


def render_html(report: MutationReport) -> str:
    """``report`` as the text of an HTML page that needs nothing but itself."""
    plot = Markup(power_plot(report))
    return environment().get_template("mutants.html.j2").render(style=style(), policy=policy(), plot=plot, **_shown(report))


def _shown(report: MutationReport) -> dict[str, object]:
    return {
        "report": report,
        "verdict": summary(report).plain,
        "scores": scores(report.mutants),
        "killed": with_fate(report.mutants, "killed"),
        "survived": with_fate(report.mutants, "survived"),
        "not_run": with_fate(report.mutants, "not run"),
        "what_to_do": WHAT_TO_DO,
        "named": named,
        "signs": SIGNS,
        "legend": LEGEND,
        "power": power_lines(report),
    }
