"""The command line: one module for each command, imported when it is asked for, so that ``--help`` is quick."""

from __future__ import annotations

import importlib
import sys
import traceback

import click

from conformance.errors import Exit, UsageError
from conformance.plain import lines

_COMMANDS = {
    "init": "Write a skeleton of a target, which passes the check after one edit.",
    "check": "Check implementations: are they right, how accurate, and if not, what is wrong.",
    "compare": "Compare implementations: who is right, who is accurate, who is fast. Writes a report.",
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
    try:
        code = cli.main(standalone_mode=False)
    except UsageError as error:
        _complain(error.message, error.hint)
        code = Exit.USAGE
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted before anything was verified", "")
        code = Exit.NOTHING_VERIFIED
    except BrokenPipeError:  # the reader of a pipe, such as head, has gone
        sys.stderr.close()
        code = Exit.CONFORMANT
    except MemoryError as error:
        _complain(f"there is not enough memory: {error}", "free some, or take something smaller")
        code = Exit.NOTHING_VERIFIED
    except Exception as error:  # the harness's own fault: not a finding, and nothing to rely on
        click.echo(lines(traceback.format_exc()), err=True)
        _complain(
            lines(f"the harness itself failed: {type(error).__name__}: {error}"),
            "this is a bug of conv-conformance's, not of the target's",
        )
        code = Exit.NOTHING_VERIFIED
    sys.exit(code if isinstance(code, int) else Exit.CONFORMANT)


def _complain(message: str, hint: str) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.secho("hint:  ", fg="yellow", nl=False, err=True)
        click.echo(hint, err=True)
