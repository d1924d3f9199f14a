"""The templates of the report, with what they may use. What comes from a target is escaped in HTML."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from conformance.report import view, xfail


@cache
def environment() -> Environment:
    """Jinja's environment over the package's templates."""
    templates = Environment(
        loader=PackageLoader("conformance.report"),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["duration"] = view.duration
    templates.filters["number"] = view.number
    templates.filters["mebibytes"] = view.mebibytes
    templates.globals["xfail"] = xfail
    return templates


def style() -> Markup:
    """The style sheet of a page."""
    return Markup((files("conformance.report") / "templates" / "page.css").read_text(encoding="utf-8"))
