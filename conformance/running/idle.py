"""Whether a worker rests when nothing is asked of it: work that goes on after a call has returned is no part of its time.

Thread pools of BLAS and OpenMP wait for the next call by spinning for some milliseconds, and sleep then, so what counts
is not how many threads there are, but whether they still take processor time after a while.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from time import perf_counter, process_time, sleep, thread_time

SHARE = 0.05
"""Of one core: what others may take while the worker waits. It is the margin within which times are called the same."""
_SLICE = 0.005  # seconds slept while others' processor time is looked at
_QUIET = 3  # slices one after the other that make rest
_PATIENCE = 1.0  # seconds; OpenBLAS was seen to spin for 40 ms
_TASKS = Path("/proc/self/task")
_own: set[int] = set()  # threads of the worker's own, by the number that the system gives them


def remember() -> None:
    """Take the threads that Python knows now for the worker's own, which wait for what is asked of them."""
    _own.update(one.native_id for one in threading.enumerate() if one.native_id is not None)


def unrest() -> float:
    """Wait until the other threads of this process rest: 0, or the share of a core that they took to the end."""
    if _alone():
        return 0.0
    began, taken, quiet = perf_counter(), _taken(), 0
    while quiet < _QUIET:
        before, slice_began = _taken(), perf_counter()
        if slice_began > began + _PATIENCE:
            share = (before - taken) / (slice_began - began)
            return share if share > SHARE else 0.0
        sleep(_SLICE)
        idle = _taken() - before <= SHARE * (perf_counter() - slice_began) and not _others_want_to_run()
        quiet = quiet + 1 if idle else 0
    return 0.0


def _taken() -> float:
    """Processor seconds that this process has taken beside this thread."""
    return process_time() - thread_time()


def _alone() -> bool:
    """Whether there is no thread but the worker's own, where the system tells: then there is nothing to wait for."""
    try:
        return {int(task) for task in os.listdir(_TASKS)} <= _own
    except OSError:
        return False


def _others_want_to_run() -> bool:
    """Whether another thread is running or waits for a core: on a loaded machine it may wait for longer than a slice."""
    own = str(threading.get_native_id())
    for task in _TASKS.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if task.name != own and (task / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "R":
                return True
    return False
