"""The oracle: what :mod:`conformance.reference.definition` says, vectorised, with what an error bound needs.

One line for each family. The oracle's own error is bounded and handed on, never ignored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.problem import Family, Problem
from conformance.reference import convolutions, pooling
from conformance.reference.truth import Arrays, Truth

FAMILIES: dict[Family, Callable[[Problem, Arrays], Truth]] = {
    Family.CONV: convolutions.convolution,
    Family.CONV_TRANSPOSE: convolutions.convolution,
    Family.CONV_INTEGER: convolutions.convolution_of_integers,
    Family.MAX_POOL: pooling.max_pooling,
    Family.AVG_POOL: pooling.average_pooling,
    Family.LP_POOL: pooling.lp_pooling,
    Family.ADAPTIVE_MAX_POOL: pooling.max_pooling,
    Family.ADAPTIVE_AVG_POOL: pooling.average_pooling,
    Family.MAX_UNPOOL: pooling.max_unpooling,
}


def solve(problem: Problem, arrays: Arrays) -> Truth:
    """The truth about a valid problem on the given tensors, by the names of ``problem.array_shapes``."""
    arrays = {name: _exact(problem, name, np.asarray(array)) for name, array in arrays.items()}
    batched = problem.replace(unbatched=False) if problem.unbatched else problem
    if problem.unbatched:
        arrays = {name: array.reshape(batched.array_shapes[name]) for name, array in arrays.items()}
    with np.errstate(invalid="ignore", over="ignore"):
        truth = FAMILIES[problem.op.family](batched, arrays)
    return _shaped(truth, problem.result_shape) if problem.unbatched else truth


def _exact(problem: Problem, name: str, array: np.ndarray) -> np.ndarray:
    """A tensor in the type that the oracle computes in."""
    return array.astype(np.int64 if name == "indices" else np.float64 if name == "scale" else problem.format.exact)


def _shaped(truth: Truth, shape: tuple[int, ...]) -> Truth:
    parts = {field.name: getattr(truth, field.name) for field in dataclasses.fields(truth)}
    shaped: Any = {name: part.reshape(shape) if isinstance(part, np.ndarray) else part for name, part in parts.items()}
    return Truth(**shaped)
