"""What a worker saw of a call, as plain values: results as copies of its own."""

from __future__ import annotations

import numpy as np

from conformance.plugin.implementation import WrongResult
from conformance.plugin.raised import where, words
from conformance.running.memory import NO_MEMORY, in_force, size_words
from conformance.running.printed import shown


def copies(outputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """What leaves the process: nothing that needs the implementation's own code to be read."""
    if any(output.dtype.hasobject for output in outputs):
        raise WrongResult("returned an array of Python objects, not of numbers")
    return tuple(np.array(output, order="C", copy=True) for output in outputs)


def told(error: BaseException) -> tuple[str, str]:
    """The kind of what a call raised, and what is said of it."""
    if not _is_of_memory(error):
        return "raised", shown(f"raised {words(error)} {where(error)}".rstrip())
    limit = in_force()
    more = f"; a worker may take {size_words(limit)} (--memory-limit)" if limit else ""
    return "out of memory", shown(f"{words(error)}{more}")


def _is_of_memory(error: BaseException) -> bool:
    """Frameworks have errors of their own for it, most of them told by their words only."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ValueError | OSError) and NO_MEMORY.search(str(error)) is not None
    )
