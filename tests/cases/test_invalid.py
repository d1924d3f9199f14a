"""Invalid problems are invalid: what a shrunk one is made of may have left nothing to refuse."""

from __future__ import annotations

import pytest

from conformance.cases.invalid import INVALID, invalid_cases, make_invalid
from conformance.plugin.claims import OPTIONS, Claims
from conformance.problem import OPERATORS, parse_problem
from conformance.problem.validity import is_valid

ALL = Claims(dtypes=("float32", "int8"), options=frozenset(OPTIONS))


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_way_that_is_asked_for_makes_what_must_be_refused(operator: str) -> None:
    for base, name in invalid_cases(operator, ALL):
        assert is_valid(base)
        made = make_invalid(base, name)
        assert made is not None, name
        assert made[0] == base or INVALID[name].valid or not is_valid(made[0])


def test_every_way_is_asked_for_of_some_operator() -> None:
    assert {name for operator in OPERATORS for _, name in invalid_cases(operator, ALL)} == set(INVALID)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("conv2d i1x1 k1x1", "kernel_too_large"),
        ("max_pool1d i6 k1", "dilation_too_large"),
        ("max_pool1d i1 k1", "dilation_wide"),
        ("avg_pool1d i9 k4", "padding_over_half"),
        ("conv1d c3 i6 o3 k3", "groups_of_channels"),
    ],
)
def test_a_problem_of_which_a_change_makes_a_valid_one_is_not_asked_for(text: str, name: str) -> None:
    assert make_invalid(parse_problem(text), name) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("conv2d i1x1 k2x2 p1x1", "weight_channels"),
        ("max_pool1d i6 k2", "dilation_too_large"),
        ("avg_pool1d i9 k3", "padding_over_half"),
        ("max_unpool1d c2 i6 k2 s2", "index_wide"),
    ],
)
def test_one_that_is_as_small_and_still_invalid_is(text: str, name: str) -> None:
    made = make_invalid(parse_problem(text), name)
    assert made is not None
