"""How much memory is left on this machine, so that what needs more is skipped with the reason rather than killed."""

from __future__ import annotations

import re
from pathlib import Path

_ALWAYS = 2**28
"""Bytes that are not asked about."""


def available(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Bytes that can be had without swapping (Linux tells); None where it is not known."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def too_large(needed: int) -> str:
    """Why so many bytes are not asked for now, or nothing."""
    left = available() if needed > _ALWAYS else None
    if left is None or needed <= left:
        return ""
    return f"needs about {needed / 2**30:.0f} GiB of memory, {left / 2**30:.1f} GiB are free"
