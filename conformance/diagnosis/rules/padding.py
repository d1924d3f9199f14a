"""Padding of another amount, side, mode or value, and windows that hang over the end in ceil mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction
from conformance.diagnosis.rules.base import (
    CONVS,
    FORWARDS,
    INPUT_GRADS,
    SLIDING,
    WITH_WINDOWS,
    by_problem,
    by_result,
    by_tables,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.rules.windows import of_axes, parameter
from conformance.diagnosis.tables import table_like
from conformance.problem import Family, Problem
from conformance.problem.window import OUTSIDE, Window
from conformance.reference.truth import Arrays

_MODES = {"zeros": "holds zeros", "reflect": "reflects", "replicate": "repeats the edge", "circular": "wraps round"}


def _amount(change: Callable[[int, int], tuple[int, int]]) -> Callable[[Problem, int], dict[str, Any]]:
    def per_axis(problem: Problem, axis: int) -> dict[str, Any]:
        begin, end = change(*problem.padding[axis])
        return {"pad_begin": begin, "pad_end": end}

    return per_axis


def _amounts() -> Iterator[Hypothesis]:
    def told(key: str, words: str, change: Callable[[int, int], tuple[int, int]]) -> Iterator[Hypothesis]:
        return parameter(key, words, _amount(change))

    yield from told("padding-one-sided", "all of the padding is put before the input", lambda b, e: (b + e, 0))
    yield from told("padding-one-sided", "all of the padding is put behind the input", lambda b, e: (0, b + e))
    yield from told("padding-ignored", "the padding is ignored", lambda b, e: (min(b, 0), min(e, 0)))
    yield from told("padding-ends-exchanged", "the padding before and behind are exchanged", lambda b, e: (e, b))
    yield from told("padding-end-as-begin", "the padding behind is as much as that before", lambda b, e: (b, b))
    yield from told("padding-end-as-begin", "the padding before is as much as that behind", lambda b, e: (e, e))
    words, crops = "negative padding, which crops, is ignored", _amount(lambda b, e: (max(b, 0), max(e, 0)))
    yield from parameter("cropping-ignored", words, crops, frozenset({Family.CONV}))
    yield from of_axes("padding", "pad_begin", "pad_end")
    words = "the padding is one larger than it should be"
    yield from told("padding-off-by-one", words, lambda b, e: (b + (b > 0), e + (e > 0)))
    words = "the padding is one smaller than it should be"
    yield from told("padding-off-by-one", words, lambda b, e: (b - (b > 0), e - (e > 0)))
    words = "the padding behind is one smaller than it should be"
    yield from told("padding-behind-off-by-one", words, lambda b, e: (b, e - (e > 0)))
    words = "the padding before is one smaller than it should be"
    yield from told("padding-before-off-by-one", words, lambda b, e: (b - (b > 0), e))
    words = "the padding and the stride are ignored"
    yield from parameter("padding-and-stride-ignored", words, lambda p, a: {"pad_begin": 0, "pad_end": 0, "stride": 1})
    yield from told("padding-doubled", "the padding is twice what it should be", lambda b, e: (2 * b, 2 * e))
    words = "the padding of a gradient is k - 1 - p, without the dilation"
    yield from parameter("padding-without-dilation", words, _undilated)
    words = "the padding is taken from the axes in reverse order, at most half of the kernel"
    yield from parameter("padding-reversed", words, _reversed_half, SLIDING - CONVS)
    words = "what negative padding crops has the gradient of its neighbour"
    yield new("cropped-repeats-neighbour", words, by_result(_crop_repeated), SLIDING, INPUT_GRADS)
    yield new("cropping-of-zeros", "what negative padding should crop is set to zero and kept", _crop_of_zeros, SLIDING, FORWARDS)


def _undilated(problem: Problem, axis: int) -> dict[str, Any] | None:
    window = problem.windows[axis]
    return {"pad_begin": window.pad_begin - (window.kernel - 1) * (window.dilation - 1)}


def _reversed_half(problem: Problem, axis: int) -> dict[str, Any] | None:
    begin, end = problem.padding[::-1][axis]
    half = problem.windows[axis].kernel // 2
    return {"pad_begin": min(begin, half), "pad_end": min(end, half)} if problem.op.ndim > 1 else None


def _crop_repeated(problem: Problem, part: np.ndarray) -> np.ndarray | None:
    if min(map(min, problem.padding)) >= 0:
        return None
    part = part.copy()
    for axis, (begin, end) in enumerate(problem.padding):
        size, at = part.shape[2 + axis], (slice(None),) * (2 + axis)
        if begin < 0:
            part[(*at, slice(0, -begin))] = part[(*at, slice(-begin, 1 - begin))]
        if end < 0:
            part[(*at, slice(size + end, size))] = part[(*at, slice(size + end - 1, size + end))]
    return part


def _crop_of_zeros(problem: Problem, arrays: Arrays) -> Prediction | None:
    if min(map(min, problem.padding), default=0) >= 0 or "x" not in arrays:
        return None
    inner = tuple(slice(max(0, -b), w.size + min(0, e)) for (b, e), w in zip(problem.padding, problem.windows, strict=True))
    x = np.zeros_like(arrays["x"])
    x[(slice(None), slice(None), *inner)] = arrays["x"][(slice(None), slice(None), *inner)]
    rule = by_problem(lambda p: _with_pads(p, [(max(b, 0), max(e, 0)) for b, e in p.padding]))
    return rule(problem, {**arrays, "x": x})


def _with_pads(problem: Problem, pads: list[tuple[int, int]]) -> Problem:
    for axis, (begin, end) in enumerate(pads):
        problem = problem.with_axis(axis, pad_begin=begin, pad_end=end)
    return problem


def _mode(wanted: str, given: str) -> Callable[[Problem, int], np.ndarray | None]:
    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        return table_like(window, mode=wanted) if isinstance(window, Window) and window.mode == given else None

    return read


def _mode_in(axis: int, wanted: str, given: str) -> Callable[[Problem, int], np.ndarray | None]:
    return lambda problem, at: _mode(wanted, given)(problem, at) if at == axis and problem.op.ndim > 1 else None


def _symmetric(problem: Problem, axis: int) -> np.ndarray | None:
    """Reflection that repeats the edge: ... 1 0 | 0 1 2 | 2 1 ..."""
    window = problem.windows[axis]
    if not isinstance(window, Window) or window.mode != "reflect":
        return None
    folded = window.positions() % (2 * window.size)
    return np.minimum(folded, 2 * window.size - 1 - folded)


def _other_end(mode: str) -> Callable[[Problem, int], np.ndarray | None]:
    """What is copied comes from the wrong end: of circular padding the near one, of replicated padding the first element."""

    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        if not isinstance(window, Window) or window.mode != mode:
            return None
        at, size = window.positions(), window.size
        if mode == "replicate":
            return np.where((at < 0) | (at >= size), 0, at)
        before, behind = at + window.pad_begin, at - window.pad_end
        return np.where(at < 0, before, np.where(at >= size, behind, at)) % size

    return read


def _reflected_at_most(most: int) -> Callable[[Problem, int], np.ndarray | None]:
    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        if not isinstance(window, Window) or window.mode != "reflect":
            return None
        return window.element_at(np.clip(window.positions(), -most, window.size - 1 + most))

    return read


def _zeros_at(end: int, given: str) -> Callable[[Problem, int], np.ndarray | None]:
    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        if not isinstance(window, Window) or window.mode != given:
            return None
        at = window.positions()
        return np.where(at >= window.size if end else at < 0, OUTSIDE, window.table())

    return read


def _first_axes_of_zeros(problem: Problem, axis: int) -> np.ndarray | None:
    last = problem.op.ndim - 1
    return table_like(problem.windows[axis], mode="zeros") if axis < last and isinstance(problem.windows[axis], Window) else None


def _modes() -> Iterator[Hypothesis]:
    conv = (Family.CONV,)
    for given in _MODES:
        for wanted, words in _MODES.items():
            if wanted != given:
                told = f"{_name(given)} {words}"
                yield new(f"{given}-as-{wanted}", told, by_tables(_mode(wanted, given)), conv, WITH_WINDOWS)
    words = "reflected padding repeats the edge element"
    yield new("reflect-as-symmetric", words, by_tables(_symmetric), conv, WITH_WINDOWS)
    words = "circular padding has the first elements in front and the last behind"
    yield new("circular-wrong-way", words, by_tables(_other_end("circular")), conv, WITH_WINDOWS)
    words = "replicated padding copies the first element on both sides"
    yield new("replicate-first", words, by_tables(_other_end("replicate")), conv, WITH_WINDOWS)
    for most in (1, 2):
        words = f"reflected padding of more than {most} repeats what comes before"
        yield new(f"reflect-at-most-{most}", words, by_tables(_reflected_at_most(most)), conv, WITH_WINDOWS)
    for given in ("reflect", "replicate", "circular"):
        for end, place in enumerate(("before", "behind")):
            words = f"{_name(given)} {place} holds zeros, and has no gradient"
            yield new(f"{given}-as-zeros", words, by_tables(_zeros_at(end, given)), conv, WITH_WINDOWS)
    words = "only the last axis is padded by the mode, the others with zeros"
    yield new("mode-of-last-axis", words, by_tables(_first_axes_of_zeros), conv, WITH_WINDOWS)
    for axis, place in enumerate(("first", "second", "third")):
        for given in ("reflect", "replicate", "circular"):
            for wanted, words in _MODES.items():
                if wanted != given:
                    told = f"{_name(given)} {words} in the {place} axis"
                    yield new(f"{given}-as-{wanted}", told, by_tables(_mode_in(axis, wanted, given)), conv, WITH_WINDOWS)


def _name(mode: str) -> str:
    return {"zeros": "padding that should hold zeros", "reflect": "reflected padding"}.get(mode, f"{mode} padding").replace(
        "replicate padding", "replicated padding"
    )


def _ceils() -> Iterator[Hypothesis]:
    pools = SLIDING - {Family.CONV, Family.CONV_TRANSPOSE, Family.CONV_INTEGER}
    yield new("ceil-ignored", "ceil mode is ignored", by_problem(lambda p: p.with_windows(ceil=False)), pools, FORWARDS)
    words = "a window of ceil mode may start in the padding behind"
    yield new("ceil-unclipped", words, _unclipped, pools, FORWARDS)
    words = "ceil mode is always on"
    yield new("ceil-always", words, by_problem(lambda p: p.with_windows(ceil=True)), pools, FORWARDS)


def _unclipped(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Only its shape can be told: what such a window holds is nothing."""
    if not problem.ceil:
        return None
    counts = [-(-(w.padded - w.extent) // w.stride) + 1 if w.ceil else w.output for w in problem.windows]
    shape = (*problem.output_shape[:2], *counts)
    if shape == problem.output_shape:
        return None
    free = np.zeros(shape)
    return Prediction(free, free, np.full(shape, np.inf))


HYPOTHESES: tuple[Hypothesis, ...] = (*_amounts(), *_modes(), *_ceils())
