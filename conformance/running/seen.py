"""What a worker saw of a call, as plain values: errors in words with their place, results as copies of its own."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

import numpy as np

from conformance.plain import MOST_OF_NAME, line
from conformance.plugin.implementation import WrongResult
from conformance.plugin.wire import limit_of
from conformance.problem import Problem

LEAST_RESULT = 2**26
"""Bytes that the results of a call may have in any case; some times what they should have are allowed too."""
_MOST_RESULTS = 16
_MOST_READ, _MOST_SHOWN = 10_000, 300  # characters of an error's message


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


def words(error: BaseException) -> str:
    """An error's name and the first line of what it says, whatever it calls itself."""
    name = line(type(error).__name__, MOST_OF_NAME)
    try:
        text = str(error)[:_MOST_READ].strip().splitlines()
    except Exception:  # of an error that cannot even say what it is
        text = []
    return f"{name}: {line(text[0], _MOST_SHOWN)}" if text else name


def where(error: BaseException) -> str:
    """The last place of the traceback that is not the harness's own, as (file, line)."""
    own = os.path.dirname(os.path.dirname(__file__))
    frames = [frame for frame in _frames(error) if not frame.filename.startswith((own, "<"))]
    return f"({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    yield from traceback.extract_tb(error.__traceback__)
