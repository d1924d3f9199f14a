"""The journal of a run: outcomes are appended as they come, so that a run that is killed goes on where it was.

A line is one write to a file opened to append, which is locked while the run lasts: what a kill leaves is whole lines, and
two runs never write into one file. docs/journal.md describes the format, :mod:`conformance.running.journal_file` reads it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None  # type: ignore[assignment]

from conformance.errors import UsageError
from conformance.plugin.target import Target
from conformance.report.environment import environment, now
from conformance.report.schema import Implementation
from conformance.running.journal_file import FORMAT, Contents, Part, contents_of
from conformance.running.journal_lines import SCHEMA_VERSION, AnyLine, Footer, Header, Resumed, Settings, write_line
from conformance.running.suite import files_of, suite_digest


@dataclass
class Journal:
    """An open journal: ``contents`` is what it held when it was opened. Use as a context manager; closing unlocks it."""

    path: Path
    descriptor: int
    contents: Contents | None = None
    lines: int = 0
    checksum: int = 0
    end: int = 0
    outcomes: int = 0
    begun: int = 0
    """Targets that were asked for."""
    resumes: bool = False
    """Whether the next line is the first one of a run that goes on."""

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.descriptor)

    @property
    def finished(self) -> bool:
        return self.contents is not None and self.contents.footer is not None

    def part(self) -> Part | None:
        """What there is of the next target, if it was begun."""
        self.begun += 1
        parts = self.contents.parts if self.contents is not None else []
        return parts[self.begun - 1] if self.begun <= len(parts) else None

    def _go_on(self) -> None:
        """Before the first line that is added to what was there: what a kill tore is cut off, and the place is marked."""
        if self.resumes:
            self.resumes = False
            torn = self.contents.torn if self.contents is not None else 0
            if torn:
                os.ftruncate(self.descriptor, self.end)
            self.append(Resumed(started=now(), environment=environment(), cut=torn))

    def append(self, line: AnyLine) -> None:
        """Write a line at the end. Raises :class:`UsageError` if it cannot be written; what is there stays whole."""
        self._go_on()
        text, checksum = write_line(line, self.lines + 1, self.checksum)
        try:
            if os.write(self.descriptor, text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, self.end)
            hint = f"what it has is whole: --resume {self.path} goes on when it can be written again"
            raise UsageError(f"the journal {self.path} cannot be written: {error.strerror}", hint=hint) from error
        self.lines, self.checksum, self.end = self.lines + 1, checksum, self.end + len(text)

    def sync(self) -> None:
        """Have what is written survive the machine's end too."""
        with contextlib.suppress(OSError):
            os.fsync(self.descriptor)

    def finish(self, results: Sequence[Implementation]) -> None:
        """Write the last line, if it is not there."""
        if not self.finished:
            self._go_on()  # its lines count
            verdicts = tuple((result.name, result.status) for result in results)
            self.append(Footer(lines=self.lines + 1, outcomes=self.outcomes, verdicts=verdicts))
            self.sync()


def begin_journal(path: Path, command: str, settings: Settings) -> Journal:
    """A new journal with its header. Raises :class:`UsageError` if there is one, or it cannot be written."""
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT)
    if os.fstat(descriptor).st_size:
        os.close(descriptor)
        hint = f"go on with it by conformance {command} --resume {path}, or delete it, or name another file"
        raise UsageError(f"{path} is there already, and not empty", hint=hint)
    journal = Journal(path, descriptor)
    header = Header(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        run=uuid.uuid4().hex,
        suite=suite_digest(),
        command=command,
        started=now(),
        folder=os.getcwd(),
        settings=settings,
        environment=environment(),
    )
    journal.append(header)
    return journal


