"""The harness's side of a timed block: what it saw with its own clock, what it judges, and when a time is not believed.

Every rule is one-sided and bounded: what it lets pass could change a ratio by less than the margin within which ratios
are called the same, or 2 µs a call.
"""

from __future__ import annotations

import contextlib
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Judgement
from conformance.plugin.job import Call, Reply
from conformance.running.session import Session
from conformance.timing import block
from conformance.timing.fresh import varied

MARGIN = 0.05
"""Ratios within 1 +- this are called the same."""
BLOCK = 0.004
"""Seconds of one block that are aimed at: about what a scheduler lets a process compute before another has its turn. On a
machine that others use too, most longer blocks are disturbed, and the median ratio of as much work scatters twice to five times
as far in blocks of 20 ms."""
_KEPT = 64 * 2**20  # bytes of outputs of one implementation that wait to be judged
_SMALL = 1_000_000
"""Multiply-adds up to which a timed call of every round is judged."""
_FEWEST_KEPT = 3
LIMIT = 30.0
"""Seconds of one request."""
_FIRST_LOOK = 2e-6  # seconds: 0.9 µs were seen of honest calls that take some microseconds themselves
_SCHEDULED = Path("/proc/thread-self/schedstat")
_secret = random.SystemRandom()  # which call is judged must not follow from the seed that a target could know

Judge = Callable[[Call, Reply], Judgement]


@dataclass(frozen=True, slots=True)
class Round:
    """One block: seconds of a call by the worker's clock; of the whole block by the worker's and by the harness's clock,
    and of an empty request by the latter; seconds by which the result came back later than it would a second time.
    ``outputs`` are those of call ``kept``, while they wait to be judged. ``prepare`` and ``fetch`` are the seconds of putting
    native arrays in place and of bringing a result back, which are no part of a call.

    On a device ``span`` are the seconds of the whole block by its events, and ``device`` those that it works for one call, at
    most; without one they are None.
    """

    number: int
    kept: int
    seconds: float
    claimed: float
    seen: float
    empty: float
    left_over: float
    outputs: tuple[np.ndarray, ...] = ()
    trouble: tuple[tuple[str, str], ...] = ()
    prepare: float = 0.0
    fetch: float = 0.0
    span: float | None = None
    device: float | None = None

    @property
    def bytes(self) -> int:
        return sum(output.nbytes for output in self.outputs)


def calls_for(seconds: float, most: int) -> int:
    """How many calls of so many seconds make a block."""
    return max(1, min(most, math.ceil(BLOCK / max(seconds, 1e-9))))


def take(session: Session, number: int, calls: int, warm: bool) -> Round:
    """Have one block timed. Raises :class:`WorkerLost` if a call did not return."""
    kept = _secret.randrange(calls)
    prepare = session.call(block.refresh, number, calls, warm, limit=LIMIT)
    empty, _ = _watched(lambda: session.call(block.nothing, limit=LIMIT))
    seen, ran = _watched(lambda: session.call(block.run, kept, limit=LIMIT))
    settled = session.call(block.settle, number, kept, limit=LIMIT)
    return Round(
        number, kept, ran.seconds / calls, ran.seconds, seen - ran.beside, empty, ran.left_over, settled.outputs, settled.trouble,
        prepare, ran.fetch, ran.span, ran.on_device(calls),
    )  # fmt: skip


def _watched(request: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a request took, less those in which the harness itself waited for a processor: on a loaded machine it may
    have one again only long after the reply has come, and an honest worker must not be blamed for that."""
    waited, began = _waited(), time.perf_counter()
    reply = request()
    seconds = time.perf_counter() - began
    return max(0.0, seconds - (_waited() - waited)), reply


def _waited() -> float:
    """Seconds that this thread has waited for a processor until now, where the system tells (Linux's schedstat)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_SCHEDULED.read_text().split()[1]) * 1e-9
    return 0.0


def thinned(rounds: Sequence[Round]) -> list[Round]:
    """``rounds`` with outputs dropped, at random, where they take too much memory; never the fastest one's."""
    rounds = list(rounds)
    fastest = min(range(len(rounds)), key=lambda i: rounds[i].seconds)
    held = [i for i, one in enumerate(rounds) if one.outputs and i != fastest]
    while len(held) >= _FEWEST_KEPT and sum(one.bytes for one in rounds) > _KEPT:
        drop = held.pop(_secret.randrange(len(held)))
        rounds[drop] = replace(rounds[drop], outputs=())
    return rounds


def disbelief(case: Case, rounds: Sequence[Round], judge: Judge) -> str:
    """Why the times of ``rounds`` are not believed, or nothing."""
    return _clock(rounds) or _device(rounds) or _left_over(rounds) or _wrong(case, rounds, judge)


def _clock(rounds: Sequence[Round]) -> str:
    """A clock that was changed: in most rounds the harness saw more time pass than the worker says, by more than the
    longest empty request and the margin together."""
    missing = statistics.median(one.seen - one.claimed for one in rounds)
    claimed = statistics.median(one.claimed for one in rounds)
    if missing <= max(one.empty for one in rounds) + MARGIN * claimed:
        return ""
    seen = statistics.median(one.seen for one in rounds)
    return f"the clock was changed: {claimed * 1e3:.3g} ms were said, {seen * 1e3:.3g} ms passed"


def _device(rounds: Sequence[Round]) -> str:
    """Two clocks that do not agree: in most rounds the device saw more time pass between its events than the worker says, by
    more than the longest empty request, which is more than an event takes to be recorded, and the margin together."""
    spans = [(one.span, one.claimed) for one in rounds if one.span is not None]
    if not spans:
        return ""
    span, claimed = (statistics.median(values) for values in zip(*spans, strict=True))
    more = statistics.median(span - claimed for span, claimed in spans)
    if more <= max(one.empty for one in rounds) + MARGIN * claimed:
        return ""
    return f"the clocks do not agree: {claimed * 1e3:.3g} ms were said, {span * 1e3:.3g} ms passed on the device"


def _left_over(rounds: Sequence[Round]) -> str:
    """Work that is done when the result is brought back: the first time takes longer than the second, in three of four
    rounds by more than the margin of a call and what the first look at a result costs."""
    ordered = sorted(one.left_over for one in rounds)
    low, seconds = ordered[len(ordered) // 4], statistics.median(one.seconds for one in rounds)
    if low <= MARGIN * seconds + _FIRST_LOOK:
        return ""
    return f"the work went on after the call had returned: {low * 1e3:.3g} ms passed until the result was there"


def _wrong(case: Case, rounds: Sequence[Round], judge: Judge) -> str:
    """The fastest round's output, and that of the round nearest to the median, which is the time that is quoted; of a small
    problem those of all rounds."""
    held = [one for one in rounds if one.outputs]
    median = statistics.median(one.seconds for one in rounds)
    chosen = {min(held, key=lambda one: one.seconds).number, min(held, key=lambda one: abs(one.seconds - median)).number}
    if case.problem.work <= _SMALL:
        chosen = {one.number for one in held}
    base = case.arrays()
    for one in held:
        if one.number in chosen:
            arrays = varied(base, one.number, block.data_number(one.number, one.kept))
            failure = judge(Call(case.problem, arrays), Reply(one.outputs)).failure
            if failure is not None:
                return f"wrong when timed: {failure.message}"
    return ""
