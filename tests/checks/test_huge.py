"""Indices beyond 31 bits, at sizes that a test can afford: what is looked at, and that a wrapped index is found out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.cases.case import Case, parse_case
from conformance.cases.extremes import huge_cases
from conformance.cases.periodic import PERIOD, cut, one_period
from conformance.checks import CHECKS
from conformance.checks.huge import parts_of, small_call
from conformance.plugin import Implementation
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.implementation import as_arrays
from conformance.plugin.job import Job
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, Problem, parse_problem
from conformance.running.memory import available, too_large
from conformance.running.plan import plan
from conformance.running.profile import PROFILES
from conformance.running.session import Session
from conformance.running.worker import perform
from implementations.numpy_gemm import NumpyGemm

BEYOND = 2**18
CLAIMS = {name: Claims(operator.traits.dtypes, options_of(operator)) for name, operator in OPERATORS.items()}
CASES = [case for name in OPERATORS for case in huge_cases(name, CLAIMS[name], BEYOND)]
HUGE = CHECKS["huge"]


class Wraps(Implementation):
    """Right but for results whose flat index, of inputs or of results, passes a limit: they are those at the index less it."""

    name, summary = "wraps", "indices of too few bits"
    limit, of_results = 0, True

    @property
    def claims(self) -> dict[str, Claims]:
        return CLAIMS

    def prepare(self, problem: Problem, arrays: Any) -> Callable[[], Any]:
        right = NumpyGemm().prepare(problem, arrays)

        def call() -> Any:
            outputs = as_arrays(right())
            if not self.limit:
                return outputs
            flat = np.arange(outputs[0].size)
            every = 1 if self.of_results else problem.stride[-1]
            wrapped = np.where(flat * every >= self.limit, flat - self.limit // every, flat)
            return tuple(part.reshape(-1)[wrapped].reshape(part.shape) for part in outputs)

        return call


WRAPS = Wraps()


def judged(case: Case, limit: int, of_results: bool) -> Any:
    WRAPS.limit, WRAPS.of_results = limit, of_results
    calls = HUGE.calls(case)
    replies = perform(Target(f"{__name__}:WRAPS"), Job(calls))
    return HUGE.judge(case, CLAIMS[case.problem.operator], calls, replies)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_right_result_passes_and_a_wrapped_one_fails(case: Case) -> None:
    right = judged(case, 0, True)
    assert right.failure is None, right.failure
    assert right.elements > 1000
    of_results = np.prod(case.problem.output_shape) > BEYOND
    wrong = judged(case, BEYOND, of_results).failure
    assert wrong is not None
    assert wrong.kind in ("wrong value", "wrong index")


def test_a_wrong_index_of_a_maximum_is_found_out_though_the_maximum_is_right() -> None:
    (case,) = huge_cases("max_pool1d", CLAIMS["max_pool1d"], BEYOND)
    (call,) = calls = HUGE.calls(case)
    (reply,) = perform(Target(f"{__name__}:WRAPS"), Job(calls))
    wrong = dataclasses.replace(reply, outputs=(reply.outputs[0], reply.outputs[1] & (BEYOND - 1)))
    failure = HUGE.judge(case, CLAIMS["max_pool1d"], [call], [wrong]).failure
    assert failure is not None
    assert failure.kind == "wrong index"
    assert failure.index is not None
    assert failure.index[-1] * case.problem.stride[-1] >= BEYOND - case.problem.kernel[-1]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_parts_hold_both_ends_and_every_power_of_two_and_stay_in_a_row(case: Case) -> None:
    parts, problem = parts_of(case.problem), case.problem
    row, size = problem.output_shape[-1], int(np.prod(problem.output_shape))
    looked_at = np.zeros(size, bool)
    for first, end in parts:
        assert first // row == (end - 1) // row
        looked_at[first:end] = True
    assert looked_at[0]
    assert looked_at[-1]
    powers = [2**bits for bits in range(8, 40) if 2**bits < size]
    assert looked_at[powers].all()
    if problem.channels == 1 and problem.out_channels == 1:
        assert looked_at[[2**bits // problem.stride[-1] for bits in range(8, 40) if 2**bits < problem.windows[-1].size]].all()


def test_a_part_of_the_outputs_is_the_result_of_a_small_problem() -> None:
    case = parse_case("conv1d f32 c2 i5000 o3 k4 s3 values=periodic:1")
    (call,) = HUGE.calls(case)
    whole = NumpyGemm().prepare(case.problem, case.arrays())()
    for first in (0, 1700, 2 * whole.shape[-1] + 5):
        small, begin = small_call(call, first, 20)
        part = NumpyGemm().prepare(small.problem, small.arrays)()
        assert (part.reshape(-1) == whole.reshape(-1)[first : first + 20]).all()
        assert begin == first % whole.shape[-1] * 3


def test_a_period_says_what_the_whole_tensor_holds() -> None:
    problem = parse_problem("conv1d f16 i200000 o2 k3")
    period, whole = one_period(problem, "7"), Case(problem, "periodic", "7").arrays()
    assert len(period["x"]) == PERIOD
    assert (cut(period["x"], 150_000, 1000) == whole["x"].reshape(-1)[150_000:151_000]).all()
    assert (whole["x"] != 0).all()


def test_only_on_request_and_beyond_31_bits() -> None:
    asked = dataclasses.replace(PROFILES["brief"], huge=True)
    trials = [trial for trial in plan("max_pool2d", CLAIMS, asked, 0) if trial.check is HUGE]
    (trial,) = trials
    assert trial.case.problem.windows[-1].size > 2**31
    assert trial.limit is not None
    assert trial.limit > 60
    assert trial.memory > 2**32
    assert not [trial for trial in plan("max_pool2d", CLAIMS, PROFILES["brief"], 0) if trial.check is HUGE]
    conv = [case.problem for case in huge_cases("conv1d", CLAIMS["conv1d"])]
    assert [np.prod(problem.input_shape) > 2**31 or np.prod(problem.output_shape) > 2**31 for problem in conv] == [True, True]


def test_what_memory_does_not_hold_is_not_tried(tmp_path: Any) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n", encoding="ascii")
    assert available(file, tmp_path) == 2 * 2**20
    assert available(tmp_path / "none", tmp_path) is None
    assert too_large(2**60).startswith("needs about 1073741824 GiB")
    assert too_large(2**20) == ""


def test_a_worker_makes_the_tensors_and_hands_back_the_parts() -> None:
    (case,) = huge_cases("max_pool1d", CLAIMS["max_pool1d"], BEYOND)
    calls = HUGE.calls(case)
    assert calls[0].arrays["x"].size == PERIOD
    with Session(Target("numpy-gemm")) as session:
        session.describe()
        (reply,) = session.submit(Job(calls)).result()
    assert reply.whole == (case.problem.output_shape,) * 2
    assert HUGE.judge(case, CLAIMS["max_pool1d"], calls, [reply]).failure is None
