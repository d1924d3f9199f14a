"""What was timed, as data: times with their ratios, this machine's roofline, how time grows, and what was left out."""

from __future__ import annotations

from typing import Literal

from conformance.report.values import Few, Line, Value, Whole


class Timing(Value):
    """One implementation on one problem, measured interleaved with the others of the same problem.

    Seconds of one bare call: median over rounds. ``ratio`` is its time over the reference's (paired within rounds, median
    of the ratios) with its 95 % bootstrap interval; ``verdict`` compares with the reference at the stated margin.
    Where it was not timed, ``reason`` says why and the numbers are None; ``failed``: because it was wrong, crashed or cheated.

    ``threads`` and ``cold`` are the conditions; ``rounds`` were made until ``ended``, in
    so many ``sittings``, each in processes of its own. ``probability`` is that of such rounds
    without a difference beyond the margin, corrected for all problems. ``first_call``, ``prepare`` and ``fetch`` (conversion
    and transfer) are seconds that are no part of ``seconds``. ``peak`` are the bytes that a call took at most beside its
    tensors. ``gbytes`` are GB/s of the ``bytes`` that the problem must move, ``intensity`` its FLOP (of pooling: elements
    read) a byte, and ``share`` that of the roofline. ``device_seconds`` is how long a device works for a call, at most, by its
    own events; None where there is no device.
    """

    problem: Line
    workload: Line
    implementation: Line
    reference: Line
    work: Whole
    seconds: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    gflops: float | None = None
    verdict: Literal["FASTER", "SLOWER", "SAME", "INCONCLUSIVE", "REFERENCE", ""] = ""
    reason: Line = ""
    failed: bool = False
    threads: Whole | None = None
    cold: bool = False
    rounds: Whole = 0
    sittings: Whole = 1
    ended: Line = ""
    probability: float | None = None
    first_call: float | None = None
    prepare: float | None = None
    fetch: float | None = None
    peak: Whole | None = None
    gbytes: float | None = None
    bytes: Whole | None = None
    intensity: float | None = None
    share: float | None = None
    device_seconds: float | None = None


class Rate(Value):
    """The best rate that was seen, in FLOP/s or bytes/s, of products by data type or of copies by the bytes of a buffer,
    and the share of it by which the median was below it."""

    what: Line
    best: float
    spread: float


class Roofline(Value):
    """This machine's limits with so many threads: products of large matrices, and copies of a buffer's bytes."""

    threads: Whole | None
    cold: bool = False
    products: Few[Rate]
    copies: Few[Rate]


class LeftOut(Value):
    """A problem that was not begun."""

    workload: Line
    problem: Line
    threads: Whole | None
    reason: Line


class Growth(Value):
    """How an implementation's time grows with the work where one ``dimension`` of a ``workload`` is varied: time ~ work^exponent,
    with the 95 % interval of the exponent. ``factors`` are those that were timed."""

    dimension: Line
    workload: Line
    implementation: Line
    threads: Whole | None
    factors: Few[float]
    work: Few[Whole]
    seconds: Few[float]
    exponent: float | None = None
    low: float | None = None
    high: float | None = None
