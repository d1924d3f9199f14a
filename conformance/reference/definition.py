"""The executable specification: plain loops over exact numbers, one short function per operator, to be read.

Elements may be of any Python number type (``int`` and ``fractions.Fraction`` are exact). Slow on purpose: nothing here
is clever, so nothing here can be subtly wrong, and :mod:`conformance.reference.oracle` is shown equal to it.

Notation: n batch item, c channel, o output channel, p output position, t tap (both with one index per axis).
Axis by axis, tap t of output p reads the input at p * stride + t * dilation - pad_begin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from conformance.problem import Family, Problem, Window

Index = tuple[int, ...]


def define(problem: Problem, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """The outputs of ``problem`` as object arrays of exact numbers: the result, and for max pooling the indices."""
    x = arrays["x"]
    if problem.op.family is Family.CONV:
        return (convolution(problem, x, arrays["w"], arrays.get("b")),)
    if problem.op.family is Family.MAX_POOL:
        return max_pooling(problem, x)
    return (average_pooling(problem, x),)


def convolution(problem: Problem, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """y[n,o,p] = b[o] + sum over the channels c of o's group and the taps t of x[n, c, p*s + t*d - pad] * w[o,c,t].

    This is cross-correlation: the kernel is not flipped. Outside the input x is zero.
    """
    y = np.empty(problem.output_shape, dtype=object)
    channels, out_channels = problem.channels // problem.groups, problem.out_channels // problem.groups
    for n, o, *p in np.ndindex(*problem.output_shape):
        group = o // out_channels
        total = b[o] if b is not None else 0
        for c in range(channels):
            for t, at in _taps(problem.windows, p):
                if _inside(problem.windows, at):
                    total += x[(n, group * channels + c, *at)] * w[(o, c, *t)]
        y[(n, o, *p)] = total
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
            if not _inside(problem.windows, at):
                continue
            value = x[(n, c, *at)]
            if best is None or value > best or (value != value and best == best):
                best, where = value, _flat(problem.windows, at)
        y[(n, c, *p)], index[(n, c, *p)] = best, where
    return y, index


def average_pooling(problem: Problem, x: np.ndarray) -> np.ndarray:
    """y[n,c,p] = the sum of the inputs in the window, divided by ``divisor`` where it is given, else by a count of taps.

    Counted are the taps in the input and its explicit padding, or (exclude_pad) in the input alone. What a window in
    ceil mode has beyond the explicit padding is never counted.
    """
    y = np.empty(problem.output_shape, dtype=object)
    for n, c, *p in np.ndindex(*problem.output_shape):
        total, count = 0, 0
        for _, at in _taps(problem.windows, p):
            if _inside(problem.windows, at):
                total += x[(n, c, *at)]
            if _inside(problem.windows, at, with_padding=problem.count_include_pad):
                count += 1
        y[(n, c, *p)] = total / (problem.divisor or count)
    return y


def _taps(windows: Sequence[Window], p: Sequence[int]) -> Iterator[tuple[Index, Index]]:
    """Each tap of the window at output ``p``, and the input position that it reads (perhaps outside the input)."""
    for t in product(*(range(w.kernel) for w in windows)):
        at = tuple(i * w.stride + j * w.dilation - w.pad_begin for w, i, j in zip(windows, p, t, strict=True))
        yield t, at


def _inside(windows: Sequence[Window], at: Index, with_padding: bool = False) -> bool:
    if with_padding:
        return all(-w.pad_begin <= i < w.size + w.pad_end for w, i in zip(windows, at, strict=True))
    return all(0 <= i < w.size for w, i in zip(windows, at, strict=True))


def _flat(windows: Sequence[Window], at: Index) -> int:
    strides = [math.prod(w.size for w in windows[axis + 1 :]) for axis in range(len(windows))]
    return sum(i * stride for i, stride in zip(at, strides, strict=True))


def exact(array: np.ndarray) -> np.ndarray:
    """An array of floating-point numbers as an object array of the Fractions that they are."""
    from fractions import Fraction

    result: Any = np.empty(array.shape, dtype=object)
    for at in np.ndindex(*array.shape):
        result[at] = Fraction(float(array[at]))
    return result
