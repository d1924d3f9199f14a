"""What is timed inside a worker: the bare call of a prepared problem, in blocks, each call once and on data of its own.

A block is three requests, so that the harness's clock sees the calls by themselves: :func:`refresh`, :func:`run` and
:func:`settle`. Which call's output will be asked for is drawn by the harness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.plugin.implementation import Implementation, NotSupported, WrongResult
from conformance.plugin.target import Target
from conformance.problem import Problem
from conformance.running import integrity
from conformance.running.processes import by_the_original
from conformance.running.seen import copies
from conformance.running.worker import loaded
from conformance.timing.conditions import NOT_LIMITED, Conditions, Limited, evict, limit, peak_since, start_peak, steady_memory
from conformance.timing.device import Device, in_use
from conformance.timing.fresh import varied

Outputs = tuple[np.ndarray, ...]
_STEPS = (20_000, 400_000, 8_000_000)
"""Multiply-adds of smaller problems that are timed first, to foresee how long the real one would take."""
_RING = 64 * 2**20  # bytes of tensors that calls of one block have for themselves
_AGAIN = 0.5  # seconds of a first call beyond which no second one is made to see how much memory it takes
_FETCHES = 3  # of another result first: after a block the way there is out of the caches, and a microsecond is much for it
_MOST_CALLS = 256  # of one block: the clock is fine enough long before


@dataclass(frozen=True, slots=True)
class Ready:
    """A problem is prepared, or ``reason`` says why not. ``outputs`` of the first call are to be judged.

    ``trouble`` is what the target did beside that, as (kind, message).
    ``most_calls`` is how many a block may have, so that each has tensors of its own. ``peak`` are the bytes that a call took
    at most beside its tensors, its result included, None where the system does not say; on a device they are the device's.
    ``limited`` is about threads.
    """

    reason: str = ""
    first_call: float = 0.0
    outputs: tuple[np.ndarray, ...] = ()
    trouble: tuple[tuple[str, str], ...] = ()
    most_calls: int = 1
    peak: int | None = None
    limited: Limited = NOT_LIMITED


@dataclass(frozen=True, slots=True)
class Ran:
    """Seconds of all calls of a block, of all else in the request, and by how much bringing the last result back took longer
    the first time than the second; ``fetch`` is how long that took.

    ``span`` are the seconds of all calls by the events of a device, and ``busy`` at most those that it works for one call:
    None where there is no device, or no call was made to warm up.
    """

    seconds: float
    beside: float
    left_over: float
    fetch: float
    span: float | None = None
    busy: float | None = None

    def on_device(self, calls: int) -> float | None:
        """At most how many seconds the device works for one of so many calls: of those that do not wait for it, a block is the
        closer bound."""
        if self.span is None:
            return self.busy
        return self.span / calls if self.busy is None else min(self.busy, self.span / calls)


@dataclass(frozen=True, slots=True)
class Settled:
    """One output of a block, and breaches of the contract as (kind, message), seen when the worker had come to rest."""

    outputs: tuple[np.ndarray, ...]
    trouble: tuple[tuple[str, str], ...] = ()


@dataclass
class _Block:
    """The one problem that is being timed: the tensors of its calls, which stay where they are, and the bare calls."""

    implementation: Implementation
    case: Case
    base: dict[str, np.ndarray]
    tensors: list[dict[str, np.ndarray]] = field(default_factory=list)
    bares: list[Callable[[], Any]] = field(default_factory=list)
    warmed: Any = None
    busy: float | None = None
    cold: bool = False
    device: Device | None = None
    results: list[tuple[Any, Outputs]] = field(default_factory=list)
    """Of the call that is judged and of the last one: what it returned, and a copy as it was then."""


_blocks: dict[Target, _Block] = {}


@by_the_original
def prepare(target: Target, case: Case, most: float, conditions: Conditions) -> Ready:
    """Put the tensors of ``case`` in place and make the first call, unless it would take more than ``most`` seconds."""
    implementation = loaded(target)
    steady_memory()
    limited = limit(conditions.threads)
    implementation.release()
    _blocks.clear()  # one problem at a time: its tensors may be large
    reason = implementation.supports(case.problem)
    if reason:
        return Ready(reason)
    try:
        foreseen = _foresee(implementation, case, most)
    except NotSupported as refused:
        return Ready(str(refused))
    if foreseen > most:
        return Ready(f"would take about {foreseen:.2g} s a call (limit {most:.2g} s)")
    block = _Block(implementation, case, case.arrays(), cold=conditions.cold)
    bare = implementation.prepare(case.problem, {name: array.copy() for name, array in block.base.items()})
    try:
        began = perf_counter()
        result = bare()
        device = block.device = in_use()
        if device is not None:
            device.synchronize()
        seconds = perf_counter() - began
        outputs = copies(implementation.fetch(result), case.problem)
        limited = limit(conditions.threads)  # of what was loaded with the call, too
        start = start_peak() if device is None else device.start_peak()
        if seconds < _AGAIN:
            result = bare()
        peak = None if seconds >= _AGAIN else peak_since(start) if device is None else device.peak_since(start)
    except (NotSupported, WrongResult) as error:
        return Ready(str(error))
    _blocks[target] = block
    calls = 1 if conditions.cold else max(1, min(_MOST_CALLS, _RING // max(1, next(iter(block.base.values())).nbytes)))
    return Ready("", seconds, outputs, _breaches(), calls, peak, limited)


@by_the_original
def refresh(target: Target, number: int, calls: int, warm: bool) -> float:
    """Other data for ``calls`` calls where the data of the last block was; perhaps a call on still other data first.

    Returns the seconds that putting the native arrays of one call in place took.
    """
    block = _blocks[target]
    block.bares.clear()
    preparing = 0.0
    for call in range(calls + warm):
        new = varied(block.base, number, data_number(number, call))
        if call == len(block.tensors):
            shared = block.tensors[0] if block.tensors else {}
            first = next(iter(new))
            block.tensors.append({name: shared.get(name, new[name]) if name != first else new[name] for name in new})
        for name, array in block.tensors[call].items():
            array[...] = new[name]
        began = perf_counter()
        block.bares.append(block.implementation.prepare(block.case.problem, dict(block.tensors[call])))
        preparing += perf_counter() - began
    block.warmed, block.busy = _warmed(block) if warm else (None, None)
    if block.cold:
        if block.device is not None:
            block.device.flush(number)
        evict(number)
    return preparing / (calls + warm)


@by_the_original
def run(target: Target, kept: int) -> Ran:
    """Make the calls of the block, each once, and copy what call ``kept`` and the last one gave."""
    block, clock = _blocks[target], perf_counter
    bares, fetch, result, last = block.bares, block.implementation.fetch, None, None
    device, opening, closing = block.device, None, None
    entered = clock()
    if device is not None:
        device.synchronize()
        opening = device.mark()
    began = clock()
    for number, bare in enumerate(bares):
        last = bare()
        if number == kept:
            result = last
    if device is not None:
        device.synchronize()
        closing = device.mark()  # inside the time: a target that has put its own in this place must gain nothing by it
    ended = clock()
    if block.warmed is not None:
        for _ in range(_FETCHES):
            fetch(block.warmed)  # so that the first time differs from the second by nothing but what was left to do
    fetching = clock()
    outputs = fetch(last)
    fetched = clock()
    problem = block.case.problem
    block.results = [(result, copies(fetch(result), problem)), (last, copies(outputs, problem))]
    copied = clock()
    fetch(last)
    again = clock()
    span = None if device is None else device.between(opening, closing)
    beside, left_over = (began - entered) + (clock() - ended), (fetched - fetching) - (again - copied)
    return Ran(ended - began, beside, left_over, again - copied, span, block.busy)


@by_the_original
def settle(target: Target, number: int, kept: int) -> Settled:
    """Wait until the worker rests, and say what came of the block."""
    block = _blocks[target]
    breaches = _breaches()
    given = varied(block.base, number, data_number(number, kept))
    changed = [name for name, array in block.tensors[kept].items() if array.tobytes() != given[name].tobytes()]
    trouble = [("changed its input", f"the tensor {name} was changed by a timed call") for name in changed]
    for native, before in block.results:
        if any(now.tobytes() != then.tobytes() for now, then in zip(block.implementation.fetch(native), before, strict=True)):
            trouble.append(("changed its result", "a result was changed after its call had returned"))
    outputs = block.results[0][1]
    block.results.clear()
    return Settled(outputs, (*breaches, *trouble))


def nothing(target: Target) -> None:
    """What an empty request takes is what the harness's clock must be forgiven."""


