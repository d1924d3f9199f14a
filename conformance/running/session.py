"""A worker process for one target: started once, kept, replaced when it crashes or hangs, gone at the end.

Jobs may be handed in ahead of need (:mod:`conformance.running.line`), so that the harness prepares and judges on one core
what the worker calls on the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import shutil
import signal
import tempfile
import weakref
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.context import BaseContext
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from conformance.errors import UsageError
from conformance.plain import MOST_OF_WORDS, line
from conformance.plugin.implementation import Lost
from conformance.plugin.job import Job, Reply
from conformance.plugin.target import Target
from conformance.running import worker
from conformance.running.channel import Unreadable
from conformance.running.crossing import flat_job, replies_of
from conformance.running.heard import MOST_OF_KIND, plain_description, plain_replies
from conformance.running.launch import fresh, keep_helpers
from conformance.running.line import NO_PROCESS, Escaped, Expired, Line, Ticket
from conformance.running.memory import NO_MEMORY, limit_of, size_words
from conformance.running.printed import Printed, Streams
from conformance.running.worker import Description

LOAD_LIMIT = 120.0
"""Seconds that importing a target may take; frameworks are slow to import on a cold disk."""
_PROBE_LIMIT = 20.0  # seconds, in which a function is asked how it wants to be called, and what it accepts
_PROBES: dict[Literal["all", "form"], str] = {
    "all": "what it accepts beyond its namesake is not tried",
    "form": "how it wants to be called is assumed",
}
"""What smoke calls find out, most first, and what is not known where one of them ends the process."""
_CALLS_OF_LIMIT = 3
_ELSEWHERE = 5.0  # seconds that calls may take in a process of their own, which answer at once where they answer at all
_PRINTED = 300  # characters of what a program printed that could not be used
_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def end_all_sessions() -> None:
    """Kill the workers of all sessions of this process, with all that they started, and remove their files."""
    for session in list(_sessions):
        session.end_at_once()


class WorkerLost(Exception):
    """No reply came of a job. ``kind`` is "crashed", "hung" or "unreadable", ``printed`` what the worker printed last."""

    def __init__(self, kind: str, message: str, printed: Printed) -> None:
        self.kind, self.message = line(kind, MOST_OF_KIND), line(message, MOST_OF_WORDS)
        self.printed = printed
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Pending:
    """A job that was handed in; :meth:`result` waits for its replies or raises :class:`WorkerLost`."""

    session: Session
    ticket: Ticket
    number: int

    @property
    def ready(self) -> bool:
        """Whether :meth:`result` would not wait."""
        return self.session.ready(self.ticket)

    def result(self) -> list[Reply]:
        said = self.session.wait(self.ticket, self.number)
        try:
            return plain_replies(replies_of(said))
        except Exception as error:
            raise self.session.unreadable(error, self.number) from error


class Session:
    """Use as a context manager: ``with Session(target) as session: session.submit(job).result()``."""

    def __init__(
        self, target: Target, time_limit: float = 10.0, context: BaseContext | None = None, memory_limit: int | None = None,
        watched: bool = False,
    ) -> None:  # fmt: skip
        """``context`` says how the process is started, :func:`conformance.running.launch.fresh` by default; ``memory_limit``
        is the bytes that it may take (None: a share of what is free, 0: no limit). ``watched``: its branches are noted.
        """
        self.target, self.time_limit, self.context = dataclasses.replace(target, watched=watched), time_limit, context or fresh()
        self.memory_limit = limit_of(memory_limit)
        self.losses = self._jobs = 0
        self._open, self._ended, self._closed = False, False, ""
        self._description: Description | None = None

    def __enter__(self) -> Session:
        if self._open:  # it was opened ahead of need
            return self
        self._open = True
        keep_helpers()
        self._folder = _new_folder()
        _sessions.add(self)
        self._streams = Streams(Path(self._folder.name))
        self._loaded = self.context.Event()
        plain = dataclasses.replace(self.target, probe="")
        arguments = (self._folder.name, self.memory_limit, plain, self._loaded)
        self._line = Line(self.context, worker.start, arguments)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        self._streams.close()
        self._folder.cleanup()
        _sessions.discard(self)

    def close(self, why: str = "") -> None:
        """End the worker and all that it started; what is asked of it later is refused, because of ``why``."""
        if not self._ended:
            self._ended, self._closed = True, why
        self._line.close()  # again, as an interrupt may have come in the midst of it: a process that is stopped never ends

    def end_at_once(self) -> None:
        """For the end of this process, from wherever: nothing is waited for."""
        with contextlib.suppress(AttributeError):  # it was just being opened
            self._line.close()
        shutil.rmtree(self._folder.name, ignore_errors=True)

    def describe(self) -> Description:
        """Load the target. Raises :class:`UsageError` if it cannot be loaded."""
        if self._description is None:
            self._description = self._load()
        return self._description

    def _load(self) -> Description:
        plain = dataclasses.replace(self.target, probe="")
        description = self._described(plain, LOAD_LIMIT)
        self._loaded.set()
        if not self.target.probe or description.unavailable:
            return description
        notes: list[str] = []
        for probe, left in tuple(_PROBES.items())[self.target.probe == "form" :]:
            target = dataclasses.replace(self.target, probe=probe)
            try:
                found = self._described(target, min(self.time_limit, _PROBE_LIMIT))
                self.target = target
                return dataclasses.replace(found, seconds=description.seconds, notes=(*found.notes, *notes))
            except WorkerLost as lost:  # a first call that kills the process must not end the run: it is what cases will show
                notes = [f"{lost.kind} in a first smoke call; {left}"]
        self.target = plain
        return dataclasses.replace(description, notes=(*description.notes, *notes))

    def _described(self, target: Target, limit: float) -> Description:
        try:
            described = self.wait(self._line.put(worker.describe, target, limit=limit))
        except WorkerLost as lost:
            if not self._loaded.is_set():
                raise UsageError(f"loading {target.text} {lost.message}", hint=lost.printed.text[-_PRINTED:]) from lost
            raise
        if isinstance(described, UsageError):
            if target.command and (printed := self._streams.of().text):
                raise UsageError(f"{described.message}; it printed: {printed[-_PRINTED:]}", hint=described.hint)
            raise described
        assert isinstance(described, Description)
        return plain_description(described)

    @property
    def alive(self) -> bool:
        """Whether anything can still be asked."""
        return not self._closed

    def submit(self, job: Job, limit: float | None = None) -> Pending:
        """Hand in a job; ``limit`` in seconds if it is not the session's, of which each further three calls have one more."""
        limit = limit or self.time_limit * max(1, len(job.calls) / _CALLS_OF_LIMIT)
        self._jobs += 1
        asked = _pickled(self.target), flat_job(job), self._jobs
        return Pending(self, self._line.put(worker.perform_flat, *asked, limit=limit), self._jobs)

    def elsewhere(self, job: Job, seconds: float) -> list[Reply] | None:
        """The replies of a job that is made in a process of its own, as its first calls; None if none came.

        Nor is it made where a process takes longer to load the target than ``seconds``.
        """
        loading = self._description.seconds if self._description is not None else 0.0
        if loading > seconds:
            return None
        for target in dict.fromkeys((dataclasses.replace(self.target, probe=""), self.target)):
            # Smoke calls would come first: they are made only where the target must be asked how it wants to be called.
            try:
                with Session(target, self.time_limit, self.context, self.memory_limit) as session:
                    replies = session.submit(job, limit=loading + _ELSEWHERE).result()
            except WorkerLost:
                return None
            if not replies[0].error:
                return replies
        return None

    def call(self, function: Any, *arguments: Any, limit: float) -> Any:
        """Run another function of the harness's own in the worker, with the target first, and wait for it."""
        return self.wait(self.ask(function, *arguments, limit=limit))

    def ask(self, function: Any, *arguments: Any, limit: float) -> Ticket:
        """As :meth:`call`, but not waited for: other workers can start in the meantime."""
        if self._closed:
            raise WorkerLost("stopped", self._closed, self._streams.of())
        return self._line.put(function, self.target, *arguments, limit=limit)

    def wait(self, ticket: Ticket, number: int = 0) -> Any:
        """The result of what was handed in, as the job ``number``; raises :class:`WorkerLost` if there is none."""
        try:
            return self._line.result(ticket)
        except TimeoutError:
            self.losses += 1
            raise WorkerLost("hung", f"did not return within {ticket.limit:g} s", self._streams.of(number)) from None
        except Expired as expired:
            self.losses += 1
            raise self._crashed(expired, number) from None
        except Lost as lost:
            self.losses += 1
            raise WorkerLost(lost.kind, lost.message, self._streams.of(number)) from None
        except Escaped as escaped:
            raise WorkerLost("raised", str(escaped), self._streams.of(number)) from None
        except Unreadable as error:
            raise WorkerLost("unreadable", f"gave no reply that can be read ({error})", self._streams.of(number)) from error
        except Exception as error:  # the worker lives, but its own code failed
            raise self.unreadable(error, number) from error

    def ready(self, ticket: Ticket) -> bool:
        """Whether :meth:`wait` would not wait for it."""
        return self._line.ready(ticket)

    def forget(self, at_once: bool) -> None:
        """Nothing that was handed in is waited for any more; ``at_once``: the worker is ended in the midst of it."""
        self._line.forget(at_once)

    def unreadable(self, error: Exception, number: int) -> WorkerLost:
        """What comes of a job whose reply gave ``error`` when it was read, or in its place."""
        words = f"gave no reply that can be read ({type(error).__name__}: {error})"
        return WorkerLost("unreadable", words, self._streams.of(number))

    def _crashed(self, expired: Expired, number: int) -> WorkerLost:
        """The loss of a worker that has ended; of memory only what it printed can tell, or the signal that the kernel sends."""
        printed, limit = self._streams.of(number), self.memory_limit
        allowed = f": a worker may take {size_words(limit)} (--memory-limit)" if limit else ""
        if expired.words.startswith(NO_PROCESS):
            return WorkerLost("crashed", expired.words, printed)
        words = f"ended its process ({_exit(expired)})"
        if NO_MEMORY.search(printed.stderr):
            return WorkerLost("out of memory", f"the call {words} when it got no more memory{allowed}", printed)
        if expired.code == -signal.SIGKILL:
            words += f"; so the kernel does when the machine runs out of memory{allowed}"
        return WorkerLost("crashed", words, printed)


@lru_cache(maxsize=8)
def _pickled(target: Target) -> bytes:
    return pickle.dumps(target)


def _new_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UsageError(
            f"there is no place for temporary files: {error.strerror}", hint="name a folder that has room: TMPDIR=/path/to/folder"
        ) from None


def _exit(expired: Expired) -> str:
    code = expired.code
    if code is None:
        return expired.words or "it closed its end of the connection"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"{signal.Signals(-code).name}: {(signal.strsignal(-code) or '').lower()}"
    return f"exit code {code}"
