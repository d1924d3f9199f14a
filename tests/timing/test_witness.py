"""Which times are believed: each rule on rounds that are made for it, and the data that timed calls get."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.checks.base import Failure, Judgement
from conformance.cli.self_test import kept_busy
from conformance.plugin.job import Call, Reply
from conformance.problem import parse_problem
from conformance.report.environment import available_cores
from conformance.timing import witness
from conformance.timing.block import data_number
from conformance.timing.fresh import rolled, varied
from conformance.timing.witness import BLOCK, MARGIN, Round, calls_for, disbelief, thinned

CASE = Case(parse_problem("conv2d f32 n1 c2 i8x8 o2 k3x3"), "wide")
OUTPUT = (np.zeros(CASE.problem.result_shape, np.float32),)


def a_round(number: int, **changes: float) -> Round:
    """20 calls of a millisecond, seen to take as long and as an empty request."""
    plain = Round(number, 3, 1e-3, 20e-3, 20.4e-3, 0.5e-3, 1e-6, OUTPUT)
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def right(call: Call, reply: Reply) -> Judgement:
    return Judgement()


def test_rounds_whose_clocks_agree_are_believed() -> None:
    assert disbelief(CASE, [a_round(n) for n in range(1, 8)], right) == ""


def test_a_clock_that_is_late_in_most_rounds_is_not_believed() -> None:
    rounds = [a_round(n, seen=40e-3) if n < 5 else a_round(n) for n in range(1, 8)]
    assert "the clock was changed" in disbelief(CASE, rounds, right)


def test_a_machine_that_is_slow_in_some_rounds_is_no_changed_clock() -> None:
    rounds = [a_round(n, seen=200e-3) if n < 4 else a_round(n) for n in range(1, 8)]
    assert disbelief(CASE, rounds, right) == ""


def test_a_device_whose_events_are_further_apart_than_the_time_that_was_said_is_not_believed() -> None:
    claimed, empty = 20e-3, 0.5e-3
    most = claimed * (1 + MARGIN) + empty
    assert disbelief(CASE, [a_round(n, span=most - 1e-5) for n in range(1, 8)], right) == ""
    assert "the clocks do not agree: 20 ms were said, 21.6 ms passed on the device" in disbelief(
        CASE, [a_round(n, span=most + 6e-5) for n in range(1, 8)], right
    )


def test_a_device_that_was_late_in_some_rounds_or_worked_in_few_of_them_is_believed() -> None:
    assert disbelief(CASE, [a_round(n, span=1.0 if n < 4 else 20e-3) for n in range(1, 8)], right) == ""
    assert disbelief(CASE, [a_round(n, span=1e-3) for n in range(1, 8)], right) == ""


def test_work_left_over_is_not_believed_beyond_the_margin() -> None:
    assert disbelief(CASE, [a_round(n, left_over=0.9e-3 * MARGIN) for n in range(1, 8)], right) == ""
    late = [a_round(n, left_over=1.1e-3 * MARGIN) for n in range(1, 8)]
    assert "until the result was there" in disbelief(CASE, late, right)


def test_the_first_look_at_a_result_is_no_work_left_over_even_of_a_call_of_microseconds() -> None:
    tiny = {"seconds": 5e-6, "claimed": 20 * 5e-6, "seen": 20 * 5e-6 + 0.4e-3}
    assert disbelief(CASE, [a_round(n, **tiny, left_over=0.9e-6) for n in range(1, 8)], right) == ""
    assert disbelief(CASE, [a_round(n, **tiny, left_over=3e-6) for n in range(1, 8)], right)


def test_of_a_small_problem_a_call_of_every_round_is_judged() -> None:
    judged: list[Call] = []

    def judge(call: Call, reply: Reply) -> Judgement:
        judged.append(call)
        return Judgement(Failure("wrong value", "all wrong") if len(judged) == 7 else None)

    assert disbelief(CASE, [a_round(n) for n in range(1, 8)], judge) == "wrong when timed: all wrong"
    assert len(judged) == 7


def test_the_fastest_round_and_the_median_one_are_judged_on_the_data_that_they_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.timing.witness._SMALL", 0)
    judged: list[Call] = []

    def judge(call: Call, reply: Reply) -> Judgement:
        judged.append(call)
        return Judgement(Failure("wrong value", "all wrong") if len(judged) == 2 else None)

    rounds = [a_round(n, seconds=n * 1e-3) for n in (3, 1, 2)]
    assert disbelief(CASE, rounds, judge) == "wrong when timed: all wrong"
    for call, number in zip(judged, (1, 2), strict=True):
        expected = varied(CASE.arrays(), number, data_number(number, 3))
        assert all(np.array_equal(call.arrays[name], expected[name]) for name in expected)


def test_outputs_that_take_too_much_memory_are_dropped_but_not_the_fastest_one_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.timing.witness._KEPT", 4 * OUTPUT[0].nbytes)
    rounds: list[Round] = []
    for number in range(1, 12):
        rounds = thinned([*rounds, a_round(number, seconds=1e-3 if number == 5 else 2e-3)])
    held = [one.number for one in rounds if one.outputs]
    assert len(held) == 4
    assert 5 in held
    assert len(rounds) == 11


def test_no_two_calls_get_the_same_data_and_all_its_elements_are_those_of_the_case() -> None:
    base = CASE.arrays()
    calls = [varied(base, block, data_number(block, call)) for block in range(1, 4) for call in range(8)]
    assert len({(one["x"].tobytes(), one["w"].tobytes()) for one in calls}) == len(calls)
    assert len({one["x"].tobytes() for one in calls}) == len(calls)
    for one in calls:
        assert sorted(one["x"].reshape(-1)) == sorted(base["x"].reshape(-1))
    assert np.array_equal(rolled(base["x"], 0), base["x"])


def test_a_block_has_at_least_one_call_and_no_more_than_have_data() -> None:
    assert calls_for(1.0, 256) == 1
    assert calls_for(0.0, 7) == 7
    assert calls_for(BLOCK / 4, 256) == 4
    assert calls_for(BLOCK / 3.5, 256) == 4


def test_the_harness_s_own_waiting_for_a_processor_is_no_time_of_a_request() -> None:
    """With more processes that compute than there are cores it waits, and sees no more of it than of its own computing."""
    if not witness._SCHEDULED.exists():
        pytest.skip("this system does not tell how long a thread has waited")

    def computing() -> None:
        for number in range(10**7):
            number * number

    with kept_busy(2 * available_cores()):
        began, waited = time.perf_counter(), witness._waited()
        seen, _ = witness._watched(computing)
        passed, waiting = time.perf_counter() - began, witness._waited() - waited
    assert waiting > 0
    assert seen == pytest.approx(passed - waiting, rel=0.2)