def _breaches() -> tuple[tuple[str, str], ...]:
    """What the target did beside its work; returns when the worker rests, so that others are not disturbed."""
    return (*integrity.replacements(), *integrity.restlessness())


def _warmed(block: _Block) -> tuple[Any, float | None]:
    """What one call more gives, and at most how long a device works for it."""
    bare = block.bares.pop()
    return (bare(), None) if block.device is None else block.device.alone(bare, block.cold)


def data_number(block: int, call: int) -> int:
    """The number of the data that a call of a block gets: no two of one run are the same."""
    return block * (_MOST_CALLS + 1) + call + 1


def _foresee(implementation: Implementation, case: Case, limit: float) -> float:
    """Seconds that a call would take, from smaller problems of the same kind: cost grows with the multiply-adds."""
    foreseen = 0.0
    for step, following in zip(_STEPS, (*_STEPS[1:], case.problem.work), strict=True):
        if case.problem.work <= step:
            break
        small = Case(smaller(case.problem, step), case.kind, case.seed)
        bare = implementation.prepare(small.problem, small.arrays())
        bare()
        per_term = min(_seconds(bare) for _ in range(3)) / small.problem.work  # a loaded machine makes single calls slow
        foreseen = per_term * case.problem.work
        # What a small problem costs is mostly overhead, so a larger one is asked before the verdict, if it can be.
        if foreseen <= limit or per_term * following > limit:
            break
    return foreseen


def _seconds(bare: Callable[[], Any]) -> float:
    device = in_use()
    began = perf_counter()
    bare()
    if device is not None:
        device.synchronize()
    return perf_counter() - began


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
