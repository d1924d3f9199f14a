"""Maxima of another order, and their ties and indices by another rule."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.nouns import AXES
from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly, predicted
from conformance.diagnosis.rules.base import (
    FORWARDS,
    MAXIMA,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Problem
from conformance.reference.contraction import geometry_of, windows
from conformance.reference.truth import Arrays


def taken(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every window's elements and their flat indices (-1 in padding), shape (batch, channels, taps, *places)."""
    geometry = geometry_of(problem)
    x = x.astype(problem.format.exact)
    lowest = np.iinfo(np.int64).min if x.dtype.kind == "i" else -np.inf
    grid = np.arange(math.prod(geometry.elements)).reshape(1, 1, *geometry.elements)
    values, flat = windows(geometry, x, fill=lowest), windows(geometry, grid, fill=-1)
    shape = (math.prod(geometry.taps), *geometry.places)
    return values.reshape(*values.shape[:2], *shape), np.broadcast_to(flat.reshape(1, 1, *shape), (*values.shape[:2], *shape))


def winners(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which taps of each window hold its maximum, and the flat indices of all."""
    values, flat = taken(problem, x)
    best = values.max(axis=2, keepdims=True)
    return ((values == best) | (np.isnan(values) & np.isnan(best))) & (flat >= 0), flat


def _index(choose: Callable[[Problem, np.ndarray, np.ndarray], np.ndarray]) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        right = predicted(problem, arrays)
        win, flat = winners(problem, arrays["x"])
        return dataclasses.replace(right, indices=choose(problem, win, flat))

    return rule


def last_of(win: np.ndarray) -> np.ndarray:
    return np.asarray(win.shape[2] - 1 - win[:, :, ::-1].argmax(axis=2))


def _at(flat: np.ndarray, tap: np.ndarray) -> np.ndarray:
    return np.take_along_axis(flat, tap[:, :, None], axis=2)[:, :, 0]


def _first(flat: np.ndarray, win: np.ndarray) -> np.ndarray:
    return _at(flat, win.argmax(axis=2))


def _by_columns(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The first of equals if the kernel is gone through with its first axis fastest."""
    order = np.arange(win.shape[2]).reshape(problem.kernel).T.ravel()
    return _first(flat[:, :, order], win[:, :, order])


def _padded(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
    sizes = tuple(w.size for w in problem.windows)
    at = np.unravel_index(_first(flat, win), sizes)
    moved = tuple(one + begin for one, (begin, _) in zip(at, problem.padding, strict=True))
    return np.asarray(np.ravel_multi_index(moved, tuple(w.padded for w in problem.windows), mode="clip"))


def _in_window(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
    return np.asarray(win.argmax(axis=2))


def _none_of_lowest(problem: Problem, arrays: Arrays) -> Prediction | None:
    if problem.format.kind != "float":
        return None
    right = predicted(problem, arrays)
    assert right.indices is not None
    return dataclasses.replace(right, indices=np.where(np.isneginf(right.y), -1, right.indices))


def _of_tensor(batch: bool) -> Callable[[Problem, np.ndarray, np.ndarray], np.ndarray]:
    def choose(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
        plane = np.arange(problem.channels) + (np.arange(problem.batch)[:, None] * problem.channels if batch else 0)
        step = np.broadcast_to(plane, (problem.batch, problem.channels)) * math.prod(w.size for w in problem.windows)
        return np.asarray(_first(flat, win) + step.reshape(*step.shape, *[1] * problem.op.ndim))

    return choose


def _axes_reversed(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
    sizes = tuple(w.size for w in problem.windows)
    at = np.unravel_index(_first(flat, win), sizes)
    return np.asarray(np.ravel_multi_index(at[::-1], sizes[::-1]))


def _indices() -> Iterator[Hypothesis]:
    told: list[tuple[str, str, Callable[[Problem, np.ndarray, np.ndarray], np.ndarray]]] = [
        (
            "index-of-last-tie",
            "of equal maxima the last has the index, not the first",
            lambda p, win, flat: _at(flat, last_of(win)),
        ),
        ("index-tie-by-columns", "of equal maxima the first by columns has the index, not the first by rows", _by_columns),
        ("index-in-window", "indices are positions in the window, not in the plane", _in_window),
        ("index-in-padded", "indices are positions in the padded input", _padded),
        ("index-of-tensor", "indices count on through the channels", _of_tensor(batch=False)),
        ("index-of-tensor", "indices count on through channels and batch", _of_tensor(batch=True)),
        ("index-by-columns", "indices count columns first, with the axes in reverse order", _axes_reversed),
        ("index-one-based", "indices count from 1", lambda p, win, flat: _first(flat, win) + 1),
    ]
    for key, words, choose in told:
        yield new(key, words, _index(choose), MAXIMA, FORWARDS, indices=True)
    words = "a window of nothing but -inf has the index -1"
    yield new("index-lost-of-lowest", words, _none_of_lowest, MAXIMA, FORWARDS, indices=True)
    for i, j in ((0, 1), (1, 2)):
        words = f"indices have the {AXES[i]} and the {AXES[j]} axis exchanged"
        yield new("index-axes-exchanged", words, _index(_axes_exchanged(i, j)), MAXIMA, FORWARDS, indices=True)
    words = "an index in the window and one in the plane are mixed up: the window's start is left off"
    yield new("index-from-window-start", words, _index(_from_start), MAXIMA, FORWARDS, indices=True)


def _axes_exchanged(i: int, j: int) -> Callable[[Problem, np.ndarray, np.ndarray], np.ndarray]:
    def choose(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
        sizes, order = [w.size for w in problem.windows], list(range(problem.op.ndim))
        if j >= len(order):
            return _first(flat, win)
        order[i], order[j] = order[j], order[i]
        at = np.unravel_index(_first(flat, win), tuple(sizes))
        return np.asarray(np.ravel_multi_index(tuple(at[k] for k in order), tuple(sizes[k] for k in order)))

    return choose


def _from_start(problem: Problem, win: np.ndarray, flat: np.ndarray) -> np.ndarray:
    index = _first(flat, win)
    starts = [np.where(w.inside(), w.table(), 2**31).min(axis=1) for w in problem.windows]
    sizes = tuple(w.size for w in problem.windows)
    at = np.unravel_index(index, sizes)
    shape = [[-1 if i == axis else 1 for i in range(problem.op.ndim)] for axis in range(problem.op.ndim)]
    moved = tuple(one - start.reshape(form) for one, start, form in zip(at, starts, shape, strict=True))
    return np.asarray(np.ravel_multi_index(moved, sizes, mode="clip"))


def _magnitudes() -> Iterator[Hypothesis]:
    yield new("max-by-magnitude", "the largest magnitude wins, not the largest number", _largest_magnitude, MAXIMA, FORWARDS)
    yield new("minimum", "the minimum is taken, not the maximum", _minimum, MAXIMA, FORWARDS)
    yield new("max-by-bits", "floats are compared by their bits: of negative ones the lowest wins", _by_bits, MAXIMA, FORWARDS)


def _by_order(problem: Problem, arrays: Arrays, order: Callable[[np.ndarray], np.ndarray]) -> Prediction:
    values, flat = taken(problem, arrays["x"])
    ranked = np.where(flat >= 0, order(values), -np.inf)
    best = ranked.argmax(axis=2)
    return exactly(_at(values, best), _at(flat, best))


def _largest_magnitude(problem: Problem, arrays: Arrays) -> Prediction | None:
    return None if problem.format.kind == "int" else _by_order(problem, arrays, np.abs)


def _minimum(problem: Problem, arrays: Arrays) -> Prediction | None:
    return None if problem.format.kind == "int" else _by_order(problem, arrays, np.negative)


def _by_bits(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Positive numbers by size, then negative ones by magnitude: the order of IEEE 754's bits as signed integers.

    -inf, which padding holds, is the largest of the negative ones.
    """
    if problem.format.kind != "float":
        return None
    values, flat = taken(problem, arrays["x"])
    with np.errstate(divide="ignore", invalid="ignore"):
        ranked = np.where(np.signbit(values), -1 / (1 + np.abs(values)) - 1, values)
    ranked = np.where(np.signbit(values) & np.isinf(values), -1.0, ranked)
    best = ranked.argmax(axis=2)
    return exactly(_at(values, best), _at(flat, best))


HYPOTHESES: tuple[Hypothesis, ...] = (*_indices(), *_magnitudes())
