"""All hypotheses, in the order in which they are told: of several that explain the same cases the first is the simplest."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from conformance.diagnosis.prediction import Hypothesis
from conformance.diagnosis.rules import (
    automatic,
    channels,
    gradients,
    integers,
    maxima,
    memory,
    numbers,
    output_padding,
    padded_maxima,
    padding,
    part_sums,
    places,
    pooling,
    quantised,
    short,
    specials,
    spreads,
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
    *places.FIRST,
    *automatic.HYPOTHESES,
    *padding.HYPOTHESES,
    *output_padding.HYPOTHESES,
    *padded_maxima.HYPOTHESES,
    *windows.HYPOTHESES,
    *pooling.HYPOTHESES,
    *maxima.HYPOTHESES,
    *gradients.HYPOTHESES,
    *places.HYPOTHESES,
    *part_sums.HYPOTHESES,
    *quantised.HYPOTHESES,
    *specials.HYPOTHESES,
    *spreads.HYPOTHESES,
    *integers.HYPOTHESES,
    *numbers.HYPOTHESES,
    *short.HYPOTHESES,
    *memory.LAST,
    *numbers.LAST,
    *short.LAST,
    *spreads.LAST,
)
HYPOTHESES: tuple[Hypothesis, ...] = tuple(merged(_IN_ORDER))
RESORT: Hypothesis = numbers.TRANSFORM
"""What is told only if nothing else is: its tolerance is so wide that it explains much."""