def resume_journal(path: Path, command: str) -> Journal:
    """A journal that is gone on with; nothing is changed until there is more to write. Raises :class:`UsageError`."""
    descriptor = _opened(path, os.O_RDWR)
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            contents = contents_of(path, file)
        _check_continues(contents, command)
    except BaseException:
        os.close(descriptor)
        raise
    return Journal(
        path, descriptor, contents, contents.lines, contents.checksum, contents.end, contents.outcomes, resumes=True
    )  # fmt: skip


def _opened(path: Path, flags: int) -> int:
    """The file, opened to append and locked."""
    if fcntl is None:
        raise UsageError("a journal needs the file locks of POSIX, which are not here", hint="leave out --journal and --resume")
    try:
        if flags & os.O_CREAT:
            path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UsageError(f"the journal {path} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise UsageError(f"the journal {path} cannot be locked: {error.strerror}") from error
        hint = "wait until that run ends, or give this one a journal of its own"
        raise UsageError(f"another run is writing to the journal {path}", hint=hint) from None
    return descriptor


def _check_continues(contents: Contents, command: str) -> None:
    """Refuse what is damaged, or was made by another suite, by another command, with other packages or of other files."""
    header, path = contents.header, contents.path
    if contents.trouble:
        raise UsageError(f"the journal {path} is damaged: {contents.trouble}", hint=can_be_saved(contents))
    if header.suite != suite_digest():
        said = f"{path} is of another suite: {header.suite} (conformance {header.environment.conformance})"
        raise UsageError(f"{said}, and this is {suite_digest()}", hint=can_be_reported(contents))
    if header.command != command:
        raise UsageError(
            f"{path} is the journal of conformance {header.command}", hint=f"type conformance {header.command} --resume {path}"
        )
    if contents.footer is not None:
        return  # it only shows what was measured
    here = environment()
    made, now = header.environment.packages | {"python": header.environment.python}, here.packages | {"python": here.python}
    for name in sorted(made.keys() | now.keys()):
        if made.get(name) != now.get(name):
            there = f"{name} {now[name]}" if name in now else f"no {name}"
            said = f"{path} was measured with {name} {made[name]}" if name in made else f"{path} was measured without {name}"
            raise UsageError(f"{said}, and here is {there}", hint=can_be_reported(contents))
    for part in contents.parts:
        check_files(contents, part)


def check_files(contents: Contents, part: Part) -> None:
    """Refuse a target whose file is another one now."""
    target, before = part.begins.target(), part.begins.sha256
    now = files_of(target)
    if now == before:
        return
    name = next(name for name in sorted(now.keys() | before.keys()) if now.get(name) != before.get(name))
    what = "is not here" if name not in now else "was changed" if name in before else "was not there"
    elsewhere = f"it was begun in {contents.header.folder}; " if contents.header.folder != os.getcwd() else ""
    said = f"{name} of the target {target.text} {what} since {contents.path} was begun"
    raise UsageError(said, hint=elsewhere + can_be_reported(contents))


def can_be_saved(contents: Contents) -> str:
    """What stands before the line that is wrong, and what to type to keep it."""
    held = ", ".join(f"{part.outcomes:,} outcomes of {part.name}" for part in contents.parts) or "no outcome"
    new = contents.path.with_name(f"{contents.path.stem}-saved{contents.path.suffix}")
    keep = f"conformance journal {contents.path} --save {new} keeps them, and --resume {new} goes on from there"
    return f"the {contents.lines:,} lines before it are whole: {held}; {keep}"


def can_be_reported(contents: Contents) -> str:
    """What a journal that is whole holds, and what to type to see it."""
    held = ", ".join(f"{part.outcomes:,} outcomes of {part.name}" for part in contents.parts) or "no outcome"
    return f"it holds {held}: conformance journal {contents.path} --html FILE writes the report of them; begin a new one"


def check_same_target(part: Part, target: Target) -> None:
    """Refuse a target that is not the one whose part this is."""
    if part.begins.target() != target:
        raise UsageError(f"the journal has {part.begins.text} where {target.text} is run: it is of another suite")
