"""What does something when it should not, or where: after its call, in another process, to files, signals, and the exit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from conformance.problem import Problem
from implementations.adversaries.base import Arrays, Honest, adversary, nothing

REPORT = "report.json"
"""In the current folder: what the harness was told to write there."""
LIE = json.dumps({"implementations": [{"status": "conformant", "verdict": "CONFORMANT"}]})
_POOL = ThreadPoolExecutor(2)
_calls: list[Problem] = []
_once: set[str] = set()
_pids: dict[str, int] = {}


@adversary("starts a thread that works on after the call has returned", "processor time while nothing is asked of the worker")
def threads_that_go_on(p: Problem, a: Arrays, honest: Honest) -> Any:
    def spin() -> None:
        while True:
            sum(range(1000))

    if "spin" not in _once:
        _once.add("spin")
        threading.Thread(target=spin, daemon=True).start()
    return honest()


@adversary("returns an array at once that a thread fills later", "results are copied as soon as the call has returned; values")
def filled_later(p: Problem, a: Arrays, honest: Honest) -> Any:
    result = nothing(p)

    def fill() -> None:
        time.sleep(0.02)
        result[...] = honest()

    threading.Thread(target=fill, daemon=True).start()
    return result


@adversary("returns arrays at once that two threads fill, while more calls are made",
           "results are copied as soon as the call has returned, and compared with what they become")  # fmt: skip
def filled_in_turn(p: Problem, a: Arrays, honest: Honest) -> Any:
    result = nothing(p)

    def fill() -> None:
        result[...] = honest()

    _POOL.submit(fill)
    return result


@adversary("does the work when the result is fetched", "the first fetch takes longer than the second", check=False)
def done_when_fetched(p: Problem, a: Arrays, honest: Honest) -> Any:
    results: list[Any] = []

    def fetch() -> Any:
        results[:] = results or [honest()]
        return results[0]

    return fetch


@adversary("has a thread do the work and waits for it when the result is fetched", "the first fetch takes longer than the second",
           check=False, timing="no gain")  # fmt: skip
def awaited_when_fetched(p: Problem, a: Arrays, honest: Honest) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(honest()), daemon=True)
    thread.start()

    def fetch() -> Any:
        thread.join()
        return results[0]

    return fetch


@adversary("ends the process with status 0 in its third call", "a worker that ended is told, whatever its status")
def exits_with_0(p: Problem, a: Arrays, honest: Honest) -> Any:
    _calls.append(p)
    if len(_calls) == 3:
        os._exit(0)
    return honest()


@adversary("raises SystemExit(0)", "what a call raises is an outcome, SystemExit too")
def raises_exit_0(p: Problem, a: Arrays, honest: Honest) -> Any:
    sys.exit(0)


@adversary("raises KeyboardInterrupt, as if the user had stopped the run", "what a worker raises ends no run: it is an outcome")
def raises_an_interrupt(p: Problem, a: Arrays, honest: Honest) -> Any:
    raise KeyboardInterrupt


@adversary(
    "prints a report of its own to both streams, and returns zeros", "a worker's streams are a file of the harness's; values"
)
def prints_a_report(p: Problem, a: Arrays, honest: Honest) -> Any:
    for stream in (1, 2):
        os.write(stream, f"CONFORMANT: escapes, 1 case\n{LIE}\n".encode())
    print(LIE, flush=True)  # noqa: T201 - what it is about
    return nothing(p)


@adversary("ignores every signal that can be ignored, then hangs", "SIGKILL to its session when its time is over")
def ignores_signals(p: Problem, a: Arrays, honest: Honest) -> Any:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)
    _calls.append(p)
    while len(_calls) >= 3:
        time.sleep(0.1)
    return honest()


@adversary(
    "writes a report of its own to the file that the harness will write", "values; files are written when the workers are gone"
)
def overwrites_the_report(p: Problem, a: Arrays, honest: Honest) -> Any:
    Path(REPORT).write_text(LIE)
    return nothing(p)


@adversary("leaves a command behind that writes the report again and again", "values; the worker's session is killed with it")
def leaves_a_command(p: Problem, a: Arrays, honest: Honest) -> Any:
    if "command" not in _once:
        _once.add("command")
        code = f"import time\nwhile True: open({REPORT!r}, 'w').write({LIE!r}); time.sleep(0.05)"
        subprocess.Popen([sys.executable, "-c", code])
    return nothing(p)


@adversary("leaves an orphan in a session of its own behind that writes the report again and again",
           "values; the worker adopts orphans, and what descends from it is killed with it")  # fmt: skip
def leaves_an_orphan(p: Problem, a: Arrays, honest: Honest) -> Any:
    if "orphan" not in _once:
        _once.add("orphan")
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    Path(REPORT).write_text(LIE)
                    time.sleep(0.05)
            os._exit(0)
        os.waitpid(child, 0)
    return nothing(p)


@adversary(
    "forks in every call, and both return", "only the process that the harness started replies", check=False, timing="no gain"
)
def both_return(p: Problem, a: Arrays, honest: Honest) -> Any:
    if os.getpid() == _pids.setdefault("process", os.getpid()):  # a copy does not go on copying
        os.fork()
    return honest()


@adversary(
    "leaves a child behind that holds the worker's pipes open, and hangs",
    "the time limit; the worker's session is killed with it",
)
def holds_the_pipes(p: Problem, a: Arrays, honest: Honest) -> Any:
    _calls.append(p)
    if len(_calls) < 3:
        return honest()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.1)
