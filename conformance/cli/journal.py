"""``conformance journal FILE``: what a journal holds, whether it is whole, and a report of what was measured until then."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.cli.options import write_files
from conformance.errors import Exit, UsageError
from conformance.problem.operators import with_passes
from conformance.report.schema import Report
from conformance.report.terminal import make_console
from conformance.report.view import duration
from conformance.running.journal import can_be_saved
from conformance.running.journal_file import Contents, Part, contents_of, open_journal, read_journal
from conformance.running.outcome import Silence
from conformance.running.resume import expected_in, options_of, recalled
from conformance.running.suite import suite_digest

_FILE = click.Path(dir_okay=False, path_type=Path)
_AT_ONCE = 2**20


@click.command("journal")
@click.argument("file", type=_FILE)
@click.option("--save", type=_FILE, metavar="FILE", help="Write the part that is whole as a journal that can be resumed.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write the report of what was measured as one HTML page.")
@click.option("--junit", type=_FILE, metavar="FILE", help="Write it as JUnit XML.")
@click.option("--json", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write it as JSON; - for standard output.")  # fmt: skip
def command(file: Path, save: Path | None, html: Path | None, junit: Path | None, json: str | None) -> int:
    """Show what the journal FILE of a run holds: how far each target got, and whether every line is as it was written.

    Nothing is run, and FILE is not changed. It exits with 2 where something is damaged and not saved.

    \b
    Examples:
      conformance journal run.jsonl
      conformance journal run.jsonl --html report.html
      conformance journal damaged.jsonl --save saved.jsonl
    """
    contents = read_journal(file)
    console = make_console(stderr=json == "-")
    _show(console, contents)
    if save is not None:
        _save(file, save)
        console.print(f"saved: {save}, {contents.lines:,} lines", highlight=False, soft_wrap=True)
    if html or junit or json:
        write_files(_report(contents), html=html, junit=junit, json=json)
    if contents.trouble and save is None:
        raise UsageError(f"the journal {file} is damaged: {contents.trouble}", hint=can_be_saved(contents))
    return Exit.CONFORMANT


def _show(console: Console, contents: Contents) -> None:
    header = contents.header
    where = header.environment
    facts = [
        ("run", f"conformance {header.command}, begun {header.started} in {header.folder}"),
        ("asked for", header.settings.words()),
        ("suite", f"{header.suite}{'' if header.suite == suite_digest() else ', another one than this'}"),
        ("where", f"{where.cpu}, {where.cores} cores, Python {where.python}, {where.platform}"),
        *[("resumed", one.started) for one in contents.resumed],
        ("holds", f"{contents.lines:,} lines, {contents.outcomes:,} outcomes, {contents.findings:,} findings"),
        ("state", _state(contents)),
    ]
    for name, value in facts:
        console.print(Text.assemble((f"{name:<11}", "dim"), value), soft_wrap=True)
    if contents.parts:
        console.print(_table(contents))


def _state(contents: Contents) -> str:
    if contents.trouble:
        return f"damaged: {contents.trouble}"
    if contents.footer is not None:
        return "finished, and whole"
    torn = f", less a torn last line of {contents.torn:,} bytes" if contents.torn else ""
    goes_on = f"conformance {contents.header.command} --resume {contents.path} goes on"
    return f"whole{torn}, not finished: interrupted, or still running; {goes_on}"


def _table(contents: Contents) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("target", overflow="fold")
    for name in ("passed", "failed", "errored", "skipped", "findings", "operators"):
        table.add_column(name, justify="right")
    table.add_column("state", no_wrap=True)
    for part in contents.parts:
        counts = [part.statuses[status] for status in ("passed", "failed", "errored", "skipped")]
        operators = f"{len(part.done)} of {_wanted(part, contents)}"
        table.add_row(part.name, *(f"{count:,}" for count in (*counts, part.findings)), operators, _how_far(part))
    return table


def _wanted(part: Part, contents: Contents) -> int:
    asked = contents.header.settings.operators
    return len([name for name in part.begins.described.claims if not asked or name in with_passes(asked)])


def _how_far(part: Part) -> str:
    if part.ends is not None:
        return f"{part.ends.status}, {duration(part.ends.seconds)}"
    return f"after {duration(part.at)}, in the next operator"


def _save(file: Path, save: Path) -> None:
    """Copy the lines that are whole. Raises :class:`UsageError` if ``save`` is there already, or cannot be written."""
    with open_journal(file) as source:
        left = contents_of(file, source).end
        source.seek(0)
        try:
            with open(save, "xb") as copy:
                while left and (part := source.read(min(left, _AT_ONCE))):
                    copy.write(part)
                    left -= len(part)
                copy.flush()
                os.fsync(copy.fileno())
        except FileExistsError as error:
            raise UsageError(f"{save} is there already", hint="name another file") from error
        except OSError as error:
            raise UsageError(f"{save} cannot be written: {error.strerror}") from error


def _report(contents: Contents) -> Report:
    """The report of what is there, of the machine that it was measured on."""
    header, options = contents.header, options_of(contents)
    results = [recalled(contents, part, options, Silence(), expected_in(contents, options))[1] for part in contents.parts]
    return Report(
        title="Conformance check, from its journal",
        command=f"conformance journal {contents.path}",
        started=header.started,
        seconds=sum(result.seconds for result in results),
        seed=options.seed,
        profile=options.profile.name,
        interrupted=contents.footer is None,
        environment=header.environment,
        implementations=tuple(results),
    )
