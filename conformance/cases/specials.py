"""Special values: NaN, infinities, the lowest numbers, subnormals, and sums that overflow."""

from __future__ import annotations

import numpy as np

from conformance.cases.integers import Arrays, digits, first_of, sparse
from conformance.problem import Problem
from conformance.problem.operators import WEIGHT_GRAD


def nan(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Integers with some NaNs in the first tensor."""
    return _planted(problem, rng, [np.nan])


def infinities(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Integers with some +Inf and -Inf in the first tensor."""
    return _planted(problem, rng, [np.inf, -np.inf])


def lowest(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Nothing but -Inf and the lowest finite number in the input, of integers the lowest: padding and start values show."""
    values, dtype = digits(problem, rng), problem.format.numpy
    first = "x" if "x" in values else first_of(problem)
    if problem.format.kind == "int":
        values[first] = np.full(problem.array_shapes[first], np.iinfo(dtype).min, np.int64)
        return values
    lowest = float(np.finfo(np.float32 if problem.dtype == "bfloat16" else dtype).min)
    values[first] = rng.choice([-np.inf, lowest], problem.array_shapes[first], p=[0.9, 0.1])
    return values


def _planted(problem: Problem, rng: np.random.Generator, planted: list[float]) -> Arrays:
    values, first = digits(problem, rng), first_of(problem)
    flat = values[first].reshape(-1)
    # Some of many, so that windows see them in every place and others see none; at least one of each kind, if there is room.
    # A weight gradient sums all of a channel: there one of each kind leaves other channels without.
    count = len(planted) if problem.op.pass_name == WEIGHT_GRAD else max(len(planted), flat.size // 12)
    at = rng.permutation(flat.size)[:count]
    flat[at] = np.resize(planted, len(at))
    values[first] = flat.reshape(values[first].shape)
    return values


def subnormal(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Subnormals under weights of 1: what is flushed to zero shows. Times 64, so that halves and quarters are exact."""
    return _subnormal_in(first_of(problem), problem, rng)


def subnormal_factor(problem: Problem, rng: np.random.Generator) -> Arrays:
    """The same for the other factor of a product, if there is one: the weights, or the gradient that their own is made of."""
    return _subnormal_in(list(problem.array_shapes)[:2][-1], problem, rng)


def _subnormal_in(name: str, problem: Problem, rng: np.random.Generator) -> Arrays:
    values = sparse(problem, rng, {each: np.ones(shape) for each, shape in problem.array_shapes.items()})
    values[name] = values[name] * 64 * problem.format.smallest_subnormal
    return values | ({"b": np.zeros_like(values["b"])} if "b" in values else {})


def overflow(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Three quarters of the largest number under weights of 1: one term is finite, the sum of two is Inf in any order."""
    values, first = {name: np.ones(shape) for name, shape in problem.array_shapes.items()}, first_of(problem)
    large = 1.5 * problem.format.largest_power
    values[first] = np.where(rng.random(values[first].shape) < 0.9, large, 0.0)
    return values | ({"b": np.zeros_like(values["b"])} if "b" in values and first != "b" else {})
