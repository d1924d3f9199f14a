"""The truth of a sample is the truth of the whole there, whatever the size; and what a sample may miss is what is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.cases.case import Case
from conformance.cases.strategies import problems
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Problem, parse_problem
from conformance.problem.operators import BIAS_GRAD
from conformance.reference.oracle import solve
from conformance.reference.sample import MAX_WORK, Sample, is_sampled, judged_planes, sample_of
from conformance.reference.truth import gamma64

SAMPLED = [name for name, operator in OPERATORS.items() if operator.pass_name != BIAS_GRAD]
LARGE = "conv2d f32 n2 c64 i100x100 o64 k3x3 p1x1"


def some_places(problem: Problem, seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    shape = problem.replace(unbatched=False).result_shape
    if not problem.op.is_pool:
        return Sample(rng.integers(0, math.prod(shape), 30), 30)
    planes, each = rng.integers(0, shape[0] * shape[1], 3), math.prod(shape[2:])
    return Sample((planes[:, None] * each + np.arange(each)).reshape(-1), 3, planes)


@pytest.mark.parametrize("operator", SAMPLED)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_the_truth_of_a_sample_is_that_of_the_whole(operator: str, data: st.DataObject, seed: int) -> None:
    op = OPERATORS[operator]
    problem = data.draw(problems(operator, Claims(op.traits.dtypes, options_of(op))))
    real = op.rounds and problem.format.kind != "int" and data.draw(st.booleans())
    arrays = Case(problem, "wide" if real else "integers", str(seed)).arrays()
    whole, sample = solve(problem, arrays), some_places(problem, seed)
    part = solve(problem, arrays, sample=sample)
    np.testing.assert_array_equal(part.n, whole.n.reshape(-1)[sample.at])
    S = whole.S.reshape(-1)[sample.at]  # each of the two is a sum of n products in float64
    assert (np.abs(part.S - S) <= 2 * gamma64(part.n + 1) * S).all()
    apart = np.abs((part.y - whole.y.reshape(-1)[sample.at]) + (part.low - whole.low.reshape(-1)[sample.at]))
    assert (apart <= part.error + whole.error.reshape(-1)[sample.at]).all()
    if whole.indices is not None:
        assert part.indices is not None
        np.testing.assert_array_equal(part.indices, whole.indices.reshape(-1)[sample.at])


def test_what_is_small_is_judged_whole() -> None:
    for operator in OPERATORS.values():
        problem = parse_problem(f"{operator.name} i5 {'to3' if operator.traits.window == 'adaptive' else 'k2'}")
        assert not is_sampled(problem)
        assert sample_of(problem, Case(problem).arrays() if problem.op.family != "max_unpool" else {}) is None


@pytest.mark.parametrize(
    "text",
    [LARGE, *(LARGE.replace("conv2d", f"conv2d_{name}") for name in ("input_grad", "weight_grad")), "conv1d i300000 k3",
     "conv_transpose2d c32 i200x200 o16 k4x4 s2x2 p1x1"],
)  # fmt: skip
def test_a_sample_has_the_ends_of_every_axis_and_of_its_tiles(text: str) -> None:
    problem = parse_problem(text)
    sample = sample_of(problem, Case(problem).arrays())
    assert sample is not None
    places = np.unravel_index(sample.at, problem.result_shape)
    for size, own in zip(problem.result_shape, places, strict=True):
        assert {0, size - 1} <= set(own.tolist())
        tiles = {size - size % 2**bits - 1 for bits in range(1, size.bit_length())} - {-1}
        assert len(tiles & set(own.tolist())) >= min(len(tiles), 3)


def test_of_a_pooling_whole_planes_are_taken() -> None:
    problem = parse_problem("max_pool2d n3 c20 i1200x1200 k2x2 s2x2")
    sample = sample_of(problem, Case(problem).arrays())
    assert sample is not None
    assert len(sample.at) == len(sample.planes) * 600 * 600
    assert {0, 59} <= set(sample.planes.tolist())
    assert len(set(sample.planes.tolist())) <= judged_planes(problem) * 60


def test_a_sample_follows_from_the_problem_and_its_numbers() -> None:
    problem = parse_problem(LARGE)
    first, again, other = (sample_of(problem, Case(problem, "integers", seed).arrays()) for seed in "001")
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.at == again.at).all()
    assert (first.at != other.at).any()


@pytest.mark.parametrize(("fraction", "draws"), [(0.01, 113), (0.1, 20), (0.5, 5)])
def test_wrong_results_are_missed_no_more_often_than_is_said(fraction: float, draws: int) -> None:
    """As often as independent draws miss them, where nothing but those drawn at random could see them."""
    rng, results, rounds = np.random.default_rng(0), 10_000, 4000
    sample = Sample(np.zeros(0, np.int64), draws)
    wrong = rng.permutation(results)[: int(fraction * results)]
    is_wrong = np.isin(np.arange(results), wrong)
    missed = np.mean([not is_wrong[rng.integers(0, results, draws)].any() for _ in range(rounds)])
    said = sample.missed(fraction)
    assert abs(missed - said) < 4 * math.sqrt(said * (1 - said) / rounds) + 1e-3


def test_a_layer_of_a_million_million_multiply_adds_is_judged_without_making_it() -> None:
    problem = parse_problem("conv2d n64 c512 i192x192 o768 k3x3 p1x1")
    assert problem.work > 5 * 10**12
    few = problem.replace(batch=1).with_windows(size=64)  # of the same terms, with tensors that are quickly made
    assert few.work > 2**33 > MAX_WORK
    arrays = Case(few).arrays()
    sample = sample_of(few, arrays)
    assert sample is not None
    assert len(sample.at) * few.max_terms < 2**24  # products, whatever the work is
    truth = solve(few, arrays, sample=sample)
    place = np.unravel_index(sample.at[5], few.result_shape)
    y, x = int(place[2]), int(place[3])
    window = np.pad(arrays["x"][0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))[:, y : y + 3, x : x + 3]
    assert truth.y[5] == float((window * arrays["w"][place[1]]).sum())
