"""Where it fails, in words: a condition that tells all failing cases, or elements, from all passing ones, and is confirmed.

A condition is claimed only after cases made for it, on both sides, came out as it says. What does not separate exactly is
not said.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.diagnosis.clock import now
from conformance.diagnosis.elements import of_elements
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.features import of_cases
from conformance.diagnosis.separate import Condition, Table, Test, conditions

TryMany = Callable[[Sequence[Case]], list[Observation]]
"""Run cases under the finding's check; what cannot be run is left out."""
_ROUNDS = 6
_EACH_ROUND = 16
_CONFIRMED = 3  # cases that were made for a condition, on each side of it
_MOST_ELEMENTS = 60_000
_MANY = 24  # elements on each side, so that two tests do not separate them by chance
_KEPT = 40
_MANY_CASES = 12


@dataclass
class Known:
    """Observations on both sides. ``concerns`` picks those that a condition must tell apart: where a hypothesis would show."""

    failing: list[Observation]
    passing: list[Observation]
    concerns: Callable[[Observation], bool] = lambda one: True

    def add(self, one: Observation) -> None:
        (self.failing if one.failed else self.passing).append(one)

    def tables(self) -> tuple[Table, Table]:
        passing = [one for one in self.passing if self.concerns(one)]
        table = of_cases([*self.failing, *passing])
        return _split(table, len(self.failing))


def _split(table: Table, at: int) -> tuple[Table, Table]:
    return {c: v[:at] for c, v in table.items()}, {c: v[at:] for c, v in table.items()}


def where(known: Known, cases: Iterator[Case], run: TryMany, kind: str, end: float) -> Condition | None:
    """The simplest confirmed condition on cases that tells the failing from the passing; None if there is none.

    In each round cases are run on which the conditions that are left disagree. What fails in another kind is left out.
    """
    fresh_right = fresh_wrong = 0
    for number in range(_ROUNDS):
        left = _left(known)
        if not left or now() > end:
            return None
        if number and fresh_right >= _CONFIRMED and fresh_wrong >= _CONFIRMED and _settled(left[0], known):
            return left[0]
        before = left[0]
        right = wrong = 0
        for seen in run(_telling(left, list(itertools.islice(cases, 6 * _EACH_ROUND)), known, _EACH_ROUND)):
            if (seen.failed and seen.kind != kind) or (not seen.failed and not known.concerns(seen)):
                continue
            known.add(seen)
            right, wrong = right + (not seen.failed), wrong + seen.failed
        after = _left(known)
        if after and after[0] == before:
            fresh_right, fresh_wrong = fresh_right + right, fresh_wrong + wrong
        else:
            fresh_right, fresh_wrong = 0, 0
    left = _left(known)
    confirmed = left and fresh_right >= _CONFIRMED and fresh_wrong >= _CONFIRMED and _settled(left[0], known)
    return left[0] if confirmed else None


def _left(known: Known) -> list[Condition]:
    failing, passing = known.tables()
    if not passing or not len(next(iter(passing.values()))):
        return []
    return list(itertools.islice((one for one in conditions(failing, passing) if one.needs_each(passing)), _KEPT))


def at_threshold(test: Test, table: Table) -> np.ndarray:
    """Which rows have the number next to a threshold, on the side that passes; all where there is no threshold."""
    beside = {">=": -1, "<=": 1}.get(test.how)
    return np.ones(len(table[test.column]), bool) if beside is None else np.asarray(table[test.column] == test.value + beside)


def _settled(condition: Condition, known: Known) -> bool:
    """Whether its thresholds are known exactly, and two tests do not separate the cases by chance: there are many."""
    _, passing = known.tables()
    if not all(at_threshold(test, passing).any() for test in condition.tests):
        return False
    return len(condition.tests) == 1 or min(len(known.failing), len(known.passing)) >= _MANY_CASES


def _telling(left: Sequence[Condition], cases: list[Case], known: Known, most: int) -> list[Case]:
    """The cases on which the conditions disagree most, and as many on either side of the first."""
    if not cases or not known.failing:
        return []
    example = known.failing[0]
    rows = of_cases([imagined(example, case) for case in cases])
    votes = np.array([condition.holds(rows) for condition in left[:12]], float)
    share = votes.mean(axis=0)
    first = votes[0] > 0.5
    edge = [
        i for test in left[0].tests if test.how in (">=", "<=") for i in np.flatnonzero(at_threshold(test, rows))[: most // 4]
    ]
    doubt = np.argsort(-np.minimum(share, 1 - share), kind="stable")
    chosen = list(
        dict.fromkeys(
            [*edge, *doubt[: most // 2], *np.flatnonzero(first)[: most // 4 + 1], *np.flatnonzero(~first)[: most // 4 + 1]]
        )
    )
    return [cases[i] for i in chosen[:most]]


def imagined(example: Observation, case: Case) -> Observation:
    """What is known of a case before it is run."""
    call = type(example.call)(case.problem, {}, example.call.layout)
    return Observation(example.check, case, call)


def where_in_result(
    failing: Sequence[tuple[Observation, np.ndarray, np.ndarray]], passing: Sequence[tuple[Observation, np.ndarray]]
) -> Condition | None:
    """The simplest condition on elements that holds for all wrong ones and for no right one; None if there is none.

    Each failing observation comes with the mask of its wrong elements and of those that count; of passing ones, whose
    elements are all right, with those that count.
    """
    rows: list[tuple[Table, np.ndarray]] = []
    total = 0
    for seen, wrong, counts in [*failing, *((seen, np.zeros(counts.shape, bool), counts) for seen, counts in passing)]:
        if total + counts.size > _MOST_ELEMENTS:
            break
        table, counts = of_elements(seen), counts.ravel()
        rows.append(({c: v[counts] for c, v in table.items()}, wrong.ravel()[counts]))
        total += counts.size
    if not rows:
        return None
    columns = [column for column in rows[0][0] if all(column in table for table, _ in rows)]
    bad = np.concatenate([wrong for _, wrong in rows])
    whole = {column: np.concatenate([table[column] for table, _ in rows]) for column in columns}
    if bad.sum() < _CONFIRMED or (~bad).sum() < _CONFIRMED:
        return None
    wrong_rows, right_rows = ({c: v[side] for c, v in whole.items()} for side in (bad, ~bad))
    return next(conditions(wrong_rows, right_rows, pairs=min(bad.sum(), (~bad).sum()) >= _MANY), None)
