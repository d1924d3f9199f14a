"""Measures a target beside a reference on a few problems, within a budget, and again where it is needed.

Every leg is one with new processes for both: what a process adds of its own, by where its memory happens to lie, is drawn
anew, and shows as the difference between two legs. It is one to two per cent, more than what is left of all other noise after
some seconds: so a second leg is made of two sets of processes.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce

from conformance.cases.case import Case
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.registry import registered, registered_names
from conformance.plugin.target import Target
from conformance.problem import Problem
from conformance.timing.measure import Aim, Contestant, Measurement, measure, open_contestants
from conformance.timing.slowdown import Verdict, confirmed, faster, suspects
from conformance.timing.small import SIZES, reduced
from conformance.timing.statistics import Ratio, better_known_ratio

TARGET, REFERENCE = "target", "reference"
_FEWEST, _MOST = 12, 100  # rounds; a median of fewer has an interval that cannot be believed
_FIRST_SHARE = 0.6  # of the budget; the rest is for what must be measured again
_LEAST_SECONDS = 1.0  # for a problem
_AGAIN = 2  # sets of processes in which what is suspected is measured again
_START = 2.0  # seconds that two processes take to start, about
_PREFERRED = ("numpy-gemm", "scipy-direct")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LOOPS = "naive"  # a reference only if there is no other: it is too slow for what others are timed on

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lane:
    """A problem, and the target that is measured beside on it: a registered ``name``, or the text of another version."""

    case: Case
    name: str
    reference: Target


@dataclass(frozen=True, slots=True)
class Leg:
    """What came of one lane: the ratio to the reference, or the ``reason`` why there is none. ``measurement`` has all of it."""

    lane: Lane
    ratio: Ratio | None
    reason: str = ""
    measurement: Measurement | None = None

    @property
    def failed(self) -> bool:
        """Whether the target has no time because it was wrong, crashed or cheated."""
        return self.measurement is not None and self.measurement.series[TARGET].failed


def reference_for(problem: Problem, target: Target) -> str | None:
    """The built-in implementation to measure beside on ``problem``: the first one that claims it and is not ``target``."""
    names = registered_names()
    ordered = [name for name in (*_PREFERRED, *names) if name in names and name not in (target.text, _LOOPS)]
    for name in dict.fromkeys([*ordered, *([_LOOPS] if target.text != _LOOPS else [])]):
        try:
            one = registered(name)
            if one.unavailable() is None and problem.operator in one.claims and one.supports(problem) is None:
                return name
        except (KeyError, UsageError):  # a registered name of a package that is broken
            continue
    return None


def aim_for(budget: float, lanes: int, margin: float) -> Aim:
    """How long to measure each of so many problems in one set of processes within ``budget`` seconds.

    An interval of a third of the margin to each side leaves room on both sides of it: what is not slower is seen not to be,
    and what is slower by twice the margin is seen to be.
    """
    seconds = max(_LEAST_SECONDS, (budget - _START) / max(1, lanes))
    return Aim(half_width=margin / 3, least=_FEWEST, most=_MOST, seconds=seconds, estimate=better_known_ratio)


def run_again(target: Target, lanes: Sequence[Lane], budget: float, margin: float, rng: random.Random, said: Said) -> list[Leg]:
    """A second leg of what is suspected."""
    aim = aim_for(budget / _AGAIN, len(lanes), margin)
    sets = [run_leg(target, lanes, aim, rng, said) for _ in range(_AGAIN)]
    return [reduce(_joined, legs) for legs in zip(*sets, strict=True)]


def _joined(one: Leg, other: Leg) -> Leg:
    """What two sets of processes say of a lane; a reason why one of them has no ratio is one for both."""
    for leg in (one, other):
        if leg.ratio is None:
            return leg
    assert one.measurement is not None
    assert other.measurement is not None
    measurement = one.measurement.joined(other.measurement)
    return Leg(one.lane, _estimate(measurement), "", measurement)


def run_leg(target: Target, lanes: Sequence[Lane], aim: Aim, rng: random.Random, said: Said) -> list[Leg]:
    """Measure every lane in new processes, one for the target and one for each reference."""
    with _contestants(target, lanes) as (own, others):
        legs = []
        for number, lane in enumerate(lanes, start=1):
            said(f"timing {number} of {len(lanes)}: {lane.case.problem}")
            legs.append(_leg(lane, own, others[lane.reference], aim, rng))
        return legs


def fitted(target: Target, lanes: Sequence[Lane], rng: random.Random, said: Said) -> list[Lane]:
    """The lanes with smaller problems of the same kind where the target or the reference is too slow for one."""
    aim = Aim(half_width=1.0, least=1, most=1, seconds=0.0)
    chosen = []
    said(f"trying {len(lanes)} problems: what takes too long is made smaller")
    with _contestants(target, lanes) as (own, others):
        for lane in lanes:
            for case in (lane.case, *(reduced(lane.case, size) for size in SIZES[1:])):
                smaller = Lane(case, lane.name, lane.reference)
                leg = _leg(smaller, own, others[lane.reference], aim, rng)
                if leg.ratio is not None or not _too_slow(leg):
                    break
            chosen.append(smaller)
    return list({str(lane.case): lane for lane in chosen}.values())


def together(
    case: Case, targets: Mapping[str, Target], reference: str, budget: float, margin: float, rng: random.Random
) -> tuple[Measurement, Measurement]:
    """One problem on several targets as a gate measures two of them: a first leg, and one as if all were suspected."""
    first, *again = (
        _together(case, targets, reference, aim_for(budget / (1 + _AGAIN), 1, margin), rng) for _ in range(1 + _AGAIN)
    )
    return first, reduce(Measurement.joined, again)


def _together(case: Case, targets: Mapping[str, Target], reference: str, aim: Aim, rng: random.Random) -> Measurement:
    with ExitStack() as stack, _one_thread():
        contestants = dict(zip(targets, open_contestants(stack, targets.values()), strict=True))
        measurement = measure(case, contestants, reference, aim, rng)
    if measurement.ended == "interrupted":
        raise KeyboardInterrupt
    return measurement


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have new processes compute with one thread, unless the user says otherwise: a second one waits for a core that others
    have, and what is measured is how busy the machine is.
    """
    new = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(new, "1"))
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _contestants(target: Target, lanes: Sequence[Lane]) -> Iterator[tuple[Contestant, Mapping[Target, Contestant]]]:
    with ExitStack() as stack, _one_thread():
        references = list(dict.fromkeys(lane.reference for lane in lanes))
        own, *others = open_contestants(stack, [target, *references])
        yield own, dict(zip(references, others, strict=True))


