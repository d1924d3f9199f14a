"""The results of ``conformance mutants`` as Markdown and as one HTML page."""

from __future__ import annotations

from importlib.resources import files

from markupsafe import Markup

from conformance.report.markdown import as_code, escaped
from conformance.report.mutation import MutationReport, scores, with_fate
from conformance.report.mutation_terminal import LEGEND, SIGNS, WHAT_TO_DO, named, summary
from conformance.report.templating import environment


def render_markdown(report: MutationReport) -> str:
    """``report`` as GitHub-flavoured Markdown."""
    templates = environment()
    templates.filters["md"], templates.filters["code"] = escaped, as_code
    return templates.get_template("mutants.md.j2").render(**_shown(report))


def render_html(report: MutationReport) -> str:
    """``report`` as the text of an HTML page that needs nothing but itself."""
    style = (files("conformance.report") / "templates" / "page.css").read_text(encoding="utf-8")
    return environment().get_template("mutants.html.j2").render(style=Markup(style), **_shown(report))


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
    }
