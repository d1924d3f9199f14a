"""Gradients of another rule: of ties, of windows that overlap, and of values that were put back to a wrong place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly, predicted
from conformance.diagnosis.rules.base import (
    ALL,
    AVERAGES,
    CONVS,
    FORWARDS,
    GRADIENTS,
    INPUT_GRADS,
    LIKE_FORWARD,
    MAXIMA,
    WITH_WINDOWS,
    by_arrays,
    by_result,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.rules.maxima import last_of, winners
from conformance.problem import Family, Problem
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays


def _put(problem: Problem, flat: np.ndarray, values: np.ndarray, chosen: np.ndarray, add: bool = True) -> np.ndarray:
    """Values of (batch, channels, taps, *places) added, or written one over the other in order of the places, where chosen."""
    sizes = tuple(w.elements for w in problem.windows)
    dx = np.zeros((problem.batch * problem.channels, math.prod(sizes)), values.dtype)
    order = (0, 1, *range(3, values.ndim), 2)  # places before taps: what is written last wins
    at, kept, given = (np.broadcast_to(a, values.shape).transpose(order).reshape(len(dx), -1) for a in (flat, chosen, values))
    plane, number = np.nonzero(kept & (at >= 0))
    if add:
        np.add.at(dx, (plane, at[plane, number]), given[plane, number])
    else:
        dx[plane, at[plane, number]] = given[plane, number]
    return dx.reshape(problem.batch, problem.channels, *sizes)


def _added(problem: Problem, flat: np.ndarray, values: np.ndarray, chosen: np.ndarray, rounded: bool = False) -> Prediction:
    """Values added where chosen: exact while the sum of their magnitudes is a whole number that the format holds, and else
    within gamma_n of it (METHOD section 3); ``rounded``: each value was rounded once before."""
    made = _put(problem, flat, values, chosen)
    if problem.format.kind == "int":
        return exactly(made)
    magnitude, count = _put(problem, flat, np.abs(values), chosen), _put(problem, flat, np.ones(values.shape), chosen)
    u, whole = problem.format.unit_roundoff, not rounded and _whole(values)
    loose = bounds.gamma(count + rounded, u) * magnitude + u * np.abs(made)
    return Prediction(made, np.zeros(made.shape), np.where(whole & (magnitude <= problem.format.largest_whole), 0.0, loose))


def _to_winners(chosen: Callable[[np.ndarray], np.ndarray], add: bool = True, split: bool = False, late: bool = True) -> Callable[
    [Problem, Arrays], Prediction | None
]:  # fmt: skip
    """The gradient of a maximum, to other elements than the first of equals, or put instead of added."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        win, flat = winners(problem, arrays["x"])
        dy = arrays["dy"].astype(problem.format.exact)[:, :, None]
        values = np.broadcast_to(dy, win.shape)
        if split:
            values = values / np.maximum(1, win.sum(axis=2, keepdims=True))
        if not late:  # the first one stays: go through the places backwards
            back: Any = (..., *[slice(None, None, -1)] * problem.op.ndim)
            return exactly(_put(problem, flat[back], values[back], chosen(win)[back], add))
        if not add:
            return exactly(_put(problem, flat, values, chosen(win), add))
        return _added(problem, flat, values, chosen(win), rounded=split)

    return rule


def _whole(array: np.ndarray) -> bool:
    wide = array.astype(np.float64)
    return bool((wide == np.rint(wide)).all())


def _first(win: np.ndarray) -> np.ndarray:
    return np.asarray(win & (win.cumsum(axis=2) == 1))


def _last(win: np.ndarray) -> np.ndarray:
    one = np.zeros_like(win)
    np.put_along_axis(one, last_of(win)[:, :, None], True, axis=2)
    return one & win


def _maxima() -> Iterator[Hypothesis]:
    words = "all equal maxima of a window get its gradient"
    yield new("gradient-to-all-ties", words, _to_winners(lambda win: win), MAXIMA, INPUT_GRADS)
    words = "the gradient of a window is split among its equal maxima"
    yield new("gradient-split-among-ties", words, _to_winners(lambda win: win, split=True), MAXIMA, INPUT_GRADS)
    words = "the last of equal maxima gets the gradient, not the first"
    yield new("gradient-to-last-tie", words, _to_winners(_last), MAXIMA, INPUT_GRADS)
    words = "gradients of windows with one maximum overwrite each other instead of being added"
    yield new("gradient-overwritten", words, _to_winners(_first, add=False), MAXIMA, INPUT_GRADS)
    yield new("gradient-overwritten", words, _to_winners(_first, add=False, late=False), MAXIMA, INPUT_GRADS)
    words = "the offset in the window is used as the index in the plane"
    yield new("gradient-at-offset", words, _at_offset, MAXIMA, INPUT_GRADS)
    words = "the number of the tap in the window is used as the index in the plane"
    yield new("gradient-at-offset", words, _at_tap, MAXIMA, INPUT_GRADS)
    words = "the second derivative selects the largest of its own tensor"
    yield new("second-selects-itself", words, by_arrays(lambda p, a: {**a, "x": a["ddx"]} if "x" in a else None), MAXIMA,
              GRADIENTS - INPUT_GRADS)  # fmt: skip
    words = "the second derivative is read at the start of the window"
    yield new("second-at-start", words, _at_start, MAXIMA, GRADIENTS - INPUT_GRADS)
    words = "a window of nothing but -inf gives no gradient"
    yield new("gradient-of-lowest-lost", words, by_arrays(_without_lowest), MAXIMA, INPUT_GRADS)


