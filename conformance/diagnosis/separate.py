"""The simplest condition that holds for all failing rows of a table and for no passing one.

A row is a case, or an element of a result; a column is one feature of it. Nothing here knows what they mean.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_MODULI = (2, 4, 8, 16, 32, 64, 3)
_BLOCKS = (2, 4, 8, 16, 32, 64)
_MOST_CANDIDATES = 160
_MOST_IN_THREES = 48
_NEEDED = 3
"""Passing rows that only one of several tests keeps out: with fewer it may be there by chance."""


@dataclass(frozen=True, slots=True)
class Column:
    """A feature: a number with its ``noun``; a category, whose ``noun`` has a {} for the value; or a flag, whose two texts say
    what it means to be true, and to be false. ``index`` marks a number that counts places from 0; its noun is a plural."""

    noun: str
    false: str = ""
    weight: float = 0.0
    """What makes it less simple to say than others of its kind."""
    index: bool = False

    @property
    def is_flag(self) -> bool:
        return bool(self.false)

    @property
    def is_category(self) -> bool:
        return "{}" in self.noun


Table = dict[Column, np.ndarray]
"""Values by column; all of one length."""

_OF_NUMBERS = {
    ">=": "where {} ≥ {}",
    "<=": "where {} ≤ {}",
    "multiple": "where {} is a multiple of {}",
    "no multiple": "where {} is not a multiple of {}",
    "rest": "where {0} is over {1} and not a multiple of {1}",
}
_OF_PLACES = {
    ">=": "in {} ≥ {} (from 0)",
    "<=": "in {} ≤ {} (from 0)",
    "multiple": "in {} that are multiples of {} (from 0)",
    "no multiple": "in {} that are no multiples of {} (from 0)",
    "rest": "in {0} over {1} that are no multiples of {1} (from 0)",
}


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on one column. ``rank`` is lower for what is simpler to say."""

    column: Column
    how: str
    value: Any
    rank: float

    def holds(self, table: Table) -> np.ndarray:
        values = table[self.column]
        if self.how == ">=":
            return np.asarray(values >= self.value)
        if self.how == "<=":
            return np.asarray(values <= self.value)
        if self.how == "multiple":
            return np.asarray(values % self.value == 0)
        if self.how == "no multiple":
            return np.asarray(values % self.value != 0)
        if self.how == "rest":
            return np.asarray((values > self.value) & (values % self.value != 0))
        if self.how == "in":
            assert isinstance(self.value, tuple)
            return np.isin(values, self.value)
        return np.asarray(values == self.value)

    def __str__(self) -> str:
        noun = self.column.noun
        if self.column.is_flag:
            return noun if self.value else self.column.false
        if self.column.is_category:
            values = self.value if isinstance(self.value, tuple) else (self.value,)
            return noun.format(" or ".join(map(str, values)))
        return (_OF_PLACES if self.column.index else _OF_NUMBERS)[self.how].format(noun, self.value)


@dataclass(frozen=True, slots=True)
class Condition:
    """One, two or three tests that must all hold."""

    tests: tuple[Test, ...]

    @property
    def rank(self) -> float:
        return sum(test.rank for test in self.tests)

    def holds(self, table: Table) -> np.ndarray:
        result = self.tests[0].holds(table)
        for test in self.tests[1:]:
            result = result & test.holds(table)
        return result

    def needs_each(self, passing: Table) -> bool:
        """Whether each of several tests is needed: enough rows passed for which the others hold."""
        if len(self.tests) == 1:
            return True
        needed = _NEEDED * (len(self.tests) - 1)
        others = (Condition(self.tests[:at] + self.tests[at + 1 :]) for at in range(len(self.tests)))
        return all(other.holds(passing).sum() >= needed for other in others)

    def __str__(self) -> str:
        return " and ".join(map(str, self.tests))


