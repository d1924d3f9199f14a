"""Windows that lie elsewhere: flipped or transposed kernels, and strides, dilations and taps of another rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.diagnosis.nouns import AXES
from conformance.diagnosis.prediction import Hypothesis
from conformance.diagnosis.rules.base import (
    CONVS,
    FORWARDS,
    GEOMETRIC,
    SLIDING,
    WITH_WINDOWS,
    by_arrays,
    by_problem,
    by_result,
    by_tables,
)
from conformance.diagnosis.rules.base import WEIGHT_GRADS as OF_WEIGHTS
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.tables import table_like
from conformance.problem import Family, Problem
from conformance.problem.operators import WEIGHT_GRAD
from conformance.problem.window import OUTSIDE
from conformance.reference.truth import Arrays

_PAIRS = ((0, 1), (1, 2), (0, 2))
PerAxis = Callable[[Problem, int], dict[str, Any] | None]


def parameter(key: str, words: str, change: PerAxis, families: frozenset[Family] = SLIDING) -> Iterator[Hypothesis]:
    """Another parameter of each axis' window: with as many places as asked for, and with as many as come of it.

    Of a transposed convolution also with the right part of what comes before its end is cut off.
    """

    def read(problem: Problem, axis: int) -> np.ndarray | None:
        changes = change(problem, axis)
        return None if not changes else table_like(problem.windows[axis], **changes)

    def whole(problem: Problem) -> Problem:
        for axis, changes in enumerate([change(problem, axis) for axis in range(problem.op.ndim)]):
            problem = problem.with_axis(axis, **(changes or {}))
        return problem

    def uncut(problem: Problem) -> Problem | None:
        changed = whole(problem)
        if changed == problem:
            return None
        for axis, window in enumerate(changed.windows):
            padding = min(changed.output_padding[axis], max(window.stride, window.dilation) - 1)
            changed = changed.with_axis(axis, pad_end=0, output_padding=padding)
        return changed

    rules, transposed = (by_tables(read), by_problem(whole, fit=True)), frozenset({Family.CONV_TRANSPOSE})
    yield Hypothesis(key, words, rules, families - transposed, WITH_WINDOWS)
    if families & transposed:
        yield Hypothesis(key, words, rules, transposed, WITH_WINDOWS - FORWARDS)
        yield Hypothesis(key, words, (*rules, by_problem(uncut)), transposed, FORWARDS)


def _of_axis(field: str, other: Callable[[int, int], int]) -> PerAxis:
    def change(problem: Problem, axis: int) -> dict[str, Any] | None:
        source = other(axis, problem.op.ndim)
        return {field: getattr(problem.windows[source], field)} if source != axis else None

    return change


def of_axes(noun: str, *fields: str) -> Iterator[Hypothesis]:
    """``fields`` taken from another axis: exchanged, or one axis' for all."""

    def change(other: Callable[[int, int], int]) -> PerAxis:
        each = [_of_axis(field, other) for field in fields]

        def both(problem: Problem, axis: int) -> dict[str, Any] | None:
            made = [one(problem, axis) or {} for one in each]
            return {name: value for part in made for name, value in part.items()} or None

        return both

    key = noun.replace(" ", "-")
    yield from parameter(f"{key}-reversed", f"the {noun} is taken from the axes in reverse order", change(lambda a, n: n - 1 - a))
    yield from parameter(f"{key}-of-first-axis", f"the {noun} of the first axis is taken for all axes", change(lambda a, n: 0))
    yield from parameter(f"{key}-of-last-axis", f"the {noun} of the last axis is taken for all axes", change(lambda a, n: n - 1))
    for i, j in _PAIRS:
        words = f"the {noun} of the {AXES[i]} and the {AXES[j]} axis are exchanged"
        yield from parameter(f"{key}-exchanged", words, change(_exchanged(i, j)))


def _exchanged(i: int, j: int) -> Callable[[int, int], int]:
    return lambda axis, ndim: {i: j, j: i}.get(axis, axis) if max(i, j) < ndim else axis


def _flip(*axes: int) -> Callable[[Problem, int], np.ndarray | None]:
    return lambda problem, axis: problem.windows[axis].table()[:, ::-1] if not axes or axis in axes else None


def _flips() -> Iterator[Hypothesis]:
    turned = by_tables(_flip())
    gradient, forward = frozenset({"input_grad"}), WITH_WINDOWS - {"input_grad"}
    yield new("kernel-flipped", "This is convolution, not cross-correlation: the kernel is flipped", turned, CONVS, forward)
    yield new("kernel-flipped", "The kernel is not turned round for the gradient of the input", turned, CONVS, gradient)
    for axis in range(3):
        words = f"the kernel is flipped in its {AXES[axis]} axis alone"
        yield new("kernel-flipped-in-one-axis", words, by_tables(_flip(axis)), CONVS, WITH_WINDOWS)


def _transposed(i: int, j: int) -> tuple[Callable[[Problem, Arrays], Arrays | None], Callable[[Problem, np.ndarray], Any]]:
    """Square kernels with two axes exchanged: in the tensors, and in a gradient of weights."""

    def square(problem: Problem) -> bool:
        return problem.op.ndim > j and problem.kernel[i] == problem.kernel[j] > 1

    def arrays(problem: Problem, given: Arrays) -> Arrays | None:
        if not square(problem) or "w" not in given:
            return None
        return {**given, "w": np.ascontiguousarray(given["w"].swapaxes(2 + i, 2 + j))}

    def result(problem: Problem, part: np.ndarray) -> np.ndarray | None:
        return part.swapaxes(2 + i, 2 + j) if square(problem) else None

    return arrays, result


