"""What a case of integers can show: a case must be able to fail, and how likely it is to.

Null implementations compute nothing, or something else; a case that one of them passes has no power. Outputs into which
nothing but zeros is summed show nothing, and are counted. For a fixed geometry a convolution is bilinear, and any other
bilinear form differs from it on a draw but for a small chance (Schwartz 1980, Zippel 1979; METHOD.md section 2).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.cases.integers import largest_integer, most_nonzero
from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD
from conformance.reference.oracle import solve
from conformance.reference.truth import Truth

Arrays = dict[str, np.ndarray]
_LINEAR = (Family.CONV, Family.CONV_TRANSPOSE, Family.AVG_POOL, Family.ADAPTIVE_AVG_POOL)


def nulls(problem: Problem, arrays: Arrays, y: np.ndarray, previous: np.ndarray | None) -> Iterator[tuple[str, np.ndarray]]:
    """What null implementations give for a problem whose truth is ``y``; ``previous`` is the truth of another case.

    Where a null says nothing of a problem (no bias, where there is none) it is left out.
    """
    first = next(iter(arrays.values())).astype(y.dtype)
    yield "zeros", np.zeros_like(y)
    if y.size > 1:
        with np.errstate(invalid="ignore"):
            yield "the mean everywhere", np.full_like(y, y.mean())
        yield "the first everywhere", np.full_like(y, y.flat[0])
    if first.shape == y.shape:
        yield "a copy of the input", first
    if previous is not None and previous.shape == y.shape:
        yield "the previous output", previous
    if "b" in arrays:
        yield "no bias", solve(problem.replace(bias=False), {n: a for n, a in arrays.items() if n != "b"}).y
        yield "the bias alone", solve(problem, {**arrays, "x": _nothing(problem, arrays)}).y
    if "w" in arrays and max(problem.kernel) > 1:
        spatial = (slice(None),) * 2 + (slice(None, None, -1),) * problem.op.ndim
        yield "the kernel flipped", solve(problem, {**arrays, "w": arrays["w"][spatial]}).y
    if problem.op.forward and problem.op.traits.window == "sliding" and problem.op.family is not Family.MAX_UNPOOL:
        moved = np.roll(arrays["x"], 1, axis=-1)
        yield "the padding shifted", solve(problem, {**arrays, "x": moved}).y


def _nothing(problem: Problem, arrays: Arrays) -> np.ndarray:
    """An input that adds nothing: zeros, of quantised numbers the zero point."""
    return np.full_like(arrays["x"], arrays["x_zero"][()] if "x_zero" in arrays else 0)


def passed_by(problem: Problem, arrays: Arrays, previous: np.ndarray | None = None) -> tuple[str, ...]:
    """The null implementations that have the right result to the last bit."""
    y = solve(problem, arrays).y
    if not y.size:
        return ()
    return tuple(name for name, result in nulls(problem, arrays, y, previous) if np.array_equal(result, y, equal_nan=True))


def blind_outputs(problem: Problem, arrays: Arrays, truth: Truth) -> int:
    """How many outputs sum nothing but zeros although they see inputs: whatever is done there, they come out right."""
    if not problem.op.rounds or problem.op.family not in _LINEAR or all(array.all() for array in arrays.values()):
        return 0
    return int(((truth.n > 0) & (truth.S == 0)).sum())


def slip_bound(problem: Problem) -> float | None:
    """The most that the chance can be that another (bi)linear form of this geometry gives the right result on one draw.

    Degree over the number of values that an element is drawn from: 2 / 2m of products, 1 / 2m of plain sums. None where
    nothing is linear, or where most elements are zero and other rounds draw others.
    """
    if problem.op.family not in _LINEAR or most_nonzero(problem) is not None:
        return None
    values = largest_integer(problem) * (2 if problem.format.signed else 1)
    degree = 2 if problem.op.traits.weights and problem.op.pass_name != BIAS_GRAD else 1
    return min(1.0, degree / values)
