"""What a worker saw of a call, as plain values: errors in words with their place, results as copies of its own."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

import numpy as np

from conformance.plugin.implementation import WrongResult


def copies(outputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """What leaves the process: nothing that needs the implementation's own code to be read."""
    if any(output.dtype.hasobject for output in outputs):
        raise WrongResult("returned an array of Python objects, not of numbers")
    return tuple(np.array(output, order="C", copy=True) for output in outputs)


def words(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__


def where(error: BaseException) -> str:
    """The last place of the traceback that is not the harness's own, as (file, line)."""
    own = os.path.dirname(os.path.dirname(__file__))
    frames = [frame for frame in _frames(error) if not frame.filename.startswith((own, "<"))]
    return f"({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    yield from traceback.extract_tb(error.__traceback__)
