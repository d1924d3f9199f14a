"""What a worker saw of a call, as plain values: results as copies of its own."""

from __future__ import annotations

import numpy as np

from conformance.plugin.implementation import WrongResult
from conformance.plugin.wire import limit_of
from conformance.problem import Problem

LEAST_RESULT = 2**26
"""Bytes that the results of a call may have in any case; some times what they should have are allowed too."""
_MOST_RESULTS = 16


def copies(outputs: tuple[np.ndarray, ...], problem: Problem) -> tuple[np.ndarray, ...]:
    """What leaves the process: nothing that needs the implementation's own code to be read, and no more than is judged."""
    if any(output.dtype.hasobject for output in outputs):
        raise WrongResult("returned an array of Python objects, not of numbers")
    if len(outputs) > _MOST_RESULTS:
        raise WrongResult(f"returned {len(outputs)} arrays")
    total = sum(output.nbytes for output in outputs)
    if total > LEAST_RESULT and total > limit_of(problem):
        shapes = " and ".join(f"{output.dtype}{list(output.shape)}" for output in outputs)
        raise WrongResult(f"returned {shapes}: {total:.3g} bytes, too many to be looked at")
    return tuple(np.array(output, order="C", copy=True) for output in outputs)
