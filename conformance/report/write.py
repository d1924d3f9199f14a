"""Writes the forms of a report to files: each whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from conformance.errors import UsageError
from conformance.report.schema import Report


def write_report(
    report: Report, *, html: Path | None = None, markdown: Path | None = None, json: Path | None = None, junit: Path | None = None
) -> None:
    """Write each form whose path is given. Raises :class:`UsageError` if a path cannot be written."""
    if json:
        from conformance.report.jsonfile import to_json

        write_text(json, to_json(report))
    if junit:
        from conformance.report.junit import render_junit

        write_text(junit, render_junit(report))
    if markdown:
        from conformance.report.markdown import render_markdown

        write_text(markdown, render_markdown(report))
    if html:
        from conformance.report.html import render_bench, render_html  # plots take the longest, so they come last

        write_text(html, render_bench(report) if report.profile == "bench" else render_html(report))


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` at once: a reader sees the old file or the new one, never half of it.

    What is no file, such as /dev/stdout, a pipe or /dev/null, is written to, not replaced.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False, suffix=".part") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(file.name, 0o666 & ~umask)  # temporary files are private, a report is not
        os.replace(file.name, path)
    except BaseException as error:
        with contextlib.suppress(OSError, UnboundLocalError):
            os.unlink(file.name)  # at an interrupt too
        if isinstance(error, OSError):
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
        raise
