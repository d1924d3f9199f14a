"""Relations between operators: what one computes, said with another one or with NumPy."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check
from conformance.checks.relation import Outputs, Relation, whole
from conformance.plugin.job import Call
from conformance.problem import Family, Problem, Window
from conformance.problem.validity import is_valid
from conformance.problem.window import TransposedWindow


def _pointwise_problem(case: Case) -> Problem:
    plain = case.problem.with_windows(kernel=1, stride=1, dilation=1, pad_begin=0, pad_end=0, mode="zeros")
    return plain.replace(groups=1, bias=False, auto_pad="")


def _pointwise(case: Case) -> tuple[Call, ...]:
    problem = _pointwise_problem(case)
    return (Call(problem, dataclasses.replace(case, problem=problem).arrays()),)


def _matrix_product(case: Case, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    problem = _pointwise_problem(case)
    arrays = dataclasses.replace(case, problem=problem).arrays()
    matrix = arrays["w"].reshape(problem.out_channels, problem.channels).astype(np.float64)
    product = matrix @ arrays["x"].reshape(problem.batch, problem.channels, -1).astype(np.float64)
    return outputs[0], product.reshape(problem.output_shape)


def _depthwise(case: Case) -> tuple[Call, ...]:
    """An average as a convolution of every channel with a kernel of ones."""
    problem, arrays = case.problem.replace(auto_pad=""), case.arrays()
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


def _transposed(case: Case) -> tuple[Call, ...]:
    """A transposed convolution as a convolution of the input with zeros between its elements, the kernel flipped."""
    problem, arrays = case.problem, case.arrays()
    if problem.groups != 1:
        return ()
    windows = []
    for window in problem.windows:
        assert isinstance(window, TransposedWindow)
        reach = window.extent - 1
        spread = (window.size - 1) * window.stride + 1
        end = reach - window.pad_end + window.output_padding
        windows.append(Window(spread, window.kernel, dilation=window.dilation, pad_begin=reach - window.pad_begin, pad_end=end))
    conv = problem.as_family(Family.CONV).replace(windows=tuple(windows))
    if not is_valid(conv):
        return ()
    x = np.zeros(conv.input_shape, arrays["x"].dtype)
    x[(slice(None), slice(None), *(slice(None, None, step) for step in problem.stride))] = arrays["x"]
    flipped = arrays["w"].swapaxes(0, 1)[(slice(None), slice(None), *(slice(None, None, -1),) * problem.op.ndim)]
    return Call(problem, arrays), Call(conv, arrays | {"x": x, "w": np.ascontiguousarray(flipped)})


def _divided(case: Case) -> tuple[Call, ...]:
    """An adaptive pooling whose output size divides the input's as one with as large a kernel and stride."""
    wanted = tuple(dataclasses.replace(w, size=w.output * max(1, w.size // w.output)) for w in case.problem.windows)
    problem = case.problem.replace(windows=wanted)
    arrays = dataclasses.replace(case, problem=problem).arrays()
    family = Family.MAX_POOL if problem.op.traits.selects else Family.AVG_POOL
    windows = tuple(Window(w.size, w.size // w.output, w.size // w.output) for w in wanted)
    return Call(problem, arrays), Call(problem.as_family(family).replace(windows=windows), arrays)


def _of_integers(case: Case) -> tuple[Call, ...]:
    """A quantised convolution as one of int32, the zero points subtracted before."""
    problem, arrays = case.problem, case.arrays()
    if problem.requantised:
        return ()
    conv = problem.as_family(Family.CONV).replace(dtype="int32", result="")
    w_zero = arrays["w_zero"].astype(np.int32).reshape(-1, *[1] * (problem.op.ndim + 1))
    tensors = {name: arrays[name].astype(np.int32) for name in conv.array_shapes}
    tensors |= {"x": tensors["x"] - arrays["x_zero"].astype(np.int32), "w": tensors["w"] - w_zero}
    return Call(problem, arrays), Call(conv, tensors)


def _largest(case: Case) -> tuple[Call, ...]:
    """The infinite norm of what is not negative as its maximum."""
    problem = case.problem.replace(norm=math.inf)
    if any(map(any, problem.padding)) or problem.ceil:
        return ()
    arrays = dataclasses.replace(case, problem=problem).arrays()
    return Call(problem, arrays), Call(problem.as_family(Family.MAX_POOL).replace(norm=2.0), arrays)


_CONV = (Family.CONV,)
_ADAPTIVE = (Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL)

CHECKS: tuple[Check, ...] = (
    Relation("algebra.pointwise", "a 1x1 kernel is a matrix product over channels", _pointwise, _matrix_product, _CONV),
    Relation("algebra.average", "an average is a depthwise convolution with ones", _depthwise, _mean, (Family.AVG_POOL,)),
    Relation(
        "algebra.transposed", "a transposed convolution is one of the input with zeros between, the kernel flipped",
        _transposed, whole, (Family.CONV_TRANSPOSE,),
    ),
    Relation("algebra.divided", "an adaptive pooling to a divisor is a pooling with that stride", _divided, whole, _ADAPTIVE),
    Relation("algebra.quantised", "a quantised convolution is one of integers", _of_integers, whole, (Family.CONV_INTEGER,)),
    Relation("algebra.largest", "the infinite norm is the maximum of magnitudes", _largest, whole, (Family.LP_POOL,)),
)  # fmt: skip
