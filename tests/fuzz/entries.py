"""Everything that reads data from outside, as functions of bytes: what is fuzzed by hypothesis and by atheris.

A new reader is one more entry of ENTRIES. Whatever the bytes are, it returns a value for which ``holds`` passes, or raises
one of ``refuses`` with words that can be shown. Inputs that once did otherwise are in ``regressions/NAME``.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import re
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from rich.console import Console

from conformance.cases.case import Case, parse_case
from conformance.cases.cost import memory, require_affordable
from conformance.checks import CHECKS
from conformance.errors import UsageError
from conformance.plain import MOST_OF_LINE, joined
from conformance.plugin import wire
from conformance.plugin.claims import Claims
from conformance.plugin.implementation import Lost
from conformance.plugin.job import Call, Reply
from conformance.plugin.pipe import Pipe
from conformance.plugin.said import Said, read_said
from conformance.plugin.target import Target, command_text
from conformance.problem import OPERATORS, Problem, parse_problem
from conformance.problem.benchdnn import parse_benchdnn
from conformance.problem.validity import MAX_ELEMENTS, is_valid
from conformance.report.baseline import Baseline, parse_baseline, to_text
from conformance.report.html import render_html
from conformance.report.jsonfile import parse_report, to_json
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown
from conformance.report.mutation import MutationReport, parse_mutation
from conformance.report.mutation_pages import render_html as render_mutants
from conformance.report.mutation_terminal import print_mutation
from conformance.report.schema import Report
from conformance.report.terminal import print_finding, summary, timing_table
from conformance.running.answers import load
from conformance.running.crossing import flat_replies, replies_of
from conformance.running.journal_file import read_journal
from conformance.running.outcome import Silence
from conformance.running.resume import expected_in, options_of, recalled
from conformance.running.xfail_file import XfailFile, parse_xfail
from tests.report.baselines import baseline
from tests.report.sample import report

REGRESSIONS = Path(__file__).parent / "regressions"
_SMALL = 400
_LIMIT = 2**20


@dataclass(frozen=True)
class Entry:
    """One reader. ``words`` are put into its inputs now and then, beside what changes bytes blindly."""

    name: str
    read: Callable[[bytes], Any]
    seeds: tuple[bytes, ...]
    refuses: tuple[type[Exception], ...]
    holds: Callable[[Any], None] = lambda value: None
    words: tuple[bytes, ...] = ()
    json: bool = False
    """Whether its inputs are, or begin with, a JSON text."""

    def try_one(self, data: bytes) -> bool:
        """Read ``data``; False if it was refused. Raises what is wrong about the reader."""
        try:
            value = self.read(data)
        except self.refuses as error:
            words = str(error)
            assert words, "a refusal says why"
            assert len(words) <= 2 * MOST_OF_LINE + 10
            assert all(line.isprintable() for line in words.split("\n")), ascii(words)
            return False
        self.holds(value)
        return True

    @property
    def regressions(self) -> tuple[bytes, ...]:
        folder = REGRESSIONS / self.name
        return tuple(file.read_bytes() for file in sorted(folder.iterdir())) if folder.is_dir() else ()


def _text(data: bytes) -> str:
    """As a command line or a file gives it: what is no UTF-8 becomes half characters."""
    return data.decode("utf-8", "surrogateescape")


def _same_problem(problem: Problem) -> None:
    text = str(problem)
    assert parse_problem(text) == problem
    assert text.isprintable()
    if is_valid(problem):
        assert all(math.prod(shape) <= MAX_ELEMENTS for shape in (*problem.array_shapes.values(), problem.result_shape))


def _same_case(case: Case) -> None:
    assert parse_case(str(case)) == case
    try:
        require_affordable(case)
    except UsageError:
        return
    if memory(case) > _SMALL * 64:
        return
    for check in CHECKS.values():  # whatever can be typed, every check has calls for it, or none
        if (case.kind == "periodic") == (check.name == "huge") and (case.kind != "known" or check.name == "exact"):
            check.calls(case)


def _changed(data: bytes) -> Claims:
    claim, _, no_claim = _text(data).partition("\n")
    return Claims().changed(claim.split(), no_claim.split())


def _bounded_answer(answer: wire.Answer) -> None:
    assert sum(output.nbytes for output in answer.outputs) <= _LIMIT
    assert answer.message.isprintable()


def _bounded_hello(hello: wire.Hello) -> None:
    assert hello.claims.keys() <= OPERATORS.keys()
    assert len(hello.versions) <= wire.MOST_VERSIONS
    assert (hello.name + hello.summary + "".join(map("".join, hello.versions))).isprintable()


class _Fed(Pipe):
    """The harness's end of the pipe of a program that wrote ``data`` and ended."""

    def __init__(self, data: bytes) -> None:
        out, into = os.pipe()
        os.set_blocking(into, False)
        os.write(into, data)
        os.close(into)
        self.words, self._process = "program", _ended()
        self._from, self._to = io.FileIO(out), io.BufferedWriter(io.FileIO(os.devnull, "w"))
        self._read = bytearray()


