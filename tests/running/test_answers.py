"""What a worker says is read without running anything but the harness's own values."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.implementation import Lost
from conformance.plugin.job import Call, Reply
from conformance.problem.text import TextError
from conformance.running.answers import load

CASE = parse_case("conv2d bf16 n2 c4 i9x7 o6 k3x2 s2x1 p1x2")


@pytest.mark.parametrize(
    "value",
    [
        Claims(),
        CASE.problem,
        parse_case("conv_transpose1d i5 k3 s2 op1").problem,
        parse_case("adaptive_avg_pool2d i7x7 to3x2").problem,
        ("words", 1, 2.5, None, True, 1j, b"bytes", frozenset({"a"}), {"a": [1]}),
    ],
)
def test_values_of_the_harness_arrive_as_they_were(value: Any) -> None:
    assert load(pickle.dumps(value, 5)) == value


def test_a_problem_s_shapes_are_worked_out_again_where_it_arrives() -> None:
    assert CASE.problem.result_shape
    again = load(pickle.dumps(CASE.problem, 5))
    assert "result_shape" not in vars(again)
    assert again.result_shape == CASE.problem.result_shape


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.int8, ml_dtypes.bfloat16, np.float16])
def test_replies_and_calls_with_their_arrays_arrive(dtype: Any) -> None:
    array = np.arange(12).astype(dtype).reshape(3, 4)
    reply = load(pickle.dumps(Reply((array, array.T)), 5))
    assert [one.tobytes() for one in reply.outputs] == [array.tobytes(), array.T.tobytes()]
    assert reply.outputs[0].dtype == dtype
    assert load(pickle.dumps(Call(CASE.problem, {"x": array}), 5)).arrays["x"].dtype == dtype


@pytest.mark.parametrize(
    "error", [UsageError("words", hint="more"), TextError("words"), KeyError("words"), Lost("crashed", "words")]
)
def test_errors_arrive_as_they_were(error: Exception) -> None:
    again = load(pickle.dumps(error, 5))
    assert type(again) is type(error)
    assert str(again) == str(error)


class Runs:
    """What an attack looks like: a value whose reading is a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    "function",
    [os.system, eval, exec, getattr, open, subprocess.Popen, pickle.loads, print, type, object.__getattribute__, np.load, Path],
)
def test_a_reply_that_names_a_function_is_refused_before_it_is_called(function: Any, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(pickle.UnpicklingError, match="no place in an answer"):
        load(pickle.dumps([1, Runs(function, f"touch {mark}")], 5))
    assert not mark.exists()


def test_a_class_of_the_target_s_own_is_refused_and_its_module_not_imported(tmp_path: Path) -> None:
    (tmp_path / "imported_by_a_reply.py").write_text("raise SystemExit('imported')")
    body = b"cimported_by_a_reply\nThing\n."
    sys.path.insert(0, str(tmp_path))
    try:
        with pytest.raises(pickle.UnpicklingError, match=r"imported_by_a_reply\.Thing has no place"):
            load(body)
    finally:
        sys.path.remove(str(tmp_path))
    assert "imported_by_a_reply" not in sys.modules


@pytest.mark.parametrize(
    "forged",
    [
        Runs(np.ndarray, (1,), np.dtype(object), bytearray(8)),
        Runs(np.ndarray, (2**40,), np.dtype(np.uint8)),
        Runs(type(np.float32(1)).__reduce__(np.float32(1))[0], np.dtype([("a", object)]), np.zeros(8, np.uint8)),
    ],
)
def test_bytes_are_not_taken_for_addresses_of_objects(forged: Runs) -> None:
    with pytest.raises((pickle.UnpicklingError, TypeError)):
        load(pickle.dumps(forged, 5))


def test_numbers_and_arrays_in_any_order_arrive() -> None:
    whole = np.arange(12.0).reshape(3, 4)
    values = [np.float32(1.5), np.complex128(1j), whole[:, ::2], whole[::-1], np.asfortranarray(whole), ml_dtypes.bfloat16(2)]
    again = load(pickle.dumps(values, 5))
    assert [np.asarray(one).tolist() for one in again] == [np.asarray(one).tolist() for one in values]
    assert {type(one) for one in again[2:5]} == {np.ndarray}
