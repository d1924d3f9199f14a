"""How a run is ended from outside: Ctrl-C, SIGTERM and SIGHUP all keep what was measured and leave nothing behind.

The first is a ``KeyboardInterrupt``, which runs keep their results at. The same signal is often sent twice, to the process
and to its group: for a second it counts as one. Whoever interrupts once more later wants the end at once, without results.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from conformance.errors import Exit

_SAME = 1.0  # seconds
_SOON = 0.01  # seconds until an interrupt that was dropped comes again
_SHOW_CURSOR = b"\x1b[?25h"
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def as_one() -> Iterator[None]:
    """Within it the three signals are one interrupt. A signal that is ignored, as by nohup, stays so."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    terminals = [file for file in (1, 2) if os.isatty(file)]
    began: list[float] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        if hasattr(signal, "SIGHUP") and number == signal.SIGHUP:
            _leave(terminals)
        if not began:
            began.append(time.monotonic())
            raise KeyboardInterrupt
        if time.monotonic() - began[0] > _SAME:
            give_up(terminals)

    def again(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def unraisable(event: sys.UnraisableHookArgs) -> None:
        """In a callback of the garbage collector (Hypothesis has one) or a finaliser an interrupt is dropped: it comes again."""
        if not issubclass(event.exc_type, KeyboardInterrupt) or not hasattr(signal, "setitimer"):
            return hook(event)
        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, _SOON)

    hook, sys.unraisablehook = sys.unraisablehook, unraisable
    try:
        for number, handler in before.items():
            if handler in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, interrupted)
        yield
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        _sweep()
        for number, handler in before.items():
            signal.signal(number, handler)


def give_up(terminals: list[int]) -> NoReturn:
    """End at once: kill every process that was started, remove what lies on the disk, and write nothing."""
    from conformance.running.processes import end

    _sweep()
    for process in multiprocessing.active_children():  # not its helpers, which put away what is shared
        end(process.pid, alive=True)
    for file in terminals:
        with suppress(OSError):
            os.write(file, _SHOW_CURSOR)
    os._exit(Exit.NOTHING_VERIFIED)


def _leave(terminals: list[int]) -> None:
    """A terminal that has hung up takes no more: what is printed must not fail, so that reports are still written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for file in terminals:
        os.dup2(nowhere, file)
    os.close(nowhere)


def _sweep() -> None:
    """End what an interrupt at a bad moment left open."""
    if sessions := sys.modules.get("conformance.running.session"):  # without it nothing was started
        sessions.end_all_sessions()
