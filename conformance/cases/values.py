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

from conformance.problem import Family, Problem

Maker = Callable[[Problem, np.random.Generator], dict[str, np.ndarray]]


def make_values(problem: Problem, kind: str, seed: str) -> dict[str, np.ndarray]:
    """The tensors ``x``, ``w``, ``b`` of ``problem``, as its data type."""
    generator = np.random.Generator(np.random.Philox(key=zlib.crc32(f"{kind}:{seed}".encode())))
    values = KINDS[kind](problem, generator)
    return {name: array.astype(problem.format.numpy) for name, array in values.items()}


def largest_integer(problem: Problem) -> int:
    """The widest m such that integers in [-m, m] keep every sum of magnitudes within 2^p, p the significand's bits.

    For convolution terms * m^2 <= 2^p; for average pooling terms * m <= 2^p; max pooling only selects.
    """
    limit, terms = 2**problem.format.significand, problem.max_terms
    if problem.op.family is Family.CONV:
        return max(1, math.isqrt(limit // terms))
    return max(1, limit // terms) if problem.op.family is Family.AVG_POOL else limit


def _integers(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """As wide as exactness allows, and never 0, so that every tap and position counts."""
    return _nonzero(problem, rng, largest_integer(problem))


def _digits(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Integers from -9 to 9 without 0, for failures that a person reads."""
    return _nonzero(problem, rng, min(9, largest_integer(problem)))


def _ties(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Few different values, all negative: many ties of maxima, and padding with 0 would win."""
    return {name: -rng.integers(1, 4, shape).astype(np.float64) for name, shape in problem.array_shapes.items()}


def _nonzero(problem: Problem, rng: np.random.Generator, m: int) -> dict[str, np.ndarray]:
    return {
        name: (rng.integers(1, m + 1, shape) * rng.choice([-1, 1], shape)).astype(np.float64)
        for name, shape in problem.array_shapes.items()
    }


def _wide(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Magnitudes over four orders, both signs, all bits random."""
    return {name: _spread(rng, shape, 13) for name, shape in problem.array_shapes.items()}


def _bits(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Numbers in [1, 2) that need the last bit of the significand: rounding an input to a shorter format shows."""
    last = 2.0 ** (1 - problem.format.significand)
    return {
        name: rng.choice([-1.0, 1.0], shape) * (1 + last * (2 * rng.integers(0, int(0.5 / last), shape) + 1))
        for name, shape in problem.array_shapes.items()
    }


def _cancellation(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A smooth input under kernels whose taps nearly sum to zero: |y| is far below S."""
    values = {name: _spread(rng, shape, 2) for name, shape in problem.array_shapes.items()}
    values["x"] = 1000 + rng.standard_normal(problem.input_shape)
    if "w" in values:
        w = values["w"]
        values["w"] = w - w.mean(axis=tuple(range(1, w.ndim)), keepdims=True)
    else:
        signs = np.indices(problem.input_shape).sum(axis=0) % 2 * 2 - 1
        values["x"] = values["x"] * signs
    return values


def _spikes(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One input and one weight larger by 2^20: outputs that do not see them must stay accurate."""
    values = {name: _spread(rng, shape, 3) for name, shape in problem.array_shapes.items()}
    for name in ("x", "w"):
        if name in values:
            flat = values[name].reshape(-1)
            flat[rng.integers(flat.size)] *= 2.0**20
    return values


def _positive(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All positive and of one size: errors of a short accumulator or of biased rounding add up."""
    return {name: rng.uniform(0.5, 1, shape) for name, shape in problem.array_shapes.items()}


def _spread(rng: np.random.Generator, shape: tuple[int, ...], octaves: int) -> np.ndarray:
    signs = rng.choice([-1.0, 1.0], shape)
    return np.asarray(signs * rng.uniform(1, 2, shape) * 2.0 ** rng.integers(-(octaves // 2), octaves - octaves // 2, shape))


def _nan(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Integers with some NaNs in the input."""
    return _planted(problem, rng, [np.nan])


def _infinities(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Integers with some +Inf and -Inf in the input."""
    return _planted(problem, rng, [np.inf, -np.inf])


def _lowest(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Nothing but -Inf and the lowest finite number in the input: padding and start values show."""
    values = _digits(problem, rng)
    lowest = float(np.finfo(np.float32 if problem.dtype == "bfloat16" else problem.format.numpy).min)
    values["x"] = rng.choice([-np.inf, lowest], problem.input_shape, p=[0.9, 0.1])
    return values


def _planted(problem: Problem, rng: np.random.Generator, planted: list[float]) -> dict[str, np.ndarray]:
    values = _digits(problem, rng)
    flat = values["x"].reshape(-1)
    # Some of many, so that windows see them in every place and others see none; at least one of each kind, if there is room.
    count = max(len(planted), flat.size // 12)
    at = rng.permutation(flat.size)[:count]
    flat[at] = np.resize(planted, len(at))
    return values


def _ones(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All equal: each output counts its terms."""
    return {name: np.ones(shape) for name, shape in problem.array_shapes.items()}


def _ramp(problem: Problem, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """1, 2, 3, ... in every tensor: the numbers of the smoke calls, on small problems only."""
    return {name: np.arange(1.0, 1 + math.prod(shape)).reshape(shape) for name, shape in problem.array_shapes.items()}


KINDS: dict[str, Maker] = {
    "integers": _integers,
    "digits": _digits,
    "ties": _ties,
    "ones": _ones,
    "ramp": _ramp,
    "wide": _wide,
    "bits": _bits,
    "cancellation": _cancellation,
    "spikes": _spikes,
    "positive": _positive,
    "nan": _nan,
    "infinities": _infinities,
    "lowest": _lowest,
}
REAL = ("bits", "wide", "cancellation", "spikes", "positive")
"""The kinds that judge accuracy."""
