"""Places and taps that go wrong by themselves: the last window of a row, taps behind a number of them, a wrong default.

What lands elsewhere, after it was computed at the right place, is here too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.nouns import AXES
from conformance.diagnosis.prediction import Hypothesis, Prediction, predicted
from conformance.diagnosis.rules.base import (
    CONVS,
    FORWARDS,
    GEOMETRIC,
    INPUT_GRADS,
    LIKE_FORWARD,
    SLIDING,
    WEIGHT_GRADS,
    WITH_WINDOWS,
    by_problem,
    by_result,
    by_tables,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.rules.gradients import moved
from conformance.diagnosis.rules.windows import parameter
from conformance.problem import Family, Problem
from conformance.problem.window import OUTSIDE, TransposedWindow, Window
from conformance.reference.truth import Arrays

_POOLS = SLIDING - CONVS
_DIRECT = SLIDING - {Family.CONV_TRANSPOSE}
_MOST_TAPS = (4, 8, 16, 32, 64, 128)
Read = Callable[[Problem, int], np.ndarray | None]


def _first() -> Iterator[Hypothesis]:
    """Told before their like, which explain the same of fewer cases."""
    words = "the stride is 1, not the kernel's size, where it is left to its default"
    yield new("default-stride-of-1", words, by_problem(_default_stride), _POOLS, WITH_WINDOWS)


def _default_stride(problem: Problem) -> Problem | None:
    return problem.with_windows(stride=1) if problem.stride == problem.kernel else None


def _all() -> Iterator[Hypothesis]:
    words = "the last window is aligned with the end of the input where the stride leaves a rest"
    yield new("last-window-at-end", words, by_tables(_last_at_end), _DIRECT, WITH_WINDOWS)
    for axis in range(3):
        told = f"{words}, in the {AXES[axis]} axis"
        yield new("last-window-at-end", told, by_tables(_in_axis(axis, _last_at_end)), _DIRECT, WITH_WINDOWS)
    words = "elements are read without the offset of the padding, though the border is judged with it"
    yield new("offset-without-padding", words, by_tables(_without_offset), SLIDING, WITH_WINDOWS)
    words = "a dilated window that is clipped at the first element starts there, out of step"
    yield new("clipped-out-of-step", words, by_tables(_out_of_step), _DIRECT, WITH_WINDOWS)
    for axis in range(3):
        words = f"the padding and the stride of the {AXES[axis]} axis are ignored"
        yield from parameter("padding-and-stride-ignored", words, _bare_in(axis))
    for taps in _MOST_TAPS:
        words = f"windows are cut off behind {taps} taps"
        yield new(f"taps-over-{taps}-unread", words, by_tables(_at_most(taps)), GEOMETRIC, WITH_WINDOWS)
    yield new("first-tap-alone", "only the first tap of the kernel is read", by_tables(_first_tap), GEOMETRIC, WITH_WINDOWS)
    for axis in range(3):
        words = f"the last tap of the {AXES[axis]} axis is not read from the last place"
        yield new("last-tap-at-last-place", words, by_tables(_in_axis(axis, _corner)), SLIDING, WITH_WINDOWS)
    words = "the size of the result is that of the first axis' kernel and dilation in all axes"
    yield new("result-size-of-first-axis", words, _size_of_first_axis, _DIRECT, FORWARDS)
    words = "the gradient of the weights is not cropped to the kernel where the stride leaves a rest"
    for dilated in (False, True):
        yield new("weight-grad-uncropped", words, _uncropped(dilated), CONVS, WEIGHT_GRADS)
    for by, word in ((1, "later"), (-1, "earlier")):
        for axis in range(3):
            words = f"results land one element {word} in the {AXES[axis]} axis"
            yield new(f"result-one-{word}", words, by_result(_landed(axis, by)), SLIDING, LIKE_FORWARD | INPUT_GRADS)


def _in_axis(axis: int, read: Read) -> Read:
    return lambda problem, at: read(problem, at) if at == axis and problem.op.ndim > 1 else None


def _last_at_end(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    if not isinstance(window, Window) or window.ceil or not (window.padded - window.extent) % window.stride:
        return None
    table = window.table().copy()
    last = window.padded - window.extent - window.pad_begin
    table[-1] = window.element_at(last + np.arange(window.kernel) * window.dilation)
    return table


def _without_offset(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    if window.mode != "zeros" or window.pad_begin <= 0:
        return None
    table = window.table()
    moved = table + window.pad_begin
    return np.where((table != OUTSIDE) & (moved < window.elements), moved, OUTSIDE)


def _out_of_step(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    if not isinstance(window, Window) or window.mode != "zeros" or window.dilation == 1 or window.pad_begin <= 0:
        return None
    right = window.positions()
    at = np.maximum(right[:, :1], 0) + np.arange(window.kernel) * window.dilation
    return np.where((at < window.size) & (at <= right[:, -1:]), at, OUTSIDE)


def _bare_in(axis: int) -> Callable[[Problem, int], dict[str, int] | None]:
    bare = {"pad_begin": 0, "pad_end": 0, "stride": 1}
    return lambda problem, at: bare if at == axis and problem.op.ndim > 1 else None


def _at_most(taps: int) -> Read:
    def read(problem: Problem, axis: int) -> np.ndarray | None:
        table = problem.windows[axis].table()
        return np.where(np.arange(table.shape[1]) < taps, table, OUTSIDE) if table.shape[1] > taps else None

    return read


def _first_tap(problem: Problem, axis: int) -> np.ndarray:
    table = problem.windows[axis].table()
    return np.where(np.arange(table.shape[1]) == 0, table, OUTSIDE)


def _corner(problem: Problem, axis: int) -> np.ndarray:
    table = problem.windows[axis].table().copy()
    table[-1, -1] = OUTSIDE
    return table


def _size_of_first_axis(problem: Problem, arrays: Arrays) -> Prediction | None:
    first, sizes = problem.windows[0], []
    for window in problem.windows:
        assert not isinstance(window, TransposedWindow)
        sizes.append(max(0, (window.padded - first.extent) // window.stride + 1))
    if problem.ceil or tuple(sizes) == problem.output_shape[2:]:
        return None
    return predicted(problem, arrays).fitted((*problem.output_shape[:2], *sizes))


def _uncropped(dilated: bool) -> Callable[[Problem, Arrays], Prediction | None]:
    """What lies behind the right gradient may be anything."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        rests = [(w.padded - w.extent) % w.stride // (w.dilation if dilated else 1) for w in problem.windows]
        if not any(rests):
            return None
        right = predicted(problem, arrays)
        wide = right.fitted((*right.shape[:2], *(size + rest for size, rest in zip(right.shape[2:], rests, strict=True))))
        inside = tuple(slice(0, size) for size in right.shape)
        tolerance = np.full(wide.shape, np.inf)
        tolerance[inside] = right.tolerance
        return dataclasses.replace(wide, tolerance=tolerance)

    return rule


def _landed(axis: int, by: int) -> Callable[[Problem, np.ndarray], np.ndarray | None]:
    move = moved(lambda problem, at: by if at == axis else 0)
    return lambda problem, part: move(problem, part) if axis < problem.op.ndim else None


FIRST: tuple[Hypothesis, ...] = tuple(_first())
HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
