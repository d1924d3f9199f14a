"""What a worker saw of a call, as plain values: results as copies of its own."""

from __future__ import annotations

import numpy as np

from conformance.plugin.implementation import WrongResult
from conformance.plugin.raised import where, words
from conformance.plugin.wire import limit_of
from conformance.problem import Problem
from conformance.running.memory import NO_MEMORY, in_force, size_words

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


def told(error: BaseException) -> tuple[str, str]:
    """The kind of what a call raised, and what is said of it."""
    if not _is_of_memory(error):
        return "raised", f"raised {words(error)} {where(error)}".rstrip()
    limit = in_force()
    more = f"; a worker may take {size_words(limit)} (--memory-limit)" if limit else ""
    return "out of memory", f"{words(error)}{more}"


def _is_of_memory(error: BaseException) -> bool:
    """Frameworks have errors of their own for it, most of them told by their words only."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ValueError | OSError) and NO_MEMORY.search(str(error)) is not None
    )
