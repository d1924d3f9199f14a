"""The wire format of the process protocol (docs/protocol.md) as pure functions: messages to bytes, and bytes to messages.

A message is one line of JSON, followed by the bytes of its tensors. What comes from a program is data: nothing of it is
run, and how many bytes follow is known, and small enough, before any are read.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.plain import MOST_OF_NAME, MOST_OF_WORDS
from conformance.plain import line as plain
from conformance.plugin.claims import Claims, options_of
from conformance.problem import FORMATS, OPERATORS, Problem
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow

VERSION = 1
MOST_LINE = 2**20
"""Bytes of a line: the claims of all operators with all options are a tenth of it."""
LEAST_LIMIT = 2**20
"""Bytes that the outputs of one answer may have in any case."""
MOST_VERSIONS = 50
"""Versions that a program may name; what comes behind them is left out."""
_MORE = 4  # times as many as they should have are read, so that a wrong shape is told as one
_MOST_AXES = 8
_SHOWN = 80  # of what is no message
_REFUSALS = ("unsupported", "invalid", "error")
_OF_CLAIMS = ("dtypes", "options", "accuracy", "deterministic", "dialect")


class WireError(Exception):
    """Bytes that are no message of the protocol; ``str()`` says what was read and what was expected."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The form of a tensor; ``offset`` is where it lies in the shared memory, None where its bytes follow the line."""

    dtype: str
    shape: tuple[int, ...]
    offset: int | None = None

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * FORMATS[self.dtype].numpy.itemsize


@dataclass(frozen=True, slots=True)
class Hello:
    """What a program says of itself. ``memory``: it has opened the shared memory."""

    name: str
    claims: dict[str, Claims]
    summary: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    memory: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The outputs of a call, or why there are none: ``refusal`` is unsupported, invalid or error."""

    outputs: tuple[Tensor, ...] = ()
    refusal: str = ""
    message: str = ""


def limit_of(problem: Problem) -> int:
    """Bytes that the outputs of a call may have together: a power of two, some times what they should have."""
    return max(LEAST_LIMIT, 1 << (_MORE * expected_bytes(problem)).bit_length())


def expected_bytes(problem: Problem) -> int:
    """Bytes that the outputs should have; 0 for a problem that has no meaning."""
    if not is_valid(problem):
        return 0
    of_indices = 8 if problem.indices else 0
    return math.prod(problem.result_shape) * (problem.result_format.numpy.itemsize + of_indices)


def encode_hello(memory: str | None) -> bytes:
    """The harness's first line; ``memory`` is the file of the shared memory, where there is one."""
    return _line({"protocol": VERSION, "hello": "conformance"} | ({"memory": memory} if memory else {}))


def encode_request(problem: Problem, tensors: Mapping[str, Tensor], limit: int, room: int | None = None) -> bytes:
    """The line of a request that has no number yet. ``room`` is where in the shared memory its outputs may go."""
    return _line(
        {
            "problem": problem_fields(problem),
            "text": str(problem),
            "tensors": [
                {"name": name, "dtype": one.dtype, "shape": one.shape, "bytes": one.nbytes}
                | ({} if one.offset is None else {"offset": one.offset})
                for name, one in tensors.items()
            ],
            "limit": limit,
        }
        | ({} if room is None else {"room": room})
    )


def numbered(number: int, line: bytes) -> bytes:
    """The line of a request with its number."""
    return b'{"id":%d,' % number + line[1:]


