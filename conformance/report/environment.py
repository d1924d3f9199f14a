"""Where a run takes place: what a reader needs to judge whether its figures carry over."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import conformance
from conformance.report.schema import Environment

_PACKAGES = ("numpy", "scipy", "torch", "hypothesis")


def environment() -> Environment:
    """This machine and its packages. Nothing is imported to find out."""
    return Environment(
        conformance=conformance.__version__,
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        cpu=_cpu(),
        cores=available_cores(),
        memory_gib=round(_memory() / 2**30, 1),
        packages={name: found for name in _PACKAGES if (found := _version(name))},
        revision=_revision(),
    )


def now() -> str:
    """The time of day as reports and journals have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def _revision() -> str | None:
    """The git revision of the directory that the run was started in: that of the project under test."""
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None
