"""The part of a gate that takes time: which problems are timed beside what, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.cases.case import Case, parse_case
from conformance.cases.cost import require_affordable
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.report.baseline import Baseline, Speed
from conformance.report.environment import environment
from conformance.report.gating import not_comparable, speed_changes, speed_rows, uncertain
from conformance.report.schema import Change
from conformance.report.times import Timing
from conformance.timing.compare import timing
from conformance.timing.race import REFERENCE, TARGET, Finish, Lane, Leg, Said, fitted, reference_for, run_race, twice
from conformance.timing.slowdown import SAME
from conformance.timing.small import small_cases
from conformance.timing.statistics import Ratio


@dataclass(frozen=True)
class Pace:
    """What timing gave: rows of the report, changes, notes on what was not compared, and the baseline's next rows, if any."""

    timings: tuple[Timing, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    rows: tuple[Speed, ...] | None = None
    judged: int = 0
    interrupted: bool = field(default=False)


@dataclass(frozen=True)
class Race:
    """What is to be timed: the target beside another version of it, which was said ``against``, else beside what the
    baseline says, or for a new one (``update``). ``asked`` are the problems that the user named."""

    target: Target
    claims: Mapping[str, Claims]
    old: Baseline | None
    version: Target | None
    against: str
    update: bool
    margin: float
    budget: float
    asked: tuple[Case, ...]
    seed: int


def pace(race: Race, said: Said) -> Pace:
    """Time it, within the budget."""
    try:
        if race.version is not None:
            return _beside(race, race.version, said)
        if race.update:
            return _anew(race, said)
        return _as_before(race, said)
    except KeyboardInterrupt:
        return Pace(interrupted=True)


def asked_for(workloads: Sequence[str]) -> tuple[Case, ...]:
    """The problems of the user's words: names of networks, or texts. Raises :class:`UsageError`."""
    return tuple(case for text in workloads for case in _workload(text))


def _workload(text: str) -> Iterable[Case]:
    from conformance.timing.workloads import workloads

    return [require_affordable(workload.case) for workload in workloads([text])]


def _cases(race: Race) -> list[Case]:
    """What is timed: what is asked for, else the baseline's problems, else small ones."""
    if race.asked:
        return list(race.asked)
    if race.old is not None and race.old.speed:
        return [_parsed(row.case) for row in race.old.speed]
    return small_cases(race.claims)


def _parsed(text: str) -> Case:
    """A problem of the baseline: what it asks for may cost no more than what a user types."""
    try:
        return require_affordable(parse_case(text))
    except ValueError as error:
        raise UsageError(f"the baseline's speed is of no problem: {error}", hint="make it anew with --update") from error


def _beside(race: Race, version: Target, said: Said) -> Pace:
    lanes = [Lane(case, race.against, version) for case in _cases(race)]
    lanes = fitted(race.target, lanes, random.Random(race.seed), said)
    done = run_race(race.target, lanes, dict.fromkeys(lanes, SAME), race.margin, race.budget, race.seed, said)
    return _judged(race, done, ())


def _anew(race: Race, said: Said) -> Pace:
    """Two legs for a new baseline."""
    lanes = fitted(race.target, list(_lanes(race.target, _cases(race))), random.Random(race.seed), said)
    first, second = twice(race.target, lanes, race.margin, race.budget, race.seed, said)
    legs = [
        (str(one.lane.case), one.lane.name, [leg.ratio for leg in (one, two) if leg.ratio is not None])
        for one, two in zip(first, second, strict=True)
    ]
    rows = speed_rows(legs)
    neither = [one for one, two in zip(first, second, strict=True) if two.ratio is None]
    notes = _untimed(neither) if lanes else ("nothing that is claimed can be timed beside a built-in implementation",)
    return Pace(_timings(first, race), (), notes, rows, len(rows))


def _lanes(target: Target, cases: Sequence[Case]) -> Iterable[Lane]:
    for case in cases:
        name = reference_for(case.problem, target)
        if name is not None:
            yield Lane(case, name, Target(name))


def _as_before(race: Race, said: Said) -> Pace:
    """Ratios to the references of the baseline, where those are what they were."""
    if race.old is None or not race.old.speed:
        return Pace(notes=("speed is not judged: the baseline has no ratios; --update measures them",))
    before: dict[Lane, Ratio] = {}
    notes: dict[str, None] = {}
    here, asked = environment(), {str(case) for case in race.asked}
    for row in race.old.speed:
        case = _parsed(row.case)
        if asked and str(case) not in asked:
            continue
        if row.reference not in registered_names():  # a file must not choose what is loaded
            notes[f"speed is not judged: the baseline's reference {row.reference} is not known here"] = None
        elif reason := not_comparable(race.old.environment, here, row.reference):
            notes[f"speed is not judged: {reason}; --against rev:HEAD~1 compares on any machine"] = None
        else:
            before[Lane(case, row.reference, Target(row.reference))] = row.as_ratio
    if not before:
        none = "speed is not judged: the baseline has none of these workloads; --update measures them"
        return Pace(notes=tuple(notes) or (none,))
    done = run_race(race.target, list(before), before, race.margin, race.budget, race.seed, said)
    return _judged(race, done, tuple(notes))


def _judged(race: Race, done: Finish, notes: tuple[str, ...]) -> Pace:
    found = [(str(lane.case.problem), lane.name, verdict) for lane, verdict in done.verdicts]
    changes = (*map(_failure, done.failed), *speed_changes(found, direct=bool(race.against)))
    doubts = tuple(uncertain([verdict for _, verdict in done.verdicts], race.margin))
    others = [leg for leg in done.legs if not leg.failed]
    return Pace(_timings(done.legs, race), changes, (*notes, *doubts, *_untimed(others)), None, len(done.verdicts))


def _failure(leg: Leg) -> Change:
    """What is wrong when it is timed gets no time, and is no less wrong than in a check."""
    case = str(leg.lane.case)
    words = leg.reason.removeprefix("the target: ")
    return Change(
        kind="correctness", worse=True, where=str(leg.lane.case.problem), was="timed", now="not timed", words=words, example=case
    )


def _timings(legs: Sequence[Leg], race: Race) -> tuple[Timing, ...]:
    """Rows of the report: of each problem the target's, and that of what it was measured beside."""
    rows = []
    for leg in legs:
        if leg.measurement is None:
            continue
        for name, said in ((TARGET, race.target.text), (REFERENCE, leg.lane.name)):
            row = timing(name, str(leg.lane.case.problem), leg.measurement, race.margin, leg.ratio)
            rows.append(row.model_copy(update={"implementation": said, "reference": leg.lane.name}))
    return tuple(rows)


def _untimed(legs: Sequence[Leg]) -> tuple[str, ...]:
    return tuple(f"not timed: {leg.lane.case.problem}: {leg.reason}" for leg in legs if leg.ratio is None)
