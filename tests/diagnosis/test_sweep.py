"""A sweep changes one thing at a time, keeps to valid problems, and passes the thresholds of kernels."""

from __future__ import annotations

import pytest

from conformance.cases.case import parse_case
from conformance.diagnosis.sweep import TELLING, grown, simplifications, sweeps
from conformance.problem.validity import is_valid

TEXTS = (
    "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias values=ones:0",
    "conv1d f64 n1 c1 i9 o1 k4 same",
    "conv_transpose1d f32 n1 c2 i4 o2 k3 s2 op1",
    "max_pool3d f32 n1 c5 i2x2x2 k1x1x1",
    "adaptive_avg_pool1d f32 n2 c3 i4 to2",
)


@pytest.mark.parametrize("text", TEXTS)
def test_every_case_is_valid_new_and_of_the_same_operator(text: str) -> None:
    case = parse_case(text)
    made = [one.problem for knob in sweeps(case, ("float32", "float64")) for one in knob]
    assert len(set(made)) == len(made) > 60
    assert case.problem not in made
    assert all(is_valid(one) and one.operator == case.problem.operator for one in made)


def test_a_batch_runs_through_numbers_beside_itself_and_beyond_thresholds() -> None:
    case = parse_case("conv2d f32 n5 c1 i1x1 o1 k1x1")
    batch = [one.problem.batch for one in sweeps(case, ("float32",))[0]]
    assert {4, 6, 16} <= set(batch[:TELLING])
    assert {8, 9, 17, 32, 33, 65} <= set(batch)


def test_values_that_are_nearly_alike_become_integers() -> None:
    assert {one.kind for knob in sweeps(parse_case(TEXTS[0]), ("float32",)) for one in knob} == {"integers"}


def test_a_rule_that_pads_goes_on_to_hold_for_another_kernel() -> None:
    made = [one.problem for knob in sweeps(parse_case(TEXTS[1]), ("float64",)) for one in knob]
    ruled = {one.kernel[0]: one for one in made if one.auto_pad == "same" and one.kernel[0] != 4}
    assert all(sum(one.padding[0]) == kernel - 1 for kernel, one in ruled.items() if one.windows[0].size == 9)
    assert {1, 2, 5} <= set(ruled)


@pytest.mark.parametrize("text", TEXTS)
def test_richer_problems_have_more_and_simpler_ones_less(text: str) -> None:
    problem = parse_case(text).problem
    assert all(one.work >= problem.work for one in grown(problem) if is_valid(one))
    assert any(is_valid(change(problem)) for change in simplifications(problem))
    assert all(change(change(problem)) == change(problem) for change in simplifications(problem))
