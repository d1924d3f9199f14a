"""Reads a journal: whether every line is as it was written, and how far each target got. Nothing is run or changed.

A process that is killed leaves whole lines and at most one torn one at the end, which is cut off. Anything else that is
wrong is told with its line, and so is what stands before it: that much is whole, and can be saved.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from conformance.errors import UsageError
from conformance.running.journal_lines import (
    MOST_LINE,
    SCHEMA_VERSION,
    AnyLine,
    Came,
    Done,
    Footer,
    Found,
    Header,
    Resumed,
    TargetBegins,
    TargetEnds,
    read_line,
)
from conformance.running.journal_values import NotALine

FORMAT = "conformance journal"
_BEGINS = re.compile(rb'\{"n":1,"kind":"header","format":"%s","schema_version":(\d{1,9}),' % FORMAT.encode())
MOST_BYTES = 4 * 2**30
"""Of a whole journal: a larger file is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line with its number, and the checksum and the bytes of the file up to its end."""

    number: int
    line: AnyLine
    checksum: int
    end: int


class Broken(Exception):
    """Line ``number`` is not as it was written; ``str()`` says why."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")


def lines_of(file: BinaryIO, after: Place | None = None) -> Iterator[Place]:
    """The lines of a journal ``after`` one, or all, up to a torn last one. Raises :class:`Broken`."""
    number, checksum, end = (after.number, after.checksum, after.end) if after is not None else (0, 0, 0)
    file.seek(end)
    while text := file.readline(MOST_LINE + 1):
        number += 1
        if len(text) > MOST_LINE:
            raise Broken(number, f"it is longer than {MOST_LINE:,} bytes")
        if not text.endswith(b"\n"):
            return
        try:
            line, checksum = read_line(text, number, checksum)
        except NotALine as error:
            raise Broken(number, str(error)) from error
        end += len(text)
        yield Place(number, line, checksum, end)


@dataclass
class Part:
    """What is there of one target. ``done`` ends with line ``settled``; what comes behind is of an operator under way."""

    begins: TargetBegins
    place: Place
    statuses: Counter[str] = field(default_factory=Counter)
    done: list[str] = field(default_factory=list)
    findings: int = 0
    under_way: int = 0
    at: float = 0.0
    settled: int = 0
    ends: TargetEnds | None = None

    @property
    def name(self) -> str:
        return self.begins.described.name

    @property
    def outcomes(self) -> int:
        return self.statuses.total()


@dataclass
class Contents:
    """What a journal holds, up to the first line that is wrong: ``trouble`` says what. ``torn`` bytes of a last line are cut."""

    path: Path
    header: Header
    parts: list[Part] = field(default_factory=list)
    resumed: list[Resumed] = field(default_factory=list)
    footer: Footer | None = None
    lines: int = 0
    checksum: int = 0
    end: int = 0
    torn: int = 0
    trouble: str = ""

    @property
    def outcomes(self) -> int:
        return sum(part.outcomes for part in self.parts)

    @property
    def findings(self) -> int:
        return sum(part.findings for part in self.parts)

    def add(self, place: Place) -> None:
        """Count a line. Raises :class:`Broken` where no run can have written it there."""
        if self.footer is not None:
            raise Broken(place.number, "something stands behind the last line")
        wrong = self._added(place)
        if wrong:
            raise Broken(place.number, wrong)
        self.lines, self.checksum, self.end = place.number, place.checksum, place.end

    def _added(self, place: Place) -> str:
        line, part = place.line, self.parts[-1] if self.parts else None
        if isinstance(line, Header):
            return "a second header: two journals in one file"
        if isinstance(line, Resumed):
            self.resumed.append(line)
        elif isinstance(line, Footer):
            self.footer = line
            said = tuple((one.ends.name, one.ends.status) for one in self.parts if one.ends is not None)
            if (line.lines, line.outcomes, line.verdicts) != (place.number, self.outcomes, said) or len(said) != len(self.parts):
                self.footer = None
                return "it does not fit what stands before it"
        elif isinstance(line, TargetBegins):
            if part is not None and part.ends is None:
                return "a target begins before the one before it ended"
            self.parts.append(Part(line, place, settled=place.number))
        elif part is None or part.ends is not None:
            return "it belongs to no target"
        elif isinstance(line, Came):
            part.statuses[line.status] += 1
            part.under_way, part.at = part.under_way + 1, line.at
        elif isinstance(line, Found):
            part.findings += 1
        elif isinstance(line, Done):
            if line.operator in part.done or line.operator not in part.begins.described.claims:
                return f"{line.operator} cannot be done here"
            part.done.append(line.operator)
            part.under_way, part.settled, part.at = 0, place.number, line.at
        else:
            part.ends = line
        return ""


def read_journal(path: Path) -> Contents:
    """What ``path`` holds. Raises :class:`UsageError` if it cannot be read, or has no header of this version."""
    with open_journal(path) as file:
        return contents_of(path, file)


def open_journal(path: Path) -> BinaryIO:
    """The file, to be read from its beginning. Raises :class:`UsageError`."""
    try:
        return open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
    except OSError as error:
        raise UsageError(f"the journal {path} cannot be read: {error.strerror}") from error


def contents_of(path: Path, file: BinaryIO) -> Contents:
    """What an open file holds, read from its beginning."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no file, so it is no journal")
    if found.st_size > MOST_BYTES:
        raise UsageError(f"{path} has {found.st_size:,} bytes: too large for a journal")
    if not found.st_size:
        raise UsageError(f"the journal {path} is empty: nothing was begun", hint=f"begin it with --journal {path}")
    _check_version(path, file)
    places = lines_of(file)
    contents = _begun(path, places)
    try:
        for place in places:
            contents.add(place)
    except Broken as broken:
        contents.trouble = str(broken)
        return contents
    torn = found.st_size - contents.end
    if torn > 0 and contents.footer is not None:
        contents.trouble = f"line {contents.lines + 1}: something stands behind the last line"
    elif torn > 0:
        contents.torn = torn
    return contents


def _check_version(path: Path, file: BinaryIO) -> None:
    """Of another version nothing more is read: its lines may be others."""
    file.seek(0)
    begins = _BEGINS.match(file.read(200))
    if begins is None:
        raise UsageError(f"{path} does not begin with the header of a journal", hint="nothing of it can be saved")
    if int(begins[1]) != SCHEMA_VERSION:
        raise UsageError(
            f"{path} has schema version {int(begins[1])}, and this is version {SCHEMA_VERSION}",
            hint="nothing of it can be saved by this version of conformance: use the one that wrote it",
        )


def _begun(path: Path, places: Iterator[Place]) -> Contents:
    """The contents with the header alone."""
    lost = "nothing of it can be saved: delete it, and begin anew"
    try:
        place = next(places, None)
    except Broken as broken:
        raise UsageError(f"the journal {path} is damaged: {broken}", hint=lost) from broken
    if place is None or not isinstance(place.line, Header):
        raise UsageError(f"the journal {path} has no whole header: nothing was begun", hint=lost)
    return Contents(path, place.line, lines=place.number, checksum=place.checksum, end=place.end)
