"""Which trials are made of an operator, and in which order: cheap and powerful ones first.

A trial is a check on a case. Integers on problems of the covering set find most bugs within milliseconds, so some of
them open; known answers, uniform windows, invalid problems and rounds of every other check follow, then the rest of the
covering set and random cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.cases.covering import Covering, search
from conformance.cases.extremes import huge_cases, long_cases
from conformance.cases.integers import kinds_of_integers
from conformance.cases.invalid import invalid_cases
from conformance.cases.known import known_cases
from conformance.cases.uniform import uniform_cases
from conformance.cases.values import REAL
from conformance.checks import CHECKS, Check
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call
from conformance.problem import OPERATORS, Operator, Problem
from conformance.running.changes import Change, changes
from conformance.running.profile import Profile

_OPENING = 24  # cases of integers before anything else
_SEARCH = 60  # problems tried to find one that a check has something to say about
_MANY_ITEMS_LIMIT = 120.0  # seconds: a library that is called once for each of so many items takes a tenth of them
_HUGE_LIMIT = 900.0  # seconds for a call on tensors of gigabytes
_ROUND = [(check, "integers") for check in CHECKS.values() if check.name not in ("exact", "accuracy", "rejection", "huge")]
_ROUND += [(CHECKS["accuracy"], kind) for kind in REAL]
_LAYER_WORK = 60_000_000  # multiply-adds of a real layer that is judged in a check
_JUDGED = ("resnet-50", "vgg-16", "mobilenet-v2", "unet", "wavenet", "c3d", "vit")
"""The networks whose layers are judged: one of each kind. All of them would take thrice the trials and 2.6 times the
multiply-adds, mostly for more layers of the same kinds."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A check on a case, with the calls that it needs; ``reason`` is set instead where there is nothing to call."""

    check: Check
    case: Case
    calls: tuple[Call, ...] = ()
    reason: str = ""

    @property
    def limit(self) -> float | None:
        """Seconds that it may take where the run's own limit is not meant for it."""
        if any(call.repeated for call in self.calls):
            return _HUGE_LIMIT
        return _MANY_ITEMS_LIMIT if any(call.problem.batch >= 2**16 for call in self.calls) else None

    @property
    def bytes(self) -> int:
        """Of the tensors that it hands over."""
        return sum(array.nbytes for call in self.calls for array in call.arrays.values())

    @property
    def memory(self) -> int:
        """About how many bytes its calls need at once beyond what any call needs: tensors, results and a copy of each."""
        return max((2 * bytes_of(call.problem) for call in self.calls if call.repeated), default=0)


def bytes_of(problem: Problem) -> int:
    """Bytes of all tensors and results of a problem."""
    given = sum(math.prod(shape) * problem.dtype_of(name).itemsize for name, shape in problem.array_shapes.items())
    each = problem.result_format.numpy.itemsize + (8 if problem.indices else 0)
    return given + math.prod(problem.result_shape) * each


def make_trial(check: Check, case: Case, claims: Mapping[str, Claims]) -> Trial | None:
    """The trial of ``check`` on ``case``; None if it has nothing to say of it or needs what is not claimed."""
    calls = check.calls(case)

    def refused(call: Call) -> bool:
        claimed = claims.get(call.problem.operator)
        return claimed is None or claimed.refusal(call.problem) is not None

    if check.optional_calls:  # variations: what is not claimed is left out
        calls = tuple(call for call in calls if not refused(call))
        calls = calls if len({call.problem for call in calls}) > 1 else ()
    return Trial(check, case, calls) if calls and not any(map(refused, calls)) else None


def plan(
    operator: str, claims: Mapping[str, Claims], profile: Profile, seed: int, cover: Covering | None = None
) -> Iterator[Trial]:
    """The trials of one operator. Deterministic: the same arguments give the same trials. ``cover`` counts combinations."""
    return (trial for trial in steps(operator, claims, profile, seed, cover) if trial is not None)


