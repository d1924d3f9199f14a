"""The options ``--xfail`` and ``--write-xfail``: known failures of a command's runs, and what is said of them at its end."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console

from conformance.cli.options import Command
from conformance.errors import UsageError
from conformance.report import xfail as words
from conformance.report.schema import Implementation, UnmetEntry
from conformance.report.terminal import print_unmet
from conformance.running.expected import Expected, unmet
from conformance.running.journal_lines import Settings
from conformance.running.outcome import Listener
from conformance.running.run import Options
from conformance.running.xfail_draft import BROAD, Ledger, draft
from conformance.running.xfail_file import VERSION, XfailFile, parse_xfail, read_text, read_xfail

_FILE = click.Path(dir_okay=False, path_type=Path)
_HEAD = f"# Known failures of conformance: docs/xfail.md says what an entry may hold.\nversion = {VERSION}\n"


def xfail_option(command: Command) -> Command:
    text = "Failures that are known, with their reasons; an entry of which nothing fails any more is an error."
    return click.option("--xfail", type=_FILE, metavar="FILE", help=text)(command)


def write_xfail_option(command: Command) -> Command:
    text = "Append an entry to this xfail file for everything that is found, and look for all of it."
    return click.option("--write-xfail", type=_FILE, metavar="FILE", help=text)(command)


@dataclass
class Known:
    """The xfail file of one command, what its runs make of it, and what is to be written to it."""

    file: XfailFile
    options: Options
    write: Path | None = None
    runs: list[Expected] = field(default_factory=list)
    found: list[tuple[Ledger, Implementation]] = field(default_factory=list)

    @classmethod
    def of(cls, options: Options, path: Path | None, write: Path | None = None) -> Known:
        """Read what there is. A file that is written to holds what is known already. Raises :class:`UsageError`."""
        if path and write and path != write:
            raise UsageError(
                "--xfail and --write-xfail name two files", hint=f"--write-xfail {write} reads it too, if it is there"
            )
        if write:
            path = write if write.exists() else None
            # A draft must see everything that fails and everything that passes.
            options = dataclasses.replace(options, profile=dataclasses.replace(options.profile, most_failures=sys.maxsize))
        return cls(read_xfail(path) if path else XfailFile(str(write or "")), options, write)

    @classmethod
    def asked_for(cls, asked: Settings, options: Options, write: Path | None = None) -> Known:
        """The same of a run that is recorded: what stood in the file when it began counts."""
        if asked.xfail and not write:
            return cls(parse_xfail(asked.xfail_text, asked.xfail), options)
        return cls.of(options, Path(asked.xfail) if asked.xfail else None, write)

    def expected(self) -> Expected:
        """For the next run."""
        self.runs.append(Expected(self.file, self.options.profile, self.options.seed))
        return self.runs[-1]

    def listening(self, listener: Listener) -> Listener:
        """``listener``, and who keeps what is to be written."""
        return Ledger(listener) if self.write else listener

    def came(self, listener: Listener, result: Implementation) -> None:
        """What a run gave that ``listener`` heard of."""
        if isinstance(listener, Ledger):
            self.found.append((listener, result))

    def unmet(self, interrupted: bool) -> tuple[UnmetEntry, ...]:
        return unmet(self.file, self.runs, interrupted)

    def say(self, console: Console, found: tuple[UnmetEntry, ...], interrupted: bool = False) -> None:
        """Print what became of the entries, and write new ones: not after an interrupt, when much has yet to pass or fail."""
        print_unmet(console, found)
        if self.file.unfinished:
            lines = words.numbers([entry.first for entry in self.file.unfinished])
            line = f"{self.file.name}: {len(self.file.unfinished)} with TODO for a reason ({lines})"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        if self.write and interrupted:
            console.print(f"interrupted: nothing was written to {self.write}", highlight=False, markup=False, soft_wrap=True)
        elif self.write:
            self._write(console, self.write)

    def _write(self, console: Console, path: Path) -> None:
        from conformance.report.write import write_text

        several = len(self.found) > 1
        profile = self.options.profile.name
        entries = [
            entry
            for ledger, result in self.found
            for entry in draft(ledger, result.findings, result.name if several else "", profile)
        ]
        if not entries:
            say = (
                f"nothing was found that {path} does not know"
                if self.file.entries
                else "nothing was found: no xfail file is needed"
            )
            console.print(say, highlight=False, markup=False)
            return
        old = read_text(path) if path.exists() else _HEAD
        text = "\n".join([old.rstrip("\n") + "\n", *entries])
        parse_xfail(text, str(path))  # what would not be read again is not written
        write_text(path, text)
        line = f"{path}: {len(entries)} {'entry' if len(entries) == 1 else 'entries'} written; "
        if broad := sum(BROAD in entry for entry in entries):
            line += f"{broad} of them cover{'s' * (broad == 1)} cases that pass, too; "
        line += f"put reasons in the place of TODO, and from now on: --xfail {path}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
