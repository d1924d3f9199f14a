"""Padding of another amount, side, mode or value, and windows that hang over the end in ceil mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction
from conformance.diagnosis.rules.base import (
    FORWARDS,
    SLIDING,
    WITH_WINDOWS,
    by_problem,
    by_tables,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.rules.windows import of_axes, parameter
from conformance.diagnosis.tables import table_like
from conformance.problem import Family, Problem
from conformance.problem.window import AUTO_PADS, OUTSIDE, TransposedWindow, Window, auto_padding
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
    yield from told("cropping-ignored", "negative padding, which crops, is ignored", lambda b, e: (max(b, 0), max(e, 0)))
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
    yield new("cropping-of-zeros", "what negative padding should crop is set to zero and kept", _crop_of_zeros, SLIDING, FORWARDS)


def _undilated(problem: Problem, axis: int) -> dict[str, Any] | None:
    window = problem.windows[axis]
    return {"pad_begin": window.pad_begin - (window.kernel - 1) * (window.dilation - 1)}


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


def _rules() -> Iterator[Hypothesis]:
    """Padding by a rule. The problem that a rule of problems sees has forgotten its own, so these wrap it."""
    other = {"same_upper": "same_lower", "same_lower": "same_upper"}
    told: list[tuple[str, str, Pads]] = [
        (
            "same-upper-lower-exchanged",
            "SAME_UPPER and SAME_LOWER are exchanged",
            lambda p, w: auto_padding(other.get(p.auto_pad, p.auto_pad), w),
        ),
        ("same-undilated", "the rule pads as for a kernel without dilation", lambda p, w: _half(p, _total(w, dilation=1))),
        ("same-without-stride", "the rule pads as for a stride of 1", lambda p, w: _half(p, _total(w, stride=1))),
        (
            "same-of-first-stride",
            "the rule pads every axis for the stride of the first",
            lambda p, w: _half(p, _total(w, stride=p.stride[0])),
        ),
        (
            "same-odd-one-before",
            "the rule puts the odd element of the padding before, not behind",
            lambda p, w: auto_padding("same_lower", w),
        ),
        (
            "same-rounded-up",
            "the rule pads both sides by half of what is needed, rounded up",
            lambda p, w: (-(-_total(w) // 2),) * 2,
        ),
        (
            "same-rounded-down",
            "the rule pads both sides by half of what is needed, rounded down",
            lambda p, w: (_total(w) // 2,) * 2,
        ),
    ]
    for key, words, pads in told:
        yield new(key, words, _by_rule(pads))
        yield new(key, words, _by_rule_fitted(pads))


def _total(window: Any, **changes: int) -> int:
    return sum(auto_padding("same_upper", replace(window, **changes)))


def _half(problem: Problem, total: int) -> tuple[int, int]:
    small, large = total // 2, total - total // 2
    return (large, small) if problem.auto_pad == "same_lower" else (small, large)


Pads = Callable[[Problem, Any], tuple[int, int]]


def _by_rule_fitted(pads: Pads) -> Callable[[Problem, Arrays], Prediction | None]:
    """As many outputs as come of the padding."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.auto_pad not in AUTO_PADS[1:]:
            return None
        wanted = [pads(problem, window) for window in problem.windows]
        return by_problem(lambda plain: _with_pads(plain, wanted))(problem, arrays)

    return rule


def _by_rule(pads: Pads) -> Callable[[Problem, Arrays], Prediction | None]:
    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        if problem.auto_pad not in AUTO_PADS[1:] or not isinstance(window, Window):
            return None
        begin, end = pads(problem, window)
        at = np.arange(window.output)[:, None] * window.stride - begin + np.arange(window.kernel)[None, :] * window.dilation
        table = window.element_at(at)
        return np.where(at < window.size + end, table, OUTSIDE)

    return by_tables(read)


def _ceils() -> Iterator[Hypothesis]:
    pools = SLIDING - {Family.CONV, Family.CONV_TRANSPOSE, Family.CONV_INTEGER}
    yield new("ceil-ignored", "ceil mode is ignored", by_problem(lambda p: p.with_windows(ceil=False)), pools, FORWARDS)
    words = "a window of ceil mode may start in the padding behind"
    yield new("ceil-unclipped", words, _unclipped, pools, FORWARDS)
    words = "ceil mode is always on"
    yield new("ceil-always", words, by_problem(lambda p: p.with_windows(ceil=True)), pools, FORWARDS)
    words = "the output padding is ignored"
    transposed = (Family.CONV_TRANSPOSE,)
    yield new("output-padding-ignored", words, by_problem(lambda p: p.with_windows(output_padding=0)), transposed, FORWARDS)
    words = "the output padding is put before, not behind"
    yield new("output-padding-before", words, by_tables(_output_padding_before), transposed, WITH_WINDOWS)


def _output_padding_before(problem: Problem, axis: int) -> np.ndarray | None:
    window = problem.windows[axis]
    if not isinstance(window, TransposedWindow) or not window.output_padding:
        return None
    return table_like(window, pad_begin=window.pad_begin - window.output_padding)


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


HYPOTHESES: tuple[Hypothesis, ...] = (*_amounts(), *_modes(), *_rules(), *_ceils())
