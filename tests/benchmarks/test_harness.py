"""What the harness itself costs: run by ``tox run -e bench``, never asserted."""

from __future__ import annotations

import shlex
import statistics
import sys
import time
from typing import Any

import numpy as np
import pytest

from conformance.cases.case import Case, parse_case
from conformance.cases.covering import covering
from conformance.cases.networks import network_named
from conformance.cases.strategies import draw_cases
from conformance.checks import CHECKS
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.job import Call, Job, Reply
from conformance.plugin.program import Program
from conformance.plugin.registry import registered
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, parse_problem
from conformance.reference.oracle import solve
from conformance.report.terminal import time_spent
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from conformance.running.session import Session
from tests.conftest import TARGETS

SMALL = parse_problem("conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_oracle_on_a_small_problem(benchmark: Any, dtype: str) -> None:
    case = Case(SMALL.replace(dtype=dtype), "wide")
    benchmark(solve, case.problem, case.arrays())


@pytest.mark.parametrize("label", ["conv1", "layer1.0.conv2", "layer1.0.conv3"])
def test_oracle_on_a_layer_of_resnet_50(benchmark: Any, label: str) -> None:
    (layer,) = (layer for layer in network_named("resnet-50").layers if layer.label == label)
    case = Case(layer.problem, "wide")
    benchmark(solve, case.problem, case.arrays())


@pytest.mark.parametrize("layer", network_named("resnet-50").layers, ids=lambda layer: layer.label)
def test_oracle_in_times_of_torch_on_resnet_50(benchmark: Any, layer: Any) -> None:
    """Interleaved in one run; the wanted ratio is below 20, so that whole networks can be judged exactly."""
    pytest.importorskip("torch")
    case = Case(layer.problem, "integers")
    arrays = case.arrays()
    call = registered("torch-cpu").prepare(case.problem, arrays)
    call()
    ratios = []

    def both() -> None:
        times = [time.perf_counter()]
        for function in (call, call, lambda: solve(case.problem, arrays)):  # the first one warms the caches
            function()
            times.append(time.perf_counter())
        ratios.append((times[3] - times[2]) / (times[2] - times[1]))

    benchmark.pedantic(both, rounds=3)
    benchmark.extra_info["oracle / torch"] = round(statistics.median(ratios), 1)
    print(f"{layer.label}: the oracle takes {statistics.median(ratios):.1f} times torch's float32 convolution")  # noqa: T201


def test_making_the_values_of_a_case(benchmark: Any) -> None:
    benchmark(Case(SMALL).arrays)


def test_covering_set_of_conv2d(benchmark: Any) -> None:
    claims = Claims(options=options_of(OPERATORS["conv2d"]))
    benchmark.pedantic(lambda: list(covering("conv2d", claims, 0)), rounds=3)


def test_a_hundred_random_cases(benchmark: Any) -> None:
    claims = Claims(options=options_of(OPERATORS["conv2d"]))
    benchmark.pedantic(lambda: list(draw_cases("conv2d", claims, 100, 0)), rounds=3)


def test_judging_one_case(benchmark: Any) -> None:
    case = Case(SMALL)
    call = Call(SMALL, case.arrays())
    reply = Reply((solve(SMALL, call.arrays).y.astype(np.float32),))
    benchmark(CHECKS["exact"].judge, case, Claims(), [call], [reply])


def test_one_call_through_a_worker(benchmark: Any) -> None:
    """What isolation costs is what is left without the time inside the implementation; wanted are less than 0.3 ms."""
    job = Job((Call(SMALL, Case(SMALL).arrays()),))
    costs: list[float] = []
    with Session(Target("numpy-gemm")) as session:
        session.describe()

        def one() -> None:
            began = time.perf_counter()
            (reply,) = session.submit(job).result()
            costs.append(time.perf_counter() - began - reply.seconds)

        benchmark.pedantic(one, rounds=2000, warmup_rounds=100)  # the first calls are followed by a look at whether it rests
    benchmark.extra_info["isolation, ms"] = round(1000 * statistics.median(costs), 3)
    print(f"isolation costs {1000 * statistics.median(costs):.3f} ms a small call")  # noqa: T201


@pytest.mark.parametrize("mebibytes", [1, 4, 16, 64])
def test_moving_a_tensor_to_a_worker_and_back(benchmark: Any, mebibytes: int) -> None:
    tensor = np.ones(mebibytes * 2**18, np.float32)
    with Session(Target("numpy-gemm")) as session:
        session.describe()
        benchmark(lambda: session.call(_given_back, tensor, limit=10))


def _given_back(target: Target, tensor: np.ndarray) -> np.ndarray:
    return tensor


ASKED = ("conv2d", "max_pool2d")


def test_the_harness_s_share_of_a_check_of_torch(benchmark: Any) -> None:
    """The share of the time that passes outside the implementation, two operators in the quick profile; wanted is 30 %."""
    pytest.importorskip("torch")
    result = benchmark.pedantic(lambda: Run(Target("torch-cpu"), Options(PROFILES["quick"], ASKED)).execute(), rounds=1)
    print(time_spent(result))  # noqa: T201


ECHO = f"-- {shlex.join([sys.executable, str(TARGETS / 'programs' / 'echo.py')])}"
"""Gives its input back: what is left is the cost of asking a program."""


@pytest.mark.parametrize("size", [4, 256, 1024, 4096])
def test_one_call_of_a_program(benchmark: Any, size: int) -> None:
    """Up to 256 x 256 numbers through pipes, more through shared memory."""
    case = parse_case(f"conv2d f32 i{size}x{size} k1x1 values=ones:0")
    program = Program(shlex.split(ECHO)[1:])
    try:
        bare = program.prepare(case.problem, case.arrays())
        assert np.array_equal(program.fetch(bare())[0], case.arrays()["x"])
        benchmark(bare)
    finally:
        program.close()


@pytest.mark.parametrize("size", [4, 1024])
def test_one_call_of_a_program_through_a_worker(benchmark: Any, size: int) -> None:
    case = parse_case(f"conv2d f32 i{size}x{size} k1x1")
    job = Job((Call(case.problem, case.arrays()),))
    with Session(Target(ECHO)) as session:
        session.describe()
        benchmark(lambda: session.submit(job).result())


def test_quick_check_of_a_right_function(benchmark: Any) -> None:
    target, options = Target(f"{TARGETS / 'base.py'}:conv2d"), Options(PROFILES["quick"])
    benchmark.pedantic(lambda: Run(target, options).execute(), rounds=1)


def test_check_of_a_broken_function(benchmark: Any) -> None:
    target, options = Target(f"{TARGETS / 'wrong_stride.py'}:conv2d"), Options(PROFILES["quick"])
    benchmark.pedantic(lambda: Run(target, options).execute(), rounds=3)
