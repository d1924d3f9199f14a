"""The summary as Markdown, for a pull request or a wiki. What comes from a target is code: no link, no mention, no markup."""

from __future__ import annotations

import re
from urllib.parse import quote

from conformance.report import view
from conformance.report.schema import Report
from conformance.report.templating import environment

_OF_URLS = ":/?#[]@!$&'()*+,;=%~"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#&~$]|:(?=//)|(?<=www)\.)")
_PUNCTUATION = re.compile(r"[^\w\s./-]", re.ASCII)


def render_markdown(report: Report) -> str:
    """``report`` as GitHub-flavoured Markdown."""
    templates = environment()
    templates.filters |= FILTERS
    names, timings = view.timing_rows(report)
    return templates.get_template("summary.md.j2").render(report=report, view=view, timed=names, timings=timings)


def escaped(text: object) -> str:
    """``text`` with what has a meaning in Markdown taken as it stands."""
    return _SPECIAL.sub(r"\\\1", _one_line(str(text)))


def as_code(text: str) -> str:
    """``text`` as inline code."""
    text = _one_line(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest or text != text.strip() or not text else f"`{text}`"


def as_url(link: str) -> str:
    """``link`` with what would end it, or a table's cell, in the form that URLs have for it."""
    return quote(link, safe=_OF_URLS)


def in_cell(text: str) -> str:
    """``text`` as inline code within a table, where a bar ends a cell unless there is a backslash before it."""
    text = _one_line(text)
    if "\\|" in text:  # of which none can be written in code
        letters = _PUNCTUATION.sub(lambda found: "".join(f"&#{ord(letter)};" for letter in found[0]), text)
        return f"<code>{letters}</code>"
    return as_code(text).replace("|", "\\|")


def as_command(text: str) -> str:
    """A command within a list, as it is to be typed: in a block of its own where it has several lines."""
    if "\n" not in text:
        return as_code(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return "\n\n" + "\n".join(f"  {one}" for one in (fence + "sh", *text.split("\n"), fence))


def _one_line(text: str) -> str:
    return text.replace("\n", " ")


FILTERS = {"md": escaped, "code": as_code, "cell": in_cell, "command": as_command, "url": as_url}
