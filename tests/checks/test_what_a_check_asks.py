"""What checks ask that an implementation could get wrong unseen: another order, the other factor, zeros of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.cases.case import Case, parse_case
from conformance.cases.strategies import cases
from conformance.checks import CHECKS
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.layouts import LAYOUTS
from conformance.problem import OPERATORS
from conformance.problem.validity import is_valid
from conformance.running.plan import plan
from conformance.running.profile import PROFILES

CONV = "conv2d n2 c4 i7x6 o4 k3x2 p1x1 values=integers:1"


def test_the_same_numbers_come_in_another_order() -> None:
    first, _, third, fourth = CHECKS["state.fresh"].calls(parse_case(CONV))
    assert (third.arrays["x"] == first.arrays["x"]).all()
    assert (fourth.arrays["x"] != first.arrays["x"]).any()
    assert (np.sort(fourth.arrays["x"], axis=None) == np.sort(first.arrays["x"], axis=None)).all()
    assert (fourth.arrays["w"] == third.arrays["w"]).all()


@pytest.mark.parametrize("operator", ["conv2d", "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d"])
def test_either_factor_of_a_product_is_subnormal(operator: str) -> None:
    calls = CHECKS["special.subnormal"].calls(parse_case(CONV.replace("conv2d", operator)))
    tiny = np.finfo(np.float32).tiny
    small = [[name for name, array in call.arrays.items() if (np.abs(array) < tiny).all()] for call in calls]
    assert small == [[name] for name in calls[0].arrays]


def test_a_border_of_zeros_of_its_own_is_asked_for_with_padding_that_counts_and_not() -> None:
    counted, excluded = CHECKS["algebra.zeros"].calls(parse_case("avg_pool2d n2 c2 i7x6 k2x2 s2x2 p1x1 values=integers:1"))
    assert (counted.problem.count_include_pad, excluded.problem.count_include_pad) == (True, False)
    assert not any(map(any, excluded.problem.padding))
    x = excluded.arrays["x"]
    assert x.shape[2:] == (9, 8)
    assert not x[:, :, 0].any()
    assert not x[..., -1].any()
    assert x.any()


@pytest.mark.parametrize("operator", ["conv2d", "conv_transpose2d_input_grad", "max_pool3d", "adaptive_avg_pool2d"])
def test_every_layout_is_tried_with_an_axis_and_with_a_channel_whose_stride_says_nothing(operator: str) -> None:
    op = OPERATORS[operator]
    trials = list(plan(operator, {operator: Claims(("float32",), options_of(op))}, PROFILES["quick"], 0))
    for name in (f"layout.{layout}" for layout in LAYOUTS if layout != "broadcast"):
        problems = [trial.case.problem for trial in trials if trial.check.name == name]
        assert any(p.input_shape[2] == 1 and p.batch * p.channels > 1 for p in problems), name
        assert any(p.channels == 1 and p.batch * p.input_shape[-1] > 1 for p in problems), name


@given(cases())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_asked_of_a_case_is_valid_unless_the_check_is_about_refusal(case: Case) -> None:
    asked = [(check.name, call) for check in CHECKS.values() for call in check.calls(case)]
    assert [(name, str(call.problem)) for name, call in asked if not call.invalid and not is_valid(call.problem)] == []


@given(st.data(), st.sampled_from(sorted(OPERATORS)))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_check_asks_nothing_of_what_it_does_not_apply_to(data: st.DataObject, operator: str) -> None:
    op = OPERATORS[operator]
    case = data.draw(cases(operator, Claims(op.traits.dtypes, options_of(op))))
    asked = {name for name, check in CHECKS.items() if check.calls(case)}
    assert asked <= {name for name, check in CHECKS.items() if check.applies(op) and check.applies(op, case.problem.dtype)}


def test_a_check_applies_to_no_operator_of_which_it_never_says_anything() -> None:
    assert not CHECKS["accuracy"].applies(OPERATORS["max_pool2d"])  # what selects rounds nothing
    assert not CHECKS["special.nan"].applies(OPERATORS["conv2d"], "complex64")
    assert not CHECKS["special.lowest"].applies(OPERATORS["conv2d"])
    assert not CHECKS["algebra.linear_weight"].applies(OPERATORS["conv2d_input_grad"])
    assert all(CHECKS[name].applies(OPERATORS["conv2d"], "float32") for name in ("accuracy", "special.nan", "state.bias"))


def test_a_border_of_zeros_is_as_wide_as_a_kernel_longer_than_the_input_needs() -> None:
    counted, _ = CHECKS["algebra.zeros"].calls(parse_case("avg_pool1d n1 c1 i1 k7 p3 values=integers:1"))
    assert counted.arrays["x"].shape == (1, 1, 7)


def test_the_infinite_norm_has_no_gradient_that_it_could_be_tied_to() -> None:
    assert CHECKS["algebra.adjoint"].calls(parse_case("lp_pool1d n1 c1 i5 k2 norminf values=integers:1")) == ()
