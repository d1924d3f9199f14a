"""The summary as Markdown, for a pull request or a wiki."""

from __future__ import annotations

import re
from urllib.parse import quote

from conformance.report import view
from conformance.report.schema import Report
from conformance.report.templating import environment

_OF_URLS = ":/?#[]@!$&'()*+,;=%~"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def render_markdown(report: Report) -> str:
    """``report`` as GitHub-flavoured Markdown."""
    templates = environment()
    templates.filters.update(md=escaped, code=as_code, url=as_url)
    names, timings = view.timing_rows(report)
    return templates.get_template("summary.md.j2").render(report=report, view=view, timed=names, timings=timings)


def escaped(text: object) -> str:
    """``text`` with what has a meaning in Markdown taken as it stands."""
    return _SPECIAL.sub(r"\\\1", str(text).replace("\n", " "))


def as_code(text: str) -> str:
    """``text`` as inline code, also within a table."""
    text = text.replace("\n", " ").replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


def as_url(link: str) -> str:
    """``link`` with what would end it, or a table's cell, in the form that URLs have for it."""
    return quote(link, safe=_OF_URLS)
