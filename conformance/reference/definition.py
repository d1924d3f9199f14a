"""The executable specification: plain loops over exact numbers, one short function per operator, to be read.

Elements may be of any Python number type (``int`` and ``fractions.Fraction`` are exact). Slow on purpose: nothing here
is clever, so nothing here can be subtly wrong, and :mod:`conformance.reference.oracle` is shown equal to it.

Notation: n batch item, c channel, o output channel, p output position, t tap (both with one index per axis).
Axis by axis, tap t of output p reads the input at p * stride + t * dilation - pad_begin. A gradient adds, for every
product or selection of the forward pass, what the other factors are to the one that it is of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from itertools import product
from typing import Any

import numpy as np

from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD
from conformance.problem.window import AdaptiveWindow, AnyWindow

Index = tuple[int, ...]


def define(problem: Problem, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of ``problem`` as object arrays of exact numbers: the result, and for max pooling the indices."""
    family, forward = problem.op.family, problem.op.forward
    if family in (Family.CONV, Family.CONV_TRANSPOSE):
        return (convolution(problem, arrays),)
    if family is Family.CONV_INTEGER:
        return (convolution_of_integers(problem, arrays),)
    if family in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL):
        return max_pooling(problem, arrays["x"]) if forward else (max_gradient(problem, arrays),)
    if family is Family.LP_POOL:
        return (p_norm(problem, arrays["x"]) if forward else p_norm_gradient(problem, arrays["x"], arrays["dy"]),)
    if family is Family.MAX_UNPOOL:
        return (unpooling(problem, arrays),)
    return (average(problem, arrays),)


