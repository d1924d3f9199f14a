"""Tensors that repeat a period of a prime length: any part of them is known without the rest.

So tensors that are too large to be made twice are made where they are needed, and judged in parts. What is read 2^16, 2^31
or 2^32 elements away is another number.
"""

from __future__ import annotations

import math

import numpy as np

from conformance.cases.integers import Arrays, largest_integer, signs
from conformance.cases.values import generator_of
from conformance.problem import Family, Problem, Window

PERIOD = 65_521


def is_row(problem: Problem) -> bool:
    """Whether parts of the result are whole results of smaller problems: one item, one row, and neither padding nor groups."""
    if problem.op.family not in (Family.CONV, Family.MAX_POOL, Family.AVG_POOL) or not problem.op.forward:
        return False
    if problem.batch != 1 or problem.groups != 1 or problem.bias or problem.unbatched or problem.ceil or problem.result:
        return False
    plain = all(isinstance(window, Window) and window.mode == "zeros" for window in problem.windows)
    return plain and not any(map(any, problem.padding)) and all(window.size == 1 for window in problem.windows[:-1])


def one_period(problem: Problem, seed: str) -> Arrays:
    """What each tensor of values=periodic repeats, flat and in its data type: digits without 0."""
    rng, m = generator_of("periodic", seed), min(9, largest_integer(problem))
    periods = {}
    for name, shape in problem.array_shapes.items():
        size = min(PERIOD, math.prod(shape))
        digits = rng.integers(1, m, size, endpoint=True) * signs(rng, size)
        periods[name] = (digits if problem.format.signed else np.abs(digits)).astype(problem.dtype_of(name))
    return periods


def periodic_arrays(problem: Problem, seed: str) -> Arrays:
    """The whole tensors."""
    return {name: np.resize(one, problem.array_shapes[name]) for name, one in one_period(problem, seed).items()}


def cut(period: np.ndarray, start: int, size: int) -> np.ndarray:
    """``size`` elements of the flat tensor that repeats ``period``, from ``start`` on."""
    return np.asarray(period[(start + np.arange(size)) % len(period)])
