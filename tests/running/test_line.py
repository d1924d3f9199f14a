"""Jobs in a line before one real process: every one has its own result, whatever happened to those before it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conformance.running.answers import load
from conformance.running.channel import Channel, Unreadable, nameless_file, pack
from conformance.running.line import Escaped, Expired, Line
from conformance.running.serve import place_of, serve


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


def twice(array: np.ndarray) -> np.ndarray:
    return 2 * array


def gives_a_lock() -> object:
    return threading.Lock()


def gives_a_path() -> object:
    return Path("a")


def leave_a_child_and_die() -> None:
    if os.fork() == 0:
        time.sleep(60)
    os._exit(5)


def close_everything() -> None:
    os.closerange(3, 200)


def cannot_start() -> None:
    raise OSError("no room")


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line(multiprocessing.get_context("fork"))  # quick to start; the harness starts fresh interpreters
    yield line
    line.close()


def test_jobs_handed_in_ahead_have_their_own_results_though_some_kill_the_process(line: Line) -> None:
    jobs = [(die, 3) if number % 4 == 3 else (answer, number) for number in range(60)]
    tickets = [line.put(*job, limit=20.0) for job in jobs]
    for (function, number), ticket in zip(jobs, tickets, strict=True):
        if function is answer:
            assert line.result(ticket) == number
        else:
            with pytest.raises(Expired) as expired:
                line.result(ticket)
            assert expired.value.code == 3


def test_a_process_that_ends_as_if_its_work_was_done_is_found_missing(line: Line) -> None:
    leaving, right = line.put(die, 0, limit=20.0), line.put(answer, 7, limit=20.0)
    with pytest.raises(Expired) as expired:
        line.result(leaving)
    assert expired.value.code == 0
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


def test_large_arrays_go_and_come_with_several_jobs_on_their_way(line: Line) -> None:
    sent = [np.full(10**5 * number, number, np.float32) for number in range(12)]
    tickets = [line.put(twice, array, limit=20.0) for array in sent]
    for array, ticket in zip(sent, tickets, strict=True):
        assert np.array_equal(line.result(ticket), 2 * array)


def test_what_a_job_gives_that_cannot_be_sent_or_read_is_its_own_and_the_process_stays(line: Line) -> None:
    pid = line.result(line.put(os.getpid, limit=20.0))
    for function, words in ((gives_a_lock, "cannot pickle"), (gives_a_path, "has no place in an answer")):
        with pytest.raises(Unreadable, match=words):
            line.result(line.put(function, limit=20.0))
    assert line.result(line.put(os.getpid, limit=20.0)) == pid


def test_a_process_that_dies_between_two_jobs_is_replaced_for_the_next(line: Line) -> None:
    pid = line.result(line.put(os.getpid, limit=20.0))
    os.kill(pid, signal.SIGKILL)
    while line.alive:
        time.sleep(0.01)
    assert line.result(line.put(answer, 7, limit=20.0)) == 7


def test_a_process_whose_child_holds_its_connection_open_is_found_gone(line: Line) -> None:
    with pytest.raises(Expired) as expired:
        line.result(line.put(leave_a_child_and_die, limit=20.0))
    assert expired.value.code == 5
    assert line.result(line.put(answer, 7, limit=20.0)) == 7


def test_a_process_that_closes_all_its_files_is_lost_and_the_next_job_done(line: Line) -> None:
    with pytest.raises(Expired):
        line.result(line.put(close_everything, limit=20.0))
    assert line.result(line.put(answer, 7, limit=20.0)) == 7


def test_where_no_process_can_be_started_each_job_says_so() -> None:
    line = Line(multiprocessing.get_context("fork"), cannot_start)
    with pytest.raises(Expired) as expired:
        line.result(line.put(answer, 7, limit=20.0))
    assert expired.value.code == 1
    line.close()


def test_a_process_that_is_killed_is_replaced(line: Line) -> None:
    for _ in range(3):
        with pytest.raises(Expired):
            line.result(line.put(kill, limit=20.0))
        assert line.result(line.put(answer, 1, limit=20.0)) == 1


def test_it_is_known_whether_a_result_is_there_and_the_process_gets_its_next_jobs_meanwhile(line: Line) -> None:
    tickets = [line.put(answer, number, limit=20.0) for number in range(100)] + [line.put(sleep, 0.5, limit=20.0)]
    while not line.ready(tickets[99]):
        time.sleep(0.001)
    assert all(ticket.done for ticket in tickets[:100])
    assert not line.ready(tickets[100])
    assert [line.result(ticket) for ticket in tickets] == [*range(100), None]
    assert line.ready(tickets[100])


def test_a_process_that_is_lost_makes_a_result_ready_as_well(line: Line) -> None:
    dies, after = line.put(die, 3, limit=20.0), line.put(answer, 1, limit=20.0)
    while not line.ready(dies):
        time.sleep(0.001)
    with pytest.raises(Expired):
        line.result(dies)
    assert line.result(after) == 1


@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_forgotten_is_not_waited_for_and_the_next_job_has_its_own_result(line: Line, at_once: bool) -> None:
    first = line.put(answer, 1, limit=20.0)
    assert line.result(first) == 1
    began = time.monotonic()
    for _ in range(40):
        line.put(sleep, 20.0 if at_once else 0.001, limit=60.0)
    line.forget(at_once)
    assert line.result(line.put(answer, 2, limit=20.0)) == 2
    assert time.monotonic() - began < 15


def serve_alone(end: socket.socket, other: socket.socket) -> None:
    other.close()  # a copy that a fork has
    serve(end, None, ())


@pytest.mark.parametrize("served", [False, True])
def test_a_process_whose_harness_is_gone_ends_without_a_word(served: bool) -> None:
    """Before it has its files, or with answers that nobody read: then its end of the socket is not at its end, but reset."""
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("fork").Process(target=serve_alone, args=(theirs, ours), daemon=True)
    process.start()
    theirs.close()
    if served:
        files = nameless_file(), nameless_file()
        socket.send_fds(ours, [b"f"], files)
        Channel(ours, *files, load).send(pack((True, *place_of(answer), (1,))), first=True)
        time.sleep(0.5)
    ours.close()
    process.join(20)
    assert process.exitcode == 0
