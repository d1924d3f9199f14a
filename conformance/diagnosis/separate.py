"""The simplest condition that holds for all failing rows of a table and for no passing one.

A row is a case, or an element of a result; a column is one feature of it. Nothing here knows what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_MODULI = (2, 4, 8, 16, 32, 64, 3)
_MOST_CANDIDATES = 160


@dataclass(frozen=True, slots=True)
class Column:
    """A feature: a number with its ``noun``; a category, whose ``noun`` has a {} for the value; or a flag, whose two texts say
    what it means to be true, and to be false."""

    noun: str
    false: str = ""
    weight: float = 0.0
    """What makes it less simple to say than others of its kind."""

    @property
    def is_flag(self) -> bool:
        return bool(self.false)

    @property
    def is_category(self) -> bool:
        return "{}" in self.noun


Table = dict[Column, np.ndarray]
"""Values by column; all of one length."""


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
        relation = {">=": "≥ {}", "<=": "≤ {}", "multiple": "is a multiple of {}", "no multiple": "is not a multiple of {}"}
        return f"where {noun} {relation.get(self.how, 'is {}').format(self.value)}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One or two tests that must all hold."""

    tests: tuple[Test, ...]

    def holds(self, table: Table) -> np.ndarray:
        result = self.tests[0].holds(table)
        for test in self.tests[1:]:
            result = result & test.holds(table)
        return result

    def __str__(self) -> str:
        return " and ".join(map(str, self.tests))


def conditions(failing: Table, passing: Table, pairs: bool = True) -> Iterator[Condition]:
    """Conditions of one test, then of two, that hold for all of ``failing`` and none of ``passing``, the simplest first."""
    tests = [test for column in failing for test in _tests(column, failing[column], passing[column])]
    held = [(test, test.holds(passing)) for test in sorted(tests, key=lambda test: test.rank)]
    yield from (Condition((test,)) for test, hold in held if not hold.any())
    if not pairs:
        return
    some = [(test, hold) for test, hold in held if hold.any() and not hold.all()][:_MOST_CANDIDATES]
    if len(some) < 2:
        return
    hold = np.array([hold for _, hold in some], np.float32)
    alone = np.argwhere(np.triu(hold @ hold.T == 0, 1))
    found = sorted((some[i][0].rank + some[j][0].rank, i, j) for i, j in alone if some[i][0].column != some[j][0].column)
    yield from (Condition((some[i][0], some[j][0])) for _, i, j in found)


def _tests(column: Column, failing: np.ndarray, passing: np.ndarray) -> Iterator[Test]:
    """Conditions on one column that hold for all failing rows."""
    if not len(failing):
        return
    values: Sequence[object] = np.unique(failing).tolist()
    if column.is_flag:
        if len(values) == 1:
            yield Test(column, "=", values[0], column.weight + (1.0 if values[0] else 1.5))
        return
    if column.is_category:
        if len(values) == 1:
            yield Test(column, "=", values[0], 1.0)
        elif len(values) <= 3 and len(values) < len(np.unique(np.concatenate([failing, passing]))):
            yield Test(column, "in", tuple(values), 1.6)
        return
    yield Test(column, ">=", int(failing.min()), 2.0)
    yield Test(column, "<=", int(failing.max()), 2.5)
    for modulus in _MODULI:
        rest = failing % modulus
        if (rest != 0).all():
            yield Test(column, "no multiple", modulus, 3.0)
        elif (rest == 0).all():
            yield Test(column, "multiple", modulus, 3.0)