def _transposes() -> Iterator[Hypothesis]:
    for i, j in _PAIRS:
        words = f"the {AXES[i]} and the {AXES[j]} axis of square kernels are exchanged"
        arrays, result = _transposed(i, j)
        yield new("kernel-axes-exchanged", words, by_arrays(arrays), CONVS, WITH_WINDOWS - {WEIGHT_GRAD})
        yield new("kernel-axes-exchanged", words, by_result(result), CONVS, OF_WEIGHTS)


def _shift(by: int) -> PerAxis:
    return lambda problem, axis: {"pad_begin": problem.windows[axis].pad_begin - by}


def _shifted_in(axis: int, by: int) -> Callable[[Problem, int], np.ndarray | None]:
    return lambda problem, at: table_like(problem.windows[at], **_shift(by)(problem, at) or {}) if at == axis else None


def _without_tap(which: str) -> Callable[[Problem, int], np.ndarray | None]:
    def read(problem: Problem, axis: int) -> np.ndarray | None:
        table = problem.windows[axis].table().copy()
        if table.shape[1] < 2:
            return None
        table[:, 0 if which == "first" else -1] = OUTSIDE
        return table

    return read


def _without_last_column(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    table = window.table()
    return np.where(table == window.elements - 1, OUTSIDE, table) if axis == problem.op.ndim - 1 else None


def _without_tap_in(axis: int, which: str) -> Callable[[Problem, int], np.ndarray | None]:
    return lambda problem, at: _without_tap(which)(problem, at) if at == axis else None


def _swapped_roles(problem: Problem, axis: int) -> dict[str, Any] | None:
    window = problem.windows[axis]
    return {"stride": window.dilation, "dilation": window.stride}


def _all() -> Iterator[Hypothesis]:
    yield from _flips()
    yield from _transposes()
    yield from parameter("dilation-ignored", "the dilation is ignored", lambda p, a: {"dilation": 1})
    yield from parameter("stride-ignored", "the stride is ignored", lambda p, a: {"stride": 1})
    yield from of_axes("stride", "stride")
    yield from of_axes("dilation", "dilation")
    pools = SLIDING - CONVS
    words = "the kernel size of the first axis is taken for all axes"
    yield from parameter("kernel-of-first-axis", words, _of_axis("kernel", lambda a, n: 0), pools)
    words = "the kernel size is taken from the axes in reverse order"
    yield from parameter("kernel-reversed", words, _of_axis("kernel", lambda a, n: n - 1 - a), pools)
    words = "the stride is taken as dilation and the dilation as stride"
    yield from parameter("stride-and-dilation-exchanged", words, _swapped_roles)
    words = "the dilation is at most 2"
    yield from parameter("dilation-at-most-2", words, lambda p, a: {"dilation": min(p.windows[a].dilation, 2)})
    yield from parameter("stride-at-most-2", "the stride is at most 2", lambda p, a: {"stride": min(p.windows[a].stride, 2)})
    yield from parameter("dilation-off-by-one", "the dilation is one too large", lambda p, a: {"dilation": p.dilation[a] + 1})
    yield from parameter("stride-off-by-one", "the stride is one too large", lambda p, a: {"stride": p.stride[a] + 1})
    for axis in range(3):
        for field in ("dilation", "stride"):
            words = f"the {field} of the {AXES[axis]} axis is ignored"
            yield from parameter(f"{field}-ignored-in-one-axis", words, _ignored_in(axis, field))
    for axis in range(3):
        words = f"the dilation of the {AXES[axis]} axis is one too large"
        yield from parameter("dilation-off-by-one", words, _more_in(axis, "dilation"))
    for which in ("last", "first"):
        words = f"the {which} tap of the kernel is left out"
        yield new(f"{which}-tap-missing", words, by_tables(_without_tap(which)), GEOMETRIC, WITH_WINDOWS)
        for axis in range(3):
            words = f"the {which} tap of the kernel's {AXES[axis]} axis is left out"
            yield new(f"{which}-tap-missing", words, by_tables(_without_tap_in(axis, which)), GEOMETRIC, WITH_WINDOWS)
    words = "the last element of the last axis is not read"
    yield new("last-column-unread", words, by_tables(_without_last_column), GEOMETRIC, WITH_WINDOWS)
    for by, word in ((1, "later"), (-1, "earlier")):
        yield from parameter(f"one-{word}", f"every window lies one element {word} than it should", _shift(by))
        for axis in range(3):
            words = f"every window lies one element {word} than it should in the {AXES[axis]} axis"
            yield new(f"one-{word}", words, by_tables(_shifted_in(axis, by)), SLIDING, WITH_WINDOWS)


def _ignored_in(axis: int, field: str) -> PerAxis:
    return lambda problem, at: {field: 1} if at == axis and problem.op.ndim > 1 else None


def _more_in(axis: int, field: str) -> PerAxis:
    return lambda problem, at: {field: getattr(problem.windows[at], field) + 1} if at == axis and problem.op.ndim > 1 else None


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
