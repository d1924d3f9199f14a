"""The numbers in the tensors of a case: recipes by name, each with what it is for.

Integers judge indexing, with zero tolerance: every partial sum in any order is exact as long as S <= 2^p. Real values
judge accuracy, and uniform random ones would hide everything, so these have range, cancellation, spikes and all their
significand's bits. Everything follows from the kind and the seed by NumPy's Philox generator, alike on every machine.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np

from conformance.problem import FORMATS, Family, Problem
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from conformance.problem.window import OUTSIDE

Arrays = dict[str, np.ndarray]
Maker = Callable[[Problem, np.random.Generator], Arrays]


def make_values(problem: Problem, kind: str, seed: str) -> Arrays:
    """The tensors of ``problem`` by the names of its ``array_shapes``, in their data types."""
    generator = generator_of(kind, seed)
    values = KINDS[kind](problem, generator)
    if problem.format.kind == "complex":
        imaginary = KINDS[kind](problem, generator)  # another draw of the same recipe
        values = {name: part + 1j * imaginary[name] for name, part in values.items()}
    if not problem.format.signed:
        values = {name: np.abs(array) for name, array in values.items()}
    if problem.op.family is Family.LP_POOL and problem.norm % 2 != 0:  # magnitudes or signed powers: frameworks differ
        values["x"] = np.abs(values["x"])
    if problem.op.family is Family.MAX_UNPOOL:
        values["indices"] = _indices(problem, generator)
    if problem.op.family is Family.CONV_INTEGER:
        values |= _quantisation(problem, generator)
    return {name: array.astype(problem.dtype_of(name)) for name, array in values.items()}


def generator_of(kind: str, seed: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=zlib.crc32(f"{kind}:{seed}".encode())))


def largest_integer(problem: Problem) -> int:
    """The widest m such that integers in [-m, m] keep every sum of magnitudes within what the format holds exactly.

    For products terms * m^2 <= 2^p (complex ones count four times); for plain sums terms * m <= 2^p; what only selects may
    have any. It is at least 1, of formats without a sign 3, since nothing but ones would give results that are all alike:
    then most elements are zero (:func:`most_nonzero`).
    """
    result = problem.result_format if problem.op.family is not Family.CONV_INTEGER else problem.format
    limit, terms = min(problem.format.largest_whole, result.largest_whole), problem.max_terms
    if problem.op.family is Family.LP_POOL and not math.isinf(problem.norm):
        return 9
    if problem.op.family in (Family.CONV_INTEGER, Family.LP_POOL) or not problem.op.rounds:
        return limit
    if problem.op.traits.weights and problem.op.pass_name != BIAS_GRAD:
        limit //= 4 if problem.format.kind == "complex" else 1
        return max(1 if problem.format.signed else 3, math.isqrt(limit // terms))
    return max(1, limit // terms // (2 if problem.format.kind == "complex" else 1))


def most_nonzero(problem: Problem) -> int | None:
    """How many elements of the first tensor may differ from zero, where the smallest integers sum past what the format holds.

    None if all may. An element enters a result at most once, but for the copies that padding makes of it.
    """
    least = 1 if problem.format.signed else 3
    limit, each = problem.format.largest_whole, (4 if problem.format.kind == "complex" else 1) * least**2
    if problem.max_terms <= limit // each or not problem.op.rounds:
        return None
    copies = math.prod(1 + max(0, w.pad_begin) + max(0, w.pad_end) if w.mode != "zeros" else 1 for w in problem.windows)
    return max(1, (limit - least * problem.bias) // (each * copies))


def _first(problem: Problem) -> str:
    """The tensor that the pass is about."""
    return next(iter(problem.array_shapes))


def _integers(problem: Problem, rng: np.random.Generator) -> Arrays:
    """As wide as exactness allows, and never 0, so that every tap and position counts."""
    return _nonzero(problem, rng, largest_integer(problem))


def _digits(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Integers from -9 to 9 without 0, for failures that a person reads."""
    return _nonzero(problem, rng, min(9, largest_integer(problem)))