def conditions(failing: Table, passing: Table, pairs: bool = True, threes: bool = False, allowed: int = 0) -> Iterator[Condition]:
    """Conditions of one test, then of two, then of three, that hold for all of ``failing`` and none of ``passing``.

    Of as many tests the simplest comes first. ``allowed`` passing rows may be within: what comes out right by chance.
    """
    held = held_by_all(failing, passing)
    alone = [(test.rank + hold.sum(), at) for at, (test, hold) in enumerate(held) if hold.sum() <= allowed]
    yield from (Condition((held[at][0],)) for _, at in sorted(alone))
    if not pairs:
        return
    some = [(test, hold) for test, hold in held if hold.sum() > allowed and not hold.all()][:_MOST_CANDIDATES]
    if len(some) < 2:
        return
    hold = np.array([hold for _, hold in some], np.float32)
    both = hold @ hold.T
    found = sorted(
        (some[i][0].rank + some[j][0].rank + both[i, j], i, j)
        for i, j in np.argwhere(np.triu(both <= allowed, 1))
        if some[i][0].column != some[j][0].column
    )
    yield from (Condition((some[i][0], some[j][0])) for _, i, j in found)
    if threes and not found:
        yield from _in_threes(some, allowed)


def held_by_all(failing: Table, passing: Table) -> list[tuple[Test, np.ndarray]]:
    """The tests that hold for all failing rows, the simplest first, each with the passing rows for which it holds."""
    tests = [test for column in failing for test in _tests(column, failing[column], passing[column])]
    return [(test, test.holds(passing)) for test in sorted(tests, key=lambda test: test.rank)]


def _in_threes(some: Sequence[tuple[Test, np.ndarray]], allowed: int) -> Iterator[Condition]:
    """Three tests together, each of which some passing rows need: the simplest first, of tests that hold alike only one."""
    different = list({hold.tobytes(): (test, hold) for test, hold in reversed(some)}.values())[::-1][:_MOST_IN_THREES]
    if len(different) < 3:
        return
    hold = np.array([hold for _, hold in different], np.float32)
    two = hold @ hold.T
    found = []
    for i, j in itertools.combinations(range(len(different)), 2):
        three = hold[j + 1 :] @ (hold[i] * hold[j])
        for k in np.flatnonzero(three <= allowed) + j + 1:
            inside = three[k - j - 1]
            if min(two[i, j], two[i, k], two[j, k]) - inside >= _NEEDED:
                found.append((sum(different[at][0].rank for at in (i, j, k)) + inside, i, j, int(k)))
    for _, *chosen in sorted(found):
        tests = tuple(different[at][0] for at in chosen)
        if len({test.column for test in tests}) == 3:
            yield Condition(tests)


def _tests(column: Column, failing: np.ndarray, passing: np.ndarray) -> Iterator[Test]:
    """Conditions on one column that hold for all failing rows."""
    if not len(failing):
        return
    if column.is_flag:
        if bool(failing.all()) or not failing.any():
            yield Test(column, "=", bool(failing[0]), column.weight + (1.0 if failing[0] else 1.5))
        return
    if column.is_category:
        values: Sequence[object] = np.unique(failing).tolist()
        if len(values) == 1:
            yield Test(column, "=", values[0], 1.0)
        elif len(values) <= 3 and len(values) < len(np.unique(np.concatenate([failing, passing]))):
            yield Test(column, "in", tuple(values), 1.6)
        return
    least = int(failing.min())
    yield Test(column, ">=", least, 2.0 + column.weight)
    yield Test(column, "<=", int(failing.max()), 2.5 + column.weight)
    for modulus in _MODULI:
        rest = failing % modulus
        if (rest != 0).all():
            yield Test(column, "no multiple", modulus, 3.0 + column.weight)
            if least > modulus and modulus in _BLOCKS:
                yield Test(column, "rest", modulus, 3.2 + column.weight)
        elif (rest == 0).all():
            yield Test(column, "multiple", modulus, 3.0 + column.weight)
