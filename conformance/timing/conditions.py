"""Under which conditions calls are timed, and how a worker is put under them: threads, cores, caches, memory.

What cannot be limited is told rather than hoped: a pool of threads that the target brings with it, a machine that does not
let a process choose its cores, a system without the figures of Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conformance.running.processes import members

_MALLOC = {-1: 2**31 - 1, -3: 2**25, -6: 0}  # glibc's M_TRIM_THRESHOLD, M_MMAP_THRESHOLD (its largest) and M_PERTURB
_CACHE = 2**25  # bytes of the last-level cache where the system does not say
_UNIT = {"K": 2**10, "M": 2**20, "G": 2**30}
_evicting: list[np.ndarray] = []


@dataclass(frozen=True, slots=True)
class Conditions:
    """``threads`` that a call may use, on as many cores, or None for as it comes; ``cold``: nothing of it in a cache."""

    threads: int | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Limited:
    """What was done about threads: the cores that the worker is pinned to, pools by name, and what was not possible."""

    cores: tuple[int, ...] = ()
    pools: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()


AS_IT_COMES, NOT_LIMITED = Conditions(), Limited()


def pin(threads: int | None) -> Limited:
    """Keep this process to as many of the cores that it may use; to be called before libraries choose their threads."""
    if threads is None:
        return Limited()
    if not hasattr(os, "sched_setaffinity"):
        return Limited(trouble=("this system does not let a process choose its cores: not pinned",))
    try:
        cores = tuple(sorted(_all_cores()))[:threads]
        for thread in _threads():
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.sched_setaffinity(thread, cores)
    except OSError as error:
        return Limited(trouble=(f"not pinned to cores: {error.strerror}",))
    return Limited(cores)


def _threads() -> list[int]:
    """Every thread of this process and of those that it has started, which may be where the work is done."""
    if not Path("/proc/self/task").exists():
        return [0]
    tasks = [task for process in members(os.getpid()) for task in Path(f"/proc/{process}/task").glob("[0-9]*")]
    return [int(task.name) for task in tasks]


def _all_cores() -> set[int]:
    """What the harness may use: its worker may have been pinned before."""
    with contextlib.suppress(OSError):
        return os.sched_getaffinity(os.getppid())
    return os.sched_getaffinity(0)


def limit(threads: int | None) -> Limited:
    """Limit every pool of threads that is loaded in this process, and pin it."""
    pinned = pin(threads)
    if threads is None:
        return pinned
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # where nothing is timed it is not needed

    controller, pools, trouble = ThreadpoolController(), [], list(pinned.trouble)
    controller.limit(limits=threads)
    for library in controller.lib_controllers:
        name = f"{library.internal_api} {library.version or ''}".strip()
        if library.num_threads == threads:
            pools.append(name)
        else:
            trouble.append(f"{name} uses {library.num_threads} threads: it cannot be limited to {threads}")
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_num_threads"):
        torch.set_num_threads(threads)
        pools.append("torch")
    return Limited(pinned.cores, tuple(dict.fromkeys(pools)), tuple(trouble))


def steady_memory() -> None:
    """Have glibc keep the memory that is freed, and not fill it: else what a call costs depends on what else is held.

    Without this, page faults made a call five times slower when the tensors of other calls were there. That a result is
    not wholly written shows all the same: what lies in memory is of other data.
    """
    with contextlib.suppress(OSError, AttributeError):
        for parameter, value in _MALLOC.items():
            ctypes.CDLL(None).mallopt(parameter, value)


def start_peak() -> int | None:
    """Forget how much memory this process had at most, and say how much it has now, in bytes; None where that is unknown."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what is kept for later would hide what a call takes
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    return None


def peak_since(start: int | None) -> int | None:
    """By how many bytes the most memory since :func:`start_peak` was more than what there was then."""
    most = _status("VmHWM")
    return None if start is None or most is None else max(0, most - start)


def _status(name: str) -> int | None:
    with contextlib.suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else None
    return None


def evict(number: int) -> None:
    """Write to twice as much memory as the last-level cache holds, so that nothing else is left in it."""
    if not _evicting:
        _evicting.append(np.zeros(2 * last_level_cache(), np.uint8))
    _evicting[0].fill(number % 256)


def last_level_cache() -> int:
    """Bytes of the largest cache of the first core."""
    sizes = []
    for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        with contextlib.suppress(OSError):
            found = re.fullmatch(r"(\d+)([KMG]?)", file.read_text().strip())
            sizes += [int(found[1]) * _UNIT.get(found[2], 1)] if found else []
    return max(sizes, default=_CACHE)
