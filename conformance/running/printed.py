"""What a worker prints: a file for stdout and one for stderr, which the harness keeps, cuts off and shows job by job.

Which part of a file belongs to a job is told by marks: before each job the worker notes how long both files are, in a
file that it has in its memory. So what the process printed that a job killed is known as well, though the next process
may print already.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from conformance.plain import end_of
from conformance.running.heard import MOST_PRINTED

MOST = 4 * 2**20
"""Bytes of a file, beyond which it is cut off."""
_KEPT = 2**16  # bytes of its end that are kept then
_LOOK = 0.2  # seconds between looks at how long the files are
_MARK = struct.Struct("=qqqq")  # which job, when it began on the machine's clock, and how long both files were then
_MARKS = 64  # more than there are jobs under way
_NAMES = ("stdout.txt", "stderr.txt")
_own: list[_Own] = []
"""Where this process prints to, in a worker."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of which a reader misses nothing


@dataclass(frozen=True, slots=True)
class Printed:
    """The end of what was printed on each stream."""

    stdout: str = ""
    stderr: str = ""

    @property
    def text(self) -> str:
        """Both, one after the other."""
        return "\n".join(filter(None, (self.stdout.strip(), self.stderr.strip())))


class Streams:
    """In the harness: the streams of the workers of one session, in ``folder``, which must exist."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ended = folder, threading.Event()
        self._files = [folder / name for name in _NAMES]
        _marks(folder).write_bytes(bytes(_MARK.size * _MARKS))
        self._thread = threading.Thread(target=self._cut, daemon=True)
        with contextlib.suppress(RuntimeError):  # there may be no thread, but then no more processes either
            self._thread.start()

    def close(self) -> None:
        """Touch the files no more: from now on they may be removed."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def of(self, job: int = 0) -> Printed:
        """What was printed since ``job`` began, until another process or job did; without a job all there is, to its end."""
        marks = sorted((mark for mark in self._marks() if mark[1]), key=lambda mark: mark[1])
        place = next((place for place, mark in enumerate(marks) if job and mark[0] == job), None)
        begins = marks[place][2:] if place is not None else (0, 0)
        ends = marks[place + 1][2:] if place is not None and place + 1 < len(marks) else (None, None)
        return Printed(*map(_part, self._files, begins, ends))

    def _marks(self) -> list[tuple[int, ...]]:
        """As they are, in any order."""
        with contextlib.suppress(OSError):
            return list(_MARK.iter_unpack(_marks(self._folder).read_bytes()))
        return []

    def _cut(self) -> None:
        """In a thread: what prints without end must not fill the disk. What a call printed last is kept."""
        while not self._ended.wait(_LOOK):
            for file in self._files:
                with contextlib.suppress(OSError):
                    if (size := file.stat().st_size) > MOST:
                        _cut_off(file, size)


@dataclass(frozen=True, slots=True)
class _Own:
    files: tuple[str, ...]
    marks: mmap.mmap
    streams: tuple[object, ...]
    places: list[tuple[int, int]] = field(default_factory=list)
    """The device and the number of each file."""


def redirect(folder: str) -> None:
    """In a new worker: print to the files in ``folder`` from now on."""
    files = tuple(os.path.join(folder, name) for name in _NAMES)
    with open(_marks(Path(folder)), "r+b") as file:  # in memory, it cannot be closed, nor taken for another file
        _own.append(_Own(files, mmap.mmap(file.fileno(), 0), (sys.stdout, sys.stderr)))
    put_back()
    _note(0)


def put_back() -> None:
    """Have both streams, Python's and those of the process, go where they went before the target changed them."""
    own = _own[0]
    sys.stdout, sys.stderr = own.streams  # type: ignore[assignment]
    for number, path in enumerate(own.files, start=1):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if file != number:
            os.dup2(file, number)
            os.close(file)
    own.places[:] = [_identity(number) for number in (1, 2)]


def in_place() -> bool:
    """Whether both streams go where they should."""
    if not _own:
        return True
    own = _own[0]
    if sys.stdout is not own.streams[0] or sys.stderr is not own.streams[1]:
        return False
    try:
        return [_identity(number) for number in (1, 2)] == own.places
    except OSError:
        return False


def _identity(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_dev, found.st_ino


def begin(job: int) -> None:
    """In a worker: what is printed from now on is that of ``job``."""
    if _own:
        _flush()
        _note(job)


def since(job: int) -> Printed:
    """In a worker: what was printed since ``job`` began."""
    if not _own:
        return Printed()
    _flush()
    _, _, *begins = _MARK.unpack_from(_own[0].marks, _place(job))
    sizes = _sizes()
    if sizes == begins:
        return Printed()
    return Printed(*(_part(Path(file), start, None) for file, start in zip(_own[0].files, begins, strict=True)))


def _flush() -> None:
    out, error = _own[0].streams
    try:
        out.flush(), error.flush()  # type: ignore[attr-defined]
    except Exception:  # a target may have closed one of them
        with contextlib.suppress(Exception):
            error.flush()  # type: ignore[attr-defined]


def _note(job: int) -> None:
    _MARK.pack_into(_own[0].marks, _place(job), job, time.monotonic_ns(), *_sizes())


def _sizes() -> list[int]:
    return [_size(number, file) for number, file in enumerate(_own[0].files, start=1)]


def _size(number: int, file: str) -> int:
    """How long the file is that a stream goes to, or the one that it should go to, or nothing if both are gone."""
    try:
        return os.lseek(number, 0, os.SEEK_END)
    except OSError:
        return os.stat(file).st_size if os.path.exists(file) else 0


def _place(job: int) -> int:
    """The first mark is that of the process."""
    return _MARK.size * (1 + job % (_MARKS - 1) if job else 0)


def _marks(folder: Path) -> Path:
    return folder / "marks"


def _part(file: Path, start: int, end: int | None) -> str:
    """The last of what lies between two places of a file that may have been cut off since."""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        start = start if start <= size else 0
        end = size if end is None or end < start else min(end, size)
        opened.seek(max(start, end - 4 * MOST_PRINTED))  # a character has up to four bytes
        text = opened.read(end - opened.tell()).decode("utf-8", "replace")
        return end_of(_COLOURS.sub("", text), MOST_PRINTED)
    return ""


def _cut_off(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(size - _KEPT)
        end = opened.read(_KEPT)
        opened.truncate(0)
    with file.open("ab") as opened:
        opened.write(f"[{size - _KEPT:,} bytes are left out here]\n".encode() + end)
