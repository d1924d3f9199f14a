"""Programs in any language: right ones are conformant, and whatever a broken one does is one outcome with clear words."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.errors import UsageError
from conformance.plugin import pipe
from conformance.plugin.implementation import Lost, NotSupported
from conformance.plugin.job import NOT_SUPPORTED, Call, Job
from conformance.plugin.program import LARGE, ErrorOfProgram, InvalidForProgram, Program
from conformance.plugin.target import Target, command_text
from conformance.problem import parse_problem
from conformance.reference.oracle import solve
from conformance.running.processes import members
from conformance.running.session import Session, WorkerLost
from tests.conftest import TARGETS, Check

PROGRAMS = TARGETS / "programs"
NODE = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
LINUX = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux has memory that is shared by a path")
CASE = parse_case("conv2d i3x3 k1x1")
JOB = Job((Call(CASE.problem, CASE.arrays()),))


def python(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(PROGRAMS / name), *arguments)


def broken(how: str) -> Target:
    return Target(command_text(python("broken.py", how)))


@contextlib.contextmanager
def running(*command: str, **options: object) -> Iterator[Program]:
    """A program in this process, without a worker."""
    program = Program(command, **options)  # type: ignore[arg-type]
    try:
        yield program
    finally:
        program.close()


def ask(program: Program, text: str = "conv2d i3x3 k1x1") -> np.ndarray:
    case = parse_case(text)
    return program.fetch(program.prepare(case.problem, case.arrays())())[0]


@NODE
def test_a_program_in_javascript_is_conformant(check: Check) -> None:
    result = check(command_text(["node", str(PROGRAMS / "conv.js")]))
    assert result.status == "conformant", result.findings
    assert result.name == "conv.js"
    assert result.operators == ("conv2d", "max_pool2d")
    assert "node" in result.versions
    assert any(tally.check == "rejection" and tally.passed > 10 for tally in result.tallies)
    assert any("handing over of all tensors" in note for note in result.notes)


@pytest.mark.parametrize("name", ["plain.py", "template.py"])
def test_a_program_in_python_without_the_package_is_conformant(check: Check, name: str) -> None:
    result = check(command_text(python(name)))
    assert result.status == "conformant", result.findings


@pytest.mark.parametrize("name", ["plain.py", "template.py", "echo.py"])
def test_an_example_is_written_without_the_package(name: str) -> None:
    text = (PROGRAMS / name).read_text(encoding="utf-8")
    assert "conformance" not in text.replace("the process protocol", "").replace("hello", "")
    assert not {"numpy", "torch"} & set(text.split())


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("crashes", "crashed", "ended with SIGSEGV before the answer to request 1"),
        ("closes", "crashed", "found its standard output closed before the answer to request 1"),
        ("forks_and_exits", "crashed", "ended with exit code 3 before the answer to request 1"),
        ("half_an_output", "crashed", "ended with exit code 4 after 1 of the 36 bytes of an output"),
        ("prints", "unreadable", "'debug: here we are' was read from its standard output where the answer to request 1"),
        ("prints_without_end", "unreadable", "'half a line"),
        ("endless_line", "unreadable", "a line of more than 1048576 bytes"),
        ("wrong_id", "unreadable", "the answer to request 1 has the id 2"),
        ("huge", "unreadable", "float32[1099511627776, 1099511627776]"),
        ("too_large", "unreadable", "more than the limit of 1048576"),
        ("negative", "unreadable", "a shape is a list of at most 8 sizes, not [-1]"),
        ("unknown_dtype", "unreadable", 'the data type "object" is not known'),
        ("three_outputs", "unreadable", "outputs are a list of one tensor"),
        ("nowhere", "unreadable", "does not lie in the room"),
        ("nothing_known", "unreadable", "an answer has one of outputs, unsupported, invalid, error"),
    ],
)
def test_what_a_broken_program_does_is_one_outcome_that_says_what_it_was(how: str, kind: str, words: str) -> None:
    with running(*python("broken.py", how)) as program:
        with pytest.raises(Lost) as lost:
            ask(program)
        assert lost.value.kind == kind
        assert words in lost.value.message


def test_a_program_that_is_lost_in_a_worker_is_a_loss_of_the_session_and_started_again() -> None:
    with Session(broken("exits_at_the_third_call")) as session:
        for losses in (1, 2):
            assert [session.submit(JOB).result()[0].error for _ in range(2)] == ["", ""]
            with pytest.raises(WorkerLost) as lost:
                session.submit(JOB).result()
            assert (lost.value.kind, session.losses) == ("crashed", losses)
            assert "exit code 7" in lost.value.message
            assert "the third one is too much" in lost.value.printed.stderr


def test_a_program_that_hangs_is_stopped_with_its_worker_and_what_it_printed_is_kept() -> None:
    with Session(broken("hangs")) as session:
        session.describe()
        with pytest.raises(WorkerLost) as lost:
            session.submit(JOB, limit=0.5).result()
        assert lost.value.kind == "hung"
        assert "waiting for a lock" in lost.value.printed.stderr
        assert session.describe().name == "broken"


@pytest.mark.parametrize("how", ["wrong_id", "crashes"])
def test_a_program_that_is_lost_again_and_again_is_cut_short(check: Check, how: str) -> None:
    result = check(broken(how).text)
    assert {finding.kind for finding in result.findings} <= {"unreadable", "crashed"}
    assert result.findings
    assert any("cut short" in skip.reason for skip in result.skips)
    assert result.findings[0].command.endswith(f"-- {shlex.join(python('broken.py', how))}")


def test_a_wrong_shape_is_a_finding_like_that_of_any_other(check: Check) -> None:
    result = check(broken("wrong_shape").text)
    assert {finding.kind for finding in result.findings} == {"wrong shape"}


def test_what_a_program_says_on_standard_error_is_shown_with_a_finding(check: Check) -> None:
    with Session(broken("complains")) as session:
        (reply,) = session.submit(JOB).result()
        assert reply.stderr == "a remark of no matter\n"
    with Session(broken("fine")) as session:
        (reply,) = session.submit(JOB).result()
        assert reply.stderr == ""
    result = check(f"{TARGETS / 'misbehaving.py'}:prints_and_fails_conv2d")
    assert all("noise" in finding.output for finding in result.findings)
    assert result.findings


def test_not_supported_is_skipped_with_the_reason() -> None:
    with running(*python("broken.py", "unsupported")) as program, pytest.raises(NotSupported, match="not on a Sunday"):
        ask(program)
    with Session(broken("unsupported")) as session:
        (reply,) = session.submit(JOB).result()
        assert (reply.error_kind, reply.error) == (NOT_SUPPORTED, "not on a Sunday")
        both = dataclasses.replace(JOB, calls=JOB.calls * 2, concurrent=True)
        assert {reply.error_kind for reply in session.submit(both).result()} == {NOT_SUPPORTED}


def test_invalid_and_error_are_raised_and_leave_the_program_running() -> None:
    for how, kind, words in (("invalid", InvalidForProgram, "I do not like it"), ("error", ErrorOfProgram, "no such .*luck")):
        with running(*python("broken.py", how)) as program:
            for _ in range(2):
                with pytest.raises(kind, match=words) as error:
                    ask(program)
                assert str(error.value).isprintable()


def test_calls_from_threads_are_asked_one_after_the_other() -> None:
    with Session(broken("fine")) as session:
        calls = tuple(Call(CASE.problem, dataclasses.replace(CASE, seed=str(seed)).arrays()) for seed in range(4))
        replies = session.submit(Job(calls, concurrent=True)).result()
        for call, reply in zip(calls, replies, strict=True):
            assert not reply.error
            assert not reply.trouble
            np.testing.assert_array_equal(reply.outputs[0], solve(CASE.problem, call.arrays).y)


def test_a_loss_in_a_thread_is_a_loss() -> None:
    with Session(broken("crashes")) as session, pytest.raises(WorkerLost, match="SIGSEGV"):
        session.submit(dataclasses.replace(JOB, calls=JOB.calls * 2, concurrent=True)).result()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells which process belongs to which")
def test_what_a_program_starts_ends_with_it() -> None:
    before = set(members(os.getpid()))
    for how in ("forks", "forks_and_exits"):
        with running(*python("broken.py", how)) as program:
            with contextlib.suppress(Lost):
                ask(program)
            assert how == "forks_and_exits" or len(set(members(os.getpid())) - before) >= 2
        assert _settled(before) == set()


def _settled(before: set[int]) -> set[int]:
    """Processes beside those of before, when those that were killed have gone."""
    for _ in range(50):
        if not (left := set(members(os.getpid())) - before):
            break
        threading.Event().wait(0.05)
    return left


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("no-such-command-here",), "there is no command 'no-such-command-here'"),
        ((str(PROGRAMS / "plain.py"),), "cannot be run: Permission denied"),
        (python("broken.py", "exits_at_once"), "ended with exit code 5 before the answer to the hello"),
        (python("broken.py", "greets"), "'Welcome to broken.py!' was read from its standard output"),
        (python("broken.py", "version"), "it speaks version 2 of the protocol, and not version 1"),
        (python("broken.py", "no_claims"), "has no claims"),
        (python("broken.py", "operator"), 'claims the operator "conv9d"'),
        (python("broken.py", "option"), "the option 'magic' cannot be claimed"),
        (python("broken.py", "dtype"), "the data type 'int4' is not known"),
        (("cat",), "has no claims"),
        (("true",), "ended with exit code 0 before the answer to the hello"),
    ],
)  # fmt: skip
def test_a_command_that_is_no_program_of_the_protocol_is_an_error_of_the_users(command: tuple[str, ...], words: str) -> None:
    with running(*command) as program, pytest.raises(UsageError) as error:
        _ = program.claims
    assert words in error.value.message
    assert error.value.hint


def test_a_program_that_does_not_greet_in_time_is_ended() -> None:
    with running(*python("broken.py", "mute"), hello_limit=0.2) as program, pytest.raises(UsageError, match=r"within 0\.2 s"):
        _ = program.claims


def test_what_a_program_printed_before_it_ended_at_once_is_shown() -> None:
    with Session(broken("exits_at_once")) as session, pytest.raises(UsageError, match=r"exit code 5.*libmagic\.so is missing"):
        session.describe()


def test_what_is_printed_between_two_requests_is_told_before_the_second() -> None:
    code = "import sys, json; i = sys.stdin.buffer; i.readline();" + (
        "print(json.dumps({'protocol': 1, 'claims': {'conv2d': {}}}) + '\\nready', flush=True); i.read()"
    )
    with running(sys.executable, "-c", code) as program:
        _ = program.claims
        with pytest.raises(Lost, match="'ready' was read from its standard output before request 1 was sent"):
            ask(program)


def test_a_program_that_says_something_else_when_it_is_started_again_is_lost(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = (
        "import sys, json, pathlib; sys.stdin.buffer.readline(); mark = pathlib.Path(sys.argv[1]); first = not mark.exists();"
        "mark.touch(); print(json.dumps({'protocol': 1, 'name': str(first), 'claims': {'conv2d': {}}}), flush=True);"
        "sys.stdin.buffer.readline()"
    )
    with running(sys.executable, "-c", code, str(mark)) as program:
        _ = program.claims
        with pytest.raises(Lost, match="before the answer to request 1"):
            ask(program)
        with pytest.raises(Lost, match="says something else of itself"):
            ask(program)


def test_claims_can_be_changed_from_outside() -> None:
    with running(*python("template.py"), claim=["accuracy=fft"], no_claim=["stride"]) as program:
        claims = program.claims["conv1d"]
        assert claims.accuracy == "fft"
        assert "stride" not in claims.options
        assert program.supports(parse_problem("conv1d i5 k3 s2")) == "strides other than 1: not claimed (stride)"


@LINUX
@pytest.mark.parametrize("command", [python("plain.py"), pytest.param(("node", str(PROGRAMS / "conv.js")), marks=NODE)])
def test_large_tensors_go_through_shared_memory_and_come_back_right(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    send = pipe.Pipe._send
    monkeypatch.setattr(pipe.Pipe, "_send", lambda self, parts: (sent.append(sum(map(len, parts))), send(self, parts))[1])
    case = parse_case("conv2d i512x513 k1x1")
    with running(*command) as program:
        small = ask(program, "conv2d i2x2 k1x1")
        first, second = (ask(program, str(case)) for _ in range(2))
    truth = solve(case.problem, case.arrays()).y
    assert truth.nbytes >= LARGE
    np.testing.assert_array_equal(first, truth)
    np.testing.assert_array_equal(second, truth)
    assert not np.may_share_memory(first, second)
    assert small.shape == (1, 1, 2, 2)
    assert max(sent) < 2000


@LINUX
def test_an_output_that_a_program_does_not_write_is_not_that_of_the_call_before(tmp_path: Path) -> None:
    lazy = (PROGRAMS / "echo.py").read_text(encoding="utf-8").replace("mapped.move(", "request['id'] > 1 or mapped.move(")
    (tmp_path / "lazy.py").write_text(lazy, encoding="utf-8")
    case = parse_case("conv2d i512x513 k1x1")
    with running(sys.executable, str(tmp_path / "lazy.py")) as program:
        first, second = ask(program, str(case)), ask(program, str(case))
    np.testing.assert_array_equal(first, case.arrays()["x"])
    assert (second.view(np.uint8) == 0xA5).all()


@LINUX
def test_shared_memory_can_be_given_back_between_calls() -> None:
    case = parse_case("conv2d i512x513 k1x1")
    with running(*python("echo.py")) as program:
        for _ in range(2):
            np.testing.assert_array_equal(ask(program, str(case)), case.arrays()["x"])
            program.release()


@LINUX
def test_nothing_of_a_program_is_left_in_this_process() -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd"))

    with running(*python("echo.py")) as program:
        ask(program)
    before = files()
    for how in ("fine", "crashes", "greets", "exits_at_once"):
        with running(*python("broken.py", how)) as program, contextlib.suppress(Lost, UsageError):
            ask(program)
    assert files() == before
