"""What can be said of a case: the columns among which a failing region is sought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.separate import Column, Table
from conformance.problem import Family, Problem
from conformance.problem.window import AdaptiveWindow

_AXES = {1: ("",), 2: (" in the first axis", " in the second axis"), 3: (" in depth", " in height", " in width")}


def of_cases(seen: Sequence[Observation]) -> Table:
    """One row for each observation, of one operator."""
    rows = [_of_case(one.call.problem, one.call.layout, one.case.kind) for one in seen]
    columns = list(rows[0]) if rows else []
    return {column: np.array([row[column] for row in rows]) for column in columns}


_column = cache(Column)
DTYPE = Column("for {}")


@lru_cache(4096)
def _of_case(problem: Problem, layout: str, kind: str) -> dict[Column, Any]:
    row: dict[Column, Any] = {
        DTYPE: problem.dtype,
        _column("with tensors {} in memory"): layout.replace("_", " "),
        _column("when unbatched", "with a batch axis"): problem.unbatched,
        _column("where values have ties", "where values have no ties"): kind == "ties",
        _column("with an empty batch", "without an empty batch"): problem.batch == 0,
        _column("batch"): problem.batch,
    }
    row |= _of_channels(problem)
    row |= _of_options(problem)
    row |= _of_windows(problem)
    return row


def _of_channels(problem: Problem) -> dict[Column, Any]:
    if problem.op.is_pool:
        return {_column("channels"): problem.channels}
    each, out = problem.channels // problem.groups, problem.out_channels // problem.groups
    return {
        _column("with groups", "without groups"): problem.groups > 1,
        _column("when depthwise", "when not depthwise"): problem.groups == problem.channels > 1,
        _column("groups"): problem.groups,
        _column("channels per group"): each,
        _column("output channels per group"): out,
        _column("channels"): problem.channels,
        _column("output channels"): problem.out_channels,
        _column("with as many channels in as out", "with other channels out than in"): problem.channels == problem.out_channels,
        _column("with groups of as many channels in as out", "with groups of other channels out than in"): each == out,
        _column("with a bias", "without a bias"): problem.bias,
        _column(
            "where the output is as wide as it has channels", "where the output is not as wide as it has channels"
        ): problem.output_shape[-1] == problem.out_channels,
    }


def _of_options(problem: Problem) -> dict[Column, Any]:
    row: dict[Column, Any] = {
        _column("with indices", "without indices"): problem.indices,
        _column("in ceil mode", "not in ceil mode"): problem.ceil,
        _column("with padding mode {}"): problem.pad_mode,
        _column("with padding by the rule {}"): problem.auto_pad or "none",
        _column("with a result of another type", "with a result of the inputs' type"): bool(problem.result),
    }
    if problem.op.family is Family.AVG_POOL:
        row[_column("where padding counts (count_include_pad)", "where padding does not count (count_include_pad=False)")] = (
            problem.count_include_pad
        )
        row[_column("with divisor_override", "without divisor_override")] = problem.divisor is not None
    if problem.op.family is Family.LP_POOL:
        row[_column("for the norm {}")] = f"{problem.norm:g}"
    return row


def _of_windows(problem: Problem) -> dict[Column, Any]:
    windows = problem.windows
    row: dict[Column, Any] = {
        _column("with padding", "without padding"): any(map(any, problem.padding)),
        _column("with a stride > 1", "with stride 1"): max(problem.stride) > 1,
        _column("with a dilation > 1", "without dilation"): any(w.dilation > 1 and w.kernel > 1 for w in windows),
        _column("with a kernel > 1", "with kernel 1"): max(problem.kernel) > 1,
        _column("with negative padding", "without negative padding"): min(map(min, problem.padding)) < 0,
        _column("with padding before", "without padding before"): any(b > 0 for b, _ in problem.padding),
        _column("with padding behind", "without padding behind"): any(e > 0 for _, e in problem.padding),
        _column("with as much padding before as behind", "with padding that differs before and behind"): all(
            b == e for b, e in problem.padding
        ),
        _column("with a stride and a dilation > 1 in one axis", "with no stride and dilation > 1 in one axis", 0.3): any(
            w.stride > 1 and w.dilation > 1 and w.kernel > 1 for w in windows
        ),
        _column("with windows that overlap", "with windows that do not overlap"): any(w.extent > w.stride for w in windows),
        _column("with a stride larger than the kernel", "with no stride larger than the kernel"): any(
            w.stride > w.kernel for w in windows
        ),
        _column("with gaps between windows", "without gaps between windows"): any(w.stride > w.extent for w in windows),
        _column("where the stride leaves a rest", "where the stride leaves no rest"): any(
            (w.padded - w.extent) % w.stride for w in windows
        ),
        _column("with output padding", "without output padding"): any(problem.output_padding),
    }
    if problem.op.ndim > 1:
        for axis, (behind, w) in enumerate(zip(_AXES[problem.op.ndim], windows, strict=True)):
            if isinstance(w, AdaptiveWindow):
                row[_column(f"where sizes do not divide{behind}", f"where sizes divide{behind}", 0.2)] = (
                    w.size % max(1, w.output) > 0
                )
                continue
            row[_column(f"where the stride leaves a rest{behind}", f"where the stride leaves no rest{behind}", 0.2)] = (
                w.padded - w.extent
            ) % w.stride > 0
            row[_column(f"with padding{behind}", f"without padding{behind}", 0.2)] = any(problem.padding[axis])
        for noun, values in (
            ("kernels", problem.kernel),
            ("strides", problem.stride),
            ("dilations", problem.dilation),
            ("paddings", problem.padding),
            ("sizes", tuple(w.size for w in windows)),
            ("outputs", tuple(w.output for w in windows)),
        ):
            row[_column(f"with {noun} that differ by axis", f"with {noun} alike in all axes")] = len(set(values)) > 1
    if any(isinstance(w, AdaptiveWindow) for w in windows):
        row[_column("where sizes do not divide", "where sizes divide")] = any(w.size % max(1, w.output) for w in windows)
    for name, combine in (("largest ", max), ("smallest ", min)) if problem.op.ndim > 1 else ():
        row |= {_column(f"{name}{noun}"): combine(values) for noun, values in _numbers(problem).items()}
    for axis, behind in enumerate(_AXES[problem.op.ndim]):
        row |= {_column(f"{noun}{behind}"): values[axis] for noun, values in _numbers(problem).items()}
    row[_column("the number of planes", weight=0.5)] = problem.batch * problem.channels
    row[_column("taps")] = math.prod(problem.kernel)
    row[_column("terms of a sum")] = problem.max_terms
    row[_column("elements of the output")] = math.prod(problem.output_shape)
    row[_column("elements of the input")] = math.prod(problem.input_shape)
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