def _leg(lane: Lane, own: Contestant, other: Contestant, aim: Aim, rng: random.Random) -> Leg:
    for one in (own, other):
        refused = _refusal(one.claims, lane.case.problem) if not one.description.unavailable else one.description.unavailable
        if refused:
            return Leg(lane, None, f"{'the target' if one is own else lane.name}: {refused}")
    measurement = measure(lane.case, {TARGET: own, REFERENCE: other}, REFERENCE, aim, rng)
    if measurement.ended == "interrupted":
        raise KeyboardInterrupt
    reasons = [
        f"{words}: {measurement.series[name].reason}"
        for name, words in ((TARGET, "the target"), (REFERENCE, lane.name))
        if measurement.series[name].reason
    ]
    return Leg(lane, _estimate(measurement), "; ".join(reasons), measurement)


def _estimate(measurement: Measurement) -> Ratio | None:
    own, base = (measurement.series[name].times for name in (TARGET, REFERENCE))
    return better_known_ratio(own, base) if own and base else None


def _refusal(claims: Mapping[str, Claims], problem: Problem) -> str:
    claimed = claims.get(problem.operator)
    return f"{problem.operator} is not claimed" if claimed is None else claimed.refusal(problem) or ""


def _too_slow(leg: Leg) -> bool:
    return "would take about" in leg.reason


@dataclass(frozen=True, slots=True)
class Finish:
    """What came of all lanes: a leg of each, and the verdicts of those that have a ratio then and now. ``failed`` are legs
    in which the target was wrong, crashed or cheated when it was timed, twice.
    """

    legs: tuple[Leg, ...]
    verdicts: tuple[tuple[Lane, Verdict], ...]
    failed: tuple[Leg, ...]


def run_race(
    target: Target, lanes: Sequence[Lane], before: Mapping[Lane, Ratio], margin: float, budget: float, seed: int, said: Said
) -> Finish:
    """Measure all lanes, and again those in which the target failed, or a slowdown by more than ``margin`` is suspected."""
    rng = random.Random(seed)
    first = run_leg(target, lanes, aim_for(_FIRST_SHARE * budget, len(lanes), margin), rng, said)
    doubtful = [leg.lane for leg in first if leg.failed] + _suspected(first, before, margin)
    second: dict[Lane, Leg] = {}
    if doubtful:
        said(f"{len(doubtful)} of {len(lanes)} may be slower, or wrong: measuring again in new processes")
        legs = run_again(target, doubtful, (1 - _FIRST_SHARE) * budget, margin, rng, said)
        second = {leg.lane: leg for leg in legs}
    last = tuple(second[leg.lane] if leg.failed else leg for leg in first)
    suspected = set(_suspected(last, before, margin))
    verdicts = []
    for leg in last:
        if leg.ratio is None or leg.lane not in before:
            continue
        then, again = before[leg.lane], second[leg.lane].ratio if leg.lane in second and leg.lane in suspected else None
        slower = again is not None and confirmed(then, leg.ratio, again, margin)
        verdicts.append((leg.lane, Verdict(then, leg.ratio, again, slower, faster(then, leg.ratio, margin))))
    return Finish(last, tuple(verdicts), tuple(leg for leg in last if leg.failed))


def _suspected(legs: Sequence[Leg], before: Mapping[Lane, Ratio], margin: float) -> list[Lane]:
    pairs = [(leg.lane, before[leg.lane], leg.ratio) for leg in legs if leg.ratio is not None and leg.lane in before]
    slower = suspects([(then, now) for _, then, now in pairs], margin)
    return [lane for (lane, _, _), one in zip(pairs, slower, strict=True) if one]


def twice(
    target: Target, lanes: Sequence[Lane], margin: float, budget: float, seed: int, said: Said
) -> tuple[list[Leg], list[Leg]]:
    """Two legs in different processes, for a baseline: how far they are apart belongs to what a ratio is worth."""
    rng, aim = random.Random(seed), aim_for(budget / 2, len(lanes), margin)
    return run_leg(target, lanes, aim, rng, said), run_leg(target, lanes, aim, rng, said)
