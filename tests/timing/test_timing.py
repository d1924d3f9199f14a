"""Ratios, verdicts, and that what is timed is judged and foreseen. Nothing here asserts a time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.plugin.target import Target, command_text
from conformance.problem import parse_problem
from conformance.timing.block import smaller
from conformance.timing.compare import Workload, compare
from conformance.timing.statistics import Ratio, paired_ratio
from conformance.timing.workloads import of_network, representative
from tests.conftest import TARGETS
from tests.targets.native import HERE, build


def test_the_ratio_of_a_series_to_twice_itself_is_one_half() -> None:
    times = np.random.default_rng(0).uniform(1, 2, 20)
    ratio = paired_ratio(times, 2 * times)
    assert ratio.value == pytest.approx(0.5)
    assert ratio.low == pytest.approx(ratio.high)


def test_pairing_cancels_what_slows_a_whole_round() -> None:
    rounds = np.random.default_rng(0).uniform(1, 10, 20)
    assert paired_ratio(1.1 * rounds, rounds).high == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.5, 0.6, "FASTER"), (1.2, 1.3, "SLOWER"), (0.97, 1.03, "SAME"), (0.9, 1.1, "INCONCLUSIVE"), (1.0, 1.2, "INCONCLUSIVE")],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(low: float, high: float, verdict: str) -> None:
    assert Ratio((low + high) / 2, low, high).verdict(0.05) == verdict


@pytest.mark.parametrize("workload", representative(), ids=lambda workload: workload.name)
def test_a_smaller_problem_is_valid_and_of_the_same_kind(workload: object) -> None:
    problem = workload.case.problem  # type: ignore[attr-defined]
    less = smaller(problem, 20_000)
    assert less.work < problem.work
    assert (less.operator, less.kernel, less.stride) == (problem.operator, problem.kernel, problem.stride)
    assert parse_problem(str(less)) == less


def test_a_program_is_timed_beside_others_and_what_it_does_not_support_has_its_reason() -> None:
    sizes = {"small": "i8x8", "large": "i900x900"}
    workloads = [Workload(name, parse_case(f"conv2d c4 {size} o4 k3x3 values=wide:0")) for name, size in sizes.items()]
    program = Target(command_text([sys.executable, str(TARGETS / "programs" / "plain.py")]))
    unsupported = Target(command_text([sys.executable, str(TARGETS / "programs" / "broken.py"), "unsupported"]))
    targets = {"gemm": Target("numpy-gemm"), "program": program, "none": unsupported}
    small, large = compare(targets, workloads, "gemm", lambda line: None)
    assert small["program"].timing.seconds
    assert small["program"].timing.ratio
    assert "would take about" in large["program"].timing.reason
    (plain,) = compare({"none": unsupported}, [Workload("plain", parse_case("conv2d i8x8 k1x1"))], "none", lambda line: None)
    assert plain["none"].timing.reason == "not on a Sunday"


def test_implementations_are_timed_side_by_side_and_what_is_wrong_or_slow_gets_no_time() -> None:
    workloads = [one for one in of_network("mobilenet-v2") if one.name.endswith("block17.project")]
    targets = {
        "gemm": Target("numpy-gemm"),
        "loops": Target(f"{TARGETS / 'textbook.py'}:corr2d_multi_in_out"),
        "wrong": Target(f"{TARGETS / 'misbehaving.py'}:nan_conv2d"),
    }
    (measured,) = compare(targets, workloads, "gemm", lambda line: None)
    timings = {name: one.timing for name, one in measured.items()}
    assert timings["gemm"].verdict == "REFERENCE"
    assert timings["gemm"].seconds
    assert "would take about" in timings["loops"].reason
    assert timings["wrong"].reason.startswith("wrong")
    assert timings["wrong"].seconds is None


def test_libraries_are_timed_beside_others_and_what_they_refuse_or_write_beside_gets_no_time(tmp_path: Path) -> None:
    workloads = [one for one in of_network("mobilenet-v2") if one.name.endswith("block17.project")]
    broken = {
        how: build(HERE / "broken.c", tmp_path, f"-D{how}", '-DCLAIMS="conv2d; float32; per_axis"', name=how.lower())
        for how in ("REFUSES", "WRITES_BEHIND")
    }
    targets = {"gemm": Target("numpy-gemm"), "plain": Target(build(HERE / "plain.c", tmp_path, "-O2"))}
    (measured,) = compare(targets | {how: Target(path) for how, path in broken.items()}, workloads, "gemm", lambda line: None)
    timings = {name: one.timing for name, one in measured.items()}
    assert timings["plain"].seconds
    assert timings["REFUSES"].reason == "answered NOT_SUPPORTED: never"
    assert timings["WRITES_BEHIND"].reason.startswith("wrote behind its output")
