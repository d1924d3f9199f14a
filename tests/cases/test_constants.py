"""A number that a target's source names becomes a size: it, its neighbours and its multiples, for every size of a problem."""

from __future__ import annotations

from collections import defaultdict

import pytest

from conformance.cases.constants import around, constant_cases
from conformance.cases.ladders import BITS, sizes_of
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Family, reasons_invalid
from tests.suite.logged import CLAIMS


@pytest.mark.parametrize("operator", [name for name, operator in OPERATORS.items() if operator.family is not Family.MAX_UNPOOL])
@pytest.mark.parametrize("constant", [12, 48, 100])
def test_every_size_takes_a_constant_its_neighbours_and_its_multiples(operator: str, constant: int) -> None:
    op, claims = OPERATORS[operator], CLAIMS[operator]
    problems = [case.problem for case in constant_cases(op, claims, [constant], 0)]
    seen = defaultdict(set)
    for problem in problems:
        for size in sizes_of(op, claims):
            name = "pad_begin" if size.field == "padding" else size.field
            seen[size].add(getattr(problem if size.axis is None else problem.windows[size.axis], name))
    for size in sizes_of(op, claims):
        wanted = {value for value in around([constant]) if value <= 2 ** BITS[size.field]}
        assert wanted - seen[size] == set(), size.words


def test_the_commonest_kinds_of_layers_have_it_for_their_channels() -> None:
    problems = [case.problem for case in constant_cases(OPERATORS["conv2d"], CLAIMS["conv2d"], [48], 0)]
    three = [p for p in problems if p.kernel == (3, 3) and p.padding == ((1, 1), (1, 1)) and p.stride == (1, 1)]
    assert {48, 49} <= {p.channels for p in three}
    assert {48, 49} <= {p.out_channels for p in three}
    assert any(p.groups == p.channels == 48 for p in three)


def test_what_is_made_is_valid_and_claimed_and_nothing_without_constants() -> None:
    claims = Claims(("float32",), frozenset({"channels", "out_channels", "kernel"}))
    cases = list(constant_cases(OPERATORS["conv2d"], claims, [7, 1000, 2**20], 0))
    assert cases
    for case in cases:
        assert reasons_invalid(case.problem) == []
        assert claims.refusal(case.problem) is None
        assert "a number in its source" in case.origin
    assert list(constant_cases(OPERATORS["conv2d"], claims, [], 0)) == []


def test_neighbours_and_multiples_come_largest_first_and_without_what_is_no_size() -> None:
    assert around([4]) == [16, 12, 9, 8, 7, 5, 4, 3]
    assert around([3])[-1] == 2
