"""The checks themselves: each can fail, and says where."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.checks import CHECKS
from conformance.checks.base import excess_of
from conformance.checks.receptive import sees
from conformance.plugin.claims import Claims
from conformance.plugin.job import Reply
from conformance.problem import parse_problem
from conformance.reference.definition import define
from conformance.reference.oracle import solve

CASES = ["conv2d n2 c4 i7x6 o4 k3x2 s1x2 p1x1 d2x1 g2 bias values=integers:1",
         "avg_pool2d n2 c2 i7x6 k2x2 s2x2 p1x1 values=integers:1",
         "max_pool2d n2 c2 i7x6 k3x2 s2x2 p1x1 values=integers:1"]  # fmt: skip


def right(call) -> Reply:  # type: ignore[no-untyped-def]
    y = solve(call.problem, call.arrays).y
    return Reply((y.astype(call.problem.format.numpy),))


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("name", CHECKS)
def test_a_check_passes_the_truth_and_fails_a_shifted_one(name: str, text: str) -> None:
    case, check = parse_case(text), CHECKS[name]
    calls = check.calls(case)
    if not calls:
        assert name.startswith(("algebra", "special.lowest", "state.bias", "state.parameters"))
        return
    replies = [right(call) for call in calls]
    passed = check.judge(case, Claims(), calls, replies)
    assert passed.failure is None, passed.failure
    assert passed.elements > 0
    wrong = [*replies[:-1], Reply((np.roll(replies[-1].outputs[0], 1) + 1,))]
    failed = check.judge(case, Claims(), calls, wrong)
    assert failed.failure is not None
    assert failed.failure.index is not None


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
