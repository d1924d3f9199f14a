"""The loops that a textbook shows, for any number of axes: slow, short, and summed in the order of the loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.plugin.implementation import require_tensors
from conformance.problem import FORMATS, OPERATORS, Family, Problem, Window, require_valid
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD
from conformance.problem.window import AdaptiveWindow, AnyWindow

ORDER = 0

Arrays = Mapping[str, np.ndarray]
Index = tuple[int, ...]


_MOST_WORK = 2_000_000
"""Multiply-adds: some seconds."""


class Naive(Implementation):
    name = "naive"
    summary = "nested Python loops, one multiplication and one addition at a time"

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {name: Claims(op.traits.dtypes, options_of(op)) for name, op in OPERATORS.items()}

    def supports(self, problem: Problem) -> str | None:
        if problem.work > _MOST_WORK:
            return f"naive loops take too long for more than {_MOST_WORK:,} multiply-adds"
        return super().supports(problem)

    def prepare(self, problem: Problem, arrays: Arrays) -> Callable[[], object]:
        function, batched = FAMILIES[require_valid(problem).op.family], problem.replace(unbatched=False)
        require_tensors(problem, arrays)
        given = {name: array.reshape(batched.array_shapes[name]) for name, array in arrays.items()}

        def call() -> object:
            result = function(batched, given)
            if not problem.unbatched:
                return result
            parts = result if isinstance(result, tuple) else (result,)
            shaped = tuple(part.reshape(problem.result_shape) for part in parts)
            return shaped if len(shaped) > 1 else shaped[0]

        return call


def convolution(problem: Problem, arrays: Arrays) -> np.ndarray:
    """A convolution sums products into each place; a transposed one, which is its input gradient, adds them to elements."""
    pass_name, transposed = problem.op.pass_name, problem.op.family is Family.CONV_TRANSPOSE
    dtype = problem.result_format.numpy
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    if pass_name == BIAS_GRAD:
        db = np.zeros(problem.out_channels, dtype)
        for n, o, *at_y in np.ndindex(*problem.output_shape):
            db[o] += arrays["dy"][(n, o, *at_y)]
        return db
    main, bias = arrays.get("ddx", arrays.get("x", arrays.get("dy"))), arrays.get("b")
    if pass_name in (INPUT_GRAD, WEIGHT_GRAD):  # complex gradients conjugate the factor that is not the gradient
        other = "w" if pass_name == INPUT_GRAD else "x"
        arrays = {**arrays, other: arrays[other].conj()}
        main = arrays["dy"] if pass_name == INPUT_GRAD else arrays["x"]
    result = np.zeros(problem.result_shape, dtype)
    if bias is not None:
        result += bias.reshape(-1, *[1] * problem.op.ndim)
    assert main is not None
    if pass_name == WEIGHT_GRAD:
        elements, places = (arrays["dy"], main) if transposed else (main, arrays["dy"])
        for n, o, c, reads, p in _products(problem, places.shape[1], elements.shape[1]):
            for t, at in reads:
                result[(o, c[1], *t)] += elements[(n, c[0], *at)] * places[(n, o, *p)]
    elif transposed == (pass_name == INPUT_GRAD):
        for n, o, c, reads, p in _products(problem, result.shape[1], main.shape[1]):
            total = result[(n, o, *p)]
            for t, at in reads:
                total += main[(n, c[0], *at)] * arrays["w"][(o, c[1], *t)]
            result[(n, o, *p)] = total
    else:
        for n, o, c, reads, p in _products(problem, main.shape[1], result.shape[1]):
            for t, at in reads:
                result[(n, c[0], *at)] += main[(n, o, *p)] * arrays["w"][(o, c[1], *t)]
    return result


def _products(
    problem: Problem, place_channels: int, element_channels: int
) -> Iterator[tuple[int, int, tuple[int, int], list[tuple[Index, Index]], Index]]:
    """Item, channel of the place, channel of the element (in all, in its group), what the place reads, and the place."""
    per_group, out_per_group = element_channels // problem.groups, place_channels // problem.groups
    for p in np.ndindex(problem.places):
        reads = list(_taps(problem, p))
        for n, o in product(range(problem.batch), range(place_channels)):
            for c in range(per_group):
                yield n, o, (o // out_per_group * per_group + c, c), reads, p


def convolution_of_integers(problem: Problem, arrays: Arrays) -> np.ndarray:
    """In int32; padding holds the zero point, so its difference is zero and it is left out."""
    y = np.zeros(problem.output_shape, np.int32)
    x = arrays["x"].astype(np.int32) - arrays["x_zero"].astype(np.int32)
    w = arrays["w"].astype(np.int32) - arrays["w_zero"].astype(np.int32).reshape(-1, *[1] * (1 + problem.op.ndim))
    for n, o, c, reads, p in _products(problem, problem.out_channels, problem.channels):
        for t, at in reads:
            y[(n, o, *p)] += x[(n, c[0], *at)] * w[(o, c[1], *t)]
    if "b" in arrays:
        y += arrays["b"].reshape(-1, *[1] * problem.op.ndim)
    if not problem.requantised:
        return y
    kind = FORMATS[problem.result].numpy
    scaled = np.rint(y.astype(np.float32) * arrays["scale"].reshape(-1, *[1] * problem.op.ndim))
    return np.clip(scaled.astype(np.int64) + int(arrays["y_zero"]), np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)


def max_pooling(problem: Problem, arrays: Arrays) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    x = arrays["x"]
    y, indices = np.zeros(problem.output_shape, x.dtype), np.zeros(problem.output_shape, np.int64)
    dx = np.zeros(problem.input_shape, x.dtype)
    for p in np.ndindex(problem.output_shape[2:]):
        reads = list(_taps(problem, p))
        for n, c in product(range(problem.batch), range(problem.channels)):
            image, best = x[n, c], reads[0][1]
            for _, at in reads:
                if image[at] > image[best] or (image[at] != image[at] and image[best] == image[best]):
                    best = at
            y[(n, c, *p)] = arrays["ddx"][(n, c, *best)] if "ddx" in arrays else image[best]
            indices[(n, c, *p)] = np.ravel_multi_index(best, image.shape)
            if "dy" in arrays:
                dx[(n, c, *best)] += arrays["dy"][(n, c, *p)]
    if "dy" in arrays:
        return dx
    return (y, indices) if problem.indices else y


def average_pooling(problem: Problem, arrays: Arrays) -> np.ndarray:
    x = arrays.get("ddx", arrays["x"])
    y, dx = np.zeros(problem.output_shape, x.dtype), np.zeros(problem.input_shape, x.dtype)
    for p in np.ndindex(problem.output_shape[2:]):
        reads = list(_taps(problem, p))
        counts = problem.count_include_pad and problem.op.family is Family.AVG_POOL
        divisor = x.dtype.type(problem.divisor or (_counted(problem, p) if counts else len(reads)))
        for n, c in product(range(problem.batch), range(problem.channels)):
            total = x.dtype.type(0)
            for _, at in reads:
                if "dy" in arrays:
                    dx[(n, c, *at)] += arrays["dy"][(n, c, *p)] / divisor
                else:
                    total += x[(n, c, *at)]
            y[(n, c, *p)] = total / divisor
    return dx if "dy" in arrays else y


def p_norm(problem: Problem, arrays: Arrays) -> np.ndarray:
    x, norm = arrays["x"], problem.norm
    kind = x.dtype.type
    y, dx = np.zeros(problem.output_shape, x.dtype), np.zeros(problem.input_shape, x.dtype)
    for p in np.ndindex(problem.output_shape[2:]):
        reads = list(_taps(problem, p))
        for n, c in product(range(problem.batch), range(problem.channels)):
            values = [abs(x[(n, c, *at)]) for _, at in reads]
            if math.isinf(norm):
                y[(n, c, *p)] = max(values)
                continue
            total = kind(0)
            for value in values:
                total += value ** kind(norm)
            length = y[(n, c, *p)] = total ** kind(1 / norm)
            if "dy" in arrays and length > 0:
                for (_, at), value in zip(reads, values, strict=True):
                    share = arrays["dy"][(n, c, *p)] * (value / length) ** kind(norm - 1)
                    dx[(n, c, *at)] += np.sign(x[(n, c, *at)]) * share
    return dx if "dy" in arrays else y


def unpooling(problem: Problem, arrays: Arrays) -> np.ndarray:
    indices, sizes = arrays["indices"], tuple(window.size for window in problem.windows)
    result = np.zeros(problem.result_shape, problem.format.numpy)
    for n, c, *p in np.ndindex(*indices.shape):
        at = np.unravel_index(indices[(n, c, *p)], sizes)
        if problem.op.pass_name == INPUT_GRAD:
            result[(n, c, *p)] = arrays["dy"][(n, c, *at)]
        else:
            result[(n, c, *at)] = arrays["ddx" if problem.op.pass_name == DOUBLE_GRAD else "x"][(n, c, *p)]
    return result


FAMILIES: dict[Family, Callable[[Problem, Arrays], object]] = {
    Family.CONV: convolution,
    Family.CONV_TRANSPOSE: convolution,
    Family.CONV_INTEGER: convolution_of_integers,
    Family.MAX_POOL: max_pooling,
    Family.AVG_POOL: average_pooling,
    Family.LP_POOL: p_norm,
    Family.ADAPTIVE_MAX_POOL: max_pooling,
    Family.ADAPTIVE_AVG_POOL: average_pooling,
    Family.MAX_UNPOOL: unpooling,
}


def _taps(problem: Problem, p: Index) -> Iterator[tuple[Index, Index]]:
    """The taps of the window at place ``p`` that read an element, each with the element that it reads."""
    per_axis = [list(_taps_of_axis(window, i)) for window, i in zip(problem.windows, p, strict=True)]
    for pairs in product(*per_axis):
        yield tuple(t for t, _ in pairs), tuple(at for _, at in pairs)


def _taps_of_axis(window: AnyWindow, place: int) -> Iterator[tuple[int, int]]:
    if isinstance(window, AdaptiveWindow):
        first, end = place * window.size // window.output, -(-(place + 1) * window.size // window.output)
        yield from ((at - first, at) for at in range(first, end))
        return
    for t in range(window.kernel):
        at = place * window.stride + t * window.dilation - window.pad_begin
        if isinstance(window, Window):
            at = _copied(window, at)
        if 0 <= at < window.elements:
            yield t, at


def _copied(window: Window, at: int) -> int:
    """The element that a place in the padding copies."""
    if window.mode == "replicate":
        return min(max(at, 0), window.size - 1)
    if window.mode == "circular":
        return at % window.size
    if window.mode == "reflect":
        at = abs(at)
        return at if at < window.size else 2 * (window.size - 1) - at
    return at


def _counted(problem: Problem, p: Index) -> int:
    """How many taps of the window at ``p`` lie in the input or its explicit padding."""
    count = 1
    for window, i in zip(problem.windows, p, strict=True):
        start = i * window.stride - window.pad_begin
        count *= min(start + window.kernel, window.size + window.pad_end) - start
    return count
