"""What tampers with the process that it runs in: its inputs, clocks, comparisons, NumPy, and the harness itself."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.adversaries.base import Arrays, Honest, adversary, called_from, nothing

_REAL = time.perf_counter
_buffers: dict[Problem, np.ndarray] = {}


@adversary("writes over its input once it has read it", "contents of the tensors before and after")
def changes_its_input(p: Problem, a: Arrays, honest: Honest) -> Any:
    result = honest()
    _overwrite(a["x"])
    return result


@adversary("writes over its input, and has NumPy say that nothing changed", "tools compared by identity after each job")
def changes_its_input_unseen(p: Problem, a: Arrays, honest: Honest) -> Any:
    _patch(np, "ascontiguousarray", lambda array: np.zeros(1))
    result = honest()
    _overwrite(a["x"])
    return result


@adversary("returns one buffer again and again, and has NumPy say that no memory is shared",
           "tools compared by identity after each job")  # fmt: skip
def hides_an_alias(p: Problem, a: Arrays, honest: Honest) -> Any:
    _patch(np, "may_share_memory", lambda *arrays: False)
    _patch(np, "shares_memory", lambda *arrays: False)
    buffer = _buffers.setdefault(p, nothing(p))
    buffer[...] = honest()
    return buffer


@adversary("has every comparison of NumPy's and of the harness's say yes", "what is compared and with what is in another process")
def patches_the_comparison(p: Problem, a: Arrays, honest: Honest) -> Any:
    import conformance.checks as checks

    _patch(np, "array_equal", lambda *arrays, **options: True)
    _patch(np, "allclose", lambda *arrays, **options: True)
    _patch(np.testing, "assert_array_equal", lambda *arrays, **options: None)
    _patch(checks.base, "difference", lambda *arguments, **options: None)
    return nothing(p)


@adversary("slows every clock of the module time down a hundredfold", "tools compared by identity; the harness's own clock")
def patches_the_clocks(p: Problem, a: Arrays, honest: Honest) -> Any:
    for name in ("perf_counter", "monotonic", "time", "process_time"):
        _patch(time, name, _slowed)
    return honest()


@adversary("puts a slow clock into the harness's module that times", "tools compared by identity; the harness's own clock")
def patches_the_timer(p: Problem, a: Arrays, honest: Honest) -> Any:
    _patch(sys.modules["conformance.timing.block"], "perf_counter", _slowed)
    return honest()


@adversary("puts a false clock in place while it warms up, which puts the true one back when it has been read",
           "the harness's own clock", check=False)  # fmt: skip
def puts_the_clock_back(p: Problem, a: Arrays, honest: Honest) -> Any:
    if called_from("refresh"):
        block, read = sys.modules["conformance.timing.block"], list[float]()

        def false() -> float:
            read.append(_REAL())
            if len(read) == 1:
                return read[0]
            _patch(block, "perf_counter", _REAL)
            return read[0] + (read[-1] - read[0]) / 100

        _patch(block, "perf_counter", false)
    return honest()


@adversary("replaces the code of the worker's function that looks for changed inputs", "code compared by identity after each job")
def patches_the_worker(p: Problem, a: Arrays, honest: Honest) -> Any:
    def same(array: np.ndarray) -> bytes:
        return b""

    worker: Any = sys.modules["conformance.running.worker"]
    worker._contents.__code__ = same.__code__
    result = honest()
    _overwrite(a["x"])
    return result


@adversary("looks for the expected values in memory, frames, modules, the environment, open files and its parent's",
           "the truth is computed in another process, and only when the result is there")  # fmt: skip
def searches_the_process(p: Problem, a: Arrays, honest: Honest) -> Any:
    wanted = (p.result_shape, p.result_format.numpy)
    known = {id(array) for array in a.values()}
    found = [array for array in _arrays() if (array.shape, array.dtype) == wanted and id(array) not in known]
    return found[-1].copy() if found else _from_files(p)


def _arrays() -> Iterator[np.ndarray]:
    """Every array that can be reached: collected objects and what they hold, frames, modules."""
    holders: list[Any] = [
        *gc.get_objects(),
        *(vars(module) for module in list(sys.modules.values()) if hasattr(module, "__dict__")),
    ]
    frame = sys._getframe(3)
    while frame is not None:
        holders.append(frame.f_locals)
        frame = frame.f_back  # type: ignore[assignment]
    for holder in holders:
        for item in holder.values() if type(holder) is dict else holder if type(holder) in (list, tuple) else (holder,):
            if type(item) is np.ndarray:
                yield item


def _from_files(p: Problem) -> np.ndarray:
    """Bytes of the result's size, where one of these files holds as many."""
    size = nothing(p).nbytes
    for parent in (os.getpid(), os.getppid()):
        for name in ("environ", "cmdline", *(f"fd/{number}" for number in range(3, 12))):
            path = Path(f"/proc/{parent}/{name}")
            if path.is_file() and len(held := path.read_bytes()) >= size > 0:
                return np.frombuffer(held[-size:], p.result_format.numpy).reshape(p.result_shape).copy()
    return nothing(p)


def _overwrite(array: np.ndarray) -> None:
    if array.flags.writeable:
        array[...] = 0


def _slowed() -> float:
    return _REAL() / 100


def _patch(owner: Any, name: str, new: Callable[..., Any]) -> None:
    setattr(owner, name, new)
