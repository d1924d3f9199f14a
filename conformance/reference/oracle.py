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
from conformance.reference.sample import Sample, chosen_sums
from conformance.reference.truth import Answers, Arrays, Truth

FAMILIES: dict[Family, Callable[[Problem, Arrays, Answers], Truth]] = {
    Family.CONV: convolutions.convolution,
    Family.CONV_TRANSPOSE: convolutions.convolution,
    Family.CONV_INTEGER: convolutions.convolution,
    Family.MAX_POOL: pooling.max_pooling,
    Family.AVG_POOL: pooling.average_pooling,
    Family.LP_POOL: pooling.lp_pooling,
    Family.ADAPTIVE_MAX_POOL: pooling.max_pooling,
    Family.ADAPTIVE_AVG_POOL: pooling.average_pooling,
    Family.MAX_UNPOOL: pooling.max_unpooling,
}
_NO_ANSWERS: Answers = {}


def solve(problem: Problem, arrays: Arrays, answers: Answers = _NO_ANSWERS, sample: Sample | None = None) -> Truth:
    """The truth about a valid problem on the given tensors, by the names of ``problem.array_shapes``.

    ``answers`` are options of the dialect that are declared otherwise than the definition takes them. With a ``sample``
    everything has the shape of its places, and costs what these cost.
    """
    arrays = {name: _exact(problem, name, np.asarray(array)) for name, array in arrays.items()}
    batched = problem.replace(unbatched=False) if problem.unbatched else problem
    if problem.unbatched:
        arrays = {name: array.reshape(batched.array_shapes[name]) for name, array in arrays.items()}
    with np.errstate(invalid="ignore", over="ignore"):
        if sample is None:
            truth = FAMILIES[problem.op.family](batched, arrays, answers)
        elif problem.op.is_pool:
            truth = _of_planes(batched, arrays, answers, sample)
        else:
            truth = chosen_sums(batched, arrays, answers, sample.at)
    return _shaped(truth, problem.result_shape) if problem.unbatched and sample is None else truth


def _of_planes(problem: Problem, arrays: Arrays, answers: Answers, sample: Sample) -> Truth:
    """Of a pooling, which keeps planes apart: the truth of the sampled ones alone."""
    planes = {
        name: array.reshape(-1, *array.shape[2:])[sample.planes][None] if array.ndim > 2 else array
        for name, array in arrays.items()
    }
    count = len(sample.planes)
    of_them = problem.replace(batch=1, channels=count, out_channels=count)
    return _shaped(FAMILIES[problem.op.family](of_them, planes, answers), (sample.at.size,))


def _exact(problem: Problem, name: str, array: np.ndarray) -> np.ndarray:
    """A tensor in the type that the oracle computes in."""
    return array.astype(np.int64 if name == "indices" else np.float64 if name == "scale" else problem.format.exact)


def _shaped(truth: Truth, shape: tuple[int, ...]) -> Truth:
    parts = {field.name: getattr(truth, field.name) for field in dataclasses.fields(truth)} | {"magnitudes": truth.S}
    shaped: Any = {name: part.reshape(shape) if isinstance(part, np.ndarray) else part for name, part in parts.items()}
    return Truth(**shaped)
