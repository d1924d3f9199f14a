"""Looks for calls that take the branches of a target which no other call took: Hypothesis's targeting goes by how near they come.

Sizes are drawn from the numbers that the target's source names, from those beside powers of two, and from all small ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis import strategies as st

from conformance.cases.case import Case
from conformance.cases.constants import around
from conformance.cases.ladders import Size, build, elements_of, rungs, sizes_of
from conformance.cases.strategies import whatever_is_loaded
from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem
from conformance.problem.validity import is_valid

_EXAMPLES = 100_000  # more than there is time for
_SIZES = 5  # of a problem that are drawn; the others are as small as they can be
_WORK, _ELEMENTS = 2**19, 2**18
_SWITCHES: dict[str, tuple[Any, ...]] = {
    "bias": (False, True),
    "indices": (False, True),
    "count_include_pad": (True, False),
    "divisor": (None, 2, 3),
    "unbatched": (False, True),
}

Try = Callable[[Case], Sequence[float] | None]
"""Makes a call, and says how near it came to each of the branches that are looked for; None if it was not made."""


class _Enough(BaseException):
    """Ends a search: no failure, so that nothing is made of the example in which it comes."""


def search(operator: Operator, claims: Claims, constants: Sequence[int], attempt: Try, seconds: float, own_seed: int) -> None:
    """Draw problems of an operator and ``attempt`` each, nearer and nearer, until time is up.

    ``attempt`` returns an empty sequence where nothing is left to look for.
    """
    end = time.monotonic() + seconds

    @seed(own_seed)
    @settings(max_examples=_EXAMPLES, database=None, deadline=None, phases=[Phase.generate, Phase.target],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(problem=problems_near(operator, claims, tuple(constants)))
    def look(problem: Problem) -> None:
        if time.monotonic() > end:
            raise _Enough
        distances = attempt(Case(problem, "integers", "search", "a branch never taken"))
        if distances is not None and not distances:
            raise _Enough
        for number, distance in enumerate(distances or ()):
            target(-distance, label=str(number))

    with whatever_is_loaded():
        try:
            look()
        except _Enough:
            return


@cache
def problems_near(operator: Operator, claims: Claims, constants: tuple[int, ...]) -> st.SearchStrategy[Problem]:
    """Claimed problems, some of whose sizes are numbers of a source, or beside them."""
    dtypes = claims.types_of(operator)
    pool = sorted({*around(constants), *rungs(6)})
    number = st.one_of(st.integers(1, 9), st.sampled_from(pool), st.integers(1, 2 * max(pool)))
    values = st.dictionaries(st.sampled_from(sizes_of(operator, claims)), number, max_size=_SIZES)
    switches = st.fixed_dictionaries({name: st.sampled_from(answers) for name, answers in _SWITCHES.items()})
    return st.builds(partial(_problem, operator, claims), st.sampled_from(dtypes), values, switches, st.booleans())


def _problem(
    operator: Operator, claims: Claims, dtype: str, wanted: Mapping[Size, int], switches: Mapping[str, Any], ceil: bool
) -> Problem:
    """The problem with as much of what is drawn as is claimed, and no more work than a call should be."""
    values: dict[Size, int] = {}
    problem = build(operator, claims, dtype, values)
    for size, value in wanted.items():
        larger = build(operator, claims, dtype, {**values, size: value})
        if _is_one(larger, claims):
            values[size], problem = value, larger
    changes: list[Callable[[Problem], Problem]] = [partial(_switched, name, answer) for name, answer in switches.items()]
    if ceil and operator.is_pool and operator.traits.window == "sliding":
        changes.append(lambda problem: problem.with_windows(ceil=True))
    for change in changes:
        changed = change(problem)
        problem = changed if changed is not problem and _is_one(changed, claims) else problem
    return problem


def _switched(name: str, answer: Any, problem: Problem) -> Problem:
    return problem if getattr(problem, name) == answer else problem.replace(**{name: answer})


def _is_one(problem: Problem, claims: Claims) -> bool:
    small = problem.work <= _WORK and elements_of(problem) <= _ELEMENTS
    return small and is_valid(problem) and claims.refusal(problem) is None