@cache
def _ended() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["true"])
    process.wait()
    return process


def _asked(data: bytes) -> tuple[wire.Answer, list[Any]]:
    """The hello and one answer, as they come through a pipe."""
    pipe = _Fed(data[:60_000])
    try:
        pipe.hello = pipe._greet(None, 0.1)
        return pipe.ask(1, b"", [], _LIMIT, None) if pipe._read[:0] == b"" and not pipe._read else _answered(pipe)
    finally:
        pipe._from.close()
        pipe._to.close()


def _answered(pipe: Pipe) -> tuple[wire.Answer, list[Any]]:
    """An answer that came before it was asked for is refused by ``ask``; here it is read."""
    try:
        answer = wire.decode_answer(pipe._line("the answer to request 1"), 1, _LIMIT, None)
    except wire.WireError as error:
        raise Lost("unreadable", str(error)) from None
    return answer, [pipe._bytes(output.nbytes) for output in answer.outputs]


def _whole_answer(value: tuple[wire.Answer, list[Any]]) -> None:
    answer, parts = value
    _bounded_answer(answer)
    assert [part.nbytes for part in parts] == [output.nbytes for output in answer.outputs]


def _said(lines: list[Said]) -> None:
    for said in lines:
        assert set(said.operators) <= OPERATORS.keys()


def _entries(file: XfailFile) -> None:
    for entry in file.entries:
        assert entry.reason
        assert 0 < entry.first <= entry.last


def _same_command(target: Target) -> None:
    if target.command:
        assert Target(command_text(target.command)).command == target.command
    assert all(letter.isprintable() or letter in "\n\t" for letter in joined([target.text]))


def _same_baseline(made: Baseline) -> None:
    text = to_text(made)
    assert to_text(parse_baseline(text.encode(), "again")) == text
    assert all(line.isprintable() for line in text.split("\n"))


def _rendered(made: Report) -> None:
    """A report that was read has every form, and each says nothing that steers whoever shows it."""
    assert parse_report(to_json(made).encode(), "again") == made or "NaN" in to_json(made)
    ET.fromstring(render_junit(made))
    console = Console(file=io.StringIO(), width=140, markup=False, emoji=False, highlight=False)
    for one in made.implementations:
        console.print(summary(one, verbose=True))
        for finding in one.findings:
            print_finding(console, finding)
    console.print(timing_table(made.timings))
    page = render_html(made.model_copy(update={"timings": (), "implementations": tuple(map(_unplotted, made.implementations))}))
    for text in (console.file.getvalue(), render_markdown(made), page):  # type: ignore[attr-defined]
        _assert_plain(text)


_LINE = re.compile(rb'\{"n":\d+,(.*),"crc":"[0-9a-f]{8}"\}\n')


