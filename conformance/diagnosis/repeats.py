"""Whether wrong elements are copies of their neighbours: what a kernel does that reads or writes a place too early."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from conformance.diagnosis.elements import axis_names
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.match import wrong_elements

_SHOWN = 3  # calls that show it, at least


def repeated(failing: Sequence[Observation]) -> str:
    """What all wrong elements repeat, in words: "the item before"; "" if that is nothing they have in common."""
    seen = [(one, mask) for one in failing if one.outputs and (mask := wrong_elements(one)) is not None and mask.any()]
    if len(seen) < _SHOWN or seen[0][0].problem.format.kind == "complex":
        return ""
    names = axis_names(seen[0][0].problem)
    for axis, noun in enumerate(names):
        for source, words in ((_one_before, f"the {noun} before"), (_last_right, f"the last right {noun}")):
            if all(_repeats(one, mask, axis, source) for one, mask in seen):
                return words
    return ""


def _repeats(one: Observation, mask: np.ndarray, axis: int, source: Callable[[np.ndarray], np.ndarray]) -> bool:
    assert one.actual is not None
    at = np.array(np.nonzero(mask))
    if not at[axis].min():
        return False
    at[axis] = source(at[axis])
    given, came = tuple(at), one.actual[mask]
    true = one.truth.y[given].astype(came.dtype)
    return bool((came == true).all() or (came == one.actual[given]).all())


def _one_before(at: np.ndarray) -> np.ndarray:
    return at - 1


def _last_right(at: np.ndarray) -> np.ndarray:
    return np.full_like(at, at.min() - 1)
