"""What the code of a target raised, in words for a message: the error, and its place in that code."""

from __future__ import annotations

import importlib
import os
import traceback

_MOST_LETTERS = 300
_NOT_THE_TARGET_S = (os.path.dirname(os.path.dirname(__file__)), importlib.__file__, "<")


def words(error: BaseException) -> str:
    """Its class and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:_MOST_LETTERS]}" if text else type(error).__name__


def where(error: BaseException) -> str:
    """The last place of the traceback that is not the harness's own, as (file, line); empty if there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_NOT_THE_TARGET_S)]
    return f"({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
