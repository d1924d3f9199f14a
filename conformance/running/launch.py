"""How worker processes come to be: each begins as a copy of nothing but an interpreter, or of one that has loaded NumPy.

``spawn`` starts an interpreter for each. ``forkserver`` keeps one small process that has imported what every worker needs,
and nothing of what is true, and copies it: five times quicker, where many workers are started one after the other.
"""

from __future__ import annotations

import multiprocessing
from functools import cache
from multiprocessing.context import BaseContext

_PRELOADED = ["conformance.running.worker", "conformance.plugin.mutants", "implementations.naive", "implementations.numpy_gemm"]


@cache
def fresh() -> BaseContext:
    """A new interpreter for each worker."""
    return multiprocessing.get_context("spawn")  # a forked copy would hold what the harness knows


@cache
def copied() -> BaseContext:
    """A copy of a process that was started for it; where there is no such thing, :func:`fresh`.

    It has the environment variables and the directory that this process had at the first worker's start.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return fresh()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context
