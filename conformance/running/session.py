"""A worker process for one target: started once, kept, replaced when it crashes or hangs, gone at the end.

Jobs may be handed in ahead of need (:mod:`conformance.running.line`), so that the harness prepares and judges on one core
what the worker calls on the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import tempfile
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from conformance.errors import UsageError
from conformance.plain import MOST_OF_WORDS, end_of, line
from conformance.plugin.implementation import Lost
from conformance.plugin.job import Job, Reply
from conformance.plugin.target import Target
from conformance.running import worker
from conformance.running.channel import Unreadable
from conformance.running.heard import MOST_OF_KIND, MOST_PRINTED, plain_description, plain_replies
from conformance.running.launch import fresh
from conformance.running.line import Escaped, Expired, Line, Ticket
from conformance.running.worker import Description

T = TypeVar("T")
LOAD_LIMIT = 120.0
"""Seconds that importing a target may take; frameworks are slow to import on a cold disk."""
_CALLS_OF_LIMIT = 3
_ELSEWHERE = 5.0  # seconds that calls may take in a process of their own, which answer at once where they answer at all
_TAIL = 4 * MOST_PRINTED  # bytes at the end of a worker's output that are read
_PRINTED = 300  # and of what a program printed that could not be used


class WorkerLost(Exception):
    """No reply came of a job. ``kind`` is "crashed", "hung" or "unreadable", ``output`` the end of what the worker printed."""

    def __init__(self, kind: str, message: str, output: str) -> None:
        self.kind, self.message = line(kind, MOST_OF_KIND), line(message, MOST_OF_WORDS)
        self.output = end_of(output, MOST_PRINTED)
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that was handed in; :meth:`result` waits for its replies or raises :class:`WorkerLost`."""

    session: Session
    ticket: Ticket

    def result(self) -> list[Reply]:
        return plain_replies(self.session.wait(self.ticket))


class Session:
    """Use as a context manager: ``with Session(target) as session: session.submit(job).result()``."""

    def __init__(self, target: Target, time_limit: float = 10.0, context: BaseContext | None = None) -> None:
        """``context`` says how the process is started, :func:`conformance.running.launch.fresh` by default."""
        self.target, self.time_limit, self.context = target, time_limit, context or fresh()
        self.losses = 0
        self._open, self._ended, self._closed = False, False, ""
        self._description: Description | None = None

    def __enter__(self) -> Session:
        if self._open:  # it was opened ahead of need
            return self
        self._open = True
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self._output = Path(self._folder.name, "output.txt")
        self._loaded = self.context.Event()
        plain = dataclasses.replace(self.target, probe=False)
        arguments = (str(self._output), plain, self._loaded)
        self._line = Line(self.context, worker.start, arguments)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        self._folder.cleanup()

    def close(self, why: str = "") -> None:
        """End the worker and all that it started; what is asked of it later is refused, because of ``why``."""
        if self._ended:
            return
        self._ended, self._closed = True, why
        self._line.close()

    def describe(self) -> Description:
        """Load the target. Raises :class:`UsageError` if it cannot be loaded."""
        if self._description is None:
            self._description = self._load()
        return self._description

    def _load(self) -> Description:
        plain = dataclasses.replace(self.target, probe=False)
        description = self._described(plain, LOAD_LIMIT)
        self._loaded.set()
        if not self.target.probe or description.unavailable:
            return description
        try:
            return dataclasses.replace(self._described(self.target, self.time_limit), seconds=description.seconds)
        except WorkerLost as lost:  # a first call that kills the process must not end the run: it is what cases will show
            self.target = plain
            note = f"{lost.kind} in a first smoke call; how it wants to be called is assumed"
            return dataclasses.replace(description, notes=(*description.notes, note))

    def _described(self, target: Target, limit: float) -> Description:
        try:
            described = self.wait(self._line.put(worker.describe, target, limit=limit))
        except WorkerLost as lost:
            if not self._loaded.is_set():
                raise UsageError(f"loading {target.text} {lost.message}", hint=lost.output.strip()[-_PRINTED:]) from lost
            raise
        if isinstance(described, UsageError):
            if target.command and (printed := self._tail().strip()):
                raise UsageError(f"{described.message}; it printed: {printed[-_PRINTED:]}", hint=described.hint)
            raise described
        assert isinstance(described, Description)
        return plain_description(described)

    def submit(self, job: Job, limit: float | None = None) -> Pending:
        """Hand in a job; ``limit`` in seconds if it is not the session's, of which each further three calls have one more."""
        limit = limit or self.time_limit * max(1, len(job.calls) / _CALLS_OF_LIMIT)
        return Pending(self, self._line.put(worker.perform, self.target, job, limit=limit))

    def elsewhere(self, job: Job, seconds: float) -> list[Reply] | None:
        """The replies of a job that is made in a process of its own, as its first calls; None if none came.

        Nor is it made where a process takes longer to load the target than ``seconds``.
        """
        loading = self._description.seconds if self._description is not None else 0.0
        if loading > seconds:
            return None
        for target in dict.fromkeys((dataclasses.replace(self.target, probe=False), self.target)):
            # Smoke calls would come first: they are made only where the target must be asked how it wants to be called.
            try:
                with Session(target, self.time_limit, self.context) as session:
                    replies = session.submit(job, limit=loading + _ELSEWHERE).result()
            except WorkerLost:
                return None
            if not replies[0].error:
                return replies
        return None

    def call(self, function: Any, *arguments: Any, limit: float) -> Any:
        """Run another function of the harness's own in the worker, with the target first, and wait for it."""
        if self._closed:
            raise WorkerLost("stopped", self._closed, self._tail())
        return self.wait(self._line.put(function, self.target, *arguments, limit=limit))

    def wait(self, ticket: Ticket) -> Any:
        """The result of what was handed in; raises :class:`WorkerLost` if there is none."""
        try:
            return self._line.result(ticket)
        except TimeoutError:
            self.losses += 1
            raise WorkerLost("hung", f"did not return within {ticket.limit:g} s", self._tail()) from None
        except Expired as expired:
            self.losses += 1
            raise WorkerLost("crashed", f"ended its process ({_exit(expired)})", self._tail()) from None
        except Lost as lost:
            self.losses += 1
            raise WorkerLost(lost.kind, lost.message, self._tail()) from None
        except Escaped as escaped:
            raise WorkerLost("raised", str(escaped), self._tail()) from None
        except Unreadable as error:
            raise WorkerLost("unreadable", f"gave no reply that can be read ({error})", self._tail()) from error
        except Exception as error:  # the worker lives, but its own code failed
            words = f"gave no reply that can be read ({type(error).__name__}: {error})"
            raise WorkerLost("unreadable", words, self._tail()) from error

    def _tail(self) -> str:
        with contextlib.suppress(OSError), self._output.open("rb") as file:  # a target may have printed gigabytes
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return file.read(_TAIL).decode(errors="replace")
        return ""


def _exit(expired: Expired) -> str:
    code = expired.code
    if code is None:
        return expired.words or "it closed its end of the connection"
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