def _at_offset(problem: Problem, arrays: Arrays) -> Prediction | None:
    win, flat = winners(problem, arrays["x"])
    sizes = tuple(w.elements for w in problem.windows)
    at = np.unravel_index(np.maximum(flat, 0), sizes)
    parts = []
    for axis, (one, window) in enumerate(zip(at, problem.windows, strict=True)):
        start = np.where(window.inside(), window.table(), 2**31).min(axis=1)
        parts.append(np.maximum(0, one - start.reshape([-1 if i == axis else 1 for i in range(problem.op.ndim)])))
    offset = np.ravel_multi_index(tuple(parts), sizes, mode="clip")
    dy = np.broadcast_to(arrays["dy"].astype(problem.format.exact)[:, :, None], win.shape)
    return _added(problem, np.where(flat >= 0, offset, -1), dy, _first(win))


def _at_tap(problem: Problem, arrays: Arrays) -> Prediction | None:
    """What lies behind the plane wraps round."""
    win, flat = winners(problem, arrays["x"])
    tap = np.arange(win.shape[2]).reshape(-1, *[1] * problem.op.ndim) % math.prod(w.elements for w in problem.windows)
    dy = np.broadcast_to(arrays["dy"].astype(problem.format.exact)[:, :, None], win.shape)
    return _added(problem, np.where(flat >= 0, tap, -1), dy, _first(win))


def _without_lowest(problem: Problem, arrays: Arrays) -> Arrays | None:
    if problem.format.kind != "float":
        return None
    y = solve(problem.as_pass("forward"), {"x": arrays["x"]}).y
    return {**arrays, "dy": np.where(np.isneginf(y), arrays["dy"].dtype.type(0), arrays["dy"])}


def _at_start(problem: Problem, arrays: Arrays) -> Prediction | None:
    return exactly(_starts(problem, arrays["ddx"]))


def _starts(problem: Problem, array: np.ndarray) -> np.ndarray:
    """The first element of each window."""
    made = array.astype(problem.format.exact)
    for axis, window in enumerate(problem.windows):
        inside = window.inside()
        made = made.take(np.where(inside, window.table(), 2**31).min(axis=1) % max(1, window.elements), axis=2 + axis)
    return made


