"""What a gate times: small problems that are claimed, beside a built-in implementation that is not the target itself."""

from __future__ import annotations

import os
import random

import pytest

from conformance.cases.case import parse_case
from conformance.plugin.registry import registered, registered_names
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, parse_problem
from conformance.timing.measure import Aim
from conformance.timing.race import TARGET, Lane, _one_thread, aim_for, fitted, reference_for, run_again, run_leg, run_race
from conformance.timing.slowdown import SAME
from conformance.timing.small import FEW, SIZES, reduced, small_cases
from tests.conftest import TARGETS

LOOPS = Target(f"{TARGETS / 'textbook.py'}:corr2d_multi_in_out")


@pytest.mark.parametrize("operator", OPERATORS)
def test_there_is_a_small_problem_for_every_operator_that_anything_claims(operator: str) -> None:
    claiming = [one for one in map(registered, registered_names()) if operator in one.claims]
    for one in claiming:
        cases = small_cases({operator: one.claims[operator]})
        assert 1 <= len(cases) <= FEW
        for case in cases:
            assert case.problem.work <= SIZES[0]
            assert one.claims[operator].refusal(case.problem) is None


def test_all_operators_have_their_turn_and_problems_are_those_of_last_time() -> None:
    claims = registered("numpy-gemm").claims
    cases = small_cases(claims)
    assert len({case.problem.operator for case in cases}) == FEW
    assert list(map(str, cases)) == list(map(str, small_cases(claims)))


def test_the_reference_claims_the_problem_and_is_not_the_target() -> None:
    problem = parse_problem("conv2d f32 n1 c4 i8x8 o4 k3x3")
    assert reference_for(problem, Target("file.py:conv2d")) == "numpy-gemm"
    assert reference_for(problem, Target("numpy-gemm")) not in ("numpy-gemm", None)
    assert reference_for(parse_problem("max_unpool2d f32 n1 c1 i4x4 k2x2 s2x2"), Target("x.py")) is not None


def test_what_is_too_slow_gets_a_smaller_problem_of_the_same_kind() -> None:
    """Python's loops take minutes for what a library does in milliseconds."""
    case = parse_case("conv2d f32 n1 c64 i28x28 o64 k3x3 values=wide:0")
    lanes = fitted(LOOPS, [Lane(case, "numpy-gemm", Target("numpy-gemm"))], random.Random(0), lambda line: None)
    (lane,) = lanes
    assert lane.case.problem.work <= SIZES[1]
    assert (lane.case.problem.operator, lane.case.problem.kernel) == ("conv2d", (3, 3))
    (leg,) = run_leg(LOOPS, lanes, Aim(half_width=9.0, least=3, most=3), random.Random(0), lambda line: None)
    assert leg.ratio is not None
    assert leg.ratio.value > 1  # by a factor of thousands


def test_what_is_wrong_or_not_claimed_has_no_ratio_but_a_reason() -> None:
    wrong = Target(f"{TARGETS / 'misbehaving.py'}:nan_conv2d")
    cases = [parse_case(text) for text in ("conv2d f32 c4 i8x8 o4 k3x3 values=wide:0", "conv1d f32 i8 k3 values=wide:0")]
    lanes = [Lane(case, "numpy-gemm", Target("numpy-gemm")) for case in cases]
    legs = run_leg(wrong, lanes, Aim(half_width=9.0, least=1, most=1), random.Random(0), lambda line: None)
    assert [leg.ratio for leg in legs] == [None, None]
    assert legs[0].reason.startswith("the target: wrong")
    assert legs[1].reason == "the target: conv1d is not claimed"


def test_a_smaller_problem_keeps_its_values() -> None:
    (case, *_) = small_cases({"conv2d": registered("numpy-gemm").claims["conv2d"]})
    less = reduced(case, SIZES[2])
    assert less.problem.work <= SIZES[2]
    assert (less.kind, less.seed) == (case.kind, case.seed)


def test_the_budget_is_shared_by_the_problems() -> None:
    assert aim_for(62, 6, 0.05).seconds == pytest.approx(10)
    assert aim_for(62, 6, 0.05).half_width == pytest.approx(0.05 / 3)
    assert aim_for(3, 6, 0.05).seconds == 1.0


def test_new_processes_have_one_thread_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with _one_thread():
        assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) == ("3", "1")
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_what_is_wrong_when_it_is_timed_fails_twice_before_it_is_said() -> None:
    wrong = Target(f"{TARGETS / 'misbehaving.py'}:nan_conv2d")
    lane = Lane(parse_case("conv2d f32 c4 i8x8 o4 k3x3 values=wide:0"), "numpy-gemm", Target("numpy-gemm"))
    said: list[str] = []
    done = run_race(wrong, [lane], {lane: SAME}, 0.05, 1.0, 0, said.append)
    assert [leg.lane for leg in done.failed] == [lane]
    assert done.verdicts == ()
    assert any("measuring again in new processes" in line for line in said)


def test_a_second_leg_is_of_two_sets_of_processes_and_what_fails_in_one_has_no_ratio() -> None:
    cases = [parse_case(text) for text in ("conv2d f32 c4 i8x8 o4 k3x3 values=wide:0", "conv1d f32 i8 k3 values=wide:0")]
    lanes = [Lane(case, "numpy-gemm", Target("numpy-gemm")) for case in cases]
    said: list[str] = []
    right, refused = run_again(Target(f"{TARGETS / 'base.py'}:conv2d"), lanes, 2.0, 0.5, random.Random(0), said.append)
    assert right.ratio is not None
    assert right.measurement is not None
    assert right.measurement.rounds == len(right.measurement.series[TARGET].times) >= 2 * 12
    assert sum(line.startswith("timing 1 of 2") for line in said) == 2
    assert refused.ratio is None
    assert refused.reason == "the target: conv1d is not claimed"