def problem_fields(problem: Problem) -> dict[str, Any]:
    """The problem as JSON has it: what is asked, and nothing of what comes out, neither numbers nor sizes."""
    op, windows = problem.op, problem.windows
    fields = {
        "operator": problem.operator,
        "family": str(op.family),
        "axes": op.ndim,
        "pass": op.pass_name,
        "dtype": problem.dtype,
        "result": problem.result_format.name,
        "batch": problem.batch,
        "channels": problem.channels,
        "size": [window.size for window in windows],
        "unbatched": problem.unbatched,
    }
    if op.traits.window == "adaptive":
        fields["output_size"] = [window.output for window in windows if isinstance(window, AdaptiveWindow)]
    else:
        fields |= {
            "kernel": problem.kernel,
            "stride": problem.stride,
            "padding": problem.padding,
            "dilation": problem.dilation,
            "padding_mode": problem.pad_mode,
            "auto_pad": problem.auto_pad,
            "ceil": problem.ceil,
            "output_padding": problem.output_padding,
        }
    if op.traits.weights:
        return fields | {"out_channels": problem.out_channels, "groups": problem.groups, "bias": problem.bias}
    norm = problem.norm if math.isfinite(problem.norm) else "inf"  # JSON has no infinity
    options = {"indices": problem.indices, "count_include_pad": problem.count_include_pad, "divisor": problem.divisor}
    return fields | options | {"norm": norm}


def flat_bytes(array: np.ndarray) -> memoryview:
    """The bytes of a contiguous array as they go over the wire: little-endian, C order, and not copied."""
    array = array if sys.byteorder == "little" else array.byteswap()
    return array.reshape(-1).view(np.uint8).data


def from_bytes(tensor: Tensor, data: np.ndarray) -> np.ndarray:
    """The array that ``data``, its bytes, hold."""
    array = data.view(FORMATS[tensor.dtype].numpy).reshape(tensor.shape)
    return array if sys.byteorder == "little" else array.byteswap()


def decode_hello(line: bytes) -> Hello:
    """What a program answered to the hello. Raises :class:`WireError`."""
    message = _message(line, "the answer to the hello")
    version = message.get("protocol")
    if version != VERSION or isinstance(version, bool):
        raise WireError(f"it speaks version {_shown(version)} of the protocol, and not version {VERSION}")
    claims = message.get("claims")
    if not isinstance(claims, dict) or not claims:
        raise WireError(f"the answer to the hello has no claims: {_shown(message)}")
    versions = message.get("versions", {})
    if not isinstance(versions, dict):
        raise WireError(f"the versions are an object of texts, not {_shown(versions)}")
    return Hello(
        _text(message, "name", MOST_OF_NAME),
        {_known_operator(name): _claims(name, said) for name, said in claims.items()},
        _text(message, "summary"),
        tuple((plain(name, _SHOWN), _version(value)) for name, value in list(versions.items())[:MOST_VERSIONS]),
        message.get("memory") is True,
    )


def decode_answer(line: bytes, number: int, limit: int, room: int | None = None) -> Answer:
    """What a program answered to request ``number``, with at most ``limit`` bytes of outputs. Raises :class:`WireError`.

    ``room`` is where outputs may lie in the shared memory, None where they may not.
    """
    message = _message(line, f"the answer to request {number}")
    if message.get("id") != number or isinstance(message.get("id"), bool):
        raise WireError(f"the answer to request {number} has the id {_shown(message.get('id'))}")
    kinds = [key for key in ("outputs", *_REFUSALS) if key in message]
    if len(kinds) != 1:
        raise WireError(f"an answer has one of outputs, {', '.join(_REFUSALS)}, but here are {_shown(sorted(message))}")
    if kinds != ["outputs"]:
        return Answer(refusal=kinds[0], message=_text(message, kinds[0]) or "without a reason")
    said = message["outputs"]
    if not isinstance(said, list) or not 1 <= len(said) <= 2:
        raise WireError(f"outputs are a list of one tensor, or two with indices, not {_shown(said)}")
    outputs = tuple(map(_tensor, said))
    total = sum(output.nbytes for output in outputs)
    if total > limit:
        shapes = " and ".join(f"{output.dtype}{list(output.shape)}" for output in outputs)
        raise WireError(f"the outputs {shapes[:200]} have {total:.6g} bytes, more than the limit of {limit}")
    for output in outputs:
        if output.offset is None:
            continue
        if room is None or not room <= output.offset <= room + limit - output.nbytes:
            raise WireError(f"an output at offset {output.offset} does not lie in the room of this request")
        if output.offset % FORMATS[output.dtype].numpy.itemsize:
            raise WireError(f"the offset {output.offset} is no multiple of the size of a {output.dtype}")
    return Answer(outputs)


