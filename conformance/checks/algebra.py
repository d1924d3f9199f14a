"""Relations between calls of one operator: linearity, translation, the window's parameters, channels, groups and batch."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check
from conformance.checks.relation import Arrays, Outputs, Relation, sliding, whole
from conformance.plugin.job import Call
from conformance.problem import Family


def _seed(case: Case) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(case.seed.encode()))


def _other(case: Case) -> Arrays:
    return dataclasses.replace(case, seed=f"{case.seed}-other").arrays()


# Linearity, in the input and in the weights; without a bias, which is not linear.


def _linear(name: str) -> Callable[[Case], tuple[Call, ...]]:
    """The tensor is split in two by a draw, rather than added to another: so no sum leaves what a narrow format holds."""

    def make(case: Case) -> tuple[Call, ...]:
        case = dataclasses.replace(case, problem=case.problem.replace(bias=False))
        arrays = case.arrays()
        chosen = _seed(case).random(arrays[name].shape) < 0.5
        parts = [np.where(mask, arrays[name], arrays[name].dtype.type(0)) for mask in (chosen, ~chosen)]
        return tuple(Call(case.problem, arrays | {name: part}) for part in (*parts, arrays[name]))

    return make


def _sum(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    return outputs[0] + outputs[1], outputs[2]


def _max_of_two(case: Case) -> tuple[Call, ...]:
    arrays, other = case.arrays(), _other(case)
    both = {"x": np.maximum(arrays["x"], other["x"])}
    return Call(case.problem, arrays), Call(case.problem, other), Call(case.problem, both)


def _max(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(outputs[0], outputs[1]), outputs[2]


# The window's parameters.


def _stride(case: Case) -> tuple[Call, ...]:
    if max(case.problem.stride) == 1 or case.problem.ceil or case.problem.auto_pad:
        return ()
    arrays = case.arrays()
    return Call(case.problem, arrays), Call(case.problem.with_windows(stride=1), arrays)


def _subsampled(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    steps = tuple(slice(None, None, step) for step in case.problem.stride)
    return outputs[0], outputs[1][(slice(None), slice(None), *steps)]


def _dilation(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if max(problem.dilation) == 1 or problem.auto_pad:
        return ()
    windows = tuple(dataclasses.replace(w, kernel=w.extent, dilation=1) for w in sliding(problem))
    wide = problem.replace(windows=windows)
    kernel = np.zeros(wide.weight_shape, arrays["w"].dtype)
    kernel[(slice(None), slice(None), *(slice(None, None, step) for step in problem.dilation))] = arrays["w"]
    return Call(problem, arrays), Call(wide, {**arrays, "w": kernel})


def _padding(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if not any(map(any, problem.padding)) or problem.ceil or not problem.count_include_pad or problem.pad_mode != "zeros":
        return ()
    if min(min(pair) for pair in problem.padding) < 0:
        return ()
    problem = problem.replace(auto_pad="")
    windows = tuple(dataclasses.replace(w, size=w.padded, pad_begin=0, pad_end=0) for w in sliding(problem))
    padded = np.pad(arrays["x"], [(0, 0), (0, 0), *problem.padding])
    return Call(problem, arrays), Call(problem.replace(windows=windows), {**arrays, "x": padded})


def _zeros_of_its_own(case: Case) -> tuple[Call, ...]:
    """An input with a border of zeros and no padding: whether padding counts must not matter."""
    problem = case.problem.replace(auto_pad="", divisor=None).with_windows(pad_begin=0, pad_end=0, ceil=False)
    arrays = case.arrays()
    borders = [max(1, -((w.size - w.extent) // 2)) for w in sliding(problem)]  # a kernel may be longer than a bare input
    x = np.pad(arrays["x"], [(0, 0), (0, 0), *((border, border) for border in borders)])
    windows = (dataclasses.replace(w, size=w.size + 2 * border) for w, border in zip(sliding(problem), borders, strict=True))
    problem = problem.replace(windows=tuple(windows))
    return tuple(Call(problem.replace(count_include_pad=counts), {**arrays, "x": x}) for counts in (True, False))


def _translation(case: Case) -> tuple[Call, ...]:
    """Without padding, the input from its second stride on gives the outputs from the second on, in every axis."""
    problem = case.problem.replace(auto_pad="").with_windows(pad_begin=0, pad_end=0, ceil=False)
    windows = tuple(dataclasses.replace(w, size=max(w.size, w.extent + w.stride)) for w in problem.windows)
    whole = problem.replace(windows=windows)
    arrays = dataclasses.replace(case, problem=whole).arrays()
    shifted = tuple(slice(w.stride, None) for w in windows)
    rest = problem.replace(windows=tuple(dataclasses.replace(w, size=w.size - w.stride) for w in windows))
    return Call(whole, arrays), Call(
        rest, {**arrays, "x": np.ascontiguousarray(arrays["x"][(slice(None), slice(None), *shifted)])}
    )


def _after_first(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    return outputs[0][(slice(None), slice(None), *(slice(1, None),) * case.problem.op.ndim)], outputs[1]


# Channels, groups and batch.


_BY_OUTPUT = ("w", "b", "w_zero", "scale")
"""Tensors whose first axis goes by groups: output channels, of transposed weights input channels."""


def _groups(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if problem.groups == 1:
        return ()
    part = problem.replace(
        groups=1, channels=problem.channels // problem.groups, out_channels=problem.out_channels // problem.groups
    )
    pieces = {name: np.split(arrays[name], problem.groups) for name in _BY_OUTPUT if name in arrays}
    pieces["x"] = [np.ascontiguousarray(x) for x in np.split(arrays["x"], problem.groups, axis=1)]
    parts = [Call(part, arrays | {name: each[i] for name, each in pieces.items()}) for i in range(problem.groups)]
    return (Call(problem, arrays), *parts)


def _joined(axis: int) -> Callable[[Case, Outputs], tuple[np.ndarray, np.ndarray]]:
    return lambda case, outputs: (outputs[0], np.concatenate(outputs[1:], axis=axis))


def _batch(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if problem.batch < 2:
        return ()
    items = {name: np.split(arrays[name], problem.batch) for name in ("x", "indices") if name in arrays}
    calls = [
        Call(problem.replace(batch=1), arrays | {name: each[i] for name, each in items.items()}) for i in range(problem.batch)
    ]
    return (Call(problem, arrays), *calls)


def _permuted_channels(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if problem.channels == 1 or problem.groups != 1:
        return ()
    order = _seed(case).permutation(problem.channels)
    weights = 0 if problem.op.family is Family.CONV_TRANSPOSE else 1
    axes = {name: axis for name, axis in (("x", 1), ("indices", 1), ("w", weights)) if name in arrays}
    return Call(problem, arrays), Call(problem, arrays | {name: arrays[name].take(order, axis) for name, axis in axes.items()})


def _permuted(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    if not case.problem.op.is_pool:
        return outputs[0], outputs[1]
    return outputs[0][:, _seed(case).permutation(case.problem.channels)], outputs[1]


_CONV = (Family.CONV,)
_LINEAR = (Family.CONV, Family.CONV_TRANSPOSE)
_WEIGHTS = (*_LINEAR, Family.CONV_INTEGER)
_ALL = tuple(Family)

CHECKS: tuple[Check, ...] = (
    Relation("algebra.linear_input", "conv(x1 + x2) = conv(x1) + conv(x2)", _linear("x"), _sum, _LINEAR),
    Relation("algebra.linear_weight", "conv(w1 + w2) = conv(w1) + conv(w2)", _linear("w"), _sum, _LINEAR),
    Relation("algebra.maximum", "pool(max(x1, x2)) = max(pool(x1), pool(x2))", _max_of_two, _max, (Family.MAX_POOL,)),
    Relation("algebra.translation", "a shifted input gives shifted outputs", _translation, _after_first),
    Relation("algebra.stride", "a stride is a subsampling of stride 1", _stride, _subsampled),
    Relation("algebra.dilation", "a dilated kernel is one with zeros between its taps", _dilation, whole, _CONV),
    Relation("algebra.padding", "padding is an input padded by zeros", _padding, whole, (Family.CONV, Family.AVG_POOL)),
    Relation(
        "algebra.zeros", "zeros of the input count even where padding does not", _zeros_of_its_own, whole, (Family.AVG_POOL,)
    ),
    Relation("algebra.groups", "groups are the parts one by one", _groups, _joined(1), _WEIGHTS),
    Relation("algebra.batch", "a batch is its items one by one", _batch, _joined(0), _ALL),
    Relation("algebra.channels", "permuted channels give the same, permuted", _permuted_channels, _permuted, _ALL),
)
