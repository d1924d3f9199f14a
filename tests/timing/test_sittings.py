"""A bench measures everything in several sets of processes, and keeps what one of them has measured when there is no other."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from conformance.cases.case import parse_case
from conformance.plugin.target import Target
from conformance.timing import sittings
from conformance.timing.bench import Bench, Plan, load
from conformance.timing.compare import Workload
from conformance.timing.conditions import Conditions
from conformance.timing.measure import Measurement, Series
from conformance.timing.roofline import Rates, Roof
from conformance.timing.sittings import run
from tests.conftest import TARGETS

CASE = parse_case("conv2d c2 i8x8 o2 k3x3 values=wide:0")
WORKLOADS = [Workload(name, CASE) for name in ("first", "second")]


def benched(targets: dict[str, str], said: list[str], stop_at: str = "never", half_width: float = 1e9) -> Bench:
    """Two workloads on ``targets``; Ctrl-C comes when ``stop_at`` is begun."""
    bench = Bench()
    plan = Plan(WORKLOADS, [Conditions(1)], next(iter(targets)), 60.0, 0.05, 0, time.monotonic(), half_width=half_width, most=7)

    def tell(text: str, done: int, total: int) -> None:
        said.append(f"{done} of {total}: {text}")
        if text == stop_at:
            raise KeyboardInterrupt

    with ExitStack() as stack:
        load(bench, stack, {name: Target(text) for name, text in targets.items()}, plan.conditions)
        run(bench, plan, stack, tell)
    return bench


def test_every_problem_is_measured_in_three_sets_of_processes() -> None:
    said: list[str] = []
    bench = benched({"one": "numpy-gemm", "two": "numpy-gemm"}, said)
    assert [entry.workload.name for entry in bench.entries] == ["first", "second"]
    for entry in bench.entries:
        assert entry.measurement.sittings == (7, 7, 7)
        assert {len(one.times) for one in entry.measurement.series.values()} == {21}
        assert entry.measurement.ratio("two") is not None
    assert [line for line in said if "roofline" not in line] == [
        "0 of 6: first", "1 of 6: second", "2 of 6: first, in new processes", "3 of 6: second, in new processes",
        "4 of 6: first, in new processes", "5 of 6: second, in new processes",
    ]  # fmt: skip


def test_where_intervals_stay_wide_there_are_more_sets_of_processes_up_to_eight() -> None:
    bench = benched({"one": "numpy-gemm", "two": "numpy-gemm"}, [], half_width=1e-9)
    assert [entry.measurement.sittings for entry in bench.entries] == [(7,) * 8] * 2
    assert bench.between(Conditions(1)).degrees == 2 * 7


def test_what_is_between_sets_of_processes_is_in_every_interval_also_of_what_was_measured_in_one() -> None:
    bench = benched(dict.fromkeys(("one", "two"), "numpy-gemm"), [], stop_at="second, in new processes")
    between = bench.between(Conditions(1))
    assert between.degrees == 1
    for entry in bench.entries:
        alone, wider = entry.measurement.ratio("two"), entry.measurement.ratio("two", between)
        assert alone is not None
        assert wider is not None
        assert wider.half_width > alone.half_width


def test_times_that_the_machine_cannot_reach_are_refused_after_three_more_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    def slow_machine(session: object, conditions: Conditions, seconds: float) -> Roof:
        looks.append(seconds)
        rates = {2**16: Rates(1.0, 0.0)}
        return Roof(conditions, {"float32": Rates(1.0, 0.0)}, rates, rates)

    monkeypatch.setattr(sittings, "measure_roof", slow_machine)
    bench = benched({"one": "numpy-gemm"}, [])
    assert [reason.split(":")[0] for _, _, reason in bench.failures] == ["faster than the roofline"] * 2
    assert not bench.timed
    assert looks.count(2.0) == 2 * 3


def test_what_has_no_time_is_not_tried_again_and_keeps_its_reason() -> None:
    said: list[str] = []
    bench = benched({"one": "numpy-gemm", "wrong": f"{TARGETS / 'misbehaving.py'}:nan_conv2d"}, said)
    for entry in bench.entries:
        assert len(entry.measurement.series["one"].times) == 21
        assert entry.measurement.series["wrong"].failed
        assert entry.measurement.series["wrong"].reason.startswith("wrong")


def test_ctrl_c_in_the_second_sitting_keeps_the_first() -> None:
    bench = benched(dict.fromkeys(("one", "two"), "numpy-gemm"), [], stop_at="second, in new processes")
    assert bench.interrupted
    assert bench.left_out == []
    assert [entry.measurement.sittings for entry in bench.entries] == [(7, 7), ()]
    assert all(len(entry.measurement.series["two"].times) >= 7 for entry in bench.entries)


@pytest.mark.parametrize(("second", "wider"), [(1.0, False), (1.1, True)])
def test_sets_of_processes_that_differ_make_the_interval_as_wide_as_that(second: float, wider: bool) -> None:
    rounds = [1 + 0.001 * (number % 5) for number in range(20)]
    base = Series(times=tuple([1.0] * 40))
    own = Series(times=tuple(rounds) + tuple(second * one for one in rounds))
    ratio = Measurement(CASE, "base", {"base": base, "own": own}, "rounds", 40, 1.0, (20, 20)).ratio("own")
    assert ratio is not None
    assert (ratio.half_width > 0.05) is wider
    assert ratio.low < (1 + second) / 2 < ratio.high or not wider
