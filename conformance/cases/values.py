"""The numbers in the tensors of a case: recipes by name, each with what it is for.

:mod:`conformance.cases.integers` judge indexing, :mod:`conformance.cases.reals` accuracy, and
:mod:`conformance.cases.specials` what is neither. Everything follows from the kind and the seed by NumPy's Philox
generator, alike on every machine.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np

from conformance.cases import integers, reals, specials
from conformance.cases.integers import Arrays
from conformance.problem import FORMATS, Family, Problem
from conformance.problem.window import OUTSIDE

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
        values["b"] = rng.integers(2 * spread, 8 * spread, shapes["b"], endpoint=True) * integers.signs(rng, shapes["b"])
    if problem.requantised:
        out = np.iinfo(FORMATS[problem.result].numpy)
        values["scale"] = 2.0 ** (-round(math.log2(spread)) + rng.integers(-1, 2, shapes["scale"]))
        values["y_zero"] = np.array(rng.integers(out.min, out.max, endpoint=True))
    return values


KINDS: dict[str, Maker] = {
    "integers": integers.integers,
    "digits": integers.digits,
    "ties": integers.ties,
    "ones": integers.ones,
    "zeros": integers.zeros,
    "overflow": specials.overflow,
    "ramp": integers.ramp,
    "wide": reals.wide,
    "bits": reals.bits,
    "cancellation": reals.cancellation,
    "spikes": reals.spikes,
    "positive": reals.positive,
    "nan": specials.nan,
    "infinities": specials.infinities,
    "lowest": specials.lowest,
    "subnormal": specials.subnormal,
    "subnormal_factor": specials.subnormal_factor,
}
REAL = ("bits", "wide", "cancellation", "spikes", "positive")
"""The kinds that judge accuracy."""
