"""Memory that a worker shares with a program which it started: large tensors lie there and go through no pipe.

It is a file without a name, so it is gone when the last of its users is, whatever ended them. The program opens it by a
path that holds as long as the worker lives. Only Linux has such files; elsewhere there is none, and pipes do it all.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from pathlib import Path

import numpy as np

from conformance.plugin.job import POISON

_ALIGNMENT = 64


class Shared:
    """One file for one request at a time. It only ever grows, so what a program has mapped stays there."""

    def __init__(self) -> None:
        self._file = os.memfd_create("conformance")
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"
        self._map: mmap.mmap | None = None
        self._bytes = np.empty(0, np.uint8)

    def at_least(self, size: int) -> np.ndarray:
        """The bytes of the file, of which there are then ``size`` or more."""
        if size > self._bytes.size:
            size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
            os.ftruncate(self._file, size)
            self._map = mmap.mmap(self._file, size)
            self._bytes = np.frombuffer(self._map, np.uint8)
        return self._bytes

    def poison(self, start: int, size: int) -> None:
        """Fill a part with what is no result, so that one of an earlier call is not taken for that of the next."""
        self.at_least(start + size)[start : start + size] = POISON

    def drop(self) -> None:
        """Give the memory back but not the file: it reads as zeros afterwards."""
        if self._map is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._map.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        self._map, self._bytes = None, np.empty(0, np.uint8)
        os.close(self._file)


def shared_memory() -> Shared | None:
    """New shared memory, or None where the system has none of this kind."""
    if not hasattr(os, "memfd_create") or not Path("/proc/self/fd").exists():
        return None
    try:
        return Shared()
    except OSError:
        return None


def aligned(offset: int) -> int:
    """The next offset at which a tensor may start."""
    return -(-offset // _ALIGNMENT) * _ALIGNMENT
