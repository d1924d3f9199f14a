"""What a run leaves behind: processes, temporary files, shared memory. Used by tests that compare before and after."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MARK = "CONFORMANCE_TEST_MARK"
_SHARED = Path("/dev/shm")
_PATIENCE = 90.0  # seconds: a loaded machine must not fail a test


class Traces:
    """Of whatever is started with :attr:`environment`, which all its descendants inherit."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is for temporary files, and must be empty."""
        self.folder, self.mark = folder, uuid.uuid4().hex
        self.environment = {MARK: self.mark, "TMPDIR": str(folder)}
        self._before = _segments()

    def processes(self) -> list[str]:
        """The commands of those with the mark, this one and zombies left out."""
        return list(self._marked().values())

    def end(self) -> None:
        """Kill them: a test that fails must leave nothing behind either."""
        for pid in self._marked():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def _marked(self) -> dict[int, str]:
        found = {}
        for process in _running():
            try:
                marked = f"{MARK}={self.mark}".encode() in (process / "environ").read_bytes().split(b"\0")
                if marked and "State:\tZ" not in (process / "status").read_text():
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue  # it has just ended, or is another user's
        return found

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def segments(self) -> list[str]:
        """New ones that nobody has mapped or open: those of other runs on this machine are in use."""
        new = {name: inode for name, inode in _segments().items() if name not in self._before}
        used = _inodes_in_use() if new else set()
        return sorted(name for name, inode in new.items() if inode not in used)

    def all(self) -> list[str]:
        return [*self.processes(), *self.files(), *self.segments()]

    def are_gone(self) -> bool:
        """Whether nothing is left, now or soon; :meth:`all` says what is."""
        return eventually(lambda: not self.all())


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true: machines may be slow."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _segments() -> dict[str, int]:
    """The files in shared memory with their inodes: what has it mapped may know it by another name."""
    found = {}
    for path in _SHARED.glob("*"):
        with suppress(OSError):
            found[path.name] = path.stat().st_ino
    return found


def _running() -> Iterator[Path]:
    own = str(os.getpid())
    return (folder for folder in Path("/proc").glob("[0-9]*") if folder.name != own)


def _inodes_in_use() -> set[int]:
    found = set()
    for process in (*_running(), Path("/proc/self")):
        with suppress(OSError):
            lines = (process / "maps").read_text(errors="replace").splitlines()
            found |= {int(line.split()[4]) for line in lines if str(_SHARED) in line}
            found |= {link.stat().st_ino for link in (process / "fd").iterdir() if os.readlink(link).startswith(str(_SHARED))}
    return found
