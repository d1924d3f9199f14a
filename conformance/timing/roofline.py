"""What this machine can do at most, and what a problem needs at least: the roofline (Williams, Waterman and Patterson, 2009).

Products of matrices and copies are measured in a worker of the harness's own, under the conditions of the run. Products reach
somewhat less than what the machine can do; a call that is faster than both allow, or than products by more, has not done its
work, or not in the time that was said.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from conformance.plugin.target import Target
from conformance.problem import Family, Problem
from conformance.problem.operators import INPUT_GRAD
from conformance.problem.window import OUTSIDE, AnyWindow
from conformance.report.environment import available_cores
from conformance.running.session import Session
from conformance.timing.conditions import Conditions, last_level_cache, limit

_OWN = Target("numpy-gemm")  # something must be loaded; it is not called
_PRODUCTS = {"float32": (512, 1024), "float64": (384, 768)}  # sides of the matrices: at most some tens of milliseconds
_REACHED = 0.8
"""The least share of what a processor can do that products are taken to reach. Those written for it come near to all of it (Goto
and van de Geijn, ACM TOMS 34(3), 2008); here they reached 93 to 97 % of what a direct convolution does."""
_LEAST = 3  # repetitions of each measurement
_CACHED = tuple(2**power for power in range(16, 31, 3))  # bytes of buffers, as far as the last-level cache holds two of them
_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Of one kind of work: the best rate seen, in FLOP/s or bytes/s, and by what share of it the median was below it."""

    best: float
    spread: float


@dataclass(frozen=True, slots=True)
class Roof:
    """This machine under ``conditions``: rates of matrix products by data type; of copies, and of reading, by the bytes of
    what is copied. A copy of n bytes moves 2n."""

    conditions: Conditions
    products: Mapping[str, Rates]
    copies: Mapping[int, Rates]
    reads: Mapping[int, Rates]

    def bandwidth(self, traffic: float) -> float:
        """Bytes/s of copies where so many bytes are moved: of the caches that hold them, unless they are to be cold."""
        return self._at(self.copies, traffic).best

    def seconds(self, need: Need) -> float | None:
        """What a call takes at least if it computes and moves at these rates; None for a data type without a rate."""
        if need.flops and need.dtype not in self.products:
            return None
        return max(need.bytes / self.bandwidth(need.bytes), need.flops / self.products[need.dtype].best if need.flops else 0.0)

    def excess(self, need: Need, seconds: float, fewer: bool) -> str:
        """Why a time is impossible, or nothing. ``fewer``: by a method with fewer multiplications than the direct sum.

        Reading alone may be quicker than copying; each rate is allowed its own spread, and products what they do not reach.
        """
        moving = max(_most(self._at(rates, need.bytes)) for rates in (self.copies, self.reads))
        if need.bytes / seconds > moving:
            return f"it would move {need.bytes / seconds / 1e9:.3g} GB/s, and this machine at most {moving / 1e9:.3g}"
        if need.flops and not fewer and need.dtype in self.products:
            computing = _most(self.products[need.dtype]) / _REACHED
            if need.flops / seconds > computing:
                return f"it would do {need.flops / seconds / 1e9:.3g} GFLOP/s, and this machine at most {computing / 1e9:.3g}"
        return ""

    def _at(self, rates: Mapping[int, Rates], traffic: float) -> Rates:
        """The rate of the largest buffers of which two are not more than ``traffic``: a problem that is larger is no faster."""
        fitting = [size for size in rates if 2 * size <= traffic] or [min(rates)]
        return rates[max(rates) if self.conditions.cold else max(fitting)]

    def joined(self, other: Roof) -> Roof:
        """The better rates of two measurements: what was disturbed is no limit."""
        products = {dtype: _better(one, other.products[dtype]) for dtype, one in self.products.items()}
        copies = {size: _better(one, other.copies[size]) for size, one in self.copies.items()}
        reads = {size: _better(one, other.reads[size]) for size, one in self.reads.items()}
        return replace(self, products=products, copies=copies, reads=reads)


@dataclass(frozen=True, slots=True)
class Need:
    """What a problem cannot be solved without: bytes moved once each, and operations, those on padding left out.

    ``flops`` are 0 for pooling, which need not multiply.
    """

    dtype: str
    bytes: int
    flops: float


def need(problem: Problem) -> Need:
    """What ``problem`` needs. Elements that no window reads are not moved."""
    moved = problem.result_format.numpy.itemsize * math.prod(problem.result_shape)
    for name, shape in problem.array_shapes.items():
        elements = math.prod(shape) * (math.prod(_seen(w) for w in problem.windows) if _is_read_by_windows(problem, name) else 1)
        moved += math.ceil(elements) * problem.dtype_of(name).itemsize
    inside = math.prod(_inside(window) for window in problem.windows)
    return Need(problem.dtype, moved, 0.0 if problem.op.is_pool else 2.0 * problem.work * inside)


