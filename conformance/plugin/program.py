"""Any command as an implementation: a program in any language that speaks the process protocol (docs/protocol.md).

It is started inside the worker, kept, and ends with it; one that is lost is started anew for the next call. The bare call
hands the tensors over, waits, and takes the outputs: what that costs is part of its time.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.errors import UsageError
from conformance.plugin import wire
from conformance.plugin.claims import Claims
from conformance.plugin.implementation import Implementation, Lost, NotSupported
from conformance.plugin.pipe import HELLO_LIMIT, Pipe
from conformance.plugin.shared import Shared, aligned, shared_memory
from conformance.problem import Problem

LARGE = 2**20
"""Bytes from which on a tensor goes through shared memory, where the program has opened it."""

Outputs = tuple[np.ndarray, ...]


class InvalidForProgram(Exception):
    """The program answered that the problem has no meaning."""


class ErrorOfProgram(Exception):
    """The program answered that something went wrong."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A call that is prepared: its tensors, contiguous, with the form in which each goes over."""

    line: bytes
    arrays: dict[str, np.ndarray]
    tensors: dict[str, wire.Tensor]
    limit: int
    room: int | None
    """Where in shared memory the outputs may go."""


class Program(Implementation):
    """``command`` is what one would type; ``claim`` and ``no_claim`` are words that change what the program claims."""

    def __init__(
        self,
        command: Sequence[str],
        claim: Sequence[str] = (),
        no_claim: Sequence[str] = (),
        hello_limit: float = HELLO_LIMIT,
    ) -> None:
        self.command, self._claim, self._no_claim, self._hello_limit = tuple(command), tuple(claim), tuple(no_claim), hello_limit
        self.name = self.summary = shlex.join(command)
        self._memory: Shared | None = None
        self._pipe: Pipe | None = None
        self._first: wire.Hello | None = None
        self._asked = 0
        self._lock = threading.RLock()  # one request and one answer at a time, whoever asks

    @property
    def claims(self) -> Mapping[str, Claims]:
        hello = self._running().hello
        return {operator: claims.changed(self._claim, self._no_claim) for operator, claims in hello.claims.items()}

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Outputs]:
        contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        tensors, end = {}, 0
        shared = self._running_for_a_call().hello.memory
        for name, array in contiguous.items():
            offset = end if shared and array.nbytes >= LARGE else None
            tensors[name] = wire.Tensor(array.dtype.name, array.shape, offset)
            end = aligned(end + array.nbytes) if offset is not None else end
        large = shared and wire.expected_bytes(problem) >= LARGE
        limit, room = wire.limit_of(problem), end if large else None
        request = _Request(wire.encode_request(problem, tensors, limit, room), contiguous, tensors, limit, room)
        if large and self._memory:
            with self._lock:
                self._memory.poison(end, wire.expected_bytes(problem))
        return lambda: self._call(request)

    def fetch(self, result: Outputs) -> Outputs:
        return result

    def versions(self) -> dict[str, str]:
        return {"command": shlex.join(self.command), **dict(self._running().hello.versions)}

    def notes(self) -> tuple[str, ...]:
        large = f", from {LARGE >> 20} MiB on through shared memory" if self._running().hello.memory else ""
        return (f"another process: its times hold the handing over of all tensors, through pipes{large}",)

    def release(self) -> None:
        with self._lock:
            if self._memory:
                self._memory.drop()

    def close(self) -> None:
        """End the program; the next call starts it again."""
        with self._lock:
            if self._pipe:
                self._pipe.close()
            if self._memory:
                self._memory.close()
            self._pipe = self._memory = None

    def _running(self) -> Pipe:
        """The program, started if it is not. Raises :class:`UsageError` if it cannot be."""
        with self._lock:
            if self._pipe is None:
                self._memory = shared_memory()
                try:
                    self._pipe = Pipe(self.command, self._memory, self._hello_limit)
                except BaseException:
                    self.close()
                    raise
                hello = self._pipe.hello
                if self._first not in (None, hello):
                    self.close()
                    raise UsageError(f"{shlex.join(self.command)} says something else of itself than when it was first started")
                self._first = hello
                self.name = hello.name or self.name
                self.summary = ": ".join(filter(None, [hello.summary, shlex.join(self.command)]))
            assert self._pipe is not None
            return self._pipe

    def _running_for_a_call(self) -> Pipe:
        try:
            return self._running()
        except UsageError as error:
            raise Lost("crashed", f"found no program, and it did not start again: {error.message}") from None

    def _call(self, request: _Request) -> Outputs:
        with self._lock:
            try:
                return self._exchange(self._running_for_a_call(), request)
            except Lost:
                self.close()
                raise

    def _exchange(self, pipe: Pipe, request: _Request) -> Outputs:
        self._asked += 1
        memory = self._place(request)
        line = wire.numbered(self._asked, request.line)
        parts = [wire.flat_bytes(request.arrays[name]) for name, one in request.tensors.items() if one.offset is None]
        answer, received = pipe.ask(self._asked, line, parts, request.limit, request.room)
        if answer.refusal == "unsupported":
            raise NotSupported(answer.message)
        if answer.refusal:
            raise (InvalidForProgram if answer.refusal == "invalid" else ErrorOfProgram)(answer.message)
        outputs = []
        for output in answer.outputs:
            start = output.offset
            data = received.pop(0) if start is None else memory[start : start + output.nbytes].copy()
            outputs.append(wire.from_bytes(output, data))
        return tuple(outputs)

    def _place(self, request: _Request) -> np.ndarray:
        """Put large tensors into shared memory; the memory."""
        if self._memory is None:
            return np.empty(0, np.uint8)
        ends = [one.offset + one.nbytes for one in request.tensors.values() if one.offset is not None]
        ends += [request.room + request.limit] if request.room is not None else []
        memory = self._memory.at_least(max(ends, default=0))
        for name, one in request.tensors.items():
            if one.offset is not None:
                memory[one.offset : one.offset + one.nbytes] = wire.flat_bytes(request.arrays[name])
        return memory
