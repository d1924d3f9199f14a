"""Metamorphic relations: equations between calls that hold whatever the numbers, so they need no oracle.

On small integers both sides are exact and must be equal. A relation names calls and combines their results into a left
and a right side; calls that the implementation does not claim make the relation skip.
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Judgement, difference, excess_of, first_trouble
from conformance.checks.exact import tolerance_on_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Family, Problem
from conformance.reference.oracle import solve

Arrays = dict[str, np.ndarray]
Outputs = list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Relation:
    """``calls(case)`` makes the calls (none: says nothing here); ``sides(case, outputs)`` the two equal results."""

    name: str
    about: str
    make: Callable[[Case], tuple[Call, ...]]
    sides: Callable[[Case, Outputs], tuple[np.ndarray, np.ndarray]]
    families: tuple[Family, ...] = tuple(Family)
    concurrent: bool = False
    optional_calls: bool = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        problem = case.problem.replace(indices=False)
        if problem.op.family not in self.families:
            return ()
        return self.make(dataclasses.replace(case, problem=problem, kind="digits"))

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies)
        if trouble:
            return Judgement(trouble)
        case = dataclasses.replace(case, problem=case.problem.replace(indices=False), kind="digits")
        left, right = self.sides(case, [reply.outputs[0].astype(np.float64) for reply in replies])
        # Zero for direct sums; a transform's or an average's error may come in from every call.
        allowed = sum(
            float(tolerance_on_integers(claims, call, solve(call.problem, call.arrays)).tolerance.max()) for call in calls
        )
        excess = excess_of(left, right, np.zeros_like(right), np.full(right.shape, allowed))
        return Judgement(difference(left, right, excess, kind="relation broken", note=f": {self.about}"), left.size)


def _seed(case: Case) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(case.seed.encode()))


def _other(case: Case) -> Arrays:
    return dataclasses.replace(case, seed=f"{case.seed}-other").arrays()


def _whole(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    return outputs[0], outputs[1]


# Linearity (convolution), in the input and in the weight; without a bias, which is not linear.


def _linear(name: str) -> Callable[[Case], tuple[Call, ...]]:
    def make(case: Case) -> tuple[Call, ...]:
        problem = case.problem.replace(bias=False)
        case = dataclasses.replace(case, problem=problem)
        arrays, other = case.arrays(), _other(case)
        changed = {**arrays, name: other[name]}
        both = {**arrays, name: arrays[name] + other[name]}
        return Call(problem, arrays), Call(problem, changed), Call(problem, both)

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
    if max(case.problem.stride) == 1 or case.problem.ceil:
        return ()
    arrays = case.arrays()
    return Call(case.problem, arrays), Call(case.problem.with_windows(stride=1), arrays)


def _subsampled(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    steps = tuple(slice(None, None, step) for step in case.problem.stride)
    return outputs[0], outputs[1][(slice(None), slice(None), *steps)]


def _dilation(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if max(problem.dilation) == 1:
        return ()
    windows = tuple(dataclasses.replace(w, kernel=w.extent, dilation=1) for w in problem.windows)
    wide = problem.replace(windows=windows)
    kernel = np.zeros(wide.weight_shape, arrays["w"].dtype)
    kernel[(slice(None), slice(None), *(slice(None, None, step) for step in problem.dilation))] = arrays["w"]
    return Call(problem, arrays), Call(wide, {**arrays, "w": kernel})


def _padding(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if not any(map(any, problem.padding)) or problem.ceil or not problem.count_include_pad:
        return ()
    windows = tuple(dataclasses.replace(w, size=w.padded, pad_begin=0, pad_end=0) for w in problem.windows)
    padded = np.pad(arrays["x"], [(0, 0), (0, 0), *problem.padding])
    return Call(problem, arrays), Call(problem.replace(windows=windows), {**arrays, "x": padded})


def _translation(case: Case) -> tuple[Call, ...]:
    """Without padding, the input from its second stride on gives the outputs from the second on, in every axis."""
    problem = case.problem.with_windows(pad_begin=0, pad_end=0, ceil=False)
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


def _pointwise_problem(case: Case) -> Problem:
    return case.problem.with_windows(kernel=1, stride=1, dilation=1, pad_begin=0, pad_end=0).replace(groups=1, bias=False)


def _pointwise(case: Case) -> tuple[Call, ...]:
    problem = _pointwise_problem(case)
    return (Call(problem, dataclasses.replace(case, problem=problem).arrays()),)


def _matrix_product(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    problem = _pointwise_problem(case)
    arrays = dataclasses.replace(case, problem=problem).arrays()
    matrix = arrays["w"].reshape(problem.out_channels, problem.channels).astype(np.float64)
    product = matrix @ arrays["x"].reshape(problem.batch, problem.channels, -1).astype(np.float64)
    return outputs[0], product.reshape(problem.output_shape)


def _groups(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if problem.groups == 1:
        return ()
    part = problem.replace(
        groups=1, channels=problem.channels // problem.groups, out_channels=problem.out_channels // problem.groups
    )
    xs = np.split(arrays["x"], problem.groups, axis=1)
    rest = {name: np.split(arrays[name], problem.groups) for name in ("w", "b") if name in arrays}
    parts = [
        Call(part, {"x": np.ascontiguousarray(x), **{name: pieces[i] for name, pieces in rest.items()}}) for i, x in enumerate(xs)
    ]
    return (Call(problem, arrays), *parts)


def _joined(axis: int) -> Callable[[Case, Outputs], tuple[np.ndarray, np.ndarray]]:
    return lambda case, outputs: (outputs[0], np.concatenate(outputs[1:], axis=axis))


def _batch(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if problem.batch == 1:
        return ()
    items = [Call(problem.replace(batch=1), {**arrays, "x": item}) for item in np.split(arrays["x"], problem.batch)]
    return (Call(problem, arrays), *items)


def _permuted_channels(case: Case) -> tuple[Call, ...]:
    problem, arrays = case.problem, case.arrays()
    if problem.channels == 1 or problem.groups != 1:
        return ()
    order = _seed(case).permutation(problem.channels)
    other = {**arrays, "x": np.ascontiguousarray(arrays["x"][:, order])}
    if "w" in arrays:
        other["w"] = np.ascontiguousarray(arrays["w"][:, order])
    return Call(problem, arrays), Call(problem, other)


def _permuted(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    if not case.problem.op.is_pool:
        return outputs[0], outputs[1]
    return outputs[0][:, _seed(case).permutation(case.problem.channels)], outputs[1]


def _depthwise(case: Case) -> tuple[Call, ...]:
    """An average as a convolution of every channel with a kernel of ones."""
    problem, arrays = case.problem, case.arrays()
    if problem.ceil:
        return ()
    conv = Problem(
        f"conv{problem.op.ndim}d", problem.windows, batch=problem.batch, channels=problem.channels,
        out_channels=problem.channels, groups=problem.channels, dtype=problem.dtype,
    )  # fmt: skip
    plain = problem.replace(count_include_pad=True, divisor=None)
    return Call(plain, arrays), Call(conv, {**arrays, "w": np.ones(conv.weight_shape, arrays["x"].dtype)})


def _mean(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    return outputs[0], outputs[1] / math.prod(case.problem.kernel)


_CONV = (Family.CONV,)

CHECKS: tuple[Check, ...] = (
    Relation("algebra.linear_input", "conv(x1 + x2) = conv(x1) + conv(x2)", _linear("x"), _sum, _CONV),
    Relation("algebra.linear_weight", "conv(w1 + w2) = conv(w1) + conv(w2)", _linear("w"), _sum, _CONV),
    Relation("algebra.maximum", "pool(max(x1, x2)) = max(pool(x1), pool(x2))", _max_of_two, _max, (Family.MAX_POOL,)),
    Relation("algebra.translation", "a shifted input gives shifted outputs", _translation, _after_first),
    Relation("algebra.stride", "a stride is a subsampling of stride 1", _stride, _subsampled),
    Relation("algebra.dilation", "a dilated kernel is one with zeros between its taps", _dilation, _whole, _CONV),
    Relation("algebra.padding", "padding is an input padded by zeros", _padding, _whole, (Family.CONV, Family.AVG_POOL)),
    Relation("algebra.pointwise", "a 1x1 kernel is a matrix product over channels", _pointwise, _matrix_product, _CONV),
    Relation("algebra.groups", "groups are the parts one by one", _groups, _joined(1), _CONV),
    Relation("algebra.batch", "a batch is its items one by one", _batch, _joined(0)),
    Relation("algebra.channels", "permuted channels give the same, permuted", _permuted_channels, _permuted),
    Relation("algebra.average", "an average is a depthwise convolution with ones", _depthwise, _mean, (Family.AVG_POOL,)),
)
