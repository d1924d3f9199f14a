"""Jobs in a line before one real process: every one has its own result, whatever happened to those before it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest
from pebble import ProcessExpired

from conformance.running.line import Escaped, Line
from conformance.running.processes import Recorder


def answer(number: int) -> int:
    return number


def die(code: int) -> None:
    os._exit(code)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(words: str) -> None:
    raise KeyError(words)


def leave() -> None:
    raise SystemExit(0)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line(Recorder(multiprocessing.get_context("fork")))  # quick to start; the harness starts fresh interpreters
    yield line
    line.close()


def test_jobs_handed_in_ahead_have_their_own_results_though_some_kill_the_process(line: Line) -> None:
    jobs = [(die, 3) if number % 4 == 3 else (answer, number) for number in range(60)]
    tickets = [line.put(*job, limit=20.0) for job in jobs]
    for (function, number), ticket in zip(jobs, tickets, strict=True):
        if function is answer:
            assert line.result(ticket) == number
        else:
            with pytest.raises(ProcessExpired) as expired:
                line.result(ticket)
            assert expired.value.exitcode == 3


def test_a_process_that_ends_as_if_its_work_was_done_is_found_missing(line: Line) -> None:
    leaving, right = line.put(die, 0, limit=20.0), line.put(answer, 7, limit=20.0)
    with pytest.raises(ProcessExpired) as expired:
        line.result(leaving)
    assert expired.value.exitcode == 0
    assert line.result(right) == 7


def test_an_exit_that_a_job_raises_is_not_the_harness_s(line: Line) -> None:
    with pytest.raises(Escaped, match="SystemExit"):
        line.result(line.put(leave, limit=20.0))
    assert line.result(line.put(answer, 7, limit=20.0)) == 7


def test_an_error_is_the_job_s_own(line: Line) -> None:
    failing, right = line.put(fail, "words", limit=20.0), line.put(answer, 7, limit=20.0)
    with pytest.raises(KeyError, match="words"):
        line.result(failing)
    assert line.result(right) == 7


def test_a_job_over_its_limit_is_stopped_and_the_next_one_is_done(line: Line) -> None:
    slow, right = line.put(sleep, 600.0, limit=0.3), line.put(answer, 7, limit=20.0)
    with pytest.raises(TimeoutError):
        line.result(slow)
    assert line.result(right) == 7


def test_a_process_that_is_killed_is_replaced(line: Line) -> None:
    for _ in range(3):
        with pytest.raises(ProcessExpired):
            line.result(line.put(kill, limit=20.0))
        assert line.result(line.put(answer, 1, limit=20.0)) == 1
