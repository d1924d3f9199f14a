"""The loops that a textbook shows, for any number of axes: slow, short, and summed in the order of the loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.problem import OPERATORS, Family, Problem

ORDER = 0


class Naive(Implementation):
    name = "naive"
    summary = "nested Python loops, one multiplication and one addition at a time"

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {name: Claims(options=options_of(operator)) for name, operator in OPERATORS.items()}

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], object]:
        x, w, b = arrays["x"], arrays.get("w"), arrays.get("b")
        if problem.op.family is Family.CONV:
            assert w is not None
            return lambda: convolution(problem, x, w, b)
        if problem.op.family is Family.MAX_POOL:
            return lambda: max_pooling(problem, x)
        return lambda: average_pooling(problem, x)


def convolution(problem: Problem, x: np.ndarray, w: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    y = np.zeros(problem.output_shape, x.dtype)
    channels, out_channels = w.shape[1], problem.out_channels // problem.groups
    for p in np.ndindex(problem.output_shape[2:]):
        taps = list(_taps(problem, p))
        for n, o in product(range(problem.batch), range(problem.out_channels)):
            total = x.dtype.type(0) if b is None else b[o]
            first = o // out_channels * channels
            for c in range(channels):
                image, kernel = x[n, first + c], w[o, c]
                for t, at in taps:
                    total += image[at] * kernel[t]
            y[(n, o, *p)] = total
    return y


def max_pooling(problem: Problem, x: np.ndarray) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    y = np.zeros(problem.output_shape, x.dtype)
    indices = np.zeros(problem.output_shape, np.int64)
    for p in np.ndindex(problem.output_shape[2:]):
        taps = list(_taps(problem, p))
        for n, c in product(range(problem.batch), range(problem.channels)):
            image = x[n, c]
            best = taps[0][1]
            for _, at in taps:
                if image[at] > image[best] or (np.isnan(image[at]) and not np.isnan(image[best])):
                    best = at
            y[(n, c, *p)] = image[best]
            indices[(n, c, *p)] = np.ravel_multi_index(best, image.shape)
    return (y, indices) if problem.indices else y


def average_pooling(problem: Problem, x: np.ndarray) -> np.ndarray:
    y = np.zeros(problem.output_shape, x.dtype)
    for p in np.ndindex(problem.output_shape[2:]):
        taps = list(_taps(problem, p))
        divisor = x.dtype.type(problem.divisor or (_counted(problem, p) if problem.count_include_pad else len(taps)))
        for n, c in product(range(problem.batch), range(problem.channels)):
            image, total = x[n, c], x.dtype.type(0)
            for _, at in taps:
                total += image[at]
            y[(n, c, *p)] = total / divisor
    return y


def _taps(problem: Problem, p: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The taps of the window at output ``p`` that lie in the input, each with the position that it reads."""
    starts = [i * w.stride - w.pad_begin for w, i in zip(problem.windows, p, strict=True)]
    for t in np.ndindex(problem.kernel):
        at = tuple(start + i * w.dilation for w, start, i in zip(problem.windows, starts, t, strict=True))
        if all(0 <= i < w.size for w, i in zip(problem.windows, at, strict=True)):
            yield t, at


def _counted(problem: Problem, p: tuple[int, ...]) -> int:
    """How many taps of the window at ``p`` lie in the input or its explicit padding."""
    count = 1
    for window, i in zip(problem.windows, p, strict=True):
        start = i * window.stride - window.pad_begin
        count *= min(start + window.kernel, window.size + window.pad_end) - start
    return count