def _ties(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Few different values in the input, all negative: many ties of maxima, and padding with 0 would win.

    The largest is so rare that a third of the windows have none, and so is the next: else all maxima would be one number.
    """
    values, rare = _integers(problem, rng), min(1 / 3, 1.2 / math.prod(problem.kernel))
    if "x" not in values:  # a gradient that is not of a selection
        return values
    draw = rng.random(problem.array_shapes["x"])
    rank = 0.0 + (draw > rare) + (draw > 2 * rare)
    return values | {"x": -1 - rank if problem.format.signed else 3 - rank}


def _nonzero(problem: Problem, rng: np.random.Generator, m: int) -> Arrays:
    kept = np.int64 if problem.format.kind == "int" else np.float64  # float64 would round the widest integers
    values = {
        name: (rng.integers(1, m, shape, endpoint=True) * rng.choice([-1, 1], shape)).astype(kept)
        for name, shape in problem.array_shapes.items()
    }
    return _sparse(problem, rng, values)


def _sparse(problem: Problem, rng: np.random.Generator, values: Arrays) -> Arrays:
    """Zeros in the first tensor where a narrow format asks for it; which ones differs by seed."""
    most, first = most_nonzero(problem), _first(problem)
    if most is not None and values[first].size > most:
        flat = values[first].reshape(-1)
        flat[rng.permutation(flat.size)[most:]] = 0
        values[first] = flat.reshape(values[first].shape)
    return values


def _octaves(problem: Problem, wanted: int) -> int:
    """As many binary orders as the format's range can bear: float16 ends at 65504."""
    return wanted if problem.dtype != "float16" else max(1, wanted // 4)


def _wide(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Magnitudes over four orders, both signs, all bits random."""
    octaves = _octaves(problem, 13)
    return {name: _spread(rng, shape, octaves) for name, shape in problem.array_shapes.items()}


def _bits(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Numbers in [1, 2) that need the last bit of the significand: rounding an input to a shorter format shows."""
    last = 2.0 ** (1 - problem.format.significand)
    return {
        name: rng.choice([-1.0, 1.0], shape) * (1 + last * (2 * rng.integers(0, int(0.5 / last), shape) + 1))
        for name, shape in problem.array_shapes.items()
    }


def _cancellation(problem: Problem, rng: np.random.Generator) -> Arrays:
    """A smooth tensor under one whose elements nearly sum to zero: |y| is far below S."""
    values, first = {name: _spread(rng, shape, 2) for name, shape in problem.array_shapes.items()}, _first(problem)
    values[first] = (1000 if problem.dtype != "float16" else 16) + rng.standard_normal(values[first].shape)
    others = [name for name in ("w", "dy") if name in values and name != first]
    if others and problem.op.traits.weights:
        w = values[others[0]]
        values[others[0]] = w - w.mean(axis=tuple(range(1, w.ndim)), keepdims=True)
    else:
        signs = np.indices(values[first].shape).sum(axis=0) % 2 * 2 - 1
        values[first] = values[first] * signs
    return values


def _spikes(problem: Problem, rng: np.random.Generator) -> Arrays:
    """One element of two tensors larger by 2^20: results that do not see them must stay accurate."""
    values = {name: _spread(rng, shape, 3) for name, shape in problem.array_shapes.items()}
    for name in (_first(problem), "w", "dy"):
        if name in values and values[name].size:
            flat = values[name].reshape(-1)
            flat[rng.integers(flat.size)] *= 2.0 ** _octaves(problem, 20)
    return values


def _positive(problem: Problem, rng: np.random.Generator) -> Arrays:
    """All positive and of one size: errors of a short accumulator or of biased rounding add up."""
    return {name: rng.uniform(0.5, 1, shape) for name, shape in problem.array_shapes.items()}


def _spread(rng: np.random.Generator, shape: tuple[int, ...], octaves: int) -> np.ndarray:
    signs = rng.choice([-1.0, 1.0], shape)
    return np.asarray(signs * rng.uniform(1, 2, shape) * 2.0 ** rng.integers(-(octaves // 2), octaves - octaves // 2, shape))


def _nan(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Integers with some NaNs in the first tensor."""
    return _planted(problem, rng, [np.nan])


def _infinities(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Integers with some +Inf and -Inf in the first tensor."""
    return _planted(problem, rng, [np.inf, -np.inf])


def _lowest(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Nothing but -Inf and the lowest finite number in the input, of integers the lowest: padding and start values show."""
    values, dtype = _digits(problem, rng), problem.format.numpy
    first = "x" if "x" in values else _first(problem)
    if problem.format.kind == "int":
        values[first] = np.full(problem.array_shapes[first], np.iinfo(dtype).min, np.int64)
        return values
    lowest = float(np.finfo(np.float32 if problem.dtype == "bfloat16" else dtype).min)
    values[first] = rng.choice([-np.inf, lowest], problem.array_shapes[first], p=[0.9, 0.1])
    return values


def _planted(problem: Problem, rng: np.random.Generator, planted: list[float]) -> Arrays:
    values, first = _digits(problem, rng), _first(problem)
    flat = values[first].reshape(-1)
    # Some of many, so that windows see them in every place and others see none; at least one of each kind, if there is room.
    # A weight gradient sums all of a channel: there one of each kind leaves other channels without.
    count = len(planted) if problem.op.pass_name == WEIGHT_GRAD else max(len(planted), flat.size // 12)
    at = rng.permutation(flat.size)[:count]
    flat[at] = np.resize(planted, len(at))
    values[first] = flat.reshape(values[first].shape)
    return values


def _subnormal(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Subnormals under weights of 1: what is flushed to zero shows. Times 64, so that halves and quarters are exact."""
    return _subnormal_in(_first(problem), problem, rng)


def _subnormal_factor(problem: Problem, rng: np.random.Generator) -> Arrays:
    """The same for the other factor of a product, if there is one: the weights, or the gradient that their own is made of."""
    return _subnormal_in(list(problem.array_shapes)[:2][-1], problem, rng)


def _subnormal_in(name: str, problem: Problem, rng: np.random.Generator) -> Arrays:
    values = _sparse(problem, rng, {each: np.ones(shape) for each, shape in problem.array_shapes.items()})
    values[name] = values[name] * 64 * problem.format.smallest_subnormal
    return values | ({"b": np.zeros_like(values["b"])} if "b" in values else {})


def _zeros(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Digits among many zeros: about half of the windows are nothing but zeros, where a norm has no slope and 0 is taken."""
    values = _digits(problem, rng)
    if problem.norm == 1:  # the slope of |x| at 0 is that of x where powers keep their sign: frameworks differ
        return values
    name = "x" if "x" in values else _first(problem)
    kept = rng.random(values[name].shape) < 1 - 0.5 ** (1 / math.prod(problem.kernel))
    if problem.op.family is Family.LP_POOL and kept.size:  # at least one that is read
        kept.reshape(problem.input_shape)[(0, 0, *(int(w.table()[w.inside()][0]) for w in problem.windows))] = True
    return values | {name: np.where(kept, values[name], 0)}


def _overflow(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Three quarters of the largest number under weights of 1: one term is finite, the sum of two is Inf in any order."""
    values, first = {name: np.ones(shape) for name, shape in problem.array_shapes.items()}, _first(problem)
    large = 1.5 * problem.format.largest_power
    values[first] = np.where(rng.random(values[first].shape) < 0.9, large, 0.0)
    return values | ({"b": np.zeros_like(values["b"])} if "b" in values and first != "b" else {})


def _ones(problem: Problem, rng: np.random.Generator) -> Arrays:
    """All equal: each output counts its terms."""
    return _sparse(problem, rng, {name: np.ones(shape) for name, shape in problem.array_shapes.items()})


def _ramp(problem: Problem, rng: np.random.Generator) -> Arrays:
    """1, 2, 3, ... in every tensor: the numbers of the smoke calls, on small problems only."""
    return {name: np.arange(1.0, 1 + math.prod(shape)).reshape(shape) for name, shape in problem.array_shapes.items()}


def _indices(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """For each window of an unpooling the flat index of one of its elements; windows do not overlap, so none comes twice."""
    shape = problem.array_shapes["indices"]
    flat = np.zeros(shape, np.int64)
    for axis, window in enumerate(problem.windows):
        table = window.table()
        inside = table != OUTSIDE
        place = np.arange(window.output).reshape([-1 if i == axis else 1 for i in range(problem.op.ndim)])
        order = np.argsort(~inside, axis=1, kind="stable")  # taps inside come first
        chosen = (rng.random(shape) * inside.sum(axis=1)[place]).astype(np.int64)
        flat = flat * window.size + table[np.broadcast_to(place, shape), order[np.broadcast_to(place, shape), chosen]]
    return flat


def _quantisation(problem: Problem, rng: np.random.Generator) -> Arrays:
    """8-bit tensors over their whole range, with zero points; scales are powers of two, so that ties of rounding occur."""
    given = np.iinfo(problem.format.numpy)
    shapes = problem.array_shapes
    values: Arrays = {
        "x": rng.integers(given.min, given.max, shapes["x"], endpoint=True),
        "w": rng.integers(-128, 127, shapes["w"], endpoint=True),
        "x_zero": np.array(rng.integers(given.min, given.max, endpoint=True)),
        "w_zero": rng.integers(-5, 5, shapes["w_zero"], endpoint=True),
    }
    for name, ends in (("x", (given.min, given.max)), ("w", (-128, 127))):  # both ends, where there is room
        flat = values[name].reshape(-1)
        at = rng.permutation(flat.size)[:2]
        flat[at] = ends[: len(at)]
    spread = max(1, math.isqrt(problem.max_terms) * 40)  # so that most scaled results lie inside, and some are clipped
    if "b" in shapes:  # never so small that it would be lost when it is scaled
        values["b"] = rng.integers(2 * spread, 8 * spread, shapes["b"], endpoint=True) * rng.choice([-1, 1], shapes["b"])
    if problem.requantised:
        out = np.iinfo(FORMATS[problem.result].numpy)
        values["scale"] = 2.0 ** (-round(math.log2(spread)) + rng.integers(-1, 2, shapes["scale"]))
        values["y_zero"] = np.array(rng.integers(out.min, out.max, endpoint=True))
    return values


KINDS: dict[str, Maker] = {
    "integers": _integers,
    "digits": _digits,
    "ties": _ties,
    "ones": _ones,
    "zeros": _zeros,
    "overflow": _overflow,
    "ramp": _ramp,
    "wide": _wide,
    "bits": _bits,
    "cancellation": _cancellation,
    "spikes": _spikes,
    "positive": _positive,
    "nan": _nan,
    "infinities": _infinities,
    "lowest": _lowest,
    "subnormal": _subnormal,
    "subnormal_factor": _subnormal_factor,
}
REAL = ("bits", "wide", "cancellation", "spikes", "positive")
"""The kinds that judge accuracy."""


_ENOUGH = 8


def has_many_windows(problem: Problem) -> bool:
    """Whether so many windows have elements of their own that they hardly have one number for a maximum by chance."""
    planes, elements = problem.batch * problem.channels, math.prod(window.elements for window in problem.windows)
    return planes * min(math.prod(problem.output_shape[2:]), elements // math.prod(problem.kernel)) >= _ENOUGH


def kinds_of_integers(problem: Problem) -> tuple[str, ...]:
    """The recipes whose results must be exact: where elements are selected, one has ties; for norms, one windows of zeros."""
    family = problem.op.family
    if not has_many_windows(problem) or family is Family.MAX_UNPOOL:
        return ("integers",)
    if family is Family.LP_POOL:
        return ("integers", "zeros")
    return ("integers", "ties") if problem.op.traits.selects else ("integers",)
