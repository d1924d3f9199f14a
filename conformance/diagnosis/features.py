"""What can be said of a case and of an element of a result: the columns among which a failing region is sought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.separate import Column, Table
from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, FORWARD, WEIGHT_GRAD
from conformance.problem.window import OUTSIDE, AdaptiveWindow, Window
from conformance.reference.contraction import geometry_of, readers

_AXES = {1: ("",), 2: (" in the first axis", " in the second axis"), 3: (" in depth", " in height", " in width")}
_PLACES = {1: ("position",), 2: ("row", "column"), 3: ("depth", "row", "column")}


def of_cases(seen: Sequence[Observation]) -> Table:
    """One row for each observation, of one operator."""
    rows = [_of_case(one) for one in seen]
    columns = list(rows[0]) if rows else []
    return {column: np.array([row[column] for row in rows]) for column in columns}


def _of_case(seen: Observation) -> dict[Column, Any]:
    problem = seen.call.problem
    row: dict[Column, Any] = {
        Column("for {}"): problem.dtype,
        Column("with tensors {} in memory"): seen.call.layout.replace("_", " "),
        Column("when unbatched", "with a batch axis"): problem.unbatched,
        Column("where values have ties", "where values have no ties"): seen.case.kind == "ties",
        Column("with an empty batch", "without an empty batch"): problem.batch == 0,
        Column("batch"): problem.batch,
    }
    row |= _of_channels(problem)
    row |= _of_options(problem)
    row |= _of_windows(problem)
    return row


def _of_channels(problem: Problem) -> dict[Column, Any]:
    if problem.op.is_pool:
        return {Column("channels"): problem.channels}
    each, out = problem.channels // problem.groups, problem.out_channels // problem.groups
    return {
        Column("with groups", "without groups"): problem.groups > 1,
        Column("when depthwise", "when not depthwise"): problem.groups == problem.channels > 1,
        Column("groups"): problem.groups,
        Column("channels per group"): each,
        Column("output channels per group"): out,
        Column("channels"): problem.channels,
        Column("output channels"): problem.out_channels,
        Column("with as many channels in as out", "with other channels out than in"): problem.channels == problem.out_channels,
        Column("with groups of as many channels in as out", "with groups of other channels out than in"): each == out,
        Column("with a bias", "without a bias"): problem.bias,
        Column(
            "where the output is as wide as it has channels", "where the output is not as wide as it has channels"
        ): problem.output_shape[-1] == problem.out_channels,
    }


def _of_options(problem: Problem) -> dict[Column, Any]:
    row: dict[Column, Any] = {
        Column("with indices", "without indices"): problem.indices,
        Column("in ceil mode", "not in ceil mode"): problem.ceil,
        Column("with padding mode {}"): problem.pad_mode,
        Column("with padding by the rule {}"): problem.auto_pad or "none",
        Column("with a result of another type", "with a result of the inputs' type"): bool(problem.result),
    }
    if problem.op.family is Family.AVG_POOL:
        row[Column("where padding counts (count_include_pad)", "where padding does not count (count_include_pad=False)")] = (
            problem.count_include_pad
        )
        row[Column("with divisor_override", "without divisor_override")] = problem.divisor is not None
    if problem.op.family is Family.LP_POOL:
        row[Column("for the norm {}")] = f"{problem.norm:g}"
    return row


def _of_windows(problem: Problem) -> dict[Column, Any]:
    windows = problem.windows
    row: dict[Column, Any] = {
        Column("with padding", "without padding"): any(map(any, problem.padding)),
        Column("with a stride > 1", "with stride 1"): max(problem.stride) > 1,
        Column("with a dilation > 1", "without dilation"): any(w.dilation > 1 and w.kernel > 1 for w in windows),
        Column("with a kernel > 1", "with kernel 1"): max(problem.kernel) > 1,
        Column("with negative padding", "without negative padding"): min(map(min, problem.padding)) < 0,
        Column("with padding before", "without padding before"): any(b > 0 for b, _ in problem.padding),
        Column("with padding behind", "without padding behind"): any(e > 0 for _, e in problem.padding),
        Column("with as much padding before as behind", "with padding that differs before and behind"): all(
            b == e for b, e in problem.padding
        ),
        Column("with windows that overlap", "with windows that do not overlap"): any(w.extent > w.stride for w in windows),
        Column("with a stride larger than the kernel", "with no stride larger than the kernel"): any(
            w.stride > w.kernel for w in windows
        ),
        Column("with gaps between windows", "without gaps between windows"): any(w.stride > w.extent for w in windows),
        Column("where the stride leaves a rest", "where the stride leaves no rest"): any(
            (w.padded - w.extent) % w.stride for w in windows
        ),
        Column("with output padding", "without output padding"): any(problem.output_padding),
    }
    if problem.op.ndim > 1:
        for noun, values in (
            ("kernels", problem.kernel),
            ("strides", problem.stride),
            ("dilations", problem.dilation),
            ("paddings", problem.padding),
            ("sizes", tuple(w.size for w in windows)),
            ("outputs", tuple(w.output for w in windows)),
        ):
            row[Column(f"with {noun} that differ by axis", f"with {noun} alike in all axes")] = len(set(values)) > 1
    if any(isinstance(w, AdaptiveWindow) for w in windows):
        row[Column("where sizes do not divide", "where sizes divide")] = any(w.size % max(1, w.output) for w in windows)
    for name, combine in (("largest ", max), ("smallest ", min)) if problem.op.ndim > 1 else ():
        row |= {Column(f"{name}{noun}"): combine(values) for noun, values in _numbers(problem).items()}
    for axis, behind in enumerate(_AXES[problem.op.ndim]):
        row |= {Column(f"{noun}{behind}"): values[axis] for noun, values in _numbers(problem).items()}
    row[Column("taps")] = math.prod(problem.kernel)
    row[Column("terms of a sum")] = problem.max_terms
    row[Column("elements of the output")] = math.prod(problem.output_shape)
    row[Column("elements of the input")] = math.prod(problem.input_shape)
    return row


def _numbers(problem: Problem) -> dict[str, tuple[int, ...]]:
    return {
        "kernel": problem.kernel,
        "stride": problem.stride,
        "dilation": problem.dilation,
        "padding before": tuple(b for b, _ in problem.padding),
        "padding behind": tuple(e for _, e in problem.padding),
        "output size": tuple(w.output for w in problem.windows),
        "input size": tuple(w.size for w in problem.windows),
        "output padding": problem.output_padding,
    }


def of_elements(seen: Observation) -> Table:
    """One row for each element of the result, in C order."""
    problem, shape = seen.problem, seen.problem.result_shape
    grid = np.indices(shape).reshape(len(shape), -1) if shape else np.zeros((0, 1), np.int64)
    table: Table = {}
    for axis, noun in enumerate(_axis_names(problem)):
        at, size = grid[axis], shape[axis]
        table[Column(f"in the last {noun}", f"not in the last {noun}")] = at == size - 1
        table[Column(f"in the first {noun}", f"not in the first {noun}")] = at == 0
        table[Column(f"the {noun} (from 0)")] = at
        for width in (2, 4, 8, 16):
            name = f"in a {noun} behind the last full block of {width}"
            table[Column(name, f"not {name}", 1.5)] = at >= size // width * width
            name = f"in a {noun} behind at least one full block of {width}"
            table[Column(name, f"not {name}", 1.5)] = (at >= size // width * width) & (size >= width)
    if problem.op.pass_name not in (WEIGHT_GRAD, BIAS_GRAD):
        table |= _of_places(problem, grid) | _of_reached(seen)
    with np.errstate(invalid="ignore"):
        y = seen.truth.y.ravel()
        sign = y.real if y.dtype.kind == "c" else y
        table[Column("where the result is NaN", "where the result is no NaN")] = np.isnan(y)
        table[Column("where the result is infinite", "where the result is not infinite")] = np.isinf(y)
        table[Column("where the result is negative", "where the result is not negative")] = sign < 0
    return table


def _of_reached(seen: Observation) -> Table:
    """Which elements nothing is put to, of what scatters: unpooling and transposed convolution."""
    problem = seen.problem
    column = Column("where nothing is put to the element", "where something is put to the element")
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
    table = {column: ~np.broadcast_to(reached, problem.result_shape).ravel()}
    if any(problem.output_padding):
        grid, added = np.indices(problem.result_shape), np.zeros(problem.result_shape, bool)
        for axis, (amount, size) in enumerate(zip(problem.output_padding, problem.result_shape[2:], strict=True)):
            added = added | (grid[2 + axis] >= size - amount)
        table[Column("in the output padding", "not in the output padding")] = added.ravel()
    return table


def _axis_names(problem: Problem) -> list[str]:
    if problem.op.pass_name == BIAS_GRAD:
        return ["channel"]
    places = _PLACES[problem.op.ndim]
    if problem.op.pass_name == WEIGHT_GRAD:
        return ["first channel axis", "second channel axis", *(f"tap {place}" for place in places)]
    return ["item", "channel", *places]


def _of_places(problem: Problem, grid: np.ndarray) -> Table:
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
        Column("where the window sees nothing but padding", "where the window sees some input"): blind,
    }
