"""Whether a claim about a failing region holds: cases made for it come out as it says, on both sides, and its edges are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.diagnosis.claims import RIGHT_BY_CHANCE, SHARE_OF_WRONG, Region, parts_of
from conformance.diagnosis.features import of_cases
from conformance.diagnosis.samples import Sample, Samples
from conformance.diagnosis.separate import Condition, Table, Test
from conformance.diagnosis.where import at_threshold, imagined

FRESH = 28
"""Cases made for a claim in one round."""
_CONFIRMED = 3  # of them, on each side
_VALUES, _VALUES_OF_SMALL, _SMALL = 3, 2, 4  # numbers beyond a threshold that fail; strides and the like have few


def telling(claims: Sequence[Region], cases: list[Case], samples: Samples) -> list[Case]:
    """The cases on which claims disagree, and as many on either side of the first."""
    if not cases or not claims:
        return cases[:FRESH]
    example = samples.failing[0].seen
    rows = of_cases([imagined(example, case) for case in cases])
    votes = np.array([claim.cases.holds(rows) if claim.cases else np.ones(len(cases), bool) for claim in claims[:12]], float)
    share, first = votes.mean(axis=0), votes[0] > 0.5
    doubt = np.argsort(-np.minimum(share, 1 - share), kind="stable")
    tests, quarter = _tests_of(claims[0].cases), FRESH // 4
    edge = [i for test in tests for i in np.flatnonzero(at_threshold(test, rows))[:4]]
    just_outside = [i for test in tests for i in np.flatnonzero(_all_but(test, tests, rows))[: 2 * quarter // len(tests)]]
    order = [*edge, *just_outside, *doubt[:quarter], *np.flatnonzero(first)[: quarter + 1], *np.flatnonzero(~first)[:quarter]]
    return [cases[i] for i in list(dict.fromkeys(map(int, order)))[: FRESH + len(edge)]]


def _all_but(test: Test, tests: Sequence[Test], rows: Table) -> np.ndarray:
    """Where all tests hold but this one."""
    return np.asarray(np.logical_and.reduce([other.holds(rows) == (other is not test) for other in tests]))


def _tests_of(condition: Condition | None) -> tuple[Test, ...]:
    return condition.tests if condition else ()


def without_chance(fresh: list[Sample], claims: Sequence[Region], samples: Samples) -> list[Sample]:
    """What passed although it should fail is tried again with other values: it may have been right by chance."""
    if not claims:
        return fresh
    doubtful = [one for one in fresh if not one.failed and _inside(claims[0], one)]
    cases = [dataclasses.replace(one.seen.case, seed=f"chance{seed}") for one in doubtful for seed in range(3)]
    again = {one.problem: one for one in samples.tried(cases)}
    return [again.get(one.problem, one) for one in fresh]


def _inside(claim: Region, one: Sample) -> bool:
    if claim.cases is not None and not claim.cases.holds(of_cases([one.seen])).all():
        return False
    return claim.elements is None or bool((claim.elements.holds(one.places) & one.counts).any())


def _agrees(claim: Region, one: Sample) -> bool:
    """Whether a sample came out as a claim says."""
    if not one.failed:
        return one.problem.batch == 0 or not _inside(claim, one)
    if not claim.allows(one):
        return False
    if claim.elements is None or one.wrong is None:
        return True
    return bool(one.wrong.sum() >= SHARE_OF_WRONG / 2 * (claim.elements.holds(one.places) & one.counts).sum())


def confirmed(claim: Region, fresh: list[Sample], samples: Samples) -> bool:
    """Whether enough fresh cases came out as claimed, all of them, and thresholds are known exactly.

    What takes more tests to say needs more of them.
    """
    against = [one for one in fresh if not _agrees(claim, one)]
    if any(one.failed for one in against) or len(against) > 2 * RIGHT_BY_CHANCE * len(fresh):
        return False
    wrong, right = (sum(one.failed == side for one in fresh) for side in (True, False))
    enough = _CONFIRMED * max(1, len(_tests_of(claim.cases)) - 1)
    if wrong < enough or (claim.cases is not None and right < enough):
        return False
    return _edges_known(claim, samples) and _elements_known(claim, samples)


def _edges_known(claim: Region, samples: Samples) -> bool:
    """Whether the numbers beside each threshold on cases passed, and several beyond it failed."""
    if claim.cases is None:
        return True
    failing, passing = (of_cases([one.seen for one in side]) for side in (samples.failing, samples.passing))
    return all(_edge_known(test, failing[test.column], passing) for test in claim.cases.tests)


def _edge_known(test: Test, failing: np.ndarray, passing: Table) -> bool:
    if test.how == ">=":
        return bool(at_threshold(test, passing).any()) and len(np.unique(failing)) >= (
            _VALUES if test.value > _SMALL else _VALUES_OF_SMALL
        )
    if test.how == "<=":
        return bool(at_threshold(test, passing).any())
    return test.column.is_flag or test.column.is_category or len(np.unique(failing)) >= _VALUES


def _elements_known(claim: Region, samples: Samples) -> bool:
    """Whether enough results are partly right, the neighbour of a threshold is right, and not one index alone wrong."""
    if claim.elements is None:
        return True
    parts = [one for one in parts_of(samples.failing) if one.wrong is not None and not one.wrong.all()]
    if len(parts) < _CONFIRMED:
        return False
    for test in claim.elements.tests:
        if test.how not in (">=", "<="):
            continue
        values = np.concatenate([one.places[test.column][one.wrong.ravel()] for one in parts if one.wrong is not None])
        beside = any(bool((at_threshold(test, one.places) & ~one.wrong.ravel()).any()) for one in parts if one.wrong is not None)
        if not beside or (test.how == ">=" and len(np.unique(values)) < 2):
            return False
    return True
