"""From a failing case to the smallest one that fails in the same way, so that a person can follow it by hand.

Greedy, in the words of a problem: fewer items, channels, groups and options, a smaller window, a smaller input, and at
last digits or ones instead of wide integers. Each step is accepted only if the same check fails in the same kind.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator

from conformance.cases.case import Case
from conformance.problem import Problem
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow

_MOST_STEPS = 400


def shrink(case: Case, still_fails: Callable[[Case], bool], seconds: float = 2.0) -> Case:
    """The smallest case found within ``seconds`` for which ``still_fails`` holds; ``case`` itself if no smaller one does."""
    end, steps = time.monotonic() + seconds, 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _simpler(case):
            if time.monotonic() > end or steps >= _MOST_STEPS:
                return case
            steps += 1
            if still_fails(candidate):
                case, smaller = candidate, True
                break
    return case


def _simpler(case: Case) -> Iterator[Case]:
    """Cases a step simpler than ``case``, the largest steps first."""
    if case.kind in ("known", "periodic"):  # one is what its text says, the other is about its size
        return
    for problem in _simpler_problems(case.problem):
        if problem != case.problem and is_valid(problem):
            yield dataclasses.replace(case, problem=problem)
    ladder = ["integers", "digits", "ones"]
    if case.kind in ladder:
        for kind in reversed(ladder[ladder.index(case.kind) + 1 :]):
            yield dataclasses.replace(case, kind=kind)


def _simpler_problems(problem: Problem) -> Iterator[Problem]:
    yield problem.with_windows(stride=1, dilation=1, pad_begin=0, pad_end=0, output_padding=0, ceil=False, mode="zeros")
    yield problem.replace(auto_pad="")
    yield problem.with_windows(mode="zeros")
    yield problem.replace(unbatched=False)
    yield problem.replace(result="")
    yield from (problem.replace(batch=batch) for batch in _less(problem.batch))
    yield from _fewer_channels(problem)
    yield problem.replace(bias=False)
    yield problem.replace(indices=False)
    yield problem.replace(divisor=None)
    yield problem.replace(count_include_pad=True)
    yield problem.with_windows(ceil=False)
    for axis, window in enumerate(problem.windows):
        if isinstance(window, AdaptiveWindow):
            yield problem.with_axis(axis, size=1, output=1)
            yield from (problem.with_axis(axis, output=output) for output in _less(window.output))
            yield from (problem.with_axis(axis, size=size) for size in _less(window.size))
            continue
        yield problem.with_axis(axis, size=1, kernel=1, stride=1, dilation=1, pad_begin=0, pad_end=0)
        yield problem.with_axis(axis, stride=1, dilation=1, pad_begin=0, pad_end=0, output_padding=0)
        yield problem.with_axis(axis, output_padding=0)
        for field in ("stride", "dilation"):
            yield from (problem.with_axis(axis, **{field: value}) for value in _less(getattr(window, field)))
        for field in ("pad_begin", "pad_end"):
            yield from (problem.with_axis(axis, **{field: value}) for value in _less(getattr(window, field), least=0))
        if window.pad_begin and window.pad_end:
            yield problem.with_axis(axis, pad_begin=window.pad_begin - 1, pad_end=window.pad_end - 1)
        for kernel in _less(window.kernel):
            yield problem.with_axis(axis, kernel=kernel, size=max(1, window.size - (window.kernel - kernel)))
            yield problem.with_axis(axis, kernel=kernel)
        yield from (problem.with_axis(axis, size=size) for size in _less(window.size))


def _fewer_channels(problem: Problem) -> Iterator[Problem]:
    if problem.op.is_pool:
        yield from (problem.replace(channels=c, out_channels=c) for c in _less(problem.channels))
        return
    each, out_each = problem.channels // problem.groups, problem.out_channels // problem.groups
    for groups in _less(problem.groups):
        yield problem.replace(groups=groups, channels=each * groups, out_channels=out_each * groups)
    yield from (problem.replace(channels=c * problem.groups) for c in _less(each))
    yield from (problem.replace(out_channels=c * problem.groups) for c in _less(out_each))


def _less(value: int, least: int = 1) -> Iterator[int]:
    """``least``, half of ``value``, and one less: enough to reach any smaller number."""
    yield from sorted({least, (value + least) // 2, value - 1} - {value}) if value > least else (least,) if value < least else ()
