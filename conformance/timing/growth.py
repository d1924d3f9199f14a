"""How cost grows: one dimension of a problem is varied by factors of 2, and time fitted against work as a power."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.errors import UsageError
from conformance.problem import Problem, reasons_invalid
from conformance.report.times import Growth, Timing
from conformance.timing.compare import Workload
from conformance.timing.statistics import student

_FACTORS = (1, 2, 4, 8, 16)


def _batch(problem: Problem, factor: int) -> Problem:
    return problem.replace(batch=factor * problem.batch)


def _channels(problem: Problem, factor: int) -> Problem:
    groups = factor * problem.groups if problem.groups == problem.channels > 1 else problem.groups  # depthwise stays depthwise
    return problem.replace(channels=factor * problem.channels, out_channels=factor * problem.out_channels, groups=groups)


def _size(problem: Problem, factor: int) -> Problem:
    return problem.with_axis(0, size=factor * problem.windows[0].size)


def _kernel(problem: Problem, factor: int) -> Problem:
    """A larger kernel of odd size, padded so that the output keeps its size where it had it."""
    if problem.op.traits.window == "adaptive":
        raise UsageError(f"{problem.operator} has no kernel to scale", hint="scale batch, channels or size")
    for axis, window in enumerate(problem.windows):
        kernel = (window.kernel - 1) * factor + 1 if window.kernel > 1 else 2 * factor - 1
        more = (kernel - window.kernel) * window.dilation
        pads = {"pad_begin": window.pad_begin + more // 2, "pad_end": window.pad_end + more - more // 2}
        problem = problem.with_axis(axis, kernel=kernel, **pads)
    return problem


DIMENSIONS: Mapping[str, Callable[[Problem, int], Problem]] = {
    "batch": _batch,
    "channels": _channels,
    "size": _size,
    "kernel": _kernel,
}


def grown(workload: Workload, dimension: str) -> list[Workload]:
    """``workload`` with one dimension times 1, 2, 4, 8 and 16, as far as the problem stays valid."""
    found = []
    for factor in _FACTORS:
        problem = DIMENSIONS[dimension](workload.case.problem, factor)
        if not reasons_invalid(problem):
            case = Case(problem, workload.case.kind, workload.case.seed, workload.case.origin)
            found.append(Workload(f"{workload.name} {dimension}×{factor}", case))
    return found


def fits(rows: Iterable[Timing], dimension: str) -> list[Growth]:
    """For each implementation on each problem that was scaled its times, and the exponent fitted to them."""
    series: dict[tuple[str, str, int | None], list[tuple[float, Timing]]] = {}
    for row in rows:
        name, _, factor = row.workload.rpartition(f" {dimension}×")
        series.setdefault((name, row.implementation, row.threads), []).append((float(factor), row))
    found = []
    for (name, implementation, threads), points in series.items():
        timed = [(factor, row) for factor, row in points if row.seconds is not None]
        work, seconds = [row.work for _, row in timed], [row.seconds or 0.0 for _, row in timed]
        one = Growth(
            dimension=dimension, workload=name, implementation=implementation, threads=threads, work=tuple(work),
            seconds=tuple(seconds), factors=tuple(factor for factor, _ in timed),
        )  # fmt: skip
        if len(set(work)) > 2:
            exponent, low, high = exponent_of(work, seconds)
            one = one.model_copy(update={"exponent": exponent, "low": low, "high": high})
        found.append(one)
    return found


def exponent_of(work: Sequence[float], seconds: Sequence[float]) -> tuple[float, float, float]:
    """The slope of log(seconds) over log(work) by least squares, and its 95 % interval (Student's t with n - 2 degrees).

    What is left of a power law by overhead, caches and other algorithms widens the interval. Needs three points.
    """
    x, y = np.log(np.asarray(work, float)), np.log(np.asarray(seconds, float))
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    freedom = len(x) - 2
    error = float(np.sqrt(((y - slope * x) ** 2).sum() / freedom / (x @ x)))
    half = student(freedom) * error
    return slope, slope - half, slope + half
