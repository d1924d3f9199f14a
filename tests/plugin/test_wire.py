"""Messages of the process protocol: what is written, what is read, and that nothing that a program sends does more harm."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.invalid import INVALID, make_invalid
from conformance.plugin import wire
from conformance.plugin.claims import OPTIONS, Claims
from conformance.plugin.wire import Answer, Tensor, WireError, decode_answer, decode_hello
from conformance.problem import FORMATS, OPERATORS, parse_problem

LIMIT = 1 << 20
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["id", "outputs", "unsupported", "invalid", "error", "protocol", "name", "claims", "versions", "memory"])
TENSORS = st.fixed_dictionaries(
    {"dtype": st.sampled_from([*FORMATS, "object", 3]), "shape": st.lists(st.integers(-2, 2**70), max_size=10) | VALUES},
    optional={"offset": st.integers(-9, 2**64) | VALUES},
)
CLAIMS = st.dictionaries(
    st.sampled_from([*list(OPERATORS)[:5], "conv9d"]),
    st.dictionaries(st.sampled_from(["dtypes", "options", "accuracy", "dialect", "deterministic", "more"]), VALUES, max_size=3)
    | VALUES,
    max_size=3,
)
MESSAGES = st.dictionaries(KEYS, VALUES | st.lists(TENSORS, max_size=3) | CLAIMS | st.just(1), max_size=5)


def line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


def answer(**said: Any) -> bytes:
    return line({"id": 7} | said)


def hello(**said: Any) -> bytes:
    return line({"protocol": 1, "claims": {"conv2d": {}}} | said)


def assert_can_be_shown(error: WireError) -> None:
    assert 0 < len(str(error)) < 2000
    assert str(error).isprintable()


@given(st.binary(max_size=200) | VALUES.map(line) | MESSAGES.map(line))
def test_whatever_a_program_answers_is_an_answer_within_the_limit_or_a_wire_error(data: bytes) -> None:
    try:
        read = decode_answer(data, 1, LIMIT, room=64)
    except WireError as error:
        assert_can_be_shown(error)
    else:
        assert sum(output.nbytes for output in read.outputs) <= LIMIT
        assert all(output.offset is None or 64 <= output.offset <= 64 + LIMIT - output.nbytes for output in read.outputs)
        assert read.message.isprintable()


@given(st.binary(max_size=200) | VALUES.map(line) | MESSAGES.map(line))
def test_whatever_a_program_says_of_itself_is_a_hello_or_a_wire_error(data: bytes) -> None:
    try:
        read = decode_hello(data)
    except WireError as error:
        assert_can_be_shown(error)
    else:
        assert read.claims
        assert (read.name + read.summary + "".join(word for pair in read.versions for word in pair)).isprintable()


@given(
    st.sampled_from(list(FORMATS.values())).flatmap(
        lambda form: st.tuples(st.just(form), st.lists(st.integers(0, 4), max_size=4), st.binary(min_size=16, max_size=16))
    )
)
def test_an_array_comes_back_as_it_went(drawn: Any) -> None:
    form, shape, seed = drawn
    size = int(np.prod(shape))
    array = np.resize(np.frombuffer(seed, np.uint8), size * form.numpy.itemsize).view(form.numpy).reshape(shape)
    tensor = Tensor(form.name, tuple(shape))
    data = np.frombuffer(bytes(wire.flat_bytes(array)), np.uint8)
    assert data.size == tensor.nbytes
    back = wire.from_bytes(tensor, data)
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_an_answer_has_outputs_or_says_why_not() -> None:
    outputs = [{"dtype": "float32", "shape": [1, 2]}, {"dtype": "int64", "shape": [], "offset": 72}]
    assert decode_answer(answer(outputs=outputs), 7, LIMIT, room=64) == Answer(
        (Tensor("float32", (1, 2)), Tensor("int64", (), 72))
    )
    for kind in ("unsupported", "invalid", "error"):
        assert decode_answer(answer(**{kind: "so it is"}), 7, LIMIT) == Answer((), kind, "so it is")
        assert decode_answer(answer(**{kind: ""}), 7, LIMIT).message == "without a reason"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"debug: here\n", r"'debug: here' was read .* where the answer to request 7 was expected, a line of JSON"),
        (b"{\xff\n", "a line of JSON"),
        (b"[" * 100_000, "a line of JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}\n", "a line of JSON"),
        (line([1]), "a line of JSON"),
        (line({"id": 6, "error": ""}), "the answer to request 7 has the id 6"),
        (line({"id": True, "error": ""}), "has the id true"),
        (line({"error": ""}), "has the id null"),
        (answer(), "an answer has one of outputs, unsupported, invalid, error"),
        (answer(outputs=[], error="x"), "an answer has one of"),
        (answer(error=7), "error is a text, not 7"),
        (answer(outputs=7), "outputs are a list"),
        (answer(outputs=[]), "outputs are a list"),
        (answer(outputs=[{}] * 3), "outputs are a list"),
        (answer(outputs=[7]), "an output is an object"),
        (answer(outputs=[{"dtype": "object", "shape": [1]}]), "the data type \"object\" is not known"),
        (answer(outputs=[{"dtype": ["float32"], "shape": [1]}]), "is not known"),
        (answer(outputs=[{"dtype": "float32"}]), "a shape is a list"),
        (answer(outputs=[{"dtype": "float32", "shape": [-1]}]), "a shape is a list"),
        (answer(outputs=[{"dtype": "float32", "shape": [True]}]), "a shape is a list"),
        (answer(outputs=[{"dtype": "float32", "shape": [1.0]}]), "a shape is a list"),
        (answer(outputs=[{"dtype": "float32", "shape": [1] * 9}]), "at most 8 sizes"),
        (answer(outputs=[{"dtype": "float32", "shape": [2**40, 2**40]}]), r"have 4.8357e\+24 bytes, more than the limit"),
        (answer(outputs=[{"dtype": "float64", "shape": [2**16]}] * 3), "a list of one tensor, or two"),
        (answer(outputs=[{"dtype": "float64", "shape": [2**17]}, {"dtype": "int8", "shape": [1]}]), "more than the limit"),
        (answer(outputs=[{"dtype": "float32", "shape": [1], "offset": 63}]), "does not lie in the room"),
        (answer(outputs=[{"dtype": "float32", "shape": [1], "offset": 64 + LIMIT}]), "does not lie in the room"),
        (answer(outputs=[{"dtype": "float32", "shape": [1], "offset": 66}]), "no multiple of the size of a float32"),
        (answer(outputs=[{"dtype": "float32", "shape": [1], "offset": "64"}]), "an offset is a whole number"),
    ],
)  # fmt: skip
def test_what_is_wrong_about_an_answer_is_said(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_answer(data, 7, LIMIT, room=64)


def test_an_output_lies_nowhere_in_shared_memory_if_there_is_no_room() -> None:
    with pytest.raises(WireError, match="does not lie in the room"):
        decode_answer(answer(outputs=[{"dtype": "float32", "shape": [1], "offset": 64}]), 7, LIMIT)


def test_claims_are_read_in_the_words_of_claims() -> None:
    said = {"dtypes": ["f16", "float64"], "options": ["kernel", "indices", "groups"], "accuracy": "fft", "deterministic": False,
            "dialect": ["subnormals=flushed"]}  # fmt: skip
    read = decode_hello(hello(claims={"conv2d": said, "max_pool1d": {}}, name="mine", memory=True, versions={"v": 8}))
    assert read.claims == {
        "conv2d": Claims(("float16", "float64"), frozenset({"kernel", "groups"}), "fft", False, ("subnormals=flushed",)),
        "max_pool1d": Claims(("float32",), frozenset()),
    }
    assert (read.name, read.memory, read.versions) == ("mine", True, (("v", "8"),))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Welcome!\n", "'Welcome!' was read .* where the answer to the hello was expected"),
        (hello(protocol=2), "it speaks version 2 of the protocol, and not version 1"),
        (hello(protocol=None), "it speaks version null"),
        (hello(claims={}), "has no claims"),
        (hello(claims=["conv2d"]), "has no claims"),
        (hello(name=7), "name is a text"),
        (hello(versions=[1]), "the versions are an object"),
        (hello(claims={"conv9d": {}}), "the operator \"conv9d\", which is not known"),
        (hello(claims={"conv2d": []}), "claims of conv2d are an object"),
        (hello(claims={"conv2d": {"dtype": "float32"}}), "claims of conv2d are an object with dtypes, options"),
        (hello(claims={"conv2d": {"dtypes": "float32"}}), "dtypes is a list of texts"),
        (hello(claims={"conv2d": {"dtypes": []}}), "its data types are"),
        (hello(claims={"conv2d": {"dtypes": ["int4"]}}), "'int4' is not known"),
        (hello(claims={"avg_pool2d": {"dtypes": ["int8"]}}), "its data types are float64, .*, not .\"int8\""),
        (hello(claims={"conv2d": {"options": [7]}}), "options is a list of texts"),
        (hello(claims={"conv2d": {"options": ["magic"]}}), "'magic' cannot be claimed"),
        (hello(claims={"conv2d": {"accuracy": "good"}}), "'good' is not known"),
        (hello(claims={"conv2d": {"accuracy": 1}}), "accuracy is a text"),
        (hello(claims={"conv2d": {"dialect": ["magic=on"]}}), "magic"),
    ],
)  # fmt: skip
def test_what_is_wrong_about_a_hello_is_said(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_hello(data)


def test_a_program_names_few_versions_and_each_is_short() -> None:
    said = {str(number): ["x" * 500] for number in range(1000)}
    read = decode_hello(hello(versions=said))
    assert len(read.versions) == wire.MOST_VERSIONS
    assert all(len(value) < 100 for _, value in read.versions)


def test_words_from_a_program_cannot_steer_a_terminal() -> None:
    assert decode_answer(answer(error="\x1b[2Jno\nluck\ud800"), 7, LIMIT).message == "�[2Jno luck�"
    assert len(decode_answer(answer(error="x" * 10_000), 7, LIMIT).message) == 2000


@pytest.mark.parametrize("name", OPERATORS)
def test_a_request_of_every_operator_says_what_is_asked_and_nothing_of_what_comes_out(name: str) -> None:
    problem = parse_problem(f"{name} c2 i7 {'to2' if OPERATORS[name].traits.window == 'adaptive' else 'k2 s2'}")
    tensors = {key: Tensor("float32", shape) for key, shape in problem.array_shapes.items()}
    sent = json.loads(wire.numbered(3, wire.encode_request(problem, tensors, LIMIT)))
    assert sent.keys() == {"id", "problem", "text", "tensors", "limit"}
    assert sent["id"] == 3
    assert parse_problem(sent["text"]) == problem
    assert {one["name"]: tuple(one["shape"]) for one in sent["tensors"]} == problem.array_shapes
    assert sent["problem"]["operator"] == name
    assert "result_shape" not in sent["problem"]


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_problem_can_be_sent(name: str) -> None:
    bases = [parse_problem(f"{op} n2 c4 i6 {'to2' if 'adaptive' in op else 'k3 s3'}{' bias' * ('b' in name and op == 'conv2d')}")
             for op, known in OPERATORS.items() if known.ndim == 2]  # fmt: skip
    for base in bases:
        made = make_invalid(base, name)
        if made is None:
            continue
        problem, arrays = made
        tensors = {key: Tensor(array.dtype.name, array.shape) for key, array in arrays.items()}
        assert json.loads(wire.encode_request(problem, tensors, wire.limit_of(problem)))["problem"]["operator"] == base.operator


def test_an_infinite_norm_is_a_word_because_json_has_no_infinity() -> None:
    assert wire.problem_fields(parse_problem("lp_pool1d i5 k2 norminf"))["norm"] == "inf"


def test_the_limit_holds_four_times_the_right_outputs_and_does_not_tell_their_size() -> None:
    for text in ("conv2d i2000x2001 k3", "max_pool2d f16 c8 i512 k2 s1 indices"):
        problem = parse_problem(text)
        limit = wire.limit_of(problem)
        assert limit >= 4 * wire.expected_bytes(problem)
        assert limit & (limit - 1) == 0
    assert wire.limit_of(parse_problem("conv2d i3 k5")) == wire.LEAST_LIMIT


def test_every_option_that_can_be_claimed_is_known_to_the_wire() -> None:
    for option, known in OPTIONS.items():
        operator = next(name for name, op in OPERATORS.items() if op.family in known.families and op.ndim == 2)
        read = decode_hello(hello(claims={operator: {"dtypes": [OPERATORS[operator].traits.dtypes[0]], "options": [option]}}))
        assert read.claims[operator].options == {option}
