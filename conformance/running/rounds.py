"""Rounds of every check but the exact one, on problems of the covering set: other problems for every check and round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conformance.cases.case import Case
from conformance.cases.values import REAL
from conformance.checks import CHECKS, ROUNDS, Check
from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem
from conformance.running.changes import Change, changes
from conformance.running.profile import Profile
from conformance.running.trial import Trial, make_trial

_SEARCH = 60  # problems tried to find one that a check has something to say about
_ROUND = [(check, "integers") for check in ROUNDS if check.name not in ("exact", "accuracy", "rejection", "huge")]
_ROUND += [(CHECKS["accuracy"], kind) for kind in REAL]


def number_of_rounds(profile: Profile) -> int:
    """About how many trials the rounds are."""
    return len(_ROUND) * profile.each


class Problems:
    """The problems of the covering set, made as they are asked for."""

    def __init__(self, source: Iterator[Problem | None]) -> None:
        self._source, self._made = source, list[Problem]()

    def until(self, number: int) -> Iterator[None]:
        """Make all up to this one, as far as there are so many, step by step."""
        while len(self._made) <= number:
            try:
                problem = next(self._source)
            except StopIteration:
                return
            if problem is not None:
                self._made.append(problem)
            yield

    def get(self, number: int) -> Problem | None:
        for _ in self.until(number):
            pass
        return self._made[number] if number < len(self._made) else None


def _turns(operator: Operator, claims: Claims, profile: Profile) -> Sequence[str]:
    """The data types that have a turn of their own; in a brief run it is left to the covering set ("" changes nothing)."""
    return claims.types_of(operator) if profile.every_type else ("",)


def other_checks(
    operator: Operator, claims: Mapping[str, Claims], problems: Problems, profile: Profile, seed: int
) -> Iterator[Trial | None]:
    """Round by round, one case of every check but the exact one, and of accuracy one of each kind of real values.

    Where types take no turns, what is only accepted is left to the covering set too.
    """
    dtypes = _turns(operator, claims[operator.name], profile)
    for repeat in range(profile.each):
        for place, (check, kind) in enumerate(_ROUND):
            if not check.applies(operator):
                continue
            start = repeat * 17 + place * 5  # other problems for every check and round
            yield from problems.until(start)
            for change in changes(check, repeat, [dtype for dtype in dtypes if check.applies(operator, dtype)]):
                trial = _first_that_applies(check, kind, claims, problems, start, seed, change, not profile.every_type)
                if trial is not None:
                    yield trial


def _first_that_applies(
    check: Check,
    kind: str,
    claims: Mapping[str, Claims],
    problems: Problems,
    start: int,
    seed: int,
    change: Change,
    own_only: bool,
) -> Trial | None:
    size = next((n for n in range(start, -1, -1) if problems.get(n) is not None), None)
    if size is None:
        return None
    for step in range(_SEARCH):
        problem = problems.get(start + step) or problems.get((start + step) % (size + 1))
        assert problem is not None
        problem = change(problem, claims[problem.operator])
        if own_only and claims[problem.operator].only_accepted(problem):
            continue
        trial = make_trial(check, Case(problem, kind, str(seed + start), "covering set"), claims)
        if trial is not None:
            return trial
    return None
