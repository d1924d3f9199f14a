"""What can be said of an element of a result: the columns among which the wrong part of a result is sought."""

from __future__ import annotations

import math

import numpy as np

from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.separate import Column, Table
from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, FORWARD, INPUT_GRAD, WEIGHT_GRAD
from conformance.problem.window import OUTSIDE, Window
from conformance.reference.contraction import geometry_of, outer, readers

_PLACES = {1: ("position",), 2: ("row", "column"), 3: ("depth", "row", "column")}
_BLOCKS = (2, 4, 8, 16, 32)
_NOT_REACHED = Column("where nothing is put to the element", "where something is put to the element")
_PADDING_ALONE = Column("where the window sees nothing but padding", "where the window sees some input")
NOTHING_THERE = (_NOT_REACHED, _PADDING_ALONE)
"""What marks elements that hardly any mistake changes."""


def of_elements(seen: Observation) -> Table:
    """One row for each element of the result, in C order: where it is, and what should be there."""
    table = of_places(seen)
    with np.errstate(invalid="ignore"):
        y = seen.truth.y.ravel()
        sign = y.real if y.dtype.kind == "c" else y
        table[Column("where the result is NaN", "where the result is no NaN")] = np.isnan(y)
        table[Column("where the result is infinite", "where the result is not infinite")] = np.isinf(y)
        table[Column("where the result is negative", "where the result is not negative")] = sign < 0
    return table


def of_places(seen: Observation) -> Table:
    """One row for each element of the result, in C order: where it is, whatever the values."""
    problem, shape = seen.problem, seen.problem.result_shape
    grid = np.indices(shape).reshape(len(shape), -1) if shape else np.zeros((0, 1), np.int64)
    table: Table = {}
    for axis, noun in enumerate(axis_names(problem)):
        table |= _of_axis(noun, grid[axis], shape[axis])
    if problem.op.pass_name not in (WEIGHT_GRAD, BIAS_GRAD):
        table |= _of_windows(problem, grid) | _of_reached(seen) | _of_planes(problem, grid)
    if len(shape) > 1:
        table[Column("elements", weight=1.0, index=True)] = np.arange(grid.shape[1])
    return table


def _of_axis(noun: str, at: np.ndarray, size: int) -> Table:
    table = {
        Column(f"in the last {noun}", f"not in the last {noun}"): at == size - 1,
        Column(f"in the first {noun}", f"not in the first {noun}"): at == 0,
        Column(_plural(noun), index=True): at,
    }
    for width in _BLOCKS:
        behind = at >= size // width * width
        name = f"{noun} behind the last full block of {width}"
        table[Column(f"in a {name}", f"in no {name}", 1.5)] = behind & (size >= width)
        name += ", if there is one"
        table[Column(f"in a {name}", f"in no {name}", 1.6)] = behind
    return table


def _plural(noun: str) -> str:
    head, of, rest = noun.partition(" of ")
    return f"{head}s{of}{rest}"


def _of_planes(problem: Problem, grid: np.ndarray) -> Table:
    """What is said of several axes at once: of planes that are counted through the batch, of corners, of groups."""
    shape, places = problem.result_shape, len(problem.windows)
    table: Table = {
        Column("planes, counted through the batch,", weight=0.5, index=True): grid[0] * shape[1] + grid[1],
        Column("in the last place of a plane", "not in the last place of a plane", 0.7): _all_axes(
            [grid[2 + axis] == shape[2 + axis] - 1 for axis in range(places)]
        ),
        Column("in the first place of a plane", "not in the first place of a plane", 0.7): _all_axes(
            [grid[2 + axis] == 0 for axis in range(places)]
        ),
    }
    if not problem.op.is_pool:
        each = max(1, shape[1] // problem.groups)
        table[Column("groups", weight=0.2, index=True)] = grid[1] // each
        table[Column("channels of a group", weight=0.2, index=True)] = grid[1] % each
    return table


def _all_axes(masks: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.logical_and.reduce(masks))


def _of_reached(seen: Observation) -> Table:
    """Which elements nothing is put to, of what scatters: unpooling, transposed convolution and gradients to an input."""
    problem = seen.problem
    if problem.op.pass_name == INPUT_GRAD and problem.op.family not in (Family.CONV_TRANSPOSE, Family.MAX_UNPOOL):
        times = outer(
            [
                np.bincount(table[table != OUTSIDE], minlength=window.elements)
                for window in problem.windows
                for table in (window.table(),)
            ]
        )
        times = np.broadcast_to(times, problem.result_shape).ravel()
        several = Column("where several windows meet", "where no two windows meet")
        return {_NOT_REACHED: times == 0, several: times > 1}
    if problem.op.pass_name not in (FORWARD, DOUBLE_GRAD):
        return {}
    if problem.op.family is Family.CONV_TRANSPOSE:
        reached = readers(geometry_of(problem)) > 0
    elif problem.op.family is Family.MAX_UNPOOL:
        planes = seen.arrays["indices"].reshape(problem.batch * problem.channels, -1)
        full = np.zeros((len(planes), math.prod(problem.output_shape[2:])), bool)
        np.put_along_axis(full, planes, True, axis=1)
        reached = full.reshape(problem.output_shape)
    else:
        return {}
    table = {_NOT_REACHED: ~np.broadcast_to(reached, problem.result_shape).ravel()}
    if any(problem.output_padding):
        grid, added = np.indices(problem.result_shape), np.zeros(problem.result_shape, bool)
        for axis, (amount, size) in enumerate(zip(problem.output_padding, problem.result_shape[2:], strict=True)):
            added = added | (grid[2 + axis] >= size - amount)
        table[_ADDED] = added.ravel()
    elif problem.op.family is Family.CONV_TRANSPOSE:
        table[_ADDED] = np.zeros(math.prod(problem.result_shape), bool)
    return table


_ADDED = Column("in the output padding", "not in the output padding")


def axis_names(problem: Problem) -> list[str]:
    if problem.op.pass_name == BIAS_GRAD:
        return ["channel"]
    places = _PLACES[problem.op.ndim]
    if problem.op.pass_name == WEIGHT_GRAD:
        first, second = ("input", "output") if problem.op.family is Family.CONV_TRANSPOSE else ("output", "input")
        return [f"{first} channel", f"{second} channel of a group", *(f"tap {place}" for place in places)]
    return ["item", "channel", *places]


def _of_windows(problem: Problem, grid: np.ndarray) -> Table:
    """What the window of a place touches; only where a result's elements are places."""
    windows = problem.windows
    if not all(isinstance(w, Window) for w in windows) or problem.result_shape != problem.output_shape:
        return {}
    if any(w.output != size for w, size in zip(windows, problem.result_shape[2:], strict=True)):
        return {}
    touches = hangs = blind = np.zeros(grid.shape[1], bool)
    for axis, window in enumerate(windows):
        at = grid[2 + axis]
        positions, inside_padded = window.positions(), window.inside_padded()  # type: ignore[union-attr]
        outside = np.asarray((positions < 0) | (positions >= window.size))
        touches = touches | np.asarray(outside.any(axis=1))[at]
        hangs = hangs | np.asarray(np.logical_not(inside_padded).any(axis=1))[at]
        blind = blind | np.asarray(np.asarray(window.table() == OUTSIDE).all(axis=1))[at]
    return {
        Column("where the window touches the padding", "where the window does not touch the padding"): touches,
        Column("where the window hangs over the end", "where the window does not hang over the end"): hangs,
        _PADDING_ALONE: blind,
    }
