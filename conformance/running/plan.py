"""Which trials are made of an operator, and in which order: cheap and powerful ones first.

Integers on problems of the covering set find most bugs within milliseconds, so some of them open. Known answers, windows alike
in every axis, invalid problems and rounds of every other check follow, and a call that tells how fast the target is; then kinds
of layers, the rest of the covering set, ladders of sizes, real layers and random cases.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, product

from conformance.cases.case import Case
from conformance.cases.constants import constant_cases
from conformance.cases.covering import Covering, search
from conformance.cases.extremes import huge_cases, long_cases
from conformance.cases.integers import kinds_of_integers
from conformance.cases.invalid import invalid_cases
from conformance.cases.kinds import kinds_of
from conformance.cases.kinds.cases import Reach, cases_of_kinds, cases_of_tensors
from conformance.cases.known import known_cases
from conformance.cases.ladders import first_type, ladder_cases, product_cases, smallest
from conformance.cases.real_layers import layer_cases
from conformance.cases.uniform import uniform_cases, unlike_cases
from conformance.checks import CHECKS, Check, accuracy, dialect, layout, special
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Problem
from conformance.running.pace import OF_PACE, REPEATED, Pace, measured
from conformance.running.profile import Profile
from conformance.running.rounds import Problems, number_of_rounds, other_checks
from conformance.running.trial import Trial, make_trial

_OPENING = 24  # cases of integers before anything else
_PATIENCE = 0.5  # of the time limit of a case, that a single call of a real layer or a large product may take


class Plan:
    """The trials of one operator, in two parts: the second one depends on the pace that the first has shown.

    Deterministic: the same arguments and the same pace give the same trials. Both parts come step by step, with None where
    the next trial is still looked for: a step takes some milliseconds at most, but for one in which random cases are drawn.
    """

    def __init__(
        self, operator: str, claims: Mapping[str, Claims], profile: Profile, seed: int, cover: Covering | None = None,
        time_limit: float = 10.0, constants: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self.constants = tuple(constants)
        self.operator, self.claims, self.profile, self.seed, self.time_limit = operator, claims, profile, seed, time_limit
        self._problems = Problems(_covering(operator, claims[operator], profile, seed, cover))

    def opening(self) -> Iterator[Trial | None]:
        """What is small: integers on some of the covering set, known answers, rounds of all checks, and what tells the pace."""
        operator, claimed = OPERATORS[self.operator], self.claims[self.operator]
        yield from self._integers(0, _OPENING)
        for case in (*known_cases(self.operator, claimed), *uniform_cases(self.operator, claimed)):
            yield from self._exact(case)
        for base, name in invalid_cases(self.operator, claimed):
            yield from self._made("rejection", Case(base, "invalid", name, "invalid problems"))
        yield from other_checks(operator, self.claims, self._problems, self.profile, self.seed)
        for problem, seed in product(measured(operator, claimed), REPEATED):
            yield from self._exact(Case(problem, "integers", seed, OF_PACE))

    def reach(self, pace: Pace) -> Reach:
        """How large the problems of kinds of layers are, for a target that is as fast as this."""
        operator = OPERATORS[self.operator]
        return pace.reach(operator.ndim, len(kinds_of(operator.family, operator.ndim)), self.profile.seconds, self.profile.kinds)

    def rest(self, pace: Pace) -> Iterator[Trial | None]:
        """Everything else, of a target that is as fast as this."""
        operator, claimed, profile, seed = OPERATORS[self.operator], self.claims[self.operator], self.profile, self.seed
        if profile.kinds:
            dtypes = claimed.types_of(operator)
            first = first_type(operator, claimed)
            for case in unlike_cases(operator, claimed, tuple(dict.fromkeys((first, dtypes[seed % len(dtypes)])))):
                yield from self._exact(case)
            yield from self._kinds(pace)
            yield from self._answers()
        yield from self._integers(_OPENING, None)
        if profile.kinds:
            for case in (*constant_cases(operator, claimed, self.constants, seed), *ladder_cases(operator, claimed, seed)):
                yield from self._exact(case)
            for case in product_cases(operator, claimed, profile.layers == "each"):
                yield from self._within(pace, "exact", case)
        for case in long_cases(self.operator, claimed, large=profile.layers == "each") if profile.long else ():
            yield from self._exact(case)
        for case in huge_cases(self.operator, claimed) if profile.huge else ():
            yield from self._made("huge", case)
        if profile.layers:
            yield from self._layers(pace)
        if profile.random:
            from conformance.cases.strategies import draw_cases  # hypothesis is slow to import, and a bug is mostly found before

            for case in draw_cases(self.operator, claimed, profile.random, seed):
                yield from self._exact(case)

    def _made(self, check: str, case: Case) -> Iterator[Trial]:
        trial = make_trial(CHECKS[check], case, self.claims)
        if trial is not None:
            yield trial

    def _exact(self, case: Case) -> Iterator[Trial]:
        return self._made("exact", case)

    def _within(self, pace: Pace, check: str, case: Case) -> Iterator[Trial]:
        """The trial, unless a target of this pace would take too long for it: then why it is left out."""
        seconds = pace.seconds(case.problem)
        if seconds <= _PATIENCE * self.time_limit:
            yield from self._made(check, case)
        elif CHECKS[check].applies(case.problem.op, case.problem.dtype):
            yield Trial(
                CHECKS[check], case, reason=f"would take longer than {_PATIENCE * self.time_limit:g} s at the pace of the target"
            )

    def _integers(self, first: int, last: int | None) -> Iterator[Trial | None]:
        """Integers on problems of the covering set."""
        number = first
        while last is None or number < last:
            yield from self._problems.until(number)
            problem = self._problems.get(number)
            if problem is None:
                return
            kinds = kinds_of_integers(problem)
            yield from self._exact(Case(problem, kinds[number % len(kinds)], str(self.seed + number), "covering set"))
            number += 1

    def _kinds(self, pace: Pace) -> Iterator[Trial]:
        operator = OPERATORS[self.operator]
        specials = [check for check in special.CHECKS if check.applies(operator)]
        checks: list[Sequence[Check]] = [[accuracy.ALL_KINDS], *([group] for group in layout.GROUPS), specials]
        names = [[check.name for check in alternatives] for alternatives in checks if alternatives]
        reach = self.reach(pace)
        for alternatives, case in cases_of_kinds(operator, self.claims[self.operator], self.seed, reach, names):
            made = (make_trial(CHECKS[name], case, self.claims) for name in alternatives)
            yield from (trial for trial in islice(filter(None, made), 1))
        of_tensors = [check.name for check in layout.OF_ONE_TENSOR if check.only in self._tensors and len(check.layouts) > 1]
        for name, case in cases_of_tensors(operator, self.claims[self.operator], self.seed, reach, of_tensors):
            yield from self._made(name, case)

    def _answers(self) -> Iterator[Trial]:
        """Where frameworks legitimately differ: every question in every data type."""
        for check in dialect.CHECKS:
            for dtype in self.claims[self.operator].dtypes:
                if check.applies(OPERATORS[self.operator], dtype):
                    one = smallest(OPERATORS[self.operator]).replace(dtype=dtype)
                    yield from self._made(check.name, Case(one, "integers", "0", "where frameworks differ"))

    @property
    def _tensors(self) -> tuple[str, ...]:
        """The tensors that a call may have, if there are several: a layout of all of them is one of each otherwise."""
        problem = smallest(OPERATORS[self.operator]).replace(bias=OPERATORS[self.operator].forward)
        names = tuple(name for name, shape in problem.array_shapes.items() if shape)
        return names if len(names) > 1 else ()

    def _layers(self, pace: Pace) -> Iterator[Trial]:
        """Layers of real networks, one of each kind or each, as far as a fast target comes in its time."""
        every, left = self.profile.layers == "each", self.profile.seconds / 2
        for case in layer_cases(OPERATORS[self.operator], self.claims[self.operator], every):
            left -= pace.seconds(case.problem)
            if left < 0 and not every:
                reason = f"the layers before it take the {self.profile.seconds / 2:g} s that layers of an operator have"
                yield Trial(CHECKS["exact"], case, reason=reason)
                continue
            yield from self._within(pace, "exact", case)
            if every:
                yield from self._within(pace, "accuracy", Case(case.problem, "wide", case.seed, case.origin))


def plan(
    operator: str,
    claims: Mapping[str, Claims],
    profile: Profile,
    seed: int,
    cover: Covering | None = None,
    pace: Pace | None = None,
    time_limit: float = 10.0,
    constants: Sequence[int] = (),
) -> Iterator[Trial]:
    """The trials of one operator of a target of this pace (None: as fast as any). ``cover`` counts combinations."""
    made = Plan(operator, claims, profile, seed, cover, time_limit, constants)
    for part in (made.opening(), made.rest(pace or Pace())):
        yield from (trial for trial in part if trial is not None)


def expected_trials(operator: str, claims: Claims, profile: Profile) -> int:
    """About how many trials a plan makes, for a progress bar: the covering set's size is known only at its end."""
    op = OPERATORS[operator]
    covering_set = _limit(operator, profile) or (480 if "per_axis" in claims.options else 200)
    of_kinds = (len(kinds_of(op.family, op.ndim)) + 16 * profile.kinds) * (9 + len(claims.dtypes)) if profile.kinds else 0
    ladders = (120 + 40 * len(claims.dtypes)) * op.ndim if profile.kinds else 0
    return covering_set + of_kinds + ladders + number_of_rounds(profile) + profile.random


def _limit(operator: str, profile: Profile) -> int | None:
    return profile.covering if OPERATORS[operator].forward else profile.gradients


def _covering(operator: str, claims: Claims, profile: Profile, seed: int, cover: Covering | None) -> Iterator[Problem | None]:
    """Problems of the covering set. Of a few of them, types that are only accepted take nothing from those claimed."""
    limit = _limit(operator, profile)
    accepted = tuple(dtype for dtype in claims.dtypes if dtype in claims.accepted)
    if limit is None or not accepted:
        return search(operator, claims, seed, limit, cover)
    claimed = claims.changed((), ("accepted",))
    only_accepted = dataclasses.replace(claims, dtypes=accepted)
    return chain(search(operator, claimed, seed, limit, cover), search(operator, only_accepted, seed, limit // 2))