def steps(
    operator: str, claims: Mapping[str, Claims], profile: Profile, seed: int, cover: Covering | None = None
) -> Iterator[Trial | None]:
    """As :func:`plan`, step by step: None where the next trial is still looked for. A step takes some milliseconds at most,
    but for one in which some random cases are drawn."""
    claimed = claims[operator]
    limit = profile.covering if OPERATORS[operator].forward else profile.gradients
    exact, problems = CHECKS["exact"], _Problems(search(operator, claimed, seed, limit, cover))

    def integers(first: int, last: int | None) -> Iterator[Trial | None]:
        number = first
        while last is None or number < last:
            yield from problems.until(number)
            problem = problems.get(number)
            if problem is None:
                return
            kinds = kinds_of_integers(problem)
            case = Case(problem, kinds[number % len(kinds)], str(seed + number), "covering set")
            yield Trial(exact, case, exact.calls(case))
            number += 1

    yield from integers(0, _OPENING)
    for case in known_cases(operator, claimed):
        yield Trial(exact, case, exact.calls(case))
    for case in uniform_cases(operator, claimed):
        yield Trial(exact, case, exact.calls(case))
    for base, name in invalid_cases(operator, claimed):
        case = Case(base, "invalid", name, "invalid problems")
        yield Trial(CHECKS["rejection"], case, CHECKS["rejection"].calls(case))
    yield from _others(OPERATORS[operator], claims, problems, profile, seed)
    yield from integers(_OPENING, None)
    for case in long_cases(operator, claimed, large=profile.layers) if profile.long else ():
        yield Trial(exact, case, exact.calls(case))
    for case in huge_cases(operator, claimed) if profile.huge else ():
        yield Trial(CHECKS["huge"], case, CHECKS["huge"].calls(case))
    if profile.layers:
        yield from _layers(operator, claims, seed)
    if profile.random:
        from conformance.cases.strategies import draw_cases  # hypothesis is slow to import, and a bug is mostly found before

        for case in draw_cases(operator, claimed, profile.random, seed):
            yield Trial(exact, case, exact.calls(case))


def expected_trials(operator: str, claims: Claims, profile: Profile) -> int:
    """About how many trials :func:`plan` makes, for a progress bar: the covering set's size is known only at its end."""
    limit = profile.covering if OPERATORS[operator].forward else profile.gradients
    covering_set = limit or (480 if "per_axis" in claims.options else 200)
    return covering_set + len(_ROUND) * profile.each + profile.random


class _Problems:
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
    return tuple(dtype for dtype in claims.dtypes if dtype in operator.traits.dtypes) if profile.every_type else ("",)


def _others(
    operator: Operator, claims: Mapping[str, Claims], problems: _Problems, profile: Profile, seed: int
) -> Iterator[Trial | None]:
    """Round by round, one case of every check but the exact one, and of accuracy one of each kind of real values."""
    dtypes = _turns(operator, claims[operator.name], profile)
    for repeat in range(profile.each):
        for place, (check, kind) in enumerate(_ROUND):
            if not check.applies(operator):
                continue
            start = repeat * 17 + place * 5  # other problems for every check and round
            yield from problems.until(start)
            for change in changes(check, repeat, [dtype for dtype in dtypes if check.applies(operator, dtype)]):
                trial = _first_that_applies(check, kind, claims, problems, start, seed, change)
                if trial is not None:
                    yield trial


def _first_that_applies(
    check: Check,
    kind: str,
    claims: Mapping[str, Claims],
    problems: _Problems,
    start: int,
    seed: int,
    change: Change,
) -> Trial | None:
    size = next((n for n in range(start, -1, -1) if problems.get(n) is not None), None)
    if size is None:
        return None
    for step in range(_SEARCH):
        problem = problems.get(start + step) or problems.get((start + step) % (size + 1))
        assert problem is not None
        problem = change(problem, claims[problem.operator])
        trial = make_trial(check, Case(problem, kind, str(seed + start), "covering set"), claims)
        if trial is not None:
            return trial
    return None


def _layers(operator: str, claims: Mapping[str, Claims], seed: int) -> Iterator[Trial]:
    """The layers of real networks: on integers and on real values."""
    from conformance.cases.networks import network_named  # only the larger profiles need it

    done = set()
    for network in map(network_named, _JUDGED):
        for layer in network.layers:
            problem = layer.problem
            if problem.operator != operator or claims[operator].refusal(problem) or problem in done:
                continue
            done.add(problem)
            for check, kind in ((CHECKS["exact"], "integers"), (CHECKS["accuracy"], "wide")):
                case = Case(problem, kind, str(seed), f"{network.name} {layer.label}")
                if problem.work > _LAYER_WORK:
                    yield Trial(check, case, reason=f"more than {_LAYER_WORK:,} multiply-adds")
                else:
                    yield Trial(check, case, check.calls(case))
