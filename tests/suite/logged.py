"""An implementation that only logs its calls, and what can be said of a call that it saw: of its tensors' memory and values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.plugin.job import Job
from conformance.plugin.layouts import LAYOUTS
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, Problem
from conformance.running.plan import plan
from conformance.running.profile import PROFILES
from conformance.running.worker import perform

SCALARS = frozenset({"x_zero", "w_zero", "y_zero", "scale"})


@dataclass(frozen=True, slots=True)
class Logged:
    """A call: the trial that it is of, its problem, and what was seen of its tensors."""

    trial: int
    problem: Problem
    layouts: Mapping[str, frozenset[str]]
    """Of each tensor."""
    values: str
    """"special", "real", "cancelling" (real, and all of about one size), or "whole" numbers."""
    written: frozenset[str]
    """Tensors that are the same object as in an earlier call of the trial, with other contents: "x", or with what did not
    change "x inner" (first and last element) or "x channel" (all channels but one)."""
    invalid: bool = False


@dataclass(eq=False)
class Log(Implementation):
    """Logs its calls, and returns zeros."""

    name, summary = "log", "logs its calls"
    trial: int = 0
    calls: list[Logged] = field(default_factory=list)
    before: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    """Arrays of the trial's earlier calls by their identity, kept alive, with what was in them."""
    looks_at_values: bool = False

    @property
    def claims(self) -> Mapping[str, Claims]:
        return CLAIMS

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        tensors = {name: array for name, array in arrays.items() if name not in SCALARS}
        layouts = {name: layouts_of(array) for name, array in tensors.items()}
        written = frozenset(itertools.chain(*(self._written(name, array) for name, array in tensors.items())))
        values = values_of(tensors) if self.looks_at_values else ""
        self.calls.append(Logged(self.trial, problem, layouts, values, written))
        zero = np.zeros((), problem.result_format.numpy)
        y = np.broadcast_to(zero, problem.result_shape)  # as good as any: nothing is judged
        return lambda: (y, np.broadcast_to(np.int64(0), problem.result_shape)) if problem.indices else y

    def _written(self, name: str, array: np.ndarray) -> Iterator[str]:
        if not self.looks_at_values:
            return
        now = array.copy()
        then = self.before.get(id(array))
        self.before[id(array)] = (array, now)
        if then is None or np.array_equal(then[1], now):
            return
        old = then[1]
        yield name
        flat, was = now.reshape(-1), old.reshape(-1)
        if flat[0] == was[0] and flat[-1] == was[-1]:
            yield f"{name} inner"
        changed = np.asarray(now != old)
        for axis, size in enumerate(now.shape[:2]):
            others = tuple(other for other in range(now.ndim) if other != axis)
            if changed.any(axis=others).sum() == 1 < size:
                yield f"{name} channel"


CLAIMS: dict[str, Claims] = {name: Claims(operator.traits.dtypes, options_of(operator)) for name, operator in OPERATORS.items()}
LOG = Log()
TARGET = Target(f"{__name__}:LOG")


def calls_of(operator: str, seed: int = 0) -> list[Logged]:
    """All valid calls that the quick profile makes of one operator, as an implementation that claims everything sees them."""
    LOG.calls, LOG.trial = [], 0
    for trial in plan(operator, CLAIMS, PROFILES["quick"], seed):
        LOG.trial += 1
        LOG.before = {}
        LOG.looks_at_values = trial.check.name.partition(".")[0] in ("accuracy", "special", "state")
        calls = tuple(call for call in trial.calls if not call.invalid)
        if calls and not trial.check.concurrent:
            perform(TARGET, Job(calls))
    return LOG.calls


Memory = tuple[tuple[int, ...], int, bool]


def memory_of(array: np.ndarray) -> Memory:
    """The strides where they matter, how far into its memory an array begins, in bytes, and whether vectors like that."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    strides = tuple(stride for size, stride in zip(array.shape, array.strides, strict=True) if size > 1)
    return strides, array.ctypes.data - owner.ctypes.data, array.ctypes.data % 16 == 0


@cache
def _memory_of_layouts(shape: tuple[int, ...], dtype: str) -> tuple[tuple[Memory, str], ...]:
    plain = np.zeros(shape, dtype)
    same = memory_of(plain)
    found = [(memory_of(change(plain)), name) for name, change in LAYOUTS.items()]
    return tuple((memory, name) for memory, name in found if memory[:2] != same[:2])


def layouts_of(array: np.ndarray) -> frozenset[str]:
    """The layouts that an array may be said to have; none where all are alike for its shape."""
    if not array.size or not array.ndim:
        return frozenset()
    strides, begins, aligned = memory_of(array)
    names = {
        name
        for memory, name in _memory_of_layouts(array.shape, array.dtype.name)
        if memory[:2] == (strides, begins) and name != "misaligned"
    }
    if array.flags.c_contiguous and not aligned:
        names.add("misaligned")
    return frozenset(names) or frozenset({"contiguous"} if array.flags.c_contiguous else ())


def values_of(tensors: Mapping[str, np.ndarray]) -> str:
    """What kind of numbers: special ones (NaN, Inf, -0, subnormals, the largest of a type), real ones, or whole ones."""
    kinds = {_values_of(np.asarray(array)) for array in tensors.values() if array.dtype.kind not in "iu" and array.size}
    return next(kind for kind in ("special", "cancelling", "real", "whole") if kind in kinds or kind == "whole")


def _values_of(array: np.ndarray) -> str:
    limits = ml_dtypes.finfo(array.dtype)
    parts = np.stack([array.real, array.imag]) if array.dtype.kind == "c" else array
    values = parts.astype(np.float64)
    magnitudes = np.abs(values)
    tiny = (magnitudes > 0) & (magnitudes < float(limits.smallest_normal))
    if not np.isfinite(values).all() or (np.signbit(values) & (values == 0)).any() or tiny.any():
        return "special"
    if magnitudes.max() >= float(limits.max) / 4:
        return "special"
    least, most = magnitudes.min(), magnitudes.max()
    of_one_size = most < 1.4 * least if most > 900 else 11 < least <= most < 21
    if of_one_size and values.size > 1:
        return "cancelling"
    return "whole" if (values == np.rint(values)).all() else "real"