def resealed(data: bytes) -> bytes:
    """A journal with numbers and checksums that fit: else nothing behind them would ever be read."""
    text, checksum = b"", 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        if (found := _LINE.fullmatch(line)) is not None:
            body = b'{"n":%d,%s' % (number, found[1])
            checksum = zlib.crc32(body, checksum)
            line = b'%s,"crc":"%08x"}\n' % (body, checksum)
        text += line
    return text


def _journal(data: bytes) -> list[Any]:
    """What a journal holds, and the results of what is on record of each target."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(resealed(data))
        file.flush()
        contents = read_journal(Path(file.name))
        options = options_of(contents)
        return [recalled(contents, part, options, Silence(), expected_in(contents, options)) for part in contents.parts]


def _answer_of_a_worker(data: bytes) -> Any:
    try:
        return load(data)
    except Exception as error:  # as the channel has it: whatever it is, it says that nothing could be read
        raise UsageError(str(error) or type(error).__name__) from None


def _replies_of_a_worker(data: bytes) -> list[Reply]:
    try:
        return replies_of(load(data))
    except Exception as error:  # as the session has it
        raise UsageError(str(error) or type(error).__name__) from None


def _of_arrays(replies: list[Reply]) -> None:
    outputs = [output for reply in replies for output in reply.outputs]
    assert all(type(output) is np.ndarray and not output.dtype.hasobject for output in outputs)


def _unplotted(one: Any) -> Any:
    return one.model_copy(update={"accuracy": ()})


def _rendered_mutants(made: MutationReport) -> None:
    console = Console(file=io.StringIO(), width=140, markup=False, emoji=False, highlight=False)
    print_mutation(console, made)
    _assert_plain(console.file.getvalue() + render_mutants(made))  # type: ignore[attr-defined]


def _assert_plain(text: str) -> None:
    assert all(line.isprintable() for line in text.split("\n")), [ascii(x) for x in text.split("\n") if not x.isprintable()][:1]


def _hello(**said: Any) -> bytes:
    return json.dumps({"protocol": 1, "claims": {"conv2d": {}}} | said).encode() + b"\n"


_HELLOS = (
    _hello(),
    _hello(name="mine", summary="a program", memory=True, versions={"node": "22.1", "v": 8}),
    _hello(claims={"conv2d": {"dtypes": ["float32"], "options": ["stride", "groups"], "accuracy": "fft", "deterministic": False,
                              "dialect": ["subnormals=flushed"]}, "max_pool1d": {}}),
)  # fmt: skip
_ANSWERS = (
    b'{"id":1,"outputs":[{"dtype":"float32","shape":[1,2]}]}\n' + bytes(8),
    b'{"id":1,"outputs":[{"dtype":"float64","shape":[2],"offset":64},{"dtype":"int64","shape":[]}]}\n' + bytes(8),
    b'{"id":1,"unsupported":"kernels beyond 7"}\n',
    b'{"id":1,"invalid":"the stride is 0"}\n',
    b'{"id":1,"error":"out of memory"}\n',
)
_PROBLEMS = (
    b"conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias",
    b"max_pool2d f32 n1 c3 i8x8 k3x3 s2x2 p1:0x1 ceil indices",
    b"adaptive_avg_pool2d f32 n1 c3 i7x7 to3x2",
    b"conv_transpose1d complex64 n1 c2 i5 o3 k3 s2 p1 op1",
    b"conv_integer2d uint8>int8 n1 c3 i8x8 o4 k3x3",
    b"conv1d f16>f32 n1 c3 i8 o4 k3 same reflect unbatched",
    b"conv1d f32 n0 c3 i8 o4 k3 p-1:2",
    b"avg_pool3d bf16 n1 c2 i4x5x6 k2x2x2 divisor7 exclude_pad",
    b"lp_pool1d f32 n1 c3 i8 k3 norm1.5",
    b"max_unpool1d f32 n1 c3 i8 k2 s2",
    b"conv2d_weight_grad f64 n1 c2 i8x8 o3 k3x3 p1x1",
)
_RECIPES = (b" values=integers:7", b" values=nan:0", b" values=invalid:stride_zero", b" values=bits:0", b" values=periodic:0")
_WORDS = (
    b"conv2d", b"max_pool1d", b"conv1d_weight_grad", b"lp_pool2d", b"f32", b"bf16", b"uint8", b">int8", b"n0", b"i3x3", b"k2",
    b"s2", b"p1:0", b"p-1", b"d2", b"g2", b"op1", b"to2", b"norm", b"norminf", b"divisor", b"bias", b"ceil", b"indices", b"same",
    b"circular", b"unbatched", b"9999999999", b"values=", b"values=known:corr2d", b"invalid:", b"x", b":", b"-",
)  # fmt: skip
_JSON = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"1e999", b"-1", b"NaN", b"Infinity", b"9" * 30, b"\\ud800",
    b"\\u001b", b"\\u202e",
)  # fmt: skip
_JOURNAL = (Path(__file__).parent / "seeds" / "journal.jsonl").read_bytes()
_XFAIL = b"""version = 1
[[xfail]]
operator = "conv2d*"
check = "special.*"
kind = "wrong value"
case = "* f16 * reflect *"
reason = "summed in float16"
link = "https://example.org/1"
implementation = "naive"
profile = "standard"
"""
_CALL = Case(parse_problem("conv1d i5 k3"))
_REPLIES = (
    ("done", [Reply((np.ones((2, 3), np.float32),), trouble=(("aliases its input", "words"),))]),
    ("raised", UsageError("words", hint="more")),
    ("done", (Call(_CALL.problem, _CALL.arrays()), Claims(), 1j, frozenset({"a"}))),
)
_FLAT = flat_replies(
    [Reply((np.ones((2, 3), np.float32), np.ones(3, np.uint16)), trouble=(("kind", "words"),)), Reply(error="no")]
)

_BASELINE = to_text(baseline()).encode()
_REPORT = to_json(report()).encode()
_BARE = to_json(report().model_copy(update={"implementations": report().implementations[:1], "timings": ()})).encode()
_MUTANTS = json.dumps({
    "schema_version": 2, "command": "conformance mutants", "started": "2026", "seconds": 1.0, "seed": 0, "profile": "quick",
    "expected": 2, "environment": report().environment.model_dump(),
    "mutants": [
        {"name": "flipped", "target": "a.py:flipped", "operators": ["conv2d"], "category": "index", "bug": "flipped",
         "fate": "killed", "check": "exact", "seconds": 0.1, "named": "rightly", "diagnosis": "it is flipped"},
        {"name": "b", "target": "a.py:b", "operators": ["conv2d"], "category": "index", "bug": "", "fate": "survived",
         "missed": ["conv2d"]},
    ],
}).encode()  # fmt: skip

ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("problem", lambda data: parse_problem(_text(data)), _PROBLEMS, (UsageError,), _same_problem, _WORDS),
        Entry(
            "case", lambda data: parse_case(_text(data)),
            (b"conv2d i3x3 k2x2 values=known:corr2d", *(_PROBLEMS[at] + recipe for at, recipe in enumerate(_RECIPES)),
             b"conv2d i1x99 k1x2 values=periodic:0", b"mb1ic3ih27oc9oh5kh11sh4ph0"),
            (UsageError,), _same_case, _WORDS,
        ),
        Entry(
            "benchdnn", lambda data: parse_benchdnn(_text(data)),
            (b"mb1ic3ih227iw227oc96oh55ow55kh11kw11sh4sw4ph0pw0nalexnet", b"g2mb1_ic4id9_oc6od4kd3_sd2dd1pd1n\"name\"",
             b"max_pool2d ic64ih112oh56kh3sh2ph1"),
            (UsageError,), _same_problem, (b"mb", b"ic", b"ih", b"ow", b"kd", b"sh0", b"dh1", b"ph", b"g0", b"_", b'n"',
             b"999999999"),
        ),
        Entry(
            "claims", _changed, (b"groups dtypes=float32,f16 accuracy=winograd(4,3)\nstride float64", b"data_format=NHWC\nbias",
                                 b"nan_in_max_pool=ignored:f32 deterministic\ndeterministic"),
            (UsageError,), words=(b"dtypes=", b"accuracy=", b"fft", b"kernel_format=HWIO", b"subnormals=flushed", b"=", b","),
        ),
        Entry(
            "library claims", lambda data: read_said(data.decode("utf-8", "replace")),
            (b"conv2d conv2d_input_grad; float32 float64; stride padding groups bias",
             b"max_pool2d; all -ceil; strides\nconv3d; accuracy=winograd(4,3) -deterministic"),
            (UsageError,), _said,
            (b"all", b"-batch", b"strides", b"(", b")", b";", b",", b"accuracy=", b"data_format=NHWC", b"\n"),
        ),
        Entry(
            "target", lambda data: Target(_text(data)),
            (b"-- node 'conv js' \"a b\"", b"path/to/file.py:conv2d", b"-- sh -c 'a\nb'"),
            (UsageError,), _same_command, (b"-- ", b"'", b'"', b"\\", b"\x1b[2J"),
        ),
        Entry("hello", wire.decode_hello, _HELLOS, (wire.WireError,), _bounded_hello, _JSON, json=True),
        Entry(
            "answer", lambda data: wire.decode_answer(data, 1, _LIMIT, room=64), _ANSWERS, (wire.WireError,), _bounded_answer,
            (*_JSON, b'"id":1', b'"outputs":', b'"dtype":"int8"', b'"shape":', b'"offset":64', b"4611686018427387904"), json=True,
        ),
        Entry(
            "pipe", _asked, tuple(_HELLOS[0] + answer for answer in _ANSWERS), (UsageError, Lost), _whole_answer,
            (*_JSON, b"\n", b'"id":1', b'"outputs":', b'"shape":[9]'), json=True,
        ),
        Entry("report", lambda data: parse_report(data, "file"), (_REPORT, _BARE), (UsageError,), _rendered, _JSON, json=True),
        Entry(
            "baseline", lambda data: parse_baseline(data, "file"), (_BASELINE,), (UsageError,), _same_baseline,
            (*_JSON, b'"conv1d"', b'"schema_version": 1', b'"seed": 7', b'"failing": []'), json=True,
        ),
        Entry(
            "journal", _journal, (_JOURNAL,), (UsageError,), words=(*_JSON, b'"kind":"outcome"', b'"stage":', b"\n"), json=True,
        ),
        Entry(
            "xfail", lambda data: parse_xfail(_text(data), "xfail.toml"), (_XFAIL,), (UsageError,), _entries,
            (b"[[xfail]]", b"operator = ", b"check = ", b'"exact*"', b"reason = ", b"version = 1", b"link = ", b"'", b"=", b"\n"),
        ),
        Entry(
            "worker's answer", _answer_of_a_worker, tuple(pickle.dumps(value, 5) for value in _REPLIES), (UsageError,),
            words=(b"cos\nsystem\n", b"\x8c\x02os", b"\x93", b"R", b"\x81", b"b", b"cnumpy\nload\n", b"\x94"),
        ),
        Entry(
            "worker's replies", _replies_of_a_worker, (pickle.dumps(_FLAT, 5),), (UsageError,), _of_arrays,
            words=(b"float32", b"object", b"\x8c\x07float64", b"\x93", b"R", b"b", b"\x94", b"\x96", b"]", b"("),
        ),
        Entry(
            "mutation report", lambda data: parse_mutation(data, "file"), (_MUTANTS,), (UsageError,), _rendered_mutants, _JSON,
            json=True,
        ),
    )
}  # fmt: skip