def convolution(problem: Problem, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """y = b + the sum of x w over all products. Each gradient leaves one factor out: dx = sum dy w, dw = sum x dy, db = sum dy.

    This is cross-correlation: the kernel is not flipped. A second derivative puts a change of x through the same sum.
    Complex gradients are those of steepest ascent, as PyTorch has them (JAX: their conjugates): the factor is conjugated.
    """
    result = np.zeros(problem.result_shape, dtype=object)
    pass_name = problem.op.pass_name
    if pass_name == BIAS_GRAD:
        for n, o, *p in np.ndindex(*problem.output_shape):
            result[o] += arrays["dy"][(n, o, *p)]
        return result
    if "b" in arrays:
        result += arrays["b"].reshape(-1, *[1] * problem.op.ndim)
    x, w, dy = arrays.get("ddx", arrays.get("x")), arrays.get("w"), arrays.get("dy")
    for at_x, at_w, at_y in products(problem):
        if pass_name == INPUT_GRAD:
            result[at_x] += dy[at_y] * w[at_w].conjugate()  # type: ignore[index]
        elif pass_name == WEIGHT_GRAD:
            result[at_w] += x[at_x].conjugate() * dy[at_y]  # type: ignore[index]
        else:
            result[at_y] += x[at_x] * w[at_w]  # type: ignore[index]
    return result


def products(problem: Problem) -> Iterator[tuple[Index, Index, Index]]:
    """The indices (into x, w and y) of every product that a convolution sums.

    Convolution: y[n,o,p] reads x[n, c, p*s + t*d - pad] w[o,c,t] over the channels c of o's group and the taps t.
    Transposed: x[n,c,i] w[c,o,t] is added to y[n, o, i*s + t*d - pad], for the output channels o of c's group.
    """
    channels, out_channels = problem.channels // problem.groups, problem.out_channels // problem.groups
    transposed = problem.op.family is Family.CONV_TRANSPOSE
    for n, group, c, o in product(range(problem.batch), range(problem.groups), range(channels), range(out_channels)):
        c_all, o_all = group * channels + c, group * out_channels + o
        for p in product(*(range(w.size if transposed else w.output) for w in problem.windows)):
            for t, at in _taps(problem.windows, p):
                if transposed and all(0 <= i < w.output for w, i in zip(problem.windows, at, strict=True)):
                    yield (n, c_all, *p), (c_all, o, *t), (n, o_all, *at)
                elif not transposed and (element := _element(problem.windows, at)) is not None:
                    yield (n, c_all, *element), (o_all, c, *t), (n, o_all, *p)


def convolution_of_integers(problem: Problem, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """y = b + the sum of (x - x_zero) (w - w_zero[o]); padding holds x_zero.

    Requantised: y * scale[o] in float32, rounded half to even, plus y_zero, clipped to the range of the result's type.
    """
    y = np.zeros(problem.result_shape, dtype=object)
    if "b" in arrays:
        y += arrays["b"].reshape(-1, *[1] * problem.op.ndim)
    for at_x, at_w, at_y in products(problem):
        y[at_y] += (arrays["x"][at_x] - arrays["x_zero"][()]) * (arrays["w"][at_w] - arrays["w_zero"][at_y[1]])
    if problem.requantised:
        limits = np.iinfo(problem.result)
        for at in np.ndindex(*y.shape):
            scaled = float(np.float32(y[at]) * np.float32(arrays["scale"][at[1]]))
            y[at] = min(max(round(scaled) + arrays["y_zero"][()], limits.min), limits.max)
    return y


def max_pooling(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y[n,c,p] = the largest input in the window; and its flat index in the input plane, of the first one if tied.

    Padding never wins. A NaN is larger than everything (it propagates); the first one has the index.
    """
    y = np.empty(problem.output_shape, dtype=object)
    index = np.empty(problem.output_shape, dtype=object)
    for n, c, *p in np.ndindex(*problem.output_shape):
        best, where = None, -1
        for _, at in _taps(problem.windows, p):
            if _element(problem.windows, at) is None:
                continue
            value = x[(n, c, *at)]
            if best is None or value > best or (value != value and best == best):
                best, where = value, _flat(problem.windows, at)
        y[(n, c, *p)], index[(n, c, *p)] = best, where
    return y, index


def max_gradient(problem: Problem, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """dx at the index of each maximum is the sum of the dy of the windows that it won; twice derived: ddx taken from there."""
    _, index = max_pooling(problem, arrays["x"])
    result, sizes = np.zeros(problem.result_shape, dtype=object), [w.size for w in problem.windows]
    for n, c, *p in np.ndindex(*problem.output_shape):
        at = np.unravel_index(index[(n, c, *p)], sizes)
        if problem.op.pass_name == DOUBLE_GRAD:
            result[(n, c, *p)] = arrays["ddx"][(n, c, *at)]
        else:
            result[(n, c, *at)] += arrays["dy"][(n, c, *p)]
    return result


def average(problem: Problem, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """y[n,c,p] = the sum of the inputs in the window, divided by ``divisor`` where it is given, else by a count of taps.

    Counted are the taps in the input and its explicit padding, or (exclude_pad) in the input alone. What a window in
    ceil mode has beyond the explicit padding is never counted. The gradient gives dy / divisor to each input in the window.
    """
    result = np.zeros(problem.result_shape, dtype=object)
    for n, c, *p in np.ndindex(*problem.output_shape):
        taps = [at for _, at in _taps(problem.windows, p) if _element(problem.windows, at) is not None]
        count = sum(_counted(problem, at) for _, at in _taps(problem.windows, p))
        for at in taps:
            if problem.op.pass_name == INPUT_GRAD:
                result[(n, c, *at)] += arrays["dy"][(n, c, *p)] / (problem.divisor or count)
            else:
                result[(n, c, *p)] += arrays.get("ddx", arrays["x"])[(n, c, *at)] / (problem.divisor or count)
    return result


def p_norm(problem: Problem, x: np.ndarray) -> np.ndarray:
    """y[n,c,p] = (the sum of |x|^norm over the window)^(1/norm), to 50 digits; the largest |x| for an infinite norm."""
    y = np.zeros(problem.output_shape, dtype=object)
    with localcontext(prec=50):
        for n, c, *p in np.ndindex(*problem.output_shape):
            at_all = [at for _, at in _taps(problem.windows, p) if _element(problem.windows, at) is not None]
            values = [abs(_decimal(x[(n, c, *at)])) for at in at_all]
            if math.isinf(problem.norm):
                y[(n, c, *p)] = max(values)
            else:
                norm = Decimal(problem.norm)
                y[(n, c, *p)] = sum(value**norm for value in values) ** (1 / norm)
    return y


def p_norm_gradient(problem: Problem, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """dx = the sum over the windows of dy sign(x) |x|^(norm - 1) y^(1 - norm), nothing where y is 0."""
    dx, y = np.zeros(problem.input_shape, dtype=object), p_norm(problem, x)
    with localcontext(prec=50):
        norm = Decimal(problem.norm)
        for n, c, *p in np.ndindex(*problem.output_shape):
            for _, at in _taps(problem.windows, p):
                if _element(problem.windows, at) is not None and y[(n, c, *p)] > 0:
                    value = _decimal(x[(n, c, *at)])
                    slope = abs(value) ** (norm - 1) * (1 if value > 0 else -1) if value else 0
                    dx[(n, c, *at)] += _decimal(dy[(n, c, *p)]) * slope * y[(n, c, *p)] ** (1 - norm)
    return dx


def unpooling(problem: Problem, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """y is zero but for x[n,c,p] at the flat index indices[n,c,p] of its plane; the gradient takes it back from there."""
    result, sizes = np.zeros(problem.result_shape, dtype=object), [w.size for w in problem.windows]
    for n, c, *p in np.ndindex(*problem.input_shape):
        at = np.unravel_index(int(arrays["indices"][(n, c, *p)]), sizes)
        if problem.op.pass_name == INPUT_GRAD:
            result[(n, c, *p)] = arrays["dy"][(n, c, *at)]
        else:
            result[(n, c, *at)] = arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"][(n, c, *p)]
    return result


def _taps(windows: Sequence[AnyWindow], p: Sequence[int]) -> Iterator[tuple[Index, Index]]:
    """Each tap of the window at place ``p``, and the coordinate that it reads (perhaps outside the input)."""
    if isinstance(windows[0], AdaptiveWindow):
        # Window i holds the elements from floor(i size / output) to before ceil((i + 1) size / output).
        pairs = [(i * w.size // w.output, math.ceil((i + 1) * w.size / w.output)) for w, i in zip(windows, p, strict=True)]
        for at in product(*(range(*pair) for pair in pairs)):
            yield tuple(i - first for i, (first, _) in zip(at, pairs, strict=True)), at
        return
    for t in product(*(range(w.kernel) for w in windows)):
        yield t, tuple(i * w.stride + j * w.dilation - w.pad_begin for w, i, j in zip(windows, p, t, strict=True))


def _element(windows: Sequence[AnyWindow], at: Index) -> Index | None:
    """The input element that a coordinate stands for; None where it is a zero of the padding."""
    found = []
    for window, i in zip(windows, at, strict=True):
        if window.mode == "replicate":
            i = min(max(i, 0), window.size - 1)
        elif window.mode == "circular":
            while not 0 <= i < window.size:
                i += window.size if i < 0 else -window.size
        elif window.mode == "reflect":  # the border itself is not repeated
            while not 0 <= i < window.size:
                i = -i if i < 0 else 2 * (window.size - 1) - i
        if not 0 <= i < window.size:
            return None
        found.append(i)
    return tuple(found)


def _counted(problem: Problem, at: Index) -> bool:
    """Whether a tap counts in an average's divisor."""
    if not problem.count_include_pad:
        return _element(problem.windows, at) is not None
    return all(-w.pad_begin <= i < w.size + w.pad_end for w, i in zip(problem.windows, at, strict=True))


def _flat(windows: Sequence[AnyWindow], at: Index) -> int:
    strides = [math.prod(w.size for w in windows[axis + 1 :]) for axis in range(len(windows))]
    return sum(i * stride for i, stride in zip(at, strides, strict=True))


def _decimal(value: Any) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator) if hasattr(value, "numerator") else Decimal(float(value))


def exact(array: np.ndarray) -> np.ndarray:
    """An array of floating-point numbers as an object array of the Fractions that they are; integers as they are."""
    from fractions import Fraction

    result: Any = np.empty(array.shape, dtype=object)
    for at in np.ndindex(*array.shape):
        result[at] = int(array[at]) if array.dtype.kind in "iu" else Fraction(float(array[at]))
    return result
