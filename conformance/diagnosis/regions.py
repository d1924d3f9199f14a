"""The failing region in words: which cases fail, and which elements of their results are wrong.

One failing case is made richer, each of its properties is run through its values, and the simplest pair of conditions
that tells all that failed from all that passed is claimed if cases made for it, on both sides, come out as it says.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.diagnosis.claims import Region, claimed, parts_of
from conformance.diagnosis.confirm import FRESH, confirmed, telling, without_chance
from conformance.diagnosis.explore import neighbours, with_values
from conformance.diagnosis.samples import Sample, Samples
from conformance.diagnosis.sweep import TELLING, grown, simplifications, sweeps
from conformance.problem.validity import is_valid

_ROUNDS = 6
_SWEPT = (0.35, 0.55)  # of the time, until the richer case, and then the smallest, is swept
_MADE = ("known", "invalid", "periodic")


def region(samples: Samples, dtypes: Sequence[str], seconds: float) -> Region | None:
    """The failing region of what ``samples`` hold, found within ``seconds``; None where there is none that can be told."""
    bases = bases_of(samples, dtypes)
    if not bases:
        return None
    for case, share in zip(reversed(bases), _SWEPT, strict=False):
        _swept(case, dtypes, samples, samples.end - (1 - share) * seconds)
    _drawn_again(samples)
    claim: Region | None = None
    told: list[Sample] = []
    for number in range(_ROUNDS):
        claims = claimed(samples)
        if samples.over:
            return None
        fresh = samples.tried(telling(claims, _never_tried([*bases, *_some(samples)], dtypes, samples, number), samples))
        fresh = without_chance(fresh, claims, samples)
        told = [*told, *fresh] if claims and claims[0] == claim else fresh  # all that came since it was first claimed
        claim = claims[0] if claims else None
        if claim is not None and confirmed(claim, told, samples):
            return claim
    return None


def _some(samples: Samples) -> list[Case]:
    """Cases of all kinds among those that were tried."""
    made = [one.seen.case for one in (*samples.failing, *samples.passing) if one.seen.case.kind not in _MADE]
    return made[:: max(1, len(made) // 12)]


def _never_tried(near: list[Case], dtypes: Sequence[str], samples: Samples, seed: int) -> list[Case]:
    source = neighbours(near, tuple(dtypes), 3 + seed)
    known = {one.problem for one in samples.by_problem.values()}
    return list(itertools.islice((with_values(case, f"fresh{seed}") for case in source if case.problem not in known), 5 * FRESH))


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
    partly = [one for one in parts_of(samples.failing) if one.wrong is not None and not one.wrong.all()]
    step = max(1, len(partly) // 30)
    samples.tried([dataclasses.replace(one.seen.case, seed=f"again{seed}") for one in partly[::step] for seed in range(2)])
