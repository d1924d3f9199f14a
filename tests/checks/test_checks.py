"""The checks themselves: each can fail, and says where."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.checks import CHECKS, ROUNDS, accuracy, layout
from conformance.checks.base import excess_of
from conformance.checks.receptive import sees
from conformance.plugin.claims import Claims
from conformance.plugin.job import Reply
from conformance.problem import parse_problem
from conformance.reference.definition import define
from conformance.reference.oracle import solve

CASES = ["conv2d n2 c4 i7x6 o4 k3x2 s1x2 p1x1 d2x1 g2 bias values=integers:1",
         "avg_pool2d n2 c2 i7x6 k2x2 s2x2 p1x1 values=integers:1",
         "max_pool2d n2 c2 i7x6 k3x2 s2x2 p1x1 values=integers:1",
         "conv2d_input_grad n2 c4 i7x6 o4 k3x2 s1x2 p1x1 d2x1 g2 values=integers:1",
         "conv2d_weight_grad f16 n2 c4 i7x6 o4 k3x2 s1x2 p1x1 reflect values=integers:1",
         "conv2d complex64 n2 c4 i7x6 o4 k3x2 s1x2 p1x1 values=integers:1",
         "conv2d int32 n2 c4 i7x6 o4 k3x2 s1x2 p1x1 values=integers:1",
         "conv_transpose2d n2 c4 i5x4 o4 k3x2 s2x2 p1x1 op1x0 g2 bias values=integers:1",
         "conv_integer2d uint8>int8 n2 c3 i7x6 o4 k3x2 p1x1 values=integers:1",
         "max_pool2d_input_grad n2 c2 i7x6 k3x2 s2x2 p1x1 values=ties:1",
         "avg_pool2d_input_grad n2 c2 i7x6 k2x2 s2x2 p1x1 values=integers:1",
         "lp_pool2d n2 c2 i7x6 k2x2 s2x2 norm2.5 values=integers:1",
         "adaptive_avg_pool2d n2 c2 i7x6 to3x4 values=integers:1",
         "max_unpool2d n2 c2 i8x6 k2x2 s2x2 values=integers:1"]  # fmt: skip


_SAY_NOTHING_OF_SOME = (
    "algebra", "special", "state.bias", "state.parameters", "state.repeat", "accuracy", "receptive", "layout.broadcast",
    "rejection", "huge",
)  # fmt: skip
_NAMES = [check.name for check in (*ROUNDS, accuracy.ALL_KINDS, *layout.GROUPS)]


def right(call) -> Reply:  # type: ignore[no-untyped-def]
    y = solve(call.problem, call.arrays).y
    return Reply((y.astype(call.problem.result_format.numpy),))


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("name", _NAMES)
def test_a_check_passes_the_truth_and_fails_a_shifted_one(name: str, text: str) -> None:
    case, check = parse_case(text), CHECKS[name]
    calls = check.calls(case)
    if not calls:
        assert name.startswith(_SAY_NOTHING_OF_SOME)
        return
    replies = [right(call) for call in calls]
    passed = check.judge(case, Claims(), calls, replies)
    assert passed.failure is None, passed.failure
    assert passed.elements > 0
    if name == "state.empty":
        return  # it has nothing to shift
    last = replies[-1].outputs[0]
    shifted = np.where(np.isfinite(last), np.roll(last, 1) + 1, 0).astype(last.dtype)  # Inf plus 1 would be Inf
    wrong = [*replies[:-1], Reply((shifted,))]
    failed = check.judge(case, Claims(), calls, wrong)
    assert failed.failure is not None
    assert failed.failure.index is not None or name == "algebra.adjoint"  # which compares sums over all elements


def test_what_an_output_sees_is_what_the_definition_reads() -> None:
    problem = parse_problem("conv2d n2 c4 i5x4 o4 k2x2 s2x1 p1x0 d2x1 g2")
    ones = {name: np.ones(shape, dtype=object) for name, shape in problem.array_shapes.items()}
    for at in np.ndindex(*problem.input_shape):
        changed = {**ones, "x": ones["x"].copy()}
        changed["x"][at] = 5
        differs = define(problem, changed)[0] != define(problem, ones)[0]
        assert (sees(problem, at) == differs).all()


@pytest.mark.parametrize(
    ("actual", "y", "excess"),
    [(1.0, 1.0, 0), (np.nan, np.nan, 0), (np.inf, np.inf, 0), (np.inf, -np.inf, np.inf), (1.0, np.nan, np.inf),
     (np.nan, 1.0, np.inf),
     (1.5, 1.0, np.inf)],
)  # fmt: skip
def test_non_finite_results_must_be_the_same_ones(actual: float, y: float, excess: float) -> None:
    arrays = [np.array([value]) for value in (actual, y, 0.0, 0.0)]
    assert excess_of(*arrays)[0] == excess


def test_an_error_below_the_last_place_of_the_truth_is_one() -> None:
    y, low = np.array([1.0, 1.0]), np.array([0.0, 2.0**-60])
    assert excess_of(y, y, low, np.full(2, 2.0**-61)).tolist() == [0, 2]


@pytest.mark.parametrize("text", ["max_pool2d n1 c2 i6x5 k2x2 indices values=ties:1"])
def test_indices_are_judged(text: str) -> None:
    case = parse_case(text)
    (call,) = CHECKS["exact"].calls(case)
    truth = solve(case.problem, case.arrays())
    assert truth.indices is not None
    outputs = truth.y.astype(np.float32)
    assert CHECKS["exact"].judge(case, Claims(), [call], [Reply((outputs, truth.indices))]).failure is None
    failure = CHECKS["exact"].judge(case, Claims(), [call], [Reply((outputs, truth.indices + 1))]).failure
    assert failure is not None
    assert failure.kind == "wrong index"
