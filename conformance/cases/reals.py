"""Real values that judge accuracy: range, cancellation, spikes, and all bits of the significand.

Uniform random numbers would hide everything that these show (METHOD section 3).
"""

from __future__ import annotations

import numpy as np

from conformance.cases.integers import Arrays, first_of, signs
from conformance.problem import Problem


def _octaves(problem: Problem, wanted: int) -> int:
    """As many binary orders as the format's range can bear: float16 ends at 65504."""
    return wanted if problem.dtype != "float16" else max(1, wanted // 4)


def wide(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Magnitudes over four orders, both signs, all bits random."""
    octaves = _octaves(problem, 13)
    return {name: _spread(rng, shape, octaves) for name, shape in problem.array_shapes.items()}


def bits(problem: Problem, rng: np.random.Generator) -> Arrays:
    """Numbers in [1, 2) that need the last bit of the significand: rounding an input to a shorter format shows."""
    last = 2.0 ** (1 - problem.format.significand)
    return {
        name: signs(rng, shape) * (1 + last * (2 * rng.integers(0, int(0.5 / last), shape) + 1))
        for name, shape in problem.array_shapes.items()
    }


def cancellation(problem: Problem, rng: np.random.Generator) -> Arrays:
    """A smooth tensor under one whose elements nearly sum to zero: |y| is far below S."""
    values, first = {name: _spread(rng, shape, 2) for name, shape in problem.array_shapes.items()}, first_of(problem)
    values[first] = (1000 if problem.dtype != "float16" else 16) + rng.standard_normal(values[first].shape)
    others = [name for name in ("w", "dy") if name in values and name != first]
    if others and problem.op.traits.weights:
        w = values[others[0]]
        values[others[0]] = w - w.mean(axis=tuple(range(1, w.ndim)), keepdims=True)
    else:
        values[first] = values[first] * (np.indices(values[first].shape).sum(axis=0) % 2 * 2 - 1)
    return values


def spikes(problem: Problem, rng: np.random.Generator) -> Arrays:
    """One element of two tensors larger by 2^20: results that do not see them must stay accurate."""
    values = {name: _spread(rng, shape, 3) for name, shape in problem.array_shapes.items()}
    for name in (first_of(problem), "w", "dy"):
        if name in values and values[name].size:
            flat = values[name].reshape(-1)
            flat[rng.integers(flat.size)] *= 2.0 ** _octaves(problem, 20)
    return values


def positive(problem: Problem, rng: np.random.Generator) -> Arrays:
    """All positive and of one size: errors of a short accumulator or of biased rounding add up."""
    return {name: rng.uniform(0.5, 1, shape) for name, shape in problem.array_shapes.items()}


def _spread(rng: np.random.Generator, shape: tuple[int, ...], octaves: int) -> np.ndarray:
    return np.asarray(
        np.ldexp(signs(rng, shape) * rng.uniform(1, 2, shape), rng.integers(-(octaves // 2), octaves - octaves // 2, shape))
    )
