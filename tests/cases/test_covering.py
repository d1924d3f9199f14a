"""The covering set holds every pair of levels, and every triple of one window, that can occur."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from conformance.cases.covering import Covering, covering, search
from conformance.cases.space import MAX_WORK, build, parameters
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Problem
from conformance.problem.validity import is_valid


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_problem_is_valid_claimed_distinct_enough_and_small(operator: str) -> None:
    dtypes = tuple(dtype for dtype in OPERATORS[operator].traits.dtypes if dtype not in ("float16", "complex64", "int8"))
    claims = Claims(dtypes, options_of(OPERATORS[operator]) - {"asymmetric_padding"})
    problems = list(covering(operator, claims, 0))
    assert all(is_valid(p) and not claims.refusal(p) and p.work <= MAX_WORK for p in problems)
    assert len(set(problems)) > 0.9 * len(problems) > 60


def _seen(problems: list[Problem], axis: int) -> set[tuple[int, ...]]:
    return {(p.windows[axis].kernel, p.windows[axis].stride, p.windows[axis].dilation) for p in problems}


@pytest.mark.parametrize("operator", ["conv1d", "conv2d"])
def test_every_kernel_meets_every_stride_and_every_dilation_in_every_axis(operator: str) -> None:
    op = OPERATORS[operator]
    problems = list(covering(operator, Claims(options=options_of(op)), 0))
    for axis in range(op.ndim):
        assert _seen(problems, axis) >= set(product((1, 2, 3, 4, 5, 7), (1, 2, 3, 4), (1, 2, 3)))


def test_every_pair_of_levels_that_some_problem_has_is_in_the_set() -> None:
    """Counted by brute force over a small space, independently of how the set is made."""
    claims = Claims(("float32",), frozenset({"kernel", "stride", "batch"}))
    chosen = parameters(OPERATORS["conv1d"], claims)
    possible, made = set(), set()
    rows = list(product(*(p.levels for p in chosen)))
    wanted = set(covering("conv1d", claims, 0))
    for row in rows:
        problem = build(OPERATORS["conv1d"], claims, {(p.name, p.axis): level for p, level in zip(chosen, row, strict=True)})
        if problem is None:
            continue
        pairs = {(i, j, row[i], row[j]) for i, j in combinations(range(len(row)), 2)}
        possible |= pairs
        if problem in wanted:
            made |= pairs
    assert possible == made


def test_what_is_covered_is_counted_and_in_the_end_it_is_all_that_can_be() -> None:
    claims = Claims(("float32",), frozenset({"kernel", "stride", "batch"}))
    cover = Covering(parameters(OPERATORS["conv1d"], claims))
    assert cover.reached().pairs == cover.reached().triples == 0
    made = covering("conv1d", claims, 0, cover=cover)
    next(made)
    first = cover.reached()
    assert 0 < first.pairs < first.pairs_possible
    assert 0 < first.triples < first.triples_possible
    list(made)
    last = cover.reached()
    assert (last.pairs, last.triples) == (last.pairs_possible, last.triples_possible)
    assert last.pairs > first.pairs


def test_the_same_seed_gives_the_same_set_and_another_one_another() -> None:
    claims = Claims(options=options_of(OPERATORS["conv2d"]))
    first, again, other = (list(covering("conv2d", claims, seed, 40)) for seed in (0, 0, 1))
    assert first == again != other


def test_sizes_lie_around_the_tiles_of_vector_units() -> None:
    sizes = {p.windows[0].size for p in covering("conv1d", Claims(options=options_of(OPERATORS["conv1d"])), 0)}
    assert {7, 8, 9, 15, 16, 17, 31, 33, 63, 65} <= sizes


def test_step_by_step_the_search_finds_the_same_set_and_says_where_a_combination_was_given_up() -> None:
    claims = Claims(options=options_of(OPERATORS["conv2d"]))
    cover = Covering(parameters(OPERATORS["conv2d"], claims))
    found = list(search("conv2d", claims, 0, 60, cover))
    assert [one for one in found if one is not None] == list(covering("conv2d", claims, 0, 60))
    assert None in found
    assert cover.steps == len(found)


def test_steps_made_ahead_of_need_are_not_counted_until_they_are_asked_for() -> None:
    claims = Claims(("float32",), options_of(OPERATORS["conv1d"]))
    cover, other = (Covering(parameters(OPERATORS["conv1d"], claims)) for _ in "ab")
    list(search("conv1d", claims, 0, 30, cover))
    made = search("conv1d", claims, 0, 30, other)
    for steps in range(1, 20):
        next(made)
        cover.counted = steps
        assert cover.reached() == other.reached()
