"""All hypotheses, in the order in which they are told: of several that explain the same cases the first is the simplest."""

from __future__ import annotations

from functools import cache

from conformance.diagnosis.prediction import Hypothesis
from conformance.diagnosis.rules import channels, gradients, memory, numbers, padding, pooling, quantised, windows

HYPOTHESES: tuple[Hypothesis, ...] = (
    *memory.HYPOTHESES,
    *channels.HYPOTHESES,
    *padding.HYPOTHESES,
    *windows.HYPOTHESES,
    *pooling.HYPOTHESES,
    *gradients.HYPOTHESES,
    *quantised.HYPOTHESES,
    *numbers.HYPOTHESES,
    *memory.LAST,
    *numbers.LAST,
)
RESORT: Hypothesis = numbers.TRANSFORM
"""What is told only if nothing else is: its tolerance is so wide that it explains much."""


@cache
def words_of(key: str) -> str:
    """The first sentence of a key."""
    return next(one.words for one in HYPOTHESES if one.key == key)
