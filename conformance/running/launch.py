"""How worker processes come to be: each begins as a copy of nothing but an interpreter, or of one that has loaded NumPy.

``spawn`` starts an interpreter for each. ``forkserver`` keeps one small process that has imported what every worker needs,
and nothing of what is true, and copies it: five times quicker, where many workers are started one after the other.
"""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import signal
import sys
import tempfile
from functools import cache
from multiprocessing import resource_tracker, spawn
from multiprocessing.context import BaseContext
from pathlib import Path

from conformance.errors import UsageError

_LONGEST_FOLDER = 70  # bytes of the name of the folder for temporary files: that of a socket in it has 104 at most
_PRELOADED = ["conformance.running.worker", "conformance.plugin.mutants", "implementations.naive", "implementations.numpy_gemm"]


@cache
def fresh() -> BaseContext:
    """A new interpreter for each worker. Raises :class:`UsageError` if there is none."""
    interpreter = os.fsdecode(spawn.get_executable() or "")
    if not os.access(interpreter, os.X_OK):
        raise UsageError(f"no worker can be started: there is no Python at {interpreter!r}", hint="is the installation whole?")
    return multiprocessing.get_context("spawn")  # a forked copy would hold what the harness knows


@cache
def copied() -> BaseContext:
    """A copy of a process that was started for it; where there is no such thing, or no place for its socket, :func:`fresh`.

    It has the environment variables and the directory that this process had at the first worker's start.
    """
    temporary = len(os.fsencode(tempfile.gettempdir()))
    if "forkserver" not in multiprocessing.get_all_start_methods() or temporary > _LONGEST_FOLDER:
        return fresh()
    context = multiprocessing.get_context("forkserver")
    _without_main()
    context.set_forkserver_preload(_PRELOADED)
    return context


@cache
def keep_helpers() -> None:
    """Start the process in which multiprocessing puts away what is shared, before anything is, and have it outlive a
    terminal that hangs up: it ignores Ctrl-C and SIGTERM only, and without it segments would be left behind.
    """
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is None:
        return
    before = signal.getsignal(hang_up)
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(hang_up, signal.SIG_IGN)
    resource_tracker.ensure_running()
    with contextlib.suppress(ValueError):
        signal.signal(hang_up, before)


def _without_main() -> None:
    """Keep copies from running the script that this process was started by: it would import the whole harness in each."""
    main = sys.modules["__main__"]
    if Path(getattr(main, "__file__", None) or "").name in ("conformance", "conformance-script.py", "conformance.exe"):
        main.__spec__ = importlib.util.find_spec("conformance.__main__")  # which multiprocessing knows to leave alone
