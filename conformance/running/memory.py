"""How much memory is left on this machine or in this container, and how much a worker may take of it.

What needs more than there is, is skipped with the reason rather than killed. A worker has a limit, so that a target that
asks for memory without end is told that there is no more, before the kernel ends whatever it takes for the culprit.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

NO_LIMIT = 0
NO_MEMORY = re.compile(r"out of memory|OutOfMemory|(can't|cannot|failed to|unable to) allocate|bad_alloc", re.IGNORECASE)
"""What C++ and frameworks say when they get no more."""
_SHARE = 0.8  # of what is free when a worker is started: the rest is for the harness
_ALWAYS = 2**28
"""Bytes that are not asked about."""
_ENDLESS = 2**60
"""Bytes from which on a control group has no limit: version 1 has a large number for it."""
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?", re.IGNORECASE)
_FIRST_KILLED = 800  # of 1000, which the kernel adds to how much a process is worth to be killed for its memory (Linux)


def available(meminfo: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that can be had without swapping (Linux tells), in a container no more than are left in it; None if not known."""
    left = [_of_container(folder) for folder in _folders(groups)]
    with contextlib.suppress(OSError):
        if found := re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="ascii"), re.MULTILINE):
            left.append(int(found[1]) * 1024)
    return min((one for one in left if one is not None), default=None)


def too_large(needed: int) -> str:
    """Why so many bytes are not asked for now, or nothing."""
    left = available() if needed > _ALWAYS else None
    if left is None or needed <= left:
        return ""
    return f"needs about {needed / 2**30:.0f} GiB of memory, {left / 2**30:.1f} GiB are free"


def limit_of(asked: int | None) -> int:
    """The bytes that a worker may take: ``asked``, or (None) a share of what is free; :data:`NO_LIMIT` where none is known."""
    if resource is None:
        return NO_LIMIT
    if asked is None:
        return int(_SHARE * (available() or 0))
    return asked


def limit_this_process(limit: int) -> None:
    """In a worker: from now on no more than ``limit`` bytes of memory that is written to. What only reserves addresses,
    as CUDA and thread pools of allocators do, is not counted. Processes that it starts have the same limit each.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_KILLED), encoding="ascii")
    if resource is None or limit == NO_LIMIT:
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def in_force() -> int:
    """The limit of this process in bytes, or :data:`NO_LIMIT`."""
    if resource is None:
        return NO_LIMIT
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return NO_LIMIT if soft == resource.RLIM_INFINITY else soft


def read_size(text: str) -> int:
    """Bytes of ``4GiB``, ``500 MB``, ``2g``, or of ``none``. Raises :class:`ValueError` for what is no size."""
    if text.strip().lower() == "none":
        return NO_LIMIT
    found = _SIZE.fullmatch(text.strip())
    if not found or not (size := int(float(found[1]) * _UNITS[(found[2] or "").lower()])):
        raise ValueError(text)
    return size


def size_words(size: int) -> str:
    """A number of bytes for people."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


def _folders(groups: Path) -> Iterator[Path]:
    """The control groups that this process is in, with those above them, each of which may have a limit (cgroups(7))."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(errors="replace").splitlines():
            number, controllers, path = line.split(":", 2)
            if number != "0" and "memory" not in controllers.split(","):
                continue
            root = groups / "memory" if number != "0" else groups
            inner = root / path.lstrip("/")
            yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(root))


def _of_container(folder: Path) -> int | None:
    """Bytes that are left in a control group, of version 2 or 1; what it keeps of files can be had back."""
    for most, taken, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with contextlib.suppress(OSError, ValueError):
            limit, used = int((folder / most).read_text()), int((folder / taken).read_text())
            if limit >= _ENDLESS:
                return None
            found = re.search(rf"^{cache} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
            return max(0, limit - used + (int(found[1]) if found else 0))
    return None
