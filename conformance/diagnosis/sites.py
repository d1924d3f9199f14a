"""Where a sum is in an operator: problems whose result is one sum of a few terms, and how those are put into its tensors.

The sum is asked for at every place of a small image at once, because a result of one element is computed in ways that no
other is. All elements of the result are then the same sum.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from conformance.diagnosis.probes import Terms
from conformance.plugin.job import Call
from conformance.problem import OPERATORS, Family, Problem, Window
from conformance.problem.operators import FORWARD, INPUT_GRAD, WEIGHT_GRAD
from conformance.problem.window import TransposedWindow

Fill = Callable[[dict[str, np.ndarray], np.ndarray, np.ndarray], None]
_OTHERS = 4  # channels that nothing is summed over: enough for a matrix product rather than a vector's
_IMAGE = {1: (63,), 2: (7, 9), 3: (3, 3, 7)}  # 63 places: some vectors full, and a rest
_TILES = 3  # along each axis
_FACTORS = {16: {1: (16,), 2: (4, 4), 3: (2, 2, 4)}, 8: {1: (8,), 2: (2, 4), 3: (2, 2, 2)}, 4: {1: (4,), 2: (2, 2)}}


@dataclass(frozen=True, slots=True)
class Site:
    """A sum of ``size`` terms. ``words`` says of what; ``fill`` puts inputs and weights of the terms into the tensors."""

    words: str
    problem: Problem
    size: int
    fill: Fill

    @property
    def weighted(self) -> bool:
        return self.problem.op.traits.weights

    @property
    def divisor(self) -> int:
        """What the result is the sum divided by, a power of two."""
        return self.size if self.problem.op.family is Family.AVG_POOL else 1

    def call(self, terms: Terms) -> Call:
        """The call whose result is the sum of ``terms``."""
        kind = self.problem.format.numpy
        with np.errstate(over="ignore"):  # what a format cannot hold is asked for to find that out
            x, w = (np.array([term[part] for term in terms], np.float64).astype(kind) for part in (0, 1))
        arrays = {name: np.zeros(shape, kind) for name, shape in self.problem.array_shapes.items()}
        self.fill(arrays, x, w)
        return Call(self.problem, arrays)

    def integers(self) -> Call:
        """The same problem with other small integers everywhere, so small that any format sums them exactly."""
        draw, kind = np.random.default_rng(0), self.problem.format.numpy
        shapes = self.problem.array_shapes
        return Call(self.problem, {name: draw.integers(-2, 3, shape).astype(kind) for name, shape in shapes.items()})

    @property
    def spike(self) -> float:
        """A number so large that small ones are lost beside it, if float16 can hold such a number."""
        return float(min(2.0 ** (max(self.problem.format.significand, 24) + 8), self.problem.format.largest_power))

    def spiked(self) -> Call:
        """Those integers with one spike, in the weights if there are any, and half of the inputs zero, so that many elements
        of the result do not see it: a direct sum keeps them exact, a transform mixes them with it."""
        call = self.integers()
        first, *second = call.arrays.values()
        if second:
            draw = np.random.default_rng(1)
            first[...] = draw.integers(1, 3, first.shape) * draw.integers(0, 2, first.shape)
            second[0].reshape(-1)[-1] = self.spike
        else:
            first.reshape(-1)[0] = self.spike
        return call


def concerns(operator: str) -> str:
    """Why an operator has no sums that can be probed, empty if it has."""
    op = OPERATORS[operator]
    if op.traits.selects:
        return "it selects: nothing is summed"
    known = {Family.CONV: (FORWARD, INPUT_GRAD, WEIGHT_GRAD), Family.CONV_TRANSPOSE: (FORWARD,), Family.AVG_POOL: (FORWARD,)}
    return "" if op.pass_name in known.get(op.family, ()) else "there are no probes for it"


def sites_of(operator: str, dtype: str, others: int = _OTHERS) -> Iterator[Site]:
    """The sums that can be asked for, preferred ones first: 16 terms before 8, channels before taps.

    ``others`` is the number of channels over which nothing is summed, 1 if no more are claimed. Of sites with the same words
    only the first that is claimed is meant.
    """
    op = OPERATORS[operator]
    if op.traits.weights:
        for size in (16, 8):
            yield _of_terms(operator, dtype, size, others)
    if op.family is Family.CONV and op.pass_name == FORWARD:
        yield _of_weights(operator, dtype, (3,) * op.ndim, others)
    if op.family is Family.AVG_POOL or (op.family is Family.CONV and op.pass_name == FORWARD):
        for size, tiles in itertools.product((16, 8, 4), (_TILES, 1)):
            if op.ndim in _FACTORS[size]:
                yield _of_taps(operator, dtype, _FACTORS[size][op.ndim], tiles)


def long_site(operator: str, dtype: str, others: int = _OTHERS) -> Site | None:
    """A sum of 64 terms, in which every lane of a vector has several."""
    return _of_terms(operator, dtype, 64, others) if OPERATORS[operator].traits.weights else None


def _of_terms(operator: str, dtype: str, size: int, others: int) -> Site:
    """What a pass sums over where the kernel has one tap: channels, or places for a gradient of the weights."""
    places = OPERATORS[operator].pass_name == WEIGHT_GRAD
    return (_of_places if places else _of_channels)(operator, dtype, size, others)


def _of_channels(operator: str, dtype: str, size: int, others: int) -> Site:
    """A kernel of one tap, over a small image that is the same everywhere."""
    op = OPERATORS[operator]
    kind = TransposedWindow if op.family is Family.CONV_TRANSPOSE else Window
    over_outputs = op.pass_name == INPUT_GRAD
    ins, outs = (others, size) if over_outputs else (size, others)
    windows = tuple(kind(elements, 1) for elements in _IMAGE[op.ndim])
    problem = Problem(operator, windows, channels=ins, out_channels=outs, dtype=dtype)
    first = next(iter(problem.array_shapes))
    summed_first = over_outputs or op.family is Family.CONV_TRANSPOSE

    def fill(arrays: dict[str, np.ndarray], x: np.ndarray, w: np.ndarray) -> None:
        arrays[first][...] = x.reshape(1, size, *[1] * op.ndim)
        arrays["w"][...] = w.reshape(*((size, 1) if summed_first else (1, size)), *[1] * op.ndim)

    return Site(f"{size} {'output channels' if over_outputs else 'channels'}", problem, size, fill)


def _of_weights(operator: str, dtype: str, kernel: tuple[int, ...], others: int) -> Site:
    """A kernel that slides over an image of one and the same number: the terms are its weights."""
    windows = tuple(Window(places + k - 1, k) for places, k in zip(_IMAGE[len(kernel)], kernel, strict=True))
    problem = Problem(operator, windows, out_channels=others, dtype=dtype)
    largest = math.frexp(problem.format.largest_power)[1]

    def fill(arrays: dict[str, np.ndarray], x: np.ndarray, w: np.ndarray) -> None:
        products = x.astype(np.float64) * w.astype(np.float64)
        common = 2.0 ** max(0, math.frexp(float(np.max(np.abs(products))))[1] - largest)
        arrays["x"][...] = common
        arrays["w"][...] = (products / common).reshape(kernel)

    return Site(f"{'x'.join(map(str, kernel))} taps", problem, math.prod(kernel), fill)


def _of_taps(operator: str, dtype: str, kernel: tuple[int, ...], tiles: int) -> Site:
    """Windows side by side, each over the same numbers."""
    problem = Problem(operator, tuple(Window(k * tiles, k, stride=k if tiles > 1 else 1) for k in kernel), dtype=dtype)

    def fill(arrays: dict[str, np.ndarray], x: np.ndarray, w: np.ndarray) -> None:
        arrays["x"][...] = np.tile(x.reshape(kernel), (tiles,) * len(kernel))
        if "w" in arrays:
            arrays["w"][...] = w.reshape(kernel)

    return Site(f"{'x'.join(map(str, kernel))} taps", problem, math.prod(kernel), fill)


def _of_places(operator: str, dtype: str, size: int, others: int) -> Site:
    """The gradient of a kernel of one tap, summed over a row of places."""
    op = OPERATORS[operator]
    windows = tuple(Window(size if axis == op.ndim - 1 else 1, 1) for axis in range(op.ndim))
    problem = Problem(operator, windows, channels=others, out_channels=others, dtype=dtype)

    def fill(arrays: dict[str, np.ndarray], x: np.ndarray, w: np.ndarray) -> None:
        arrays["x"][...], arrays["dy"][...] = x, w  # along the last axis

    return Site(f"{size} places", problem, size, fill)
