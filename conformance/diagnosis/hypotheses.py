"""All hypotheses, in the order in which they are told: of several that explain the same cases the first is the simplest."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from conformance.diagnosis.prediction import Hypothesis
from conformance.diagnosis.rules import (
    channels,
    gradients,
    maxima,
    memory,
    numbers,
    padded_maxima,
    padding,
    pooling,
    quantised,
    specials,
    windows,
)


def merged(hypotheses: Iterable[Hypothesis]) -> Iterator[Hypothesis]:
    """Neighbours that say the same become one, with the rules of both."""
    for _, group in itertools.groupby(hypotheses, lambda one: (one.words, one.families, one.passes, one.indices)):
        same = list(group)
        yield dataclasses.replace(same[0], rules=tuple(rule for one in same for rule in one.rules))


_IN_ORDER = (
    *memory.HYPOTHESES,
    *channels.HYPOTHESES,
    *padding.HYPOTHESES,
    *padded_maxima.HYPOTHESES,
    *windows.HYPOTHESES,
    *pooling.HYPOTHESES,
    *maxima.HYPOTHESES,
    *gradients.HYPOTHESES,
    *quantised.HYPOTHESES,
    *specials.HYPOTHESES,
    *numbers.HYPOTHESES,
    *memory.LAST,
    *numbers.LAST,
)
HYPOTHESES: tuple[Hypothesis, ...] = tuple(merged(_IN_ORDER))
RESORT: Hypothesis = numbers.TRANSFORM
"""What is told only if nothing else is: its tolerance is so wide that it explains much."""
