"""The processes of a worker: which ones it started, and their end.

A worker leads a session of its own and adopts what its children leave behind, so that everything that a target starts
is found and killed with it. Linux tells who belongs to whom (/proc); elsewhere the process group is what is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import ParamSpec, TypeVar

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

P = ParamSpec("P")
T = TypeVar("T")
_ADOPT = 36  # PR_SET_CHILD_SUBREAPER of Linux's prctl
_PASSES = 20  # what forks while it is being killed is found by the next pass
_original = 0  # the process that the harness started, in a worker


def lead() -> None:
    """Called in a new worker: a session of its own, in which orphans of its children become its own."""
    global _original
    _original = os.getpid()
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Called in a new process: when the one that asked for it has gone, in whatever way, this one is killed.

    A pipe that only the other has open is closed then. On Linux the kernel sends SIGKILL at that to this process's group,
    so that nothing of a target's can be in the way, not even Python's lock; elsewhere a thread waits for it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(parent.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, -os.getpgrp() if _original else os.getpid())
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
        if not wait([parent.sentinel], 0):
            return
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def by_the_original(function: Callable[P, T]) -> Callable[P, T]:
    """For what a worker is asked for: a copy of it that a target forked off must neither reply nor wait for more."""

    @functools.wraps(function)
    def asked(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return function(*arguments, **options)
        finally:
            if _original not in (0, os.getpid()):
                os._exit(0)

    return asked


def end(leader: int | None, alive: bool = False) -> None:
    """Kill the session of a worker, what descends from it, and (``alive``) the worker itself. Does nothing for None."""
    if leader is None:
        return
    if alive:
        _send(leader, signal.SIGSTOP)  # it must not start more, nor die before those that it adopted are known
    for _ in range(_PASSES):
        found = [pid for pid in members(leader) if pid != leader]
        for pid in found:
            _send(pid, signal.SIGKILL)
        if not found:
            break
    if not Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(leader, signal.SIGKILL)
    if alive:
        _send(leader, signal.SIGKILL)


def members(leader: int) -> list[int]:
    """The live processes of the session of ``leader``, and those that descend from it."""
    rows = list(_table())
    found = {leader} | {pid for pid, _, session in rows if session == leader}
    while more := {pid for pid, parent, _ in rows if parent in found} - found:
        found |= more
    return [pid for pid, _, _ in rows if pid in found]


def _table() -> Iterator[tuple[int, int, int]]:
    """Process, parent and session of every process that is no zombie (proc(5))."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, parent, _, session = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:4]
            if state != "Z":
                yield int(folder.name), int(parent), int(session)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)
