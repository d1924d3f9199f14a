"""A worker process for one target: started once, kept, replaced when it crashes or hangs, gone at the end.

Pebble runs the process and enforces the time limit. Jobs may be handed in ahead of need, so that the harness prepares
and judges on one core what the worker calls on the other.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from conformance.errors import UsageError
from conformance.plugin.job import Job, Reply
from conformance.plugin.target import Target
from conformance.running import worker
from conformance.running.processes import Recorder
from conformance.running.worker import Description

T = TypeVar("T")
LOAD_LIMIT = 120.0
"""Seconds that importing a target may take; frameworks are slow to import on a cold disk."""
_LOOK = 0.5  # seconds between looks at whether the process is still there
_TAIL = 2000  # characters of a worker's output that are shown


class WorkerLost(Exception):
    """No reply came of a job. ``kind`` is "crashed", "hung" or "unreadable", ``output`` the end of what the worker printed."""

    def __init__(self, kind: str, message: str, output: str) -> None:
        super().__init__(message)
        self.kind, self.message, self.output = kind, message, output


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that was handed in; :meth:`result` waits for its replies or raises :class:`WorkerLost`."""

    session: Session
    future: Any
    limit: float

    def result(self) -> list[Reply]:
        replies: list[Reply] = self.session.wait(self.future, self.limit)
        return replies


class Session:
    """Use as a context manager: ``with Session(target) as session: session.submit(job).result()``."""

    def __init__(self, target: Target, time_limit: float = 10.0) -> None:
        self.target, self.time_limit = target, time_limit
        self.losses = 0
        self._ended, self._closed = False, ""

    def __enter__(self) -> Session:
        self._processes = context = Recorder()
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self._output = Path(self._folder.name, "output.txt")
        self._loaded = context.Event()
        plain = dataclasses.replace(self.target, probe=False)
        arguments = (str(self._output), plain, self._loaded)
        self._pool = ProcessPool(max_workers=1, initializer=worker.start, initargs=arguments, context=context)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        self._folder.cleanup()

    def close(self, why: str = "") -> None:
        """End the worker and all that it started; what is asked of it later is refused, because of ``why``."""
        if self._ended:
            return
        self._ended, self._closed = True, why
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._processes.end_all()  # before the pool waits: a signal may be ignored, a pipe be held open by another process
        self._pool.join()
        self._processes.end_all()  # what the pool started meanwhile

    def describe(self) -> Description:
        """Load the target. Raises :class:`UsageError` if it cannot be loaded."""
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
            described = self.wait(self._pool.schedule(worker.describe, args=[target], timeout=limit), limit)
        except WorkerLost as lost:
            if not self._loaded.is_set():
                raise UsageError(f"loading {target.text} {lost.message}", hint=lost.output.strip()[-300:]) from lost
            raise
        if isinstance(described, UsageError):
            raise described
        assert isinstance(described, Description)
        return described

    def submit(self, job: Job, limit: float | None = None) -> Pending:
        """Hand in a job; ``limit`` in seconds if it is not the session's."""
        limit = limit or self.time_limit
        return Pending(self, self._pool.schedule(worker.perform, args=[self.target, job], timeout=limit), limit)

    def call(self, function: Any, *arguments: Any, limit: float) -> Any:
        """Run another function of the harness's own in the worker, with the target first, and wait for it."""
        if self._closed:
            raise WorkerLost("stopped", self._closed, self._tail())
        return self.wait(self._pool.schedule(function, args=[self.target, *arguments], timeout=limit), limit)

    def wait(self, future: Any, limit: float) -> Any:
        """The result of a scheduled function; raises :class:`WorkerLost` if the process did not survive it."""
        try:
            return self._patiently(future)
        except WorkerLost:
            raise
        except (TimeoutError, concurrent.futures.TimeoutError):
            self._lost()
            raise WorkerLost("hung", f"did not return within {limit:g} s", self._tail()) from None
        except ProcessExpired as expired:
            self._lost()
            raise WorkerLost("crashed", f"ended its process ({_exit(expired.exitcode)})", self._tail()) from None
        except Exception as error:  # the worker lives, but what came back cannot be read, or the call broke the worker's own code
            raise WorkerLost(
                "unreadable", f"gave no reply that can be read ({type(error).__name__}: {error})", self._tail()
            ) from error

    def _patiently(self, future: Any) -> Any:
        """The result of ``future``. The pool takes a process that ends with exit code 0 for one that has done its work."""
        while not concurrent.futures.wait([future], _LOOK).done:
            # What it sent before it ended may still be on its way.
            if self._processes.left_quietly() and not concurrent.futures.wait([future], _LOOK).done:
                future.cancel()
                self._lost()
                raise WorkerLost("crashed", "ended its process (exit code 0)", self._tail())
        error = future.exception()
        if error is not None and not isinstance(error, Exception):  # an exit or interrupt that is not the harness's own
            raise WorkerLost("raised", f"raised {type(error).__name__} in the worker", self._tail())
        return future.result()

    def _lost(self) -> None:
        """Count a lost worker, and end what it left behind."""
        self.losses += 1
        self._processes.end_lost()

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._output.read_text(errors="replace")[-_TAIL:]
        return ""


def _exit(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
