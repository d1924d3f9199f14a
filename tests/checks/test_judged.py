"""Of a very large result a sample is compared, and what is wrong there is told with its place in the whole."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import Case, parse_case
from conformance.checks import CHECKS
from conformance.checks.judged import FRACTION, judged
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.reference.oracle import solve
from conformance.reference.sample import sample_of

LARGE = parse_case("conv2d n2 c8 i150x150 o16 k3x3 p1x1")


def replied(case: Case, check: str, wrong: np.ndarray | None = None) -> tuple[tuple[Call, ...], list[Reply]]:
    calls = CHECKS[check].calls(case)
    outputs = [solve(call.problem, call.arrays).y.astype(call.problem.result_format.numpy) for call in calls]
    for output in outputs:
        if wrong is not None:
            output.reshape(-1)[wrong] += 1000
    return calls, [Reply((output,)) for output in outputs]


@pytest.mark.parametrize("check", ["exact", "accuracy.all", "layout.orders", "state.repeat"])
def test_a_large_result_that_is_right_passes_with_the_chance_to_have_missed_something(check: str) -> None:
    calls, replies = replied(LARGE, check)
    judgement = CHECKS[check].judge(LARGE, Claims(), calls, replies)
    assert judgement.failure is None
    if check != "state.repeat":  # which compares bits with bits
        assert 0 < judgement.missed < 0.5
        assert judgement.elements < calls[0].problem.work


@pytest.mark.parametrize("check", ["exact", "accuracy.all", "layout.orders"])
def test_a_wrong_result_of_a_sample_is_told_with_its_place_in_the_whole(check: str) -> None:
    problem = LARGE.problem
    last = np.array([np.ravel_multi_index((1, 15, 149, 149), problem.result_shape)])  # a corner
    calls, replies = replied(LARGE, check, last)
    failure = CHECKS[check].judge(LARGE, Claims(), calls, replies).failure
    assert failure is not None
    assert failure.index == (1, 15, 149, 149)
    assert "of a sample of 720,000" in failure.message
    assert failure.expected_array is None


def test_what_is_wrong_in_a_hundredth_of_the_results_is_missed_as_seldom_as_is_said() -> None:
    arrays, problem = LARGE.arrays(), LARGE.problem
    sample = sample_of(problem, arrays)
    assert sample is not None
    said, size, rng = sample.missed(FRACTION), int(np.prod(problem.result_shape)), np.random.default_rng(1)
    missed = [not np.isin(sample.at, rng.permutation(size)[: size // 100]).any() for _ in range(200)]
    assert np.mean(missed) <= said + 0.02


def test_a_small_result_is_compared_whole() -> None:
    case = parse_case("conv2d c2 i9x9 o2 k3x3")
    calls, replies = replied(case, "exact")
    compared = judged(Claims(), calls[0], replies[0])
    assert compared.sample is None
    assert compared.missed == 0
    assert compared.outputs[0].shape == case.problem.result_shape
