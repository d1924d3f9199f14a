"""Sizes at which vectors, tiles and counters end: each by itself, and what several make together."""

from __future__ import annotations

import math

import pytest

from conformance.cases.ladders import (
    BITS,
    Size,
    build,
    elements_of,
    first_type,
    ladder_cases,
    product_cases,
    rungs,
    sizes_of,
    smallest,
)
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, reasons_invalid
from tests.suite.logged import CLAIMS


def test_rungs_are_both_sides_of_every_power_of_two() -> None:
    assert rungs(3) == [1, 2, 3, 4, 5, 7, 8, 9]
    assert rungs(4, first=4) == [15, 16, 17]
    assert {2**16 - 1, 2**16, 2**16 + 1} <= set(rungs(16))


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_case_is_valid_claimed_and_small(operator: str) -> None:
    op = OPERATORS[operator]
    for claims in (CLAIMS[operator], Claims(("float64",), frozenset()), Claims(op.traits.dtypes[:1], frozenset({"batch"}))):
        if not set(claims.dtypes) & set(op.traits.dtypes):
            continue
        for case in (*ladder_cases(op, claims, 0), *product_cases(op, claims, large=False)):
            assert reasons_invalid(case.problem) == [], case
            assert claims.refusal(case.problem) is None, case
            assert elements_of(case.problem) < 2**23, case
            assert case.problem.work < 2**30, case


@pytest.mark.parametrize("operator", ["conv2d", "conv_transpose1d", "max_pool2d", "adaptive_avg_pool2d", "conv1d_bias_grad"])
def test_another_seed_puts_other_sizes_together(operator: str) -> None:
    op = OPERATORS[operator]
    first, again, other = ([str(case) for case in ladder_cases(op, CLAIMS[operator], seed)] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_one_problem_has_several_sizes_where_that_is_little_work() -> None:
    """Or there were as many problems as sizes, rungs and types."""
    claims = CLAIMS["conv2d"]
    wanted = sum(len(rungs(min(7, BITS[size.field]))) for size in sizes_of(OPERATORS["conv2d"], claims)) * len(claims.dtypes)
    made = sum(1 for case in ladder_cases(OPERATORS["conv2d"], claims, 0) if "beyond" not in case.origin)
    assert made < wanted / 2


def test_what_is_not_claimed_has_no_ladder() -> None:
    sizes = {size.field for size in sizes_of(OPERATORS["conv2d"], Claims(("float32",), frozenset({"batch"})))}
    assert sizes == {"batch", "size"}
    assert Size("batch") in sizes_of(OPERATORS["conv1d_bias_grad"], CLAIMS["conv1d_bias_grad"])
    assert "channels" not in {size.field for size in sizes_of(OPERATORS["conv1d_bias_grad"], CLAIMS["conv1d_bias_grad"])}


def test_a_case_says_which_sizes_it_is_about() -> None:
    case = next(iter(ladder_cases(OPERATORS["conv2d"], CLAIMS["conv2d"], 0)))
    assert case.origin.startswith("ladder: ")
    assert any(char.isdigit() for char in case.origin)


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_smallest_problem_is_one_element_and_one_tap(operator: str) -> None:
    problem = smallest(OPERATORS[operator])
    assert reasons_invalid(problem) == []
    assert problem.work == 1


def test_a_size_that_is_given_is_the_one_that_the_problem_has() -> None:
    claims, op = CLAIMS["conv_transpose2d"], OPERATORS["conv_transpose2d"]
    problem = build(op, claims, "float32", {Size("kernel", 0): 31, Size("size", 1): 17, Size("channels"): 5})
    assert (problem.kernel[0], problem.input_shape[3], problem.channels) == (31, 17, 5)


@pytest.mark.parametrize("large", [False, True])
def test_products_go_past_two_to_the_20_and_on_demand_past_24(large: bool) -> None:
    problems = [case.problem for case in product_cases(OPERATORS["conv2d"], CLAIMS["conv2d"], large)]
    bits = 24 if large else 20
    assert max(math.prod(p.output_shape[2:]) for p in problems) > 2**bits - 2 ** (bits // 2 + 2)
    assert max(math.prod(p.output_shape[2:]) * p.channels * math.prod(p.kernel) for p in problems) > 2**bits


def test_the_first_type_is_float32_where_it_is_claimed() -> None:
    assert first_type(OPERATORS["conv2d"], Claims(("float64", "float32"))) == "float32"
    assert first_type(OPERATORS["conv2d"], Claims(("float64", "bfloat16"))) == "float64"
