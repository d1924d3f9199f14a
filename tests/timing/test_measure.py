"""When measuring ends, what is timed under which conditions, and what is kept when it is stopped."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from conformance.cases.case import parse_case
from conformance.plugin.target import Target
from conformance.timing.conditions import Conditions
from conformance.timing.measure import Aim, Contestant, measure, open_contestant, open_contestants
from tests.conftest import TARGETS

CASE = parse_case("conv2d c2 i8x8 o2 k3x3 values=wide:0")
NEVER = 0.0
"""A half width that no interval has."""


@pytest.fixture(scope="module")
def pair() -> Iterator[dict[str, Contestant]]:
    with ExitStack() as stack:
        yield {name: open_contestant(stack, Target("numpy-gemm"), 1) for name in ("one", "two")}


def test_it_ends_when_all_intervals_are_narrow_enough(pair: dict[str, Contestant]) -> None:
    found = measure(CASE, pair, "one", Aim(half_width=1e9, least=3), random.Random(0))
    assert (found.ended, found.rounds) == ("narrow enough", 3)
    assert found.ratio("two") is not None
    assert found.series["one"].accuracy is not None


def test_it_ends_with_the_rounds_or_with_the_budget(pair: dict[str, Contestant]) -> None:
    assert measure(CASE, pair, "one", Aim(NEVER, 3, 4, 1e9), random.Random(0)).ended == "rounds"
    clock = itertools.count(0, 100).__next__  # every look at it takes 100 s
    spent = measure(CASE, pair, "one", Aim(NEVER, 3, 9, 1.0), random.Random(0), clock=clock)
    assert (spent.ended, spent.rounds) == ("budget", 3)  # but the least number of rounds is made


def test_beyond_the_last_limit_nothing_has_a_time_and_the_reason_says_so(pair: dict[str, Contestant]) -> None:
    clock = itertools.count(0, 100).__next__
    found = measure(CASE, pair, "one", Aim(NEVER, 3, 9, 1.0, limit=1.0), random.Random(0), clock=clock)
    assert found.ended == "budget"
    assert {one.reason for one in found.series.values()} == {"budget: only 1 of at least 3 rounds were made"}
    assert not any(one.times or one.failed for one in found.series.values())


def test_ctrl_c_keeps_what_was_measured_if_it_is_enough(pair: dict[str, Contestant]) -> None:
    def stop_after(rounds: int) -> None:
        def said(line: str) -> None:
            if line == f"round {rounds}":
                raise KeyboardInterrupt

        found.append(measure(CASE, pair, "one", Aim(NEVER, 3), random.Random(0), said=said))

    found: list = []
    stop_after(4)
    stop_after(2)
    assert [one.ended for one in found] == ["interrupted", "interrupted"]
    assert len(found[0].series["one"].times) == 4
    assert found[1].series["one"].times == ()


def test_what_a_call_takes_beside_its_time_is_told(pair: dict[str, Contestant]) -> None:
    case = parse_case("conv2d c8 i64x64 o64 k3x3 values=wide:0")
    found = measure(case, pair, "one", Aim(1e9, 3), random.Random(0), Conditions(1)).series["one"]
    assert found.first_call > 0
    assert found.prepare > 0
    assert found.peak is None or found.peak >= 64 * 62 * 62 * 4  # where the system tells, the result is there at least


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let a process choose its cores")
def test_a_worker_is_kept_to_as_many_cores_as_threads_and_its_pools_are_limited(pair: dict[str, Contestant]) -> None:
    found = measure(CASE, pair, "one", Aim(1e9, 3), random.Random(0), Conditions(1)).series["one"].limited
    assert len(found.cores) == 1
    assert found.trouble == ()
    assert found.pools


def test_cold_calls_are_made_one_a_block(pair: dict[str, Contestant]) -> None:
    found = measure(CASE, pair, "one", Aim(1e9, 3), random.Random(0), Conditions(1, cold=True))
    assert len(found.series["one"].times) == 3


def test_what_is_wrong_has_failed_and_what_does_not_take_part_has_not() -> None:
    with ExitStack() as stack:
        targets = {"gemm": "numpy-gemm", "wrong": f"{TARGETS / 'misbehaving.py'}:nan_conv2d", "fft": "scipy-fft"}
        contestants = {name: open_contestant(stack, Target(text)) for name, text in targets.items()}
        found = measure(
            parse_case("conv2d_weight_grad c2 i8x8 o2 k3x3 values=wide:0"), contestants, "gemm", Aim(1e9, 3), random.Random(0)
        )
        assert found.series["fft"].reason
        assert not found.series["fft"].failed
        again = measure(CASE, contestants, "gemm", Aim(1e9, 3), random.Random(0)).series
        assert again["wrong"].failed
        assert again["wrong"].times == ()
        assert again["gemm"].times


def test_workers_that_start_together_are_processes_of_their_own_even_for_the_same_target() -> None:
    with ExitStack() as stack:
        one, two = open_contestants(stack, 2 * [Target("numpy-gemm")])
        numbers = [each.session.call(_number, limit=10) for each in (one, two)]
        assert len({os.getpid(), *numbers}) == 3


def _number(target: Target) -> int:
    return os.getpid()


def test_two_measurements_are_one_of_all_rounds_and_what_failed_in_one_has_no_time(pair: dict[str, Contestant]) -> None:
    aim = Aim(NEVER, 3, 3)
    first, second = (measure(CASE, pair, "one", aim, random.Random(seed)) for seed in range(2))
    both = first.joined(second)
    assert both.rounds == 6
    for name in pair:
        assert both.series[name].times == first.series[name].times + second.series[name].times
    failed = replace(
        second, series={**second.series, "two": replace(second.series["two"], times=(), reason="wrong", failed=True)}
    )
    for joined in (first.joined(failed), failed.joined(first)):
        assert (joined.series["two"].times, joined.series["two"].reason, joined.series["two"].failed) == ((), "wrong", True)
        assert joined.ratio("two") is None
