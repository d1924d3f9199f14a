"""What is timed inside a worker: the bare call of a prepared problem, in blocks long enough for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.plugin.implementation import Implementation, WrongResult
from conformance.plugin.target import Target
from conformance.problem import Problem
from conformance.running.worker import loaded

_prepared: dict[str, Callable[[], Any]] = {}
_STEPS = (20_000, 400_000, 8_000_000)
"""Multiply-adds of smaller problems that are timed first, to foresee how long the real one would take."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A problem is prepared, or ``reason`` says why not. ``outputs`` of the first call are to be judged."""

    reason: str = ""
    first_call: float = 0.0
    outputs: tuple[np.ndarray, ...] = ()


def prepare(target: Target, case: Case, limit: float) -> Ready:
    """Put the tensors of ``case`` in place and make the first call, unless it would take more than ``limit`` seconds."""
    implementation = loaded(target)
    implementation.release()
    _prepared.clear()  # one problem at a time: its tensors may be large
    reason = implementation.supports(case.problem)
    if reason:
        return Ready(reason)
    foreseen = _foresee(implementation, case, limit)
    if foreseen > limit:
        return Ready(f"would take about {foreseen:.0f} s a call (limit {limit:g} s)")
    bare = implementation.prepare(case.problem, case.arrays())
    began = time.perf_counter()
    result = bare()
    seconds = time.perf_counter() - began
    try:
        outputs = implementation.fetch(result)
    except WrongResult as error:
        return Ready(str(error))
    _prepared[str(case)] = bare
    return Ready("", seconds, tuple(np.array(output) for output in outputs))


def measure(target: Target, key: str, seconds: float) -> float:
    """The mean seconds of one call over a block of at least ``seconds``."""
    bare, calls = _prepared[key], 1
    while True:
        began = time.perf_counter()
        for _ in range(calls):
            bare()
        took = time.perf_counter() - began
        if took >= seconds:
            return took / calls
        calls = max(calls + 1, int(calls * min(10.0, 1.2 * seconds / max(took, 1e-9))))


def _foresee(implementation: Implementation, case: Case, limit: float) -> float:
    """Seconds that a call would take, from smaller problems of the same kind: cost grows with the multiply-adds."""
    foreseen = 0.0
    for step, following in zip(_STEPS, (*_STEPS[1:], case.problem.work), strict=True):
        if case.problem.work <= step:
            break
        small = Case(smaller(case.problem, step), case.kind, case.seed)
        bare = implementation.prepare(small.problem, small.arrays())
        bare()
        began = time.perf_counter()
        bare()
        per_term = (time.perf_counter() - began) / small.problem.work
        foreseen = per_term * case.problem.work
        # What a small problem costs is mostly overhead, so a larger one is asked before the verdict, if it can be.
        if foreseen <= limit or per_term * following > limit:
            break
    return foreseen


def smaller(problem: Problem, work: int) -> Problem:
    """``problem`` with fewer channels and a smaller input, so that it is about ``work`` multiply-adds."""
    while problem.work > work:
        sizes = [max(window.extent, window.size // 2) for window in problem.windows]
        channels = max(1, problem.channels // problem.groups // 2), max(1, problem.out_channels // problem.groups // 2)
        groups = max(1, problem.groups // 2)
        windows = [problem.with_axis(axis, size=size).windows[axis] for axis, size in enumerate(sizes)]
        out_channels = groups * (channels[0] if problem.op.is_pool else channels[1])
        less = problem.replace(windows=tuple(windows), groups=groups, channels=groups * channels[0], out_channels=out_channels)
        if problem.op.is_pool:
            half = max(1, problem.channels // 2)
            less = less.replace(groups=1, channels=half, out_channels=half)
        if less == problem:
            break
        problem = less
    return problem
