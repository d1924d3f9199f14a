"""Each recipe of numbers has the property that it is for, on any problem, and is the same everywhere."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.case import Case, parse_case
from conformance.cases.integers import largest_integer, signs
from conformance.cases.strategies import problems
from conformance.cases.values import KINDS, REAL, make_values
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Family, Problem
from conformance.problem.operators import INPUT_GRAD
from conformance.reference.oracle import solve


@given(problem=problems(), kind=st.sampled_from(["integers", "digits", "ties", "ones"]), seed=st.integers(0, 99).map(str))
def test_integers_keep_every_sum_exact(problem: Problem, kind: str, seed: str) -> None:
    arrays = make_values(problem, kind, seed)
    truth = solve(problem, arrays)
    tensors = {name: array for name, array in arrays.items() if name in ("x", "w", "b", "dy", "ddx")}
    if problem.op.family is Family.CONV_INTEGER:
        return  # 8 bits over their whole range, of which 0 is one; what they sum to has 32
    assert all((array == np.rint(array)).all() and (array != 0).all() for array in tensors.values())
    if problem.op.rounds and problem.op.family is not Family.LP_POOL:
        # A gradient's terms are divided one by one: its divisor only tells whether that is exact.
        divided = truth.divisor if problem.op.pass_name != INPUT_GRAD else 1
        assert (truth.S * divided).max() <= problem.format.largest_whole


@given(seed=st.integers(0, 99), shape=st.lists(st.integers(0, 4), max_size=3).map(tuple))
def test_signs_are_those_that_a_choice_of_both_draws(seed: int, shape: tuple[int, ...]) -> None:
    drawn, chosen = signs(np.random.default_rng(seed), shape), np.random.default_rng(seed).choice([-1, 1], shape)
    np.testing.assert_array_equal(drawn, chosen)


@given(problem=problems("conv2d", Claims(options=options_of(OPERATORS["conv2d"]) - {"wide_result"})))
def test_integers_are_as_wide_as_exactness_allows(problem: Problem) -> None:
    m = largest_integer(problem)
    assert problem.max_terms * m**2 <= 2**problem.format.significand < problem.max_terms * (m + 1) ** 2


@given(problem=problems(), kind=st.sampled_from(sorted(KINDS)), seed=st.integers(0, 99).map(str))
def test_a_case_is_made_again_from_its_text(problem: Problem, kind: str, seed: str) -> None:
    case = Case(problem, kind, seed)
    again = parse_case(str(case))
    assert (again.problem, again.kind, again.seed) == (problem, kind, seed)
    for name, array in case.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])


@given(problem=problems())
def test_tensors_have_the_problem_s_shapes_and_type(problem: Problem) -> None:
    for kind in KINDS:
        arrays = make_values(problem, kind, "0")
        assert {name: array.shape for name, array in arrays.items()} == problem.array_shapes
        assert {name: array.dtype for name, array in arrays.items()} == {name: problem.dtype_of(name) for name in arrays}


def test_bits_need_the_last_bit_of_the_significand() -> None:
    case = parse_case("conv1d f32 i100 k3 values=bits:1")
    x = case.arrays()["x"]
    assert (x != x.astype(np.float16)).mean() > 0.9
    assert ((np.ascontiguousarray(x).view(np.uint32) & 1) == 1).all()


def test_cancellation_leaves_little_of_the_terms() -> None:
    case = parse_case("conv2d f64 c3 i9x9 k3x3 values=cancellation:1")
    truth = solve(case.problem, case.arrays())
    assert np.median(np.abs(truth.y) / truth.S) < 1e-2


def test_a_spike_stands_out_by_two_to_the_twenty() -> None:
    x = np.sort(np.abs(parse_case("conv2d f32 i9x9 k3x3 values=spikes:1").arrays()["x"]).ravel())
    assert x[-1] > 2**17 * x[-2]


def test_the_same_seed_gives_the_same_numbers_on_every_machine() -> None:
    x = parse_case("conv1d f32 i4 k1 values=digits:7").arrays()["x"]
    assert x.ravel().tolist() == [4.0, -3.0, -8.0, 2.0]


def test_every_kind_says_what_it_is_for() -> None:
    assert all(maker.__doc__ for maker in KINDS.values())
    assert set(REAL) <= set(KINDS)


def test_where_even_ones_would_sum_too_far_most_of_the_first_tensor_is_zero() -> None:
    """bfloat16 holds whole numbers up to 256, and this sum has 1000 terms."""
    case = parse_case("conv1d_weight_grad bf16 i1000 k1 values=integers:1")
    arrays = case.arrays()
    assert 100 < np.count_nonzero(arrays["x"].astype(float)) <= 256
    assert solve(case.problem, arrays).S.max() <= 256


def test_the_zeros_lie_elsewhere_for_another_seed() -> None:
    seeds = [parse_case(f"conv1d_weight_grad bf16 i1000 k1 values=integers:{seed}").arrays()["x"] for seed in range(40)]
    assert (np.array(seeds).astype(float) != 0).any(axis=0).all()


def test_the_indices_of_an_unpooling_lie_in_their_windows_and_come_once() -> None:
    problem = parse_case("max_unpool2d n2 c3 i9x8 k3x2 s3x2 p1x1 values=integers:1").problem
    indices = make_values(problem, "integers", "1")["indices"].reshape(6, -1)
    assert all(len(set(plane)) == len(plane) for plane in indices.tolist())
    assert 0 <= indices.min() <= indices.max() < 72


def test_tensors_of_eight_bits_reach_both_ends_of_their_range_and_results_both_of_theirs() -> None:
    case = parse_case("conv_integer2d uint8>int8 n3 c8 i15x15 o5 k3x3 values=integers:3")
    arrays, y = case.arrays(), solve(case.problem, case.arrays()).y
    assert (arrays["x"].min(), arrays["x"].max(), arrays["w"].min(), arrays["w"].max()) == (0, 255, -128, 127)
    assert (y.min(), y.max()) == (-128, 127)
