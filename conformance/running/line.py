"""A line of jobs before one worker process, which is replaced when it is lost.

Pebble runs the process and enforces the time limits. It is given one job at a time: given several, it may find the process
dead before it has read which of them was begun. It then blames another one or gives up all, and the one that did it is
waited for in vain; on a loaded machine this was seen.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pebble import ProcessExpired, ProcessPool

from conformance.running.processes import Recorder

_LOOK = 0.5  # seconds between looks at whether the process is still there
_STARTING = 150.0  # seconds that a new process may take to load what it must, beside the job's own limit
_MOST_TRIES = 2


class Escaped(Exception):
    """A job raised what is no error, such as an exit: ``str()`` says what, and it must not become one of the harness."""


@dataclass(eq=False)
class Ticket:
    """A job in the line, and what comes of it. ``limit`` is in seconds; ``tries`` counts how often it was begun."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit: float
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0


class Line:
    """Jobs are put in and waited for by one thread, in the same order. ``initializer`` is called in every new process."""

    def __init__(
        self, processes: Recorder, initializer: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
    ) -> None:
        self._processes = processes
        self._open = partial(ProcessPool, max_workers=1, initializer=initializer, initargs=arguments, context=processes)
        self._pool = self._open()
        self._waiting: deque[Ticket] = deque()
        self._running: Ticket | None = None
        self._lock = threading.RLock()

    def put(self, function: Callable[..., Any], *arguments: Any, limit: float) -> Ticket:
        """Hand in a job for the process. It is begun when those before it are done."""
        ticket = Ticket(function, arguments, limit)
        with self._lock:
            self._waiting.append(ticket)
        self._begin()
        return ticket

    def result(self, ticket: Ticket) -> Any:
        """Wait for a job. Raises what it raised, ``TimeoutError``, ``pebble.ProcessExpired`` or :class:`Escaped`.

        A job whose process was lost without a word, or of which nothing was heard in time, is begun once more in a new
        process; then :class:`BrokenProcessPool` is raised. What a lost process leaves behind is killed.
        """
        while True:
            try:
                self._await(ticket)
                return ticket.future.result()
            except BrokenProcessPool:
                if ticket.tries >= _MOST_TRIES:
                    self._replace()
                    raise BrokenProcessPool("the process was lost twice at the same job") from None
                self._replace(first=ticket)
            except (TimeoutError, ProcessExpired):
                self._processes.end_lost()
                raise

    def close(self) -> None:
        """Stop the process, whatever it does, and all that it started."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._processes.end_all()  # before the pool waits: a signal may be ignored, a pipe be held open by another process
        self._pool.join()
        self._processes.end_all()  # what the pool started meanwhile

    def _await(self, ticket: Ticket) -> None:
        """Return when the job is done. The pool takes a process that ends with exit code 0 for one that has done its work."""
        end = time.monotonic() + ticket.limit + _STARTING
        while not _done(ticket):
            # What it sent before it ended may still be on its way.
            if self._processes.left_quietly() and not _done(ticket):
                self._replace()
                raise ProcessExpired("ended by itself", code=0)  # type: ignore[no-untyped-call]
            if time.monotonic() > end:
                raise BrokenProcessPool("nothing was heard of the process in time")

    def _replace(self, first: Ticket | None = None) -> None:
        """Go on with a new process, with ``first`` before all that waits."""
        self.close()
        with self._lock:
            self._running = None
            self._pool = self._open()
            if first is not None:
                first.future = Future()  # only now: nobody is left who could still answer for the old process
                self._waiting.appendleft(first)
        self._begin()

    def _begin(self) -> None:
        """Give the next job to the process, if it has none."""
        with self._lock:
            if self._running is not None or not self._waiting:
                return
            ticket = self._running = self._waiting.popleft()
            try:
                begun = self._pool.schedule(ticket.function, args=ticket.arguments, timeout=ticket.limit)
            except RuntimeError as error:  # the pool is broken; whoever waits for this job replaces it
                self._running = None
                ticket.future.set_exception(BrokenProcessPool(str(error)))
                return
            ticket.tries += 1
        begun.add_done_callback(partial(self._came, ticket))

    def _came(self, ticket: Ticket, begun: Any) -> None:
        """Called by one of Pebble's threads when a job is done, in whatever way."""
        with self._lock:
            if self._running is not ticket:
                return  # given up, and begun again
            self._running = None
        error = begun.exception()
        if error is None:
            ticket.future.set_result(begun.result())
        elif isinstance(error, Exception):
            ticket.future.set_exception(error)
        else:
            ticket.future.set_exception(Escaped(f"raised {type(error).__name__} in the worker"))
        if not isinstance(error, BrokenProcessPool):
            self._begin()


def _done(ticket: Ticket) -> bool:
    """Whether a job is done now, or before the next look."""
    return bool(concurrent.futures.wait([ticket.future], _LOOK).done)
