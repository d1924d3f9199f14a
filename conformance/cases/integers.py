"""Integers that judge indexing with zero tolerance: every partial sum in any order is exact as long as S <= 2^p.

As wide as that allows, since the chance that another linear form slips through falls with the number of values.
"""

from __future__ import annotations

import math

import numpy as np

from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD

Arrays = dict[str, np.ndarray]
_MANY = 2**14  # elements of a tensor that are drawn with their signs at once


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


def first_of(problem: Problem) -> str:
    """The tensor that the pass is about."""
    return next(iter(problem.array_shapes))


def integers(problem: Problem, rng: np.random.Generator) -> Arrays:
    """As wide as exactness allows, and never 0, so that every tap and position counts."""
    return _nonzero(problem, rng, largest_integer(problem))


def digits(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Integers from -9 to 9 without 0, for failures that a person reads."""
    return _nonzero(problem, rng, min(9, largest_integer(problem)))


def ties(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Few different values in the input, all negative: many ties of maxima, and padding with 0 would win.

    The largest is so rare that a third of the windows have none, and so is the next: else all maxima would be one number.
    """
    values, rare = integers(problem, rng), min(1 / 3, 1.2 / math.prod(problem.kernel))
    if "x" not in values:  # a gradient that is not of a selection
        return values
    draw = rng.random(problem.array_shapes["x"])
    rank = 0.0 + (draw > rare) + (draw > 2 * rare)
    return values | {"x": -1 - rank if problem.format.signed else 3 - rank}


def _nonzero(problem: Problem, rng: np.random.Generator, m: int) -> Arrays:
    kept = np.int64 if problem.format.kind == "int" else np.float64  # float64 would round the widest integers
    values = {}
    for name, shape in problem.array_shapes.items():
        size = math.prod(shape)  # NumPy takes longer to find that out than to draw
        if size > _MANY and m < 2**14:  # in a quarter of the time
            drawn = rng.integers(0, 2 * m, size, np.int16)
            values[name] = (drawn - np.int16(m) + (drawn >= m)).astype(kept).reshape(shape)
            continue
        values[name] = (rng.integers(1, m, size, endpoint=True) * signs(rng, size)).astype(kept).reshape(shape)
    return sparse(problem, rng, values)


def signs(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """-1 or 1, drawn as ``rng.choice([-1, 1], shape)`` draws them, in a quarter of its time."""
    return 2 * rng.integers(0, 2, shape) - 1


def sparse(problem: Problem, rng: np.random.Generator, values: Arrays) -> Arrays:
    """Zeros in the first tensor where a narrow format asks for it; which ones differs by seed."""
    most, first = most_nonzero(problem), first_of(problem)
    if most is not None and values[first].size > most:
        flat = values[first].reshape(-1)
        flat[rng.permutation(flat.size)[most:]] = 0
        values[first] = flat.reshape(values[first].shape)
    return values


def zeros(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Digits among many zeros: about half of the windows are nothing but zeros, where a norm has no slope and 0 is taken."""
    values = digits(problem, rng)
    if problem.norm == 1:  # the slope of |x| at 0 is that of x where powers keep their sign: frameworks differ
        return values
    name = "x" if "x" in values else first_of(problem)
    kept = rng.random(values[name].shape) < 1 - 0.5 ** (1 / math.prod(problem.kernel))
    if problem.op.family is Family.LP_POOL and kept.size:  # at least one that is read
        kept.reshape(problem.input_shape)[(0, 0, *(int(w.table()[w.inside()][0]) for w in problem.windows))] = True
    return values | {name: np.where(kept, values[name], 0)}


def ones(problem: Problem, rng: np.random.Generator) -> Arrays:
    """All equal: each output counts its terms."""
    return sparse(problem, rng, {name: np.ones(shape) for name, shape in problem.array_shapes.items()})


def ramp(problem: Problem, rng: np.random.Generator) -> Arrays:
    """1, 2, 3, ... in every tensor: the numbers of the smoke calls, on small problems only."""
    return {name: np.arange(1.0, 1 + math.prod(shape)).reshape(shape) for name, shape in problem.array_shapes.items()}


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