def shown(line: bytes) -> str:
    """What was read, short enough to be shown."""
    return repr(plain(line.rstrip(b"\n")[:_SHOWN].decode("utf-8", "replace")))


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _message(line: bytes, what: str) -> dict[str, Any]:
    """The object that a line holds."""
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise WireError(f"{shown(line)} was read from its standard output where {what} was expected, a line of JSON")
    return message


def _tensor(said: object) -> Tensor:
    if not isinstance(said, dict):
        raise WireError(f"an output is an object with dtype and shape, not {_shown(said)}")
    dtype, shape, offset = said.get("dtype"), said.get("shape"), said.get("offset")
    if not isinstance(dtype, str) or dtype not in FORMATS:
        raise WireError(f"the data type {_shown(dtype)} is not known: known are {', '.join(FORMATS)}")
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(map(_is_size, shape)):
        raise WireError(f"a shape is a list of at most {_MOST_AXES} sizes, not {_shown(shape)}")
    if offset is not None and not _is_size(offset):
        raise WireError(f"an offset is a whole number, not {_shown(offset)}")
    return Tensor(dtype, tuple(shape), offset)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _known_operator(name: str) -> str:
    if name not in OPERATORS:
        raise WireError(f"it claims the operator {_shown(name)}, which is not known: names are like conv2d_input_grad")
    return name


def _claims(operator: str, said: object) -> Claims:
    """The claims for one operator; words that say nothing of it are left out, so that one list may serve several."""
    op = OPERATORS[_known_operator(operator)]
    if not isinstance(said, dict) or set(said) - set(_OF_CLAIMS):
        raise WireError(f"claims of {operator} are an object with {', '.join(_OF_CLAIMS)}, not {_shown(said)}")
    lists = {key: _texts(operator, key, said[key]) for key in ("dtypes", "options", "dialect") if key in said}
    accuracy, deterministic = said.get("accuracy", "componentwise"), said.get("deterministic", True)
    if not isinstance(accuracy, str) or not isinstance(deterministic, bool):
        raise WireError(f"claims of {operator}: accuracy is a text, and deterministic true or false")
    options = frozenset(lists.get("options", ()))
    try:
        claims = Claims(lists.get("dtypes", ("float32",)), options, accuracy, deterministic, lists.get("dialect", ()))
    except UsageError as error:
        raise WireError(f"claims of {operator}: {plain(str(error), MOST_OF_WORDS)}") from None
    beyond = [name for name in claims.dtypes if name not in op.traits.dtypes]
    if beyond or not claims.dtypes:
        raise WireError(f"claims of {operator}: its data types are {', '.join(op.traits.dtypes)}, not {_shown(beyond)}")
    return Claims(claims.dtypes, claims.options & options_of(op), accuracy, deterministic, claims.dialect)


def _texts(operator: str, key: str, said: object) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(word, str) for word in said):
        raise WireError(f"claims of {operator}: {key} is a list of texts, not {_shown(said)}")
    return tuple(said)


def _text(message: Mapping[str, Any], key: str, most: int = MOST_OF_WORDS) -> str:
    said = message.get(key, "")
    if not isinstance(said, str):
        raise WireError(f"{key} is a text, not {_shown(said)}")
    return plain(said, most)


def _version(said: object) -> str:
    """A version is a text, or a number that was meant as one."""
    return plain(said, _SHOWN) if isinstance(said, str) else _shown(said)


def _shown(value: object) -> str:
    """A value from outside, short enough to be shown."""
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError):
        text = "something else"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
