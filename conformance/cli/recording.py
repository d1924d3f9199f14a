"""The options ``--journal`` and ``--resume``: a run that is recorded, and one that goes on from its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from conformance.errors import UsageError
from conformance.report.environment import environment
from conformance.running.journal import Journal, begin_journal, resume_journal
from conformance.running.journal_lines import Settings
from conformance.running.xfail_file import read_text

_FILE = click.Path(dir_okay=False, path_type=Path)


def journal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Both options; the command's context says what was typed."""
    goes_on = "Go on with the run of this journal, with its targets and options; nothing in it is repeated."
    for option in (
        click.option("--resume", type=_FILE, metavar="FILE", help=goes_on),
        click.option("--journal", type=_FILE, metavar="FILE", help="Write each outcome here as it comes (docs/journal.md)."),
    ):
        command = option(command)
    return command


@contextmanager
def recording(context: click.Context, journal: Path | None, resume: Path | None) -> Iterator[tuple[Journal | None, Settings]]:
    """The journal, if one is kept, and what is run: as it was typed, or what the journal that is resumed was begun with."""
    if context.params.get("write_xfail") is not None and (journal or resume):
        raise UsageError("--write-xfail needs all that fails and passes at once, and cannot be recorded", hint="leave one out")
    if resume is None:
        asked = _typed(context)
        if journal is None:
            yield None, asked
            return
        with begin_journal(journal, str(context.info_name), asked) as opened:
            yield opened, asked
        return
    if journal is not None:
        raise UsageError("--journal begins a journal, --resume goes on with one", hint=f"leave one out: --resume {resume}")
    with resume_journal(resume, str(context.info_name)) as opened:
        assert opened.contents is not None
        asked = opened.contents.header.settings
        _check_nothing_else(context, resume, asked)
        if context.get_parameter_source("output") is ParameterSource.COMMANDLINE:  # nothing that was measured depends on it
            asked = asked.model_copy(update={"output": str(context.params["output"])})
        yield opened, asked


def go_on(record: Journal | None, command: str) -> str:
    """What to type after an interrupt, for the rest."""
    if record is None:
        return "run the same command to see the rest"
    return f"conformance {command} --resume {record.path} goes on from there"


def say_what_is_there(record: Journal | None, console: Console) -> None:
    """Of a journal that is gone on with: what it holds, and what is not as it was when it was begun."""
    if record is None or record.contents is None:
        return

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    contents = record.contents
    if contents.footer is not None:
        say(f"{record.path} is the journal of a finished run, begun {contents.header.started}: nothing is run again")
        return
    torn = f", and a torn last line of {contents.torn:,} bytes that is cut off" if contents.torn else ""
    say(f"going on with {record.path}, begun {contents.header.started}: it has {contents.outcomes:,} outcomes{torn}")
    before, now = contents.header.environment, environment()
    for name in ("cpu", "cores", "platform", "revision"):
        if getattr(before, name) != getattr(now, name):
            say(f"note: it was begun with {name} {getattr(before, name)}, and here it is {getattr(now, name)}")


def _typed(context: click.Context) -> Settings:
    """What the command was typed with. Raises :class:`click.UsageError` if it needs a target and has none."""
    targets = next(one for one in context.command.params if one.name == "targets")
    if not context.params["targets"] and context.info_name == "check":
        raise click.MissingParameter(ctx=context, param=targets)
    given = {name: value for name, value in context.params.items() if name in Settings.model_fields}
    given |= {name: str(given[name]) for name in ("output", "xfail") if given.get(name) is not None}
    file = context.params.get("xfail") if context.params.get("write_xfail") is None else None
    return Settings(**given, xfail_text=read_text(file) if file is not None else "")


def _check_nothing_else(context: click.Context, path: Path, asked: Settings) -> None:
    """Refuse what was typed beside ``--resume`` and is not what the journal was begun with."""
    for parameter in context.command.params:
        name = str(parameter.name)
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not typed or name not in Settings.model_fields or name == "output":
            continue
        given, begun = context.params[name], getattr(asked, name)
        given = str(given) if isinstance(given, Path) else given
        if given != begun:
            what = "TARGET" if isinstance(parameter, click.Argument) else parameter.opts[0]
            raise UsageError(
                f"{path} was begun with {what} {_words(begun)}, and {_words(given)} is given",
                hint=f"type --resume {path} alone, or begin another journal with --journal FILE",
            )


def _words(value: object) -> str:
    return " ".join(map(str, value)) or "nothing" if isinstance(value, tuple) else str(value)
