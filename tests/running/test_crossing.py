"""Jobs and replies arrive as they were, and words that are no replies are refused."""

from __future__ import annotations

import pickle
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases.case import Case, parse_case
from conformance.cases.strategies import draw_cases
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.job import Call, Job, Reply
from conformance.plugin.target import Target
from conformance.problem import OPERATORS
from conformance.running.answers import load
from conformance.running.channel import BESIDE, pack
from conformance.running.crossing import flat_job, flat_replies, job_of, replies_of
from conformance.running.session import Pending, Session, WorkerLost


def sent(value: Any) -> Any:
    """As it is in the other process."""
    packed = pack(value)
    return pickle.loads(packed.body, buffers=[np.frombuffer(bytearray(view), np.uint8) for view in packed.beside])


def assert_same(one: np.ndarray, other: np.ndarray) -> None:
    assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    assert one.flags.writeable


@pytest.mark.parametrize("operator", OPERATORS)
def test_calls_of_every_operator_arrive_as_they_were(operator: str) -> None:
    for case in draw_cases(operator, Claims(OPERATORS[operator].traits.dtypes, options_of(OPERATORS[operator])), 4, 0):
        call = Call(case.problem, case.arrays(), "strided:w", same_address=True, parts=((0, 2),))
        (again,) = job_of(sent(flat_job(Job((call,), concurrent=True)))).calls
        assert again.problem == call.problem
        assert (again.layout, again.same_address, again.invalid, again.parts) == ("strided:w", True, False, ((0, 2),))
        for (name, array), (also, other) in zip(again.arrays.items(), call.arrays.items(), strict=True):
            assert name == also
            assert_same(array, other)


@pytest.mark.parametrize("size", [0, 1, BESIDE // 4, 2**16])
@pytest.mark.parametrize("dtype", ["float32", "bool", ml_dtypes.bfloat16, "complex64", ">f4"])
def test_tensors_of_any_size_type_and_order_arrive_as_they_were(size: int, dtype: Any) -> None:
    array = np.arange(2 * size).astype(dtype).reshape(2, size)
    given = {"x": array, "reversed": array[:, ::-1], "fortran": np.asfortranarray(array), "none": np.array(3, dtype)}
    problem = parse_case("conv1d i5 k3").problem
    arrived = job_of(sent(flat_job(Job((Call(problem, given),))))).calls[0].arrays
    for name, other in given.items():
        assert_same(arrived[name], other)


def test_a_tensor_of_several_calls_crosses_once() -> None:
    case = parse_case("conv1d i50000 k3")
    calls = tuple(Call(case.problem, case.arrays() | {"x": X}) for X in [case.arrays()["x"]] * 3)
    assert len([view for view in pack(flat_job(Job(calls))).beside if view.nbytes == calls[0].arrays["x"].nbytes]) == 1
    first, _, last = job_of(sent(flat_job(Job(calls)))).calls
    assert first.arrays["x"] is last.arrays["x"]


def test_replies_arrive_as_they_were() -> None:
    outputs = (np.ones((2, 3), np.float32), np.zeros(10**5, np.int64), np.ones(3, ml_dtypes.bfloat16))
    replies = [Reply(outputs, trouble=(("kind", "words"),), seconds=0.5, whole=((9,),), stdout="said"), Reply(error="words")]
    packed = pack(flat_replies(replies))
    again = replies_of(load(packed.body, [np.frombuffer(bytearray(view), np.uint8) for view in packed.beside]))
    for one, other in zip(again[0].outputs, outputs, strict=True):
        assert_same(one, other)
    assert (again[0].trouble, again[0].seconds, again[0].whole, again[0].stdout) == ((("kind", "words"),), 0.5, ((9,),), "said")
    assert again[1] == replies[1]


@pytest.mark.parametrize(
    ("kind", "shape", "data"),
    [
        (np.dtype(object), (1,), bytearray(8)),
        ("object", (1,), bytearray(8)),
        ("float32", (2**40,), bytearray(8)),
        ("float32", (2,), None),
        ("float32", (2,), "words"),
    ],
)
def test_a_tensor_that_is_not_there_or_holds_objects_is_refused(kind: Any, shape: Any, data: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        replies_of([([(kind, shape, data)], "", "", (), 0.0, (), "", "")])


def test_of_a_result_of_several_fields_only_its_bytes_arrive() -> None:
    ((output,),) = (reply.outputs for reply in replies_of(flat_replies([Reply((np.zeros(3, [("a", "f4"), ("b", "i8")]),))])))
    assert output.dtype == np.dtype("V12")


WORDS = st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.text(max_size=5), st.binary(max_size=16), st.just("float32"))
RUBBISH = st.recursive(WORDS, lambda inner: st.lists(inner, max_size=8) | st.lists(inner, max_size=8).map(tuple), max_leaves=20)


@given(RUBBISH)
@settings(max_examples=300, deadline=None)
def test_what_is_read_of_rubbish_has_arrays_for_outputs_or_is_refused(rubbish: Any) -> None:
    try:
        replies = replies_of(rubbish)
    except Exception:
        return
    assert all(isinstance(output, np.ndarray) for reply in replies for output in reply.outputs)


def rubbish() -> list[int]:
    return [1, 2, 3]


def test_a_reply_that_is_none_is_told_and_ends_no_run() -> None:
    case = Case(parse_case("conv2d i3x3 k2x2").problem)
    with Session(Target("numpy-gemm")) as session:
        session.describe()
        with pytest.raises(WorkerLost, match="no reply that can be read"):
            Pending(session, session._line.put(rubbish, limit=10.0), 0).result()
        (reply,) = session.submit(Job((Call(case.problem, case.arrays()),))).result()
        assert reply.outputs[0].shape == case.problem.result_shape
