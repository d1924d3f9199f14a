"""The distance of a condition is 0 where it holds, and falls as its numbers come nearer."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from conformance.running.nearness import distance

CONDITIONS = (
    "a == b", "a != b", "a < b", "a <= b", "a > b", "a >= b", "a < b < c", "a == b and b == c", "a == b or b > c",
    "not a == b", "not (a < b and b < c)", "a in (b, c)", "a not in (b, c)", "(a, b) == (b, c)", "a % 3 == 0", "len((a, b)) == 2",
    "a", "not a",
)  # fmt: skip
SMALL = st.integers(-20, 20)


def condition(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@given(text=st.sampled_from(CONDITIONS), a=SMALL, b=SMALL, c=SMALL, wanted=st.booleans())
def test_it_is_zero_just_where_the_condition_is_as_wanted(text: str, a: int, b: int, c: int, wanted: bool) -> None:
    own = {"a": a, "b": b, "c": c}
    holds = bool(eval(text, {}, own))
    near = distance(condition(text), {}, own, wanted)
    assert near >= 0
    assert (near == 0) == (holds == wanted)


@given(text=st.sampled_from(["a == b", "a <= b", "a < b", "a == b and c == c"]), b=SMALL, first=SMALL, second=SMALL)
def test_it_falls_as_a_number_comes_nearer(text: str, b: int, first: int, second: int) -> None:
    near, far = sorted((b + abs(first), b + abs(second)))
    at = [distance(condition(text), {}, {"a": a, "b": b, "c": 0}, wanted=True) for a in (near, far)]
    assert at[0] <= at[1]
    assert (near == far) == (at[0] == at[1])


def test_a_condition_that_could_have_an_effect_is_not_worked_out() -> None:
    calls: list[int] = []
    assert distance(condition("f(a)"), {"f": calls.append}, {"a": 1}, wanted=True) > 0
    assert distance(condition("len(a) == 1"), {"len": calls.append}, {"a": 1}, wanted=True) > 0
    assert not calls


def test_what_cannot_be_worked_out_is_neither_met_nor_far() -> None:
    assert 0 < distance(condition("a.shape[7] == 3"), {}, {"a": 1}, wanted=True) < 10
