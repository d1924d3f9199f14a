"""The failing region in words: which cases fail, and which elements of their results are wrong.

One failing case is made richer, each of its properties is run through its values, and the simplest pair of conditions
that tells all that failed from all that passed is claimed if cases made for it, on both sides, come out as it says.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.explore import neighbours, with_values
from conformance.diagnosis.features import DTYPE, of_cases
from conformance.diagnosis.samples import Sample, Samples
from conformance.diagnosis.separate import Condition, Table, Test, conditions, held_by_all
from conformance.diagnosis.sweep import TELLING, grown, simplifications, sweeps
from conformance.problem.validity import is_valid

_ROUNDS = 6
_SWEPT = (0.35, 0.55)  # of the time, until the richer case, and then the smallest, is swept
_FRESH = 28  # cases made for a claim in one round
_CONFIRMED = 3  # of them, on each side
_VALUES = 3  # numbers beyond a threshold that fail
_MOST_ELEMENTS, _MOST_OF_ONE = 20_000, 3_000
_MOST_PARTS = 80  # failing samples whose elements are looked at
_MOST_PASSING = 90  # samples whose elements are looked at one by one
_SHARE_OF_WRONG = 0.75
_RIGHT_BY_CHANCE = 0.04  # passing cases within a region, to failing ones
_NOT_ALL = 1.5  # what a claim about cases alone is behind, where their results are wrong only in part
_MADE = ("known", "invalid", "periodic")


@dataclass(frozen=True, slots=True)
class Region:
    """The cases that fail, and the elements of their results that are wrong; None means all. ``late`` ranks it behind others."""

    cases: Condition | None
    elements: Condition | None
    late: float = 0.0

    @property
    def rank(self) -> float:
        return self.late + sum(part.rank for part in (self.cases, self.elements) if part is not None)

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


def region(samples: Samples, dtypes: Sequence[str], seconds: float) -> Region | None:
    """The failing region of what ``samples`` hold, found within ``seconds``; None where there is none that can be told."""
    bases = bases_of(samples, dtypes)
    if not bases:
        return None
    for case, share in zip(reversed(bases), _SWEPT, strict=False):
        _swept(case, dtypes, samples, samples.end - (1 - share) * seconds)
    _drawn_again(samples)
    source = neighbours(bases, tuple(dtypes), 3)
    for _ in range(_ROUNDS):
        claims = claimed(samples)
        if samples.over:
            return None
        fresh = samples.tried(_telling(claims, list(itertools.islice(source, 4 * _FRESH)), samples))
        fresh = _without_chance(fresh, claims, samples)
        if claims and _confirmed(claims[0], fresh, samples):
            return claims[0]
    return None


def _swept(case: Case, dtypes: Sequence[str], samples: Samples, until: float) -> None:
    """Run each thing that can be changed through a few values, and through all where one of them passed."""
    knobs = sweeps(case, dtypes)
    few = samples.tried([one for cases in knobs for one in cases[:TELLING]], until)
    passed = {one.problem for one in few if not one.failed}
    more = [cases[TELLING:] for cases in knobs if any(one.problem in passed for one in cases[:TELLING])]
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*more))
    samples.tried([one for one in in_turn if one is not None], until)


def bases_of(samples: Samples, dtypes: Sequence[str]) -> list[Case]:
    """The smallest failing case, with values among which little is right by chance, and a richer one that fails as well."""
    failing = [one.seen.case for one in samples.failing if one.seen.case.kind not in _MADE]
    for case in sorted(failing, key=lambda case: case.problem.work)[:3]:
        wide = [dataclasses.replace(case.problem, dtype=dtype) for dtype in ("float64", "float32") if dtype in dtypes]
        tries = [with_values(dataclasses.replace(case, problem=problem), "1") for problem in (*wide, case.problem)]
        base = _first_failing([*tries, case], samples)
        if base is not None:
            base = _simpler(base, samples)
            rich = _enriched(base, samples)
            return [base] if rich == base else [base, rich]
    return []


def _first_failing(cases: Sequence[Case], samples: Samples) -> Case | None:
    failing = {one.problem for one in samples.tried(cases) if one.failed}
    return next((case for case in cases if case.problem in failing), None)


def _simpler(case: Case, samples: Samples) -> Case:
    """What is left of a failing case without all that is not needed for it to fail, as far as one look tells."""
    changes = [change for change in simplifications(case.problem) if change(case.problem) != case.problem]
    alone = {change: dataclasses.replace(case, problem=change(case.problem)) for change in changes}
    alone = {change: one for change, one in alone.items() if is_valid(one.problem)}
    failing = {one.problem for one in samples.tried(list(alone.values())) if one.failed}
    small = case.problem
    for change, one in alone.items():
        if one.problem in failing and is_valid(change(small)):
            small = change(small)
    simple = dataclasses.replace(case, problem=small)
    return simple if small != case.problem and _first_failing([simple], samples) else case


def _enriched(case: Case, samples: Samples) -> Case:
    for step in (0, 1):
        for number in range(sum(1 for _ in grown(case.problem))):
            problem = next(itertools.islice(grown(case.problem, step), number, None), case.problem)
            larger = dataclasses.replace(case, problem=problem)
            if problem != case.problem and _first_failing([larger], samples) is not None:
                case = larger
    return case


def _drawn_again(samples: Samples) -> None:
    """Failing problems whose results are partly right, under other values: what was right by chance shows."""
    partly = [one for one in _parts(samples.failing) if one.wrong is not None and not one.wrong.all()]
    step = max(1, len(partly) // 30)
    samples.tried([dataclasses.replace(one.seen.case, seed=f"again{seed}") for one in partly[::step] for seed in range(2)])


def claimed(samples: Samples) -> list[Region]:
    """The regions that tell everything that failed from everything that passed, the simplest first."""
    failing, passing = samples.failing, samples.passing
    if not failing:
        return []
    parts = _parts(failing)
    claims = []
    of_all = _conditions_on_cases(failing, passing)
    wrong = [part for part in parts if part.wrong is not None and not part.wrong.all()]
    claims += [Region(one, None, _NOT_ALL if len(wrong) > 0.1 * len(parts) else 0.0) for one in of_all]
    looked_at = [one for one in passing if one.seen.problem.work and math.prod(one.problem.result_shape) <= _MOST_OF_ONE]
    looked_at = looked_at[:: max(1, len(looked_at) // _MOST_PASSING)] if wrong else []
    for elements in _conditions_on_elements(parts)[:8] if wrong else []:
        there = [one for one in looked_at if (elements.holds(one.places) & one.counts).any()]
        if not there:
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
        for allowed in (0, int(_RIGHT_BY_CHANCE * len(failing))):
            found = conditions(rows, others, threes=True, allowed=allowed)
            needed = list(itertools.islice((one for one in found if _each_needed(one, others)), 12))
            if needed:
                return [Condition((*first, *one.tests)) for one in needed]
    return []


def _each_needed(condition: Condition, passing: Table) -> bool:
    """Whether each of several tests is needed: enough cases passed for which the others hold."""
    if len(condition.tests) == 1:
        return True
    for left_out in range(len(condition.tests)):
        others = Condition(tuple(test for at, test in enumerate(condition.tests) if at != left_out))
        if others.holds(passing).sum() < _CONFIRMED:
            return False
    return True


def _parts(failing: list[Sample]) -> list[Sample]:
    """Failing samples whose elements are looked at, of many sizes."""
    known = [one for one in failing if one.seen.outputs and 1 < math.prod(one.seen.problem.result_shape) <= _MOST_OF_ONE]
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
    if len(next(iter(right.values()))) < _CONFIRMED:
        return []
    found = list(itertools.islice(conditions(wrong, right, threes=True), 12))
    return found or _nearly(wrong, right, int(bad.sum()))


def _nearly(wrong: Table, right: Table, count: int) -> list[Condition]:
    """Conditions for which few right elements hold beside all wrong ones: those may be right by chance."""
    held = held_by_all(wrong, right)[:80]
    made: list[tuple[int, float, tuple[Test, ...]]] = [(int(hold.sum()), test.rank, (test,)) for test, hold in held]
    for (one, hold), (other, too) in itertools.combinations(held[:40], 2):
        if one.column != other.column:
            both = int((hold & too).sum())
            if 2 * both < min(hold.sum(), too.sum()):
                made.append((both, one.rank + other.rank, (one, other)))
    made = [one for one in sorted(made, key=lambda one: one[:2]) if count / (count + one[0]) >= _SHARE_OF_WRONG]
    return [Condition(tests) for _, _, tests in made[:3]]


def _telling(claims: Sequence[Region], cases: list[Case], samples: Samples) -> list[Case]:
    """The cases on which claims disagree, and as many on either side of the first."""
    if not cases or not claims:
        return cases[:_FRESH]
    example = samples.failing[0].seen
    rows = of_cases([imagined(example, case) for case in cases])
    votes = np.array([claim.cases.holds(rows) if claim.cases else np.ones(len(cases), bool) for claim in claims[:12]], float)
    share, first = votes.mean(axis=0), votes[0] > 0.5
    doubt = np.argsort(-np.minimum(share, 1 - share), kind="stable")
    edge = [int(i) for test in _tests_of(claims[0].cases) for i in np.flatnonzero(at_threshold(test, rows))[:4]]
    quarter = _FRESH // 4
    order = [*edge, *doubt[: 2 * quarter], *np.flatnonzero(first)[: quarter + 1], *np.flatnonzero(~first)[: quarter + 1]]
    return [cases[i] for i in list(dict.fromkeys(map(int, order)))[:_FRESH]]


def imagined(example: Observation, case: Case) -> Observation:
    """What is known of a case before it is run."""
    return Observation(example.check, case, type(example.call)(case.problem, {}, example.call.layout))


def _tests_of(condition: Condition | None) -> tuple[Test, ...]:
    return condition.tests if condition else ()


def _without_chance(fresh: list[Sample], claims: Sequence[Region], samples: Samples) -> list[Sample]:
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
    if claim.cases is not None and not claim.cases.holds(of_cases([one.seen])).all():
        return False
    if claim.elements is None or one.wrong is None:
        return claim.elements is None
    holds = claim.elements.holds(one.places) & one.counts
    return bool(holds[one.wrong.ravel()].all()) and one.wrong.sum() >= min(1.0, _SHARE_OF_WRONG) * holds.sum() / 2


def _confirmed(claim: Region, fresh: list[Sample], samples: Samples) -> bool:
    """Whether enough fresh cases came out as claimed, all of them, and thresholds are known exactly."""
    against = [one for one in fresh if not _agrees(claim, one)]
    if any(one.failed for one in against) or len(against) > 2 * _RIGHT_BY_CHANCE * len(fresh):
        return False
    wrong, right = (sum(one.failed == side for one in fresh) for side in (True, False))
    if wrong < _CONFIRMED or (claim.cases is not None and right < _CONFIRMED):
        return False
    return _edges_known(claim, samples) and _elements_known(claim, samples)


def at_threshold(test: Test, table: Table) -> np.ndarray:
    """Which rows have the number next to a threshold, on the side that passes; all where there is no threshold."""
    beside = {">=": -1, "<=": 1}.get(test.how)
    return np.ones(len(table[test.column]), bool) if beside is None else np.asarray(table[test.column] == test.value + beside)


def _edges_known(claim: Region, samples: Samples) -> bool:
    """Whether the numbers beside each threshold on cases passed, and several beyond it failed."""
    if claim.cases is None:
        return True
    failing, passing = (of_cases([one.seen for one in side]) for side in (samples.failing, samples.passing))
    return all(_edge_known(test, failing[test.column], passing) for test in claim.cases.tests)


def _edge_known(test: Test, failing: np.ndarray, passing: Table) -> bool:
    if test.how == ">=":
        return bool(at_threshold(test, passing).any()) and len(np.unique(failing)) >= _VALUES
    if test.how == "<=":
        return bool(at_threshold(test, passing).any())
    return test.column.is_flag or test.column.is_category or len(np.unique(failing)) >= _VALUES


def _elements_known(claim: Region, samples: Samples) -> bool:
    """Whether enough results are partly right, the neighbour of a threshold is right, and not one index alone wrong."""
    if claim.elements is None:
        return True
    parts = [one for one in _parts(samples.failing) if one.wrong is not None and not one.wrong.all()]
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


def random_cases(samples: Samples, dtypes: Sequence[str], seed: int) -> Iterator[Case]:
    """Neighbours of the failing cases."""
    return neighbours([one.seen.case for one in samples.failing if one.seen.case.kind not in _MADE], tuple(dtypes), seed)
