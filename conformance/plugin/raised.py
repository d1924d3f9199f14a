"""What the code of a target raised, in words for a message: the error, and its place in that code."""

from __future__ import annotations

import importlib
import os
import traceback

from conformance.plain import MOST_OF_NAME, line

_MOST_READ, _MOST_SHOWN = 10_000, 300  # characters of an error's message
_NOT_THE_TARGET_S = (os.path.dirname(os.path.dirname(__file__)), importlib.__file__, "<")


def words(error: BaseException) -> str:
    """Its class and the first line of what it says, whatever it calls itself."""
    name = line(type(error).__name__, MOST_OF_NAME)
    try:
        text = str(error)[:_MOST_READ].strip().splitlines()
    except Exception:  # of an error that cannot even say what it is
        text = []
    return f"{name}: {line(text[0], _MOST_SHOWN)}" if text else name


def where(error: BaseException) -> str:
    """The last place of the traceback that is not the harness's own, as (file, line); empty if there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_NOT_THE_TARGET_S)]
    return f"({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
