"""A program that speaks the process protocol (docs/protocol.md): started, asked one thing at a time, ended.

Its standard error is that of the worker, which keeps it. A program that cannot be started, or does not answer the hello,
is an error of the user's; one that is lost later is :class:`Lost`, and of no more use.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import shlex
import signal
import subprocess
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import numpy as np

from conformance.errors import UsageError
from conformance.plugin import wire
from conformance.plugin.implementation import Lost
from conformance.plugin.shared import Shared

HELLO_LIMIT = 60.0
"""Seconds from a program's start to its first line: runtimes and frameworks are slow to load from a cold disk."""
_LAST_WORDS = 1.0  # seconds in which a program that closed its output may end by itself, to be asked for its exit code
_PIPE_BYTES = 2**20  # Linux's largest for users; a tensor that fits is written at once
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux's fcntl
_LOOK = 0.25  # seconds between looks at whether it is still there
_CHUNK = 2**16
_HOW = "what a program reads and prints is in docs/protocol.md, with a template"


class Pipe:
    """One running program, from its hello to its end."""

    def __init__(self, command: Sequence[str], memory: Shared | None, hello_limit: float = HELLO_LIMIT) -> None:
        self.words = shlex.join(command)
        self._process = _start(command)
        self._to = io.BufferedWriter(cast(io.FileIO, self._process.stdin))
        self._from = cast(io.FileIO, self._process.stdout)
        self._read = bytearray()
        for stream in (self._to, self._from):
            _widen(stream.fileno())
        try:
            self.hello = self._greet(memory, hello_limit)
        except BaseException:
            self.close()
            raise

    def _greet(self, memory: Shared | None, limit: float) -> wire.Hello:
        self._send([wire.encode_hello(memory.path if memory else None)])
        if not self._readable(limit):
            raise UsageError(f"{self.words} did not answer the hello within {limit:g} s", hint=_HOW)
        try:
            return wire.decode_hello(self._line("the answer to the hello"))
        except Lost as lost:
            raise UsageError(f"{self.words} {lost.message}", hint=_HOW) from None
        except wire.WireError as error:
            raise UsageError(f"{self.words} does not speak the process protocol: {error}", hint=_HOW) from None

    def ask(
        self, number: int, line: bytes, parts: Sequence[memoryview], limit: int, room: int | None
    ) -> tuple[wire.Answer, list[np.ndarray]]:
        """Send a request and wait for its answer, with the bytes of those outputs that do not lie in shared memory.

        Raises :class:`Lost` if there is none that can be read.
        """
        try:
            if self._read or self._readable(0):
                self._unasked(number)
            self._send([line, *parts])
            answer = wire.decode_answer(self._line(f"the answer to request {number}"), number, limit, room)
        except wire.WireError as error:
            raise Lost("unreadable", f"got no answer that can be read: {error}") from None
        return answer, [self._bytes(output.nbytes) for output in answer.outputs if output.offset is None]

    def _unasked(self, number: int) -> None:
        """There is something to read though nothing was asked: its end, or what is no answer."""
        said = self._line(f"request {number}")
        raise wire.WireError(f"{wire.shown(said)} was read from its standard output before request {number} was sent")

    def close(self) -> None:
        """End the program and the processes of its group, whatever they do."""
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        for stream in (self._to, self._from):
            with contextlib.suppress(OSError):
                stream.close()
        self._process.wait()

    def _send(self, parts: Sequence[bytes | memoryview]) -> None:
        with contextlib.suppress(BrokenPipeError):  # why it went is found out when its answer is read
            for part in parts:
                self._to.write(part)
            self._to.flush()

    def _line(self, what: str) -> bytes:
        """The next line. What does not begin as a message does is not waited for to end."""
        while b"\n" not in self._read and (not self._read or self._read.startswith(b"{")):
            if len(self._read) > wire.MOST_LINE:
                raise wire.WireError(f"{what} has a line of more than {wire.MOST_LINE} bytes")
            self._await(f"before {what}")
            self._read += self._from.read(_CHUNK) or self._end(f"before {what}")
        line, newline, rest = self._read.partition(b"\n")
        self._read = rest
        return bytes(line + newline)

    def _bytes(self, size: int) -> np.ndarray:
        data = np.empty(size, np.uint8)
        view, done = data.data, min(size, len(self._read))
        view[:done] = self._read[:done]
        del self._read[:done]
        while done < size:
            when = f"after {done} of the {size} bytes of an output"
            self._await(when)
            done += self._from.readinto(view[done:]) or self._end(when)
        return data

    def _await(self, when: str) -> None:
        """Return when there is something to read. A program may end while others still hold its output open."""
        while not self._readable(_LOOK):
            if self._process.poll() is not None and not self._readable(0):
                self._end(when)

    def _readable(self, seconds: float) -> bool:
        return bool(select.select([self._from], [], [], seconds)[0])

    def _end(self, when: str) -> NoReturn:
        try:
            code = self._process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            raise Lost("crashed", f"found its standard output closed {when}") from None
        raise Lost("crashed", f"ended with {_exit_words(code)} {when}")


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    # As in a worker itself, freed memory is full of what is no result where the C library can be told so.
    environment = {"MALLOC_PERTURB_": "165", **os.environ}
    options: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment, **options)
    except FileNotFoundError:
        raise UsageError(
            f"there is no command {command[0]!r}", hint="behind -- stands a command as it is typed, e.g. -- node conv.js"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{command[0]} cannot be run: {error.strerror}", hint=f"name its interpreter, or type: chmod +x {command[0]}"
        ) from None


def _exit_words(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _widen(file: int) -> None:
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.fcntl(file, _SET_PIPE_SIZE, _PIPE_BYTES)