def _is_read_by_windows(problem: Problem, name: str) -> bool:
    sliding = problem.op.family not in (Family.CONV_TRANSPOSE, Family.MAX_UNPOOL)
    return name == "x" and sliding and problem.op.pass_name != INPUT_GRAD


def _seen(window: AnyWindow) -> float:
    """The share of the elements of an axis that a window reads."""
    table = window.table()
    return len(np.unique(table[table != OUTSIDE])) / max(1, window.size)


def _inside(window: AnyWindow) -> float:
    """The share of the taps of an axis that do not lie in its padding."""
    table = window.table()
    return float((table != OUTSIDE).mean()) if table.size else 1.0


def measure_roof(session: Session, conditions: Conditions, seconds: float) -> Roof:
    """Measure for about so many seconds in the worker of ``session``, see :func:`own_session`."""
    products, copies, reads = session.call(rates, conditions, seconds, limit=_LIMIT)
    return Roof(conditions, products, copies, reads)


def own_session() -> Session:
    """A worker for :func:`measure_roof`."""
    return Session(_OWN, time_limit=_LIMIT)


def rates(target: Target, conditions: Conditions, seconds: float) -> tuple[dict[str, Rates], dict[int, Rates], dict[int, Rates]]:
    """In the worker: rates of products, copies and reads."""
    threads = conditions.threads or available_cores()
    multiply = _multiplications()
    sizes = [size for size in _CACHED if 4 * size <= last_level_cache()] + [2 * last_level_cache()]
    ways = {dtype: [(one, side) for one in multiply for side in sides] for dtype, sides in _PRODUCTS.items()}
    share = seconds / (len({1, threads}) * sum(map(len, ways.values())) + 2 * len(sizes))
    products: dict[str, Rates] = {}
    copies: dict[int, Rates] = {}
    reads: dict[int, Rates] = {}
    for number in sorted({1, threads}):  # where another process takes a core, one thread may do more than two
        limit(number)
        for dtype, each in ways.items():
            found = [_product(one, dtype, side, share) for one, side in each]
            products[dtype] = max([*found, products.get(dtype, found[0])], key=lambda one: one.best)
    limit(conditions.threads)
    larger: tuple[Rates, Rates] | None = None
    with ThreadPoolExecutor(threads) as pool:
        for size in reversed(sizes):  # what is smaller fits into a cache that is at least as quick
            moved = _moving(pool, threads, size, share)
            copies[size], reads[size] = (_better(*pair) for pair in zip(moved, larger or moved, strict=True))
            larger = copies[size], reads[size]
    return products, copies, reads


def _multiplications() -> list[Callable[[Any, Any], Any]]:
    """The matrix products that there are: NumPy's, and PyTorch's, which is sometimes the quicker one."""
    found: list[Callable[[Any, Any], Any]] = [np.matmul]
    if importlib.util.find_spec("torch") is not None:
        import torch

        found.append(lambda a, b: torch.mm(torch.from_numpy(a), torch.from_numpy(b)))
    return found


def _product(multiply: Callable[[Any, Any], Any], dtype: str, side: int, seconds: float) -> Rates:
    a, b = (np.random.default_rng(seed).random((side, side)).astype(dtype) for seed in (0, 1))
    return _rate(lambda: multiply(a, b), 2.0 * side**3, seconds)


def _moving(pool: ThreadPoolExecutor, threads: int, size: int, seconds: float) -> tuple[Rates, Rates]:
    """Copying and reading ``size`` bytes. NumPy lets other threads run meanwhile, so each does a part of what no cache
    holds; handing over less would take longer than the copy, so there one thread's rate stands for all."""
    source, target = np.ones(size // 4, np.float32), np.empty(size // 4, np.float32)
    if threads == 1 or 2 * size <= last_level_cache():
        copy = _rate(lambda: np.copyto(target, source), 2.0 * size, seconds)
        read = _rate(lambda: source.max(), 1.0 * size, seconds)
        return _times(copy, threads), _times(read, threads)
    pairs = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    copy = _rate(lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs)), 2.0 * size, seconds)
    read = _rate(lambda: list(pool.map(lambda pair: pair[0].max(), pairs)), 1.0 * size, seconds)
    return copy, read


def _rate(work: Callable[[], Any], amount: float, seconds: float) -> Rates:
    work()
    found: list[float] = []
    began = perf_counter()
    while len(found) < _LEAST or perf_counter() - began < seconds:
        start = perf_counter()
        work()
        found.append(amount / max(perf_counter() - start, 1e-9))
    return Rates(max(found), 1 - median(found) / max(found))


def _times(one: Rates, threads: int) -> Rates:
    return Rates(one.best * threads, one.spread)


def _better(one: Rates, other: Rates) -> Rates:
    return max(one, other, key=lambda rates: rates.best)


def _most(one: Rates) -> float:
    """A rate that was not seen, but that its spread makes possible."""
    return one.best * (1 + one.spread)
