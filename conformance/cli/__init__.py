"""The command line: one module for each command, imported when it is asked for, so that ``--help`` is quick."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import traceback

import click

from conformance.errors import Exit, UsageError
from conformance.plain import lines
from conformance.running.interrupts import as_one

_COMMANDS = {
    "init": "Write a skeleton of a target, which passes the check after one edit.",
    "check": "Check implementations: are they right, how accurate, and if not, what is wrong.",
    "compare": "Compare implementations: who is right, who is accurate, who is fast. Writes a report.",
    "bench": "Measure how fast implementations are, on problems of real networks, within a budget of time.",
    "gate": "Fail if an implementation became worse than its baseline: less right, less accurate, or slower.",
    "list": "Show which implementations there are, what they claim, and what is missing here.",
    "dialect": "Find out which way implementations go where frameworks legitimately differ.",
    "fingerprint": "Find out how implementations compute: bits, rounding, order of summation.",
    "mutants": "Measure the suite: does it find out every deliberately broken implementation, and how soon.",
    "include-dir": "Say where the C header for shared libraries is.",
    "journal": "Show what the journal of a run holds, save what is whole of it, write its report.",
    "case": "Run one case on one implementation and show what goes in and what comes out.",
}
_WIDTH = 96
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The disk is full, so is the user's share of it or what one file may take, or a terminal has gone."""


class _Lazy(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"conformance.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH})
@click.version_option(package_name="conv-conformance", prog_name="conformance")
def cli() -> None:
    """Proves that implementations of convolution and pooling are right, accurate and fast.

    Example: conformance check path/to/file.py:conv2d
    """


def main() -> None:
    """The console script. Errors of usage end with exit code 2 and say what to type, never with a traceback."""
    with as_one():
        code = _run()
    sys.exit(code)


def _run() -> int:
    """The exit code of the command that was typed."""
    code: object = Exit.CONFORMANT
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()  # what cannot be written is told here
    except UsageError as error:
        _complain(error.message, error.hint)
        code = Exit.USAGE
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted: nothing was written", "")
        code = Exit.NOTHING_VERIFIED
    except BrokenPipeError:  # the reader of a pipe, such as head, has gone
        _leave_output()
        code = Exit.CONFORMANT
    except MemoryError as error:
        _complain(f"there is not enough memory: {error}", "free some, or take something smaller")
        code = Exit.NOTHING_VERIFIED
    except Exception as error:  # the harness's own fault: not a finding, and nothing to rely on
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _leave_output()
            _complain(
                f"no room to write: {error.strerror}", "make room on the disk, or name another folder: TMPDIR=/path/to/folder"
            )
            return Exit.NOTHING_VERIFIED
        click.echo(lines(traceback.format_exc()), err=True)
        _complain(
            lines(f"the harness itself failed: {type(error).__name__}: {error}"),
            "this is a bug of conv-conformance's, not of the target's",
        )
        code = Exit.NOTHING_VERIFIED
    return code if isinstance(code, int) else Exit.CONFORMANT


def _leave_output() -> None:
    """What is still buffered for a stdout that takes no more must not fail when the interpreter ends."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def _complain(message: str, hint: str) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.secho("hint:  ", fg="yellow", nl=False, err=True)
        click.echo(hint, err=True)