def _overwritten(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Each place's contribution written over what earlier places left, place after place: only one axis is small enough."""
    if problem.op.ndim > 1 or problem.batch == 0:
        return None
    name = "dy" if problem.op.pass_name == "input_grad" else "x"
    table = problem.windows[0].table()
    if len(table) > 64:
        return None
    bare = {**arrays, name: np.zeros_like(arrays[name])}
    start = predicted(problem, bare)
    y, low, tolerance = start.y.copy(), start.low.copy(), start.tolerance.copy()
    for place, reached in enumerate(table):
        one = np.zeros_like(arrays[name])
        one[:, :, place] = arrays[name][:, :, place]
        alone, at = predicted(problem, {**arrays, name: one}), np.unique(reached[reached >= 0])
        for whole, part in ((y, alone.y), (low, alone.low), (tolerance, alone.tolerance)):
            whole[:, :, at] = part[:, :, at]
    return Prediction(y, low, tolerance)


def moved(by: Callable[[Problem, int], int]) -> Callable[[Problem, np.ndarray], np.ndarray | None]:
    def change(problem: Problem, part: np.ndarray) -> np.ndarray | None:
        for axis in range(problem.op.ndim):
            amount, size = by(problem, axis), part.shape[2 + axis]
            at = np.arange(size) - amount
            inside = ((at >= 0) & (at < size)).reshape([-1 if i == 2 + axis else 1 for i in range(part.ndim)])
            part = np.where(inside, part.take(np.clip(at, 0, max(0, size - 1)), axis=2 + axis), 0)
        return part

    return change


def _moves() -> Iterator[Hypothesis]:
    pad = by_result(moved(lambda p, axis: p.padding[axis][0]))
    words = "gradients land later by the padding: it is not taken off"
    yield new("gradient-with-padding", words, pad, ALL - CONVS - {Family.MAX_UNPOOL}, INPUT_GRADS)
    words = "gradients land earlier by the padding: it is taken off twice"
    back = by_result(moved(lambda p, axis: -p.padding[axis][0]))
    yield new("gradient-without-padding", words, back, ALL - CONVS - {Family.MAX_UNPOOL}, INPUT_GRADS)
    words = "the padding of a gradient is k - 1 - p, without the dilation"
    late = by_result(moved(lambda p, axis: (p.kernel[axis] - 1) * (p.dilation[axis] - 1)))
    yield new("padding-without-dilation", words, late, CONVS, INPUT_GRADS)
    words = "the result lies at the end of its axes where the stride leaves a rest"
    end = by_result(moved(_rest))
    yield new("aligned-at-end", words, end, CONVS, INPUT_GRADS)


def _rest(problem: Problem, axis: int) -> int:
    window = problem.windows[axis]
    return (window.padded - window.extent) % window.stride


def _overlaps() -> Iterator[Hypothesis]:
    words = "gradients of windows that overlap overwrite each other instead of being added"
    yield new("gradient-overwritten", words, _overwritten, AVERAGES, INPUT_GRADS)
    words = "products that meet in one output overwrite each other instead of being added"
    yield new("products-overwritten", words, _overwritten, (Family.CONV_TRANSPOSE,), FORWARDS)
    yield new("products-overwritten", words, _overwritten, (Family.CONV,), INPUT_GRADS)
    words = "the kernel is not conjugated"
    for name in ("w", "x"):
        told = words if name == "w" else "the input is not conjugated"
        for passes in (INPUT_GRADS,) if name == "w" else (frozenset({"weight_grad"}),):
            yield new("not-conjugated", told, by_arrays(_conjugated(name)), CONVS, passes)
    yield new("conjugated", "the kernel is conjugated", by_arrays(_conjugated("w")), CONVS, LIKE_FORWARD)
    yield new("imaginary-dropped", "the kernel's imaginary part is dropped", by_arrays(_real("w")), CONVS, WITH_WINDOWS)
    yield new("imaginary-dropped", "the input's imaginary part is dropped", by_arrays(_real("x")), CONVS, WITH_WINDOWS)


def _conjugated(name: str) -> Callable[[Problem, Arrays], Arrays | None]:
    return lambda p, a: {**a, name: a[name].conj()} if p.format.kind == "complex" and name in a else None


def _real(name: str) -> Callable[[Problem, Arrays], Arrays | None]:
    return lambda p, a: {**a, name: a[name].real.astype(a[name].dtype)} if p.format.kind == "complex" and name in a else None


def _unpoolings() -> Iterator[Hypothesis]:
    unpool = (Family.MAX_UNPOOL,)
    words = "values are put to the first element of their window"
    yield new("unpool-to-first", words, by_arrays(_first_indices), unpool, LIKE_FORWARD)
    words = "the gradient is read from the start of each window"
    yield new("unpool-gradient-at-start", words, by_arrays(_first_indices), unpool, INPUT_GRADS)
    words = "the output has its default size, and is filled up: indices count in its rows"
    yield new("unpool-default-size", words, _default_size, unpool, LIKE_FORWARD)


def _default_size(problem: Problem, arrays: Arrays) -> Prediction | None:
    sizes = [(w.output - 1) * w.stride + w.kernel - w.pad_begin - w.pad_end for w in problem.windows]
    right = tuple(w.size for w in problem.windows)
    if tuple(sizes) == right or min(sizes) < 1:
        return None
    rest, at = arrays["indices"].astype(np.int64), list[np.ndarray]()
    for size in sizes[:0:-1]:
        at.insert(0, rest % size)
        rest = rest // size
    flat = rest
    for one, size in zip(at, right[1:], strict=True):
        flat = flat * size + one
    values = next(array for name, array in arrays.items() if name != "indices").astype(problem.format.exact)
    y = np.zeros((*values.shape[:2], math.prod(right)), values.dtype)
    flat = np.minimum(flat, y.shape[2] - 1).reshape(*y.shape[:2], -1)
    np.put_along_axis(y, flat, values.reshape(flat.shape), axis=2)
    return exactly(y.reshape(problem.output_shape))


def _first_indices(problem: Problem, arrays: Arrays) -> Arrays | None:
    sizes = tuple(w.size for w in problem.windows)
    starts = [np.clip(np.arange(w.output) * w.stride - w.pad_begin, 0, w.size - 1) for w in problem.windows]
    grid = np.ravel_multi_index(tuple(np.meshgrid(*starts, indexing="ij")), sizes)
    return {**arrays, "indices": np.broadcast_to(grid, arrays["indices"].shape).copy()}


HYPOTHESES: tuple[Hypothesis, ...] = (*_maxima(), *_moves(), *_overlaps(), *_unpoolings())
