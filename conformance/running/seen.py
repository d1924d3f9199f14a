"""What a worker saw of a call, as plain values: errors in words with their place, results as copies of its own."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

import numpy as np

from conformance.plugin.implementation import WrongResult
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
        return "raised", f"raised {words(error)} {where(error)}".rstrip()
    limit = in_force()
    more = f"; a worker may take {size_words(limit)} (--memory-limit)" if limit else ""
    return "out of memory", f"{words(error)}{more}"


def _is_of_memory(error: BaseException) -> bool:
    """Frameworks have errors of their own for it, most of them told by their words only."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ValueError | OSError) and NO_MEMORY.search(str(error)) is not None
    )


def words(error: BaseException) -> str:
    text = shown(str(error)).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__


def where(error: BaseException) -> str:
    """The last place of the traceback that is not the harness's own, as (file, line)."""
    own = os.path.dirname(os.path.dirname(__file__))
    frames = [frame for frame in _frames(error) if not frame.filename.startswith((own, "<"))]
    return f"({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    yield from traceback.extract_tb(error.__traceback__)
