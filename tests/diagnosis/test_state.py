"""Bugs of state are told by experiment for what they are, and what a call alone shows is never taken for state."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from laboratory import Body, Kept, Right, failing, process, processes_of

from conformance.diagnosis.diagnose import diagnose
from conformance.diagnosis.state import Processes, examined, suspected, varying
from conformance.plugin.job import Job
from conformance.plugin.mutants import Broken
from conformance.plugin.target import Target
from conformance.running import explain
from conformance.running.launch import copied
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from conformance.running.session import Session
from implementations.broken.base import every

CONV = "conv2d f32 n2 c3 i6x5 o2 k2x2 p1x1 bias values=integers:0"
POOL = "avg_pool2d f32 n1 c2 i6x6 k2x2 p1x1 values=integers:0"
FOREVER = math.inf


def by_shape(kept: Kept, call: Right) -> np.ndarray:
    return kept.setdefault(call.geometry, call.result())


def by_address(kept: Kept, call: Right) -> np.ndarray:
    return kept.setdefault((call.geometry, call.addresses), call.result())


def weights_by_address(kept: Kept, call: Right) -> np.ndarray:
    w = call.arrays["w"]
    return call.result(w=kept.setdefault((w.ctypes.data, w.shape), w.copy()))


def without_bias(kept: Kept, call: Right) -> np.ndarray:
    return kept.setdefault((call.geometry, *(call.arrays[name].tobytes() for name in "xw")), call.result())


def without_dilation(kept: Kept, call: Right) -> np.ndarray:
    return kept.setdefault((call.problem.with_windows(dilation=1), call.contents), call.result())


def first_numbers(kept: Kept, call: Right) -> np.ndarray:
    return kept.setdefault((call.geometry, call.arrays["x"][..., :2].tobytes(), call.contents[1:]), call.result())


def divisors(kept: Kept, call: Right) -> np.ndarray:
    key = (call.problem.replace(divisor=None), "divisors")
    made = kept.setdefault(key, call.problem)  # type: ignore[arg-type]
    return call.result(problem=made)


def previous(kept: Kept, call: Right) -> np.ndarray:
    own, last = call.result(), kept.get("last")
    kept["last"] = own
    return own if last is None or last.shape != own.shape else last


def added(kept: Kept, call: Right) -> np.ndarray:
    kept[call.geometry] = kept.get(call.geometry, 0) + call.result()
    return kept[call.geometry]


def added_to_the_last(kept: Kept, call: Right) -> np.ndarray:
    own, last = call.result(), kept.get(call.geometry, 0)
    kept[call.geometry] = own
    return own + last


def dirty_border(kept: Kept, call: Right) -> np.ndarray:
    """The padded input lies in memory of its size, whose border is cleared once."""
    if call.problem.op.base != "conv2d" or min(min(pads) for pads in call.problem.padding) < 0:
        return call.result()
    x, (rows, columns) = call.arrays["x"], call.problem.padding
    shape = (*x.shape[:2], x.shape[2] + sum(rows), x.shape[3] + sum(columns))
    space = kept.setdefault((shape, "space"), np.zeros(shape, x.dtype))
    space[:, :, rows[0] : rows[0] + x.shape[2], columns[0] : columns[0] + x.shape[3]] = x
    problem = call.problem.with_axis(0, size=shape[2]).with_axis(1, size=shape[3])
    return call.result(problem=problem.with_windows(pad_begin=0, pad_end=0), x=space)


def first_call(kept: Kept, call: Right) -> np.ndarray:
    first = not kept
    kept["called"] = np.zeros(1)
    return call.result() * (0 if first else 1)


def every_third(kept: Kept, call: Right) -> np.ndarray:
    kept["calls"] = kept.get("calls", 0) + 1
    return call.result() * (3 if kept["calls"] % 3 == 0 else 1)


def unwritten(kept: Kept, call: Right) -> np.ndarray:
    y = call.result()
    y[..., -1] = np.frombuffer(b"\xa5" * y.dtype.itemsize, y.dtype)[0]
    return y


STATE = {
    by_shape: ("remembered-by-shape", "The result of an earlier call is returned: it is remembered by the shapes of the tensors"),
    by_address: (
        "remembered-by-address",
        "The result of an earlier call is returned: it is remembered by the address of the tensors",
    ),
    weights_by_address: (
        "weights-remembered",
        "The weights of an earlier call are used: they are remembered by their address",
    ),
    without_bias: ("remembered", "The result of an earlier call is returned: it is remembered without regard to the bias"),
    without_dilation: (
        "remembered",
        "The result of an earlier call is returned: it is remembered without regard to the dilation",
    ),
    first_numbers: (
        "remembered",
        "The result of an earlier call is returned: it is remembered by no more than a part or a sum of the input",
    ),
    previous: ("previous-result", "The result of the call before is returned"),
    added: ("not-cleared", "The result is added to what an earlier call left there: memory is not cleared"),
    added_to_the_last: ("not-cleared", "The result is added to what an earlier call left there: memory is not cleared"),
    dirty_border: (
        "scratch-not-cleared",
        "What an earlier call left in memory shows in the result: it is not cleared, after a call that differs in "
        "the input's size and the padding",
    ),
    first_call: ("first-call", "The first call of a process gives another result than those after it"),
    every_third: ("varies", "The same call is right at first, and wrong when it is made again and again"),
    unwritten: (
        "unwritten",
        "Elements of the result are never written: they hold what was in memory before, or are added to it",
    ),
}


@pytest.mark.parametrize("body", STATE, ids=lambda body: body.__name__)
def test_what_was_remembered_is_told(body: Body) -> None:
    said = examined([failing(CONV)], processes_of(body), FOREVER)
    assert said is not None
    assert (said.key, said.words) == STATE[body]


def test_what_is_made_ready_for_other_parameters_is_told_from_a_result() -> None:
    said = examined([failing(POOL)], processes_of(divisors), FOREVER)
    assert said is not None
    assert (said.key, said.words.rpartition(" ")[2]) == ("parameters-remembered", "divisor_override")


def test_an_empty_batch_that_returns_another_result_is_told() -> None:
    def body(kept: Kept, call: Right) -> np.ndarray:
        if call.problem.batch:
            kept["last"] = call.result()
        return kept.get("last", call.result())

    said = examined([failing(CONV.replace("n2", "n0"), kind="wrong shape")], processes_of(body), FOREVER)
    assert said is not None
    assert said.words == "An empty batch returns the result of an earlier call"


def test_a_result_of_one_element_is_known_again_in_several_calls() -> None:
    said = examined([failing("conv1d f32 n1 c1 i2 o1 k2 values=digits:1")], processes_of(by_shape), FOREVER)
    assert said is not None
    assert said.key == "remembered-by-shape"


def test_calls_that_were_really_made_before_are_tried() -> None:
    """What no variation of the failing call shows, an earlier call does: here one with the same sum of all numbers."""

    def body(kept: Kept, call: Right) -> np.ndarray:
        return kept.setdefault("first", call.result()) if call.problem.windows[0].kernel == 2 else call.result()

    text, earlier = "conv1d f32 n1 c1 i9 o1 k3 values=integers:1", "conv1d f32 n1 c1 i8 o1 k2 values=integers:2"
    assert examined([failing(text)], processes_of(body), FOREVER) is None

    def remembers(kept: Kept, call: Right) -> np.ndarray:
        if call.problem.windows[0].kernel == 2:
            return kept.setdefault("first", call.result())
        return kept.get("first", call.result())

    said = examined([failing(text, before=[earlier])], processes_of(remembers), FOREVER)
    assert said is not None
    assert said.key == "remembered"


ORDINARY: dict[str, Body] = {
    "right": lambda kept, call: call.result(),
    "kernel flipped": lambda kept, call: call.result(w=call.arrays["w"][..., ::-1, ::-1]),
    "bias ignored": lambda kept, call: call.result(b=call.arrays.get("b", np.zeros(1)) * 0),
    "dilation ignored": lambda kept, call: (
        call.result(problem=call.problem.with_windows(dilation=1))
        if call.problem.with_windows(dilation=1).result_shape == call.problem.result_shape
        else call.result()
    ),
    "zeros": lambda kept, call: call.result() * 0,
    "doubled where the stride is not 1": lambda kept, call: call.result() * (2 if set(call.problem.stride) != {1} else 1),
    "no negative numbers": lambda kept, call: call.result(x=np.abs(call.arrays["x"])),
    "the last half of the rows": lambda kept, call: call.result(x=np.flip(call.arrays["x"], 2).copy()),
    "a cache by contents": lambda kept, call: kept.setdefault((call.geometry, call.contents), call.result()),
    "weights packed by contents": lambda kept, call: call.result(
        w=kept.setdefault(call.arrays["w"].tobytes() + str(call.arrays["w"].shape).encode(), call.arrays["w"].copy())
    ),
    "a cache by contents of what is wrong": lambda kept, call: kept.setdefault((call.geometry, call.contents), call.result() + 1),
    "a cleared accumulator": lambda kept, call: np.add(call.result(), kept.setdefault("zero", np.zeros(1, np.float32))),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_a_call_alone_shows_is_not_taken_for_state(name: str) -> None:
    body = ORDINARY[name]
    for text in (CONV, CONV.replace("p1x1", "p1x1 d2x2"), "conv2d f64 n1 c1 i5x7 o1 k2x3 s2x1 bias values=ones:1"):
        case = failing(text)
        seen = dataclasses.replace(case, outputs=process(body)([case.call])[0].outputs)
        assert examined([seen], processes_of(body), FOREVER) is None


def test_a_hint_of_state_is_a_call_that_wavers_or_is_right_on_other_numbers() -> None:
    for body in (by_shape, previous, added):
        make = process(body)
        make([failing(CONV.replace("integers:0", "integers:9")).call])  # what is remembered
        wrong = failing(CONV)
        seen = dataclasses.replace(wrong, outputs=make([wrong.call])[0].outputs)
        assert suspected([seen], Processes(make, make)), body
    wrong = failing(CONV)
    flipped = process(ORDINARY["kernel flipped"])
    seen = dataclasses.replace(wrong, outputs=flipped([wrong.call])[0].outputs)
    assert not suspected([seen], Processes(flipped, flipped))


def test_without_new_processes_other_numbers_in_the_same_one_are_tried() -> None:
    make = process(by_shape)
    said = examined([failing(CONV)], Processes(make, lambda calls: None), FOREVER)
    assert said is not None
    assert said.key == "remembered-by-shape"
    right = process(ORDINARY["right"])
    assert examined([failing(CONV)], Processes(right, lambda calls: None), FOREVER) is None


def test_no_process_is_begun_when_the_time_is_over() -> None:
    assert examined([failing(CONV)], processes_of(by_shape), 0.0) is None


def test_an_order_of_sums_that_varies_is_told_from_what_is_wrong() -> None:
    text = "conv1d f32 n1 c4 i9 o1 k4 values=wide:0"

    def last_bits(kept: Kept, call: Right) -> np.ndarray:
        kept["calls"] = kept.get("calls", 0) + 1
        return np.nextafter(call.result(), np.float32(np.inf)) if kept["calls"] % 2 else call.result()

    seen = failing(text, kind="not repeatable")
    assert varying([seen], processes_of(last_bits)).key == "sums-in-varying-order"
    assert varying([seen], processes_of(every_third)).key == "not-repeatable"


def test_one_number_that_is_also_an_earlier_result_says_nothing() -> None:
    """A result of 1 was the right one of some call before; so it is of many."""
    text = "conv1d f32 n1 c1 i1 o1 k1 values=digits:{}"
    earlier = [text.format(seed) for seed in range(5)]
    one = failing(text.format(7), before=earlier)
    other = failing(earlier[0]).truth.y.astype(np.float32)
    assert diagnose([dataclasses.replace(one, outputs=(other,))], []).hypothesis == ""


def test_where_nothing_can_be_run_an_earlier_result_is_known_again() -> None:
    other = CONV.replace("integers:0", "integers:5")
    seen = failing(CONV, actual=failing(other).truth.y.astype(np.float32), before=[other])
    assert diagnose([seen], []).hypothesis == "stale"


@pytest.mark.parametrize("added", [False, True])
def test_poison_in_a_result_is_known_for_memory_that_nobody_wrote(added: bool) -> None:
    right = failing(CONV).truth.y.astype(np.float32)
    poison = np.frombuffer(b"\x5a" * 4, np.float32)[0]
    actual = right.copy()
    actual[..., -1] = actual[..., -1] + poison if added else poison
    assert diagnose([failing(CONV, actual)], []).hypothesis == "unwritten"
    actual[0, 0, 0, 0] += 1
    assert diagnose([failing(CONV, actual)], []).hypothesis == ""


def test_a_call_that_is_wrong_only_where_it_failed_is_told_by_that() -> None:
    """Nothing that was kept of it shows what happened here before, but a new process has it right."""
    wrong = process(lambda kept, call: call.result() * 3 + 1)
    said = examined([failing(CONV)], Processes(wrong, lambda calls: process(ORDINARY["right"])(calls)), FOREVER)
    assert said is not None
    assert said.key == "right-in-a-new-process"


def test_a_process_of_its_own_knows_nothing_of_the_calls_before() -> None:
    text = "implementations.broken.functions.state:conv2d_cached_by_shape"
    first, second = failing(CONV), failing(CONV.replace("integers:0", "integers:1"))
    with Session(Target(text, probe=""), context=copied()) as session:
        session.submit(Job((first.call,))).result()
        stale = session.submit(Job((second.call,))).result()
        new = session.elsewhere(Job((second.call,)), 60.0)
    assert new is not None
    assert (stale[0].outputs[0] == first.truth.y).all()
    assert (new[0].outputs[0] == second.truth.y).all()


def test_no_process_is_begun_that_takes_too_long_to_load() -> None:
    with Session(Target("numpy-gemm"), context=copied()) as session:
        session.describe()
        assert session.elsewhere(Job((failing(CONV).call,)), 0.0) is None


MUTANTS = {
    "conv1d_cached_by_address": "remembered-by-address",
    "conv2d_packed_by_address": "weights-remembered",
    "conv2d_cached_without_bias": "remembered",
    "conv2d_previous_result": "previous-result",
    "conv2d_accumulator_not_cleared": "not-cleared",
    "conv3d_dirty_workspace": "scratch-not-cleared",
    "conv1d_first_call": "first-call",
    "conv1d_changes_weights": "input-changed",
    "max_pool2d_returns_view": "input-returned",
    "conv2d_returns_list": "no-array",
    "conv2d_one_output_buffer": "result-overwritten",
    "avg_pool1d_shared_sum": "shared-by-threads",
    "conv2d_unwritten_corners": "unwritten",
    "conv1d_unwritten_sum": "unwritten",
    "stale_for_empty": "remembered",
    "workspace_not_cleared": "not-cleared",
    "unrolled_by_address": "input-remembered",
}
BROKEN: dict[str, Broken] = {mutant.name: mutant for mutant in every().values()}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_implementation_is_named_in_real_workers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "_DIAGNOSE_TOTAL", 40.0)  # what is told must not depend on how busy the machine is
    mutant = BROKEN[name]
    options = Options(dataclasses.replace(PROFILES["quick"], most_failures=1, covering=100), mutant.operators)
    target = Target(mutant.target, operators=mutant.operators, no_claim=("accepted",))
    run = Run(target, options, session=Session(target, context=copied()), shrink_seconds=0.3, diagnose_seconds=20.0)
    assert run.execute().findings[0].hypothesis == MUTANTS[name]
