"""Elements that hold what a worker fills its memory with: nobody wrote them.

glibc fills what malloc returns with the complement of what it fills freed memory with, so there are two such patterns.
"""

from __future__ import annotations

import numpy as np

from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.prediction import agrees
from conformance.diagnosis.state_words import Said
from conformance.plugin.job import POISON

UNWRITTEN = Said("unwritten", "Elements of the result are never written: they hold what was in memory before, or are added to it")
_BYTES = 4  # of a pattern, before it is taken for no coincidence
_PATTERNS = (POISON, POISON ^ 0xFF)


def unwritten(seen: Observation) -> bool:
    """Whether every wrong element is the poison of unwritten memory, or the right result added to it."""
    actual, truth = seen.actual, seen.truth
    if actual is None or actual.shape != truth.shape or not actual.size or actual.dtype.kind not in "iufcV":
        return False
    wrong = ~agrees(truth, actual, seen.problem)
    if not wrong.any() or int(wrong.sum()) * actual.dtype.itemsize < _BYTES or actual.dtype.itemsize < 2:
        return False  # of one byte, many results are the pattern by chance
    with np.errstate(over="ignore", invalid="ignore"):
        right = truth.y.astype(actual.dtype)
    shows, sums = np.zeros(actual.shape, bool), np.zeros(actual.shape, bool)
    for pattern in _PATTERNS:
        poison = np.frombuffer(bytes([pattern]) * actual.dtype.itemsize, actual.dtype)[0]
        shows |= _bits(actual) == _bits(np.full(actual.shape, poison))
        with np.errstate(over="ignore", invalid="ignore"):
            sums |= _bits(actual) == _bits((right + poison).astype(actual.dtype))
    return bool((shows | sums)[wrong].all())


def _bits(array: np.ndarray) -> np.ndarray:
    size = array.dtype.itemsize
    return np.ascontiguousarray(array).view(np.dtype(f"V{size}")).reshape(array.shape)
