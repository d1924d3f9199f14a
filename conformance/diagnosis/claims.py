"""Claims about a failing region: the simplest pairs of conditions, on cases and on the elements of their results, that tell
everything that failed from everything that passed.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from conformance.diagnosis.features import DTYPE, of_cases
from conformance.diagnosis.samples import Sample, Samples
from conformance.diagnosis.separate import Condition, Table, Test, conditions, held_by_all

_NEEDED = 3  # right elements beside the wrong ones
_LEFT_OUT = 0.1  # right elements to wrong ones: with fewer, cases tell more
_MOST_ELEMENTS, _MOST_OF_ONE = 20_000, 3_000
_MOST_PARTS = 80  # failing samples whose elements are looked at
_MOST_PASSING = 90  # samples whose elements are looked at one by one
_NOT_ALL = 1.5  # what a claim about cases alone is behind, where their results are wrong only in part
SHARE_OF_WRONG = 0.75
"""Of the elements in a region: the others may be right by chance."""
RIGHT_BY_CHANCE = 0.04
"""Passing cases within a region, to failing ones."""


@dataclass(frozen=True, slots=True)
class Region:
    """The cases that fail, and the elements of their results that are wrong; None means all. ``late`` ranks it behind others."""

    cases: Condition | None
    elements: Condition | None
    late: float = 0.0

    @property
    def rank(self) -> float:
        return self.late + sum(part.rank for part in (self.cases, self.elements) if part is not None)

    def allows(self, one: Sample) -> bool:
        """Whether a failing sample is within, and all that is wrong of it."""
        if self.cases is not None and not self.cases.holds(of_cases([one.seen])).all():
            return False
        if self.elements is None:
            return True
        return one.wrong is not None and bool(self.elements.holds(one.places)[one.wrong.ravel()].all())

    @property
    def sentence(self) -> str:
        if self.elements is None:
            return f"It fails only {self.cases}"
        if self.cases is None:
            return f"The result is wrong only {self.elements}"
        return f"It fails only {self.cases}; there the result is wrong only {self.elements}"

    @property
    def words(self) -> str:
        return ", there ".join(str(part) for part in (self.cases, self.elements) if part is not None)


def claimed(samples: Samples) -> list[Region]:
    """The regions that tell everything that failed from everything that passed, the simplest first."""
    failing, passing = samples.failing, samples.passing
    if not failing:
        return []
    parts = parts_of(failing)
    claims = []
    of_all = _conditions_on_cases(failing, passing)
    wrong = [part for part in parts if part.wrong is not None and not part.wrong.all()]
    claims += [Region(one, None, _NOT_ALL if len(wrong) > 0.1 * len(parts) else 0.0) for one in of_all]
    looked_at = [one for one in passing if one.seen.problem.work and math.prod(one.problem.result_shape) <= _MOST_OF_ONE]
    looked_at = looked_at[:: max(1, len(looked_at) // _MOST_PASSING)] if wrong else []
    for elements in _conditions_on_elements(parts)[:8] if wrong else []:
        there = [one for one in looked_at if (elements.holds(one.places) & one.counts).any()]
        if len(there) <= RIGHT_BY_CHANCE * len(failing):
            claims.append(Region(None, elements))
            continue
        claims += [Region(one, elements) for one in _conditions_on_cases(failing, there)[:4]]
    return sorted(claims, key=lambda claim: claim.rank)


def _conditions_on_cases(failing: list[Sample], passing: list[Sample]) -> list[Condition]:
    """Conditions that hold for all failing cases and for no passing one, or for few of those, which may be right by chance."""
    if not any(one.problem.batch == 0 for one in failing):
        passing = [one for one in passing if one.problem.batch]  # there was nothing to be wrong
    if not passing:
        return []
    rows = of_cases([one.seen for one in failing])
    types = tuple(sorted({one.problem.dtype for one in failing}))
    of_types = [one for one in passing if one.problem.dtype in types]
    alike = Test(DTYPE, "in", types, 1.6) if len(types) > 1 else Test(DTYPE, "=", types[0], 1.0)
    for rest, first in ((passing, ()), (of_types, (alike,))) if len(of_types) < len(passing) else ((passing, ()),):
        if not rest:
            continue
        others = of_cases([one.seen for one in rest])
        for allowed in (0, min(int(RIGHT_BY_CHANCE * len(failing)), len(rest) // 8)):
            found = conditions(rows, others, threes=True, allowed=allowed)
            needed = list(itertools.islice((one for one in found if one.needs_each(others)), 12))
            if needed:
                return [Condition((*first, *one.tests)) for one in needed]
    return []


def parts_of(failing: list[Sample]) -> list[Sample]:
    """Failing samples whose elements are looked at, of many sizes."""
    known = [one for one in failing if one.seen.outputs and 1 < math.prod(one.seen.problem.result_shape) <= _MOST_OF_ONE]
    known.sort(key=lambda one: math.prod(one.seen.problem.result_shape))
    chosen, total = [], 0
    for one in known[:: max(1, len(known) // _MOST_PARTS)]:
        if one.wrong is not None and total + one.wrong.size <= _MOST_ELEMENTS:
            chosen.append(one)
            total += one.wrong.size
    return chosen


def _conditions_on_elements(parts: list[Sample]) -> list[Condition]:
    """Conditions that hold for all wrong elements, and for no right one, or for few of those."""
    columns = [column for column in parts[0].places if all(column in part.places for part in parts)]
    bad = np.concatenate([part.wrong.ravel() for part in parts if part.wrong is not None])
    counts = np.concatenate([np.broadcast_to(part.counts, part.wrong.size) for part in parts if part.wrong is not None])
    whole = {column: np.concatenate([part.places[column] for part in parts]) for column in columns}
    wrong, right = ({column: values[side] for column, values in whole.items()} for side in (bad, ~bad & counts))
    if len(next(iter(right.values()))) < _NEEDED:
        return []
    if len(next(iter(right.values()))) < _LEFT_OUT * bad.sum():
        return []  # hardly any element is right
    outside = list(itertools.islice(conditions(wrong, right, threes=True), 12))
    return outside or _nearly(wrong, right, int(bad.sum()))


def _nearly(wrong: Table, right: Table, count: int) -> list[Condition]:
    """Conditions for which few right elements hold beside all wrong ones: those may be right by chance."""
    held = held_by_all(wrong, right)[:80]
    made: list[tuple[int, float, tuple[Test, ...]]] = [(int(hold.sum()), test.rank, (test,)) for test, hold in held]
    for (one, hold), (other, too) in itertools.combinations(held[:40], 2):
        if one.column != other.column:
            both = int((hold & too).sum())
            if 2 * both < min(hold.sum(), too.sum()):
                made.append((both, one.rank + other.rank, (one, other)))
    made = [one for one in sorted(made, key=lambda one: one[:2]) if count / (count + one[0]) >= SHARE_OF_WRONG]
    return [Condition(tests) for _, _, tests in made[:3]]
