"""A line of jobs before one worker process, which is replaced when it is lost.

Pebble runs the process and enforces the time limits. It is given one job at a time: given several, it may find the process
dead before it has read which of them was begun. It then blames another one or gives up all, and the one that did it is
waited for in vain; on a loaded machine this was seen.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pebble import ProcessPool

_STARTING = 150.0  # seconds that a new process may take to load what it must, beside the job's own limit
_MOST_TRIES = 2


@dataclass(eq=False)
class Ticket:
    """A job in the line, and what comes of it. ``limit`` is in seconds; ``tries`` counts how often it was begun."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit: float
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0


class Line:
    """``open_pool`` makes a pool of one process. Jobs are put in and waited for by one thread, in the same order."""

    def __init__(self, open_pool: Callable[[], ProcessPool]) -> None:
        self._open_pool = open_pool
        self._pool = open_pool()
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
        """Wait for a job. Raises what it raised, ``TimeoutError`` or ``pebble.ProcessExpired``.

        A job whose process was lost without a word, or of which nothing was heard in time, is begun once more in a new
        process; then :class:`BrokenProcessPool` is raised.
        """
        while True:
            try:
                return ticket.future.result(timeout=ticket.limit + _STARTING)
            except (BrokenProcessPool, TimeoutError) as error:
                if ticket.future.done() and not isinstance(error, BrokenProcessPool):
                    raise  # the job's own limit
                self._replace()
                if ticket.tries >= _MOST_TRIES:
                    raise BrokenProcessPool("the process was lost twice at the same job") from error
                with self._lock:
                    ticket.future = Future()
                    self._waiting.appendleft(ticket)
                self._begin()

    def close(self) -> None:
        """Stop the process, whatever it does."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _replace(self) -> None:
        self.close()
        with self._lock:
            self._running = None
            self._pool = self._open_pool()

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
        else:
            ticket.future.set_exception(error)
        if not isinstance(error, BrokenProcessPool):
            self._begin()
