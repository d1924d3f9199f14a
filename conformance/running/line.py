"""A line of jobs before one worker process, which is replaced when it is lost.

Some jobs are sent ahead of need, so that the process finds the next one when it is done with one. It takes them in order
and answers in order: the one that is next to be answered is the one that it works on, and whatever happens to the process
is that job's. Those behind it are sent again, to the next process.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Any

from conformance.running import processes
from conformance.running.answers import load
from conformance.running.channel import Channel, Unreadable, nameless_file, pack
from conformance.running.serve import DONE, ESCAPED, RAISED, READY, UNSENDABLE, place_of, serve

NO_PROCESS = "found no process, as none could be started"
_LOOK = 0.25  # seconds between looks at whether the process is still there: another may hold its end of the socket open
_STARTING = 150.0  # seconds that a new process may take to load what it must
_ENDING = 10.0  # and one that was killed until it is gone
_MOST_STARTS = 2  # processes that may be lost before one job, without having begun it
_MOST_SENT = 16  # jobs that are sent and not answered: the sockets must hold so many, and their answers (channel.BESIDE)
_MOST_BESIDE = 2**27  # bytes beside the socket, each way, after which all that was sent is answered before there is more


class Expired(Exception):
    """The process is gone: it ended by itself with exit code ``code`` (negative: by that signal), or (None) said no more."""

    def __init__(self, code: int | None, words: str = "") -> None:
        super().__init__(code, words)
        self.code, self.words = code, words


class Escaped(Exception):
    """A job raised what is no error, such as an exit: ``str()`` says what, and it must not become one of the harness."""


@dataclass(eq=False)
class Ticket:
    """A job in the line, and what comes of it. ``limit`` is in seconds; ``starts`` counts processes lost before it began."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit: float
    starts: int = 0
    done: bool = False
    value: Any = None
    error: Exception | None = None

    def settle(self, value: Any = None, error: Exception | None = None) -> None:
        self.done, self.value, self.error = True, value, error
        self.arguments = ()


class Line:
    """Jobs are put in and waited for by one thread. ``initializer`` is called in every new process."""

    def __init__(
        self, context: BaseContext, initializer: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
    ) -> None:
        self._context, self._initializer, self._arguments = context, initializer, arguments
        self._waiting: deque[Ticket] = deque()
        self._sent: deque[Ticket] = deque()
        self._process: BaseProcess | None = None
        self._channel: Channel | None = None
        self._ready = False
        self._since = 0.0
        """When the process began to start, or could begin the first of the jobs that were sent."""

    def put(self, function: Callable[..., Any], *arguments: Any, limit: float) -> Ticket:
        """Hand in a job for the process. It is begun when those before it are done."""
        ticket = Ticket(function, arguments, limit)
        self._waiting.append(ticket)
        self._feed()
        return ticket

    def result(self, ticket: Ticket) -> Any:
        """Wait for a job. Raises what it raised, ``TimeoutError``, :class:`Expired`, :class:`Escaped` or ``Unreadable``.

        What a lost process leaves behind is killed.
        """
        while not ticket.done:
            self._feed()
            self._take_answer()
        if ticket.error is not None:
            raise ticket.error
        return ticket.value

    def ready(self, ticket: Ticket) -> bool:
        """Whether :meth:`result` would not wait: all answers that are there are taken, and the process has its next jobs."""
        while not ticket.done and self._channel is not None and self._channel.coming:
            self._take_answer()
        self._feed()
        return ticket.done

    def forget(self, at_once: bool) -> None:
        """Nothing that was put in is waited for any more. What the process has is done, unless it is to end ``at_once``."""
        self._waiting.clear()
        if at_once and self._sent:
            self.close()
            self._sent.clear()

    @property
    def alive(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None and self._process.exitcode is None

    def close(self) -> None:
        """Stop the process, whatever it does, and all that it started."""
        if self._process is not None and self._channel is not None:
            processes.end(self._process.pid, alive=self._process.exitcode is None)
            self._process.join(_ENDING)
            self._channel.close()
        self._process = self._channel = None  # only now, so that what an interrupt came between is done again
        self._ready = False

    def _feed(self) -> None:
        """Send what the process may have ahead."""
        while self._waiting and len(self._sent) < _MOST_SENT:
            if self._process is None and not self._start():
                continue
            assert self._channel is not None
            first = not self._sent
            if not first and self._channel.used > _MOST_BESIDE:
                return
            ticket = self._waiting.popleft()
            self._sent.append(ticket)
            if first and self._ready:
                self._since = monotonic()
            try:
                self._channel.send(pack((first, *place_of(ticket.function), ticket.arguments)), first)
            except OSError:
                if first:  # the process was gone before
                    self._replace(Expired(self._exit_code()), begun=False)
                return  # else whoever waits for the answer before this one finds that out

    def _start(self) -> bool:
        """Start a process. Where there can be none, that is what comes of the next job."""
        ours, theirs = socket.socketpair()
        files = nameless_file(), nameless_file()
        try:
            process = self._context.Process(target=serve, args=(theirs, self._initializer, self._arguments), daemon=True)  # type: ignore[attr-defined]
            process.start()
            socket.send_fds(ours, [b"f"], files)
        except OSError as error:
            ours.close()
            self._waiting.popleft().settle(error=Expired(None, f"{NO_PROCESS}: {error.strerror or error}"))
            return False
        finally:
            theirs.close()
        self._process, self._channel = process, Channel(ours, *files, load)
        self._ready, self._since = False, monotonic()
        return True

    def _take_answer(self) -> None:
        """Wait for the next answer, or for what comes in its place."""
        assert self._channel is not None
        assert self._process is not None
        end = self._since + (self._sent[0].limit if self._ready else _STARTING)
        gone = False
        while True:
            try:
                kind, value = self._channel.receive(min(end, monotonic() + (0 if gone else _LOOK)))
                break
            except Unreadable as error:
                kind, value = UNSENDABLE, str(error)
                break
            except TimeoutError:
                if gone:
                    return self._replace(Expired(self._exit_code()), self._ready)
                if monotonic() >= end:
                    return self._replace(TimeoutError(), self._ready)
                gone = self._process.exitcode is not None  # what it sent before it ended is there now
            except (EOFError, OSError) as error:
                return self._replace(Expired(self._exit_code(), str(error)), self._ready)
        self._since = monotonic()
        if kind == READY:
            self._ready = True
        else:
            self._answered(kind, value)

    def _answered(self, kind: str, value: Any) -> None:
        ticket = self._sent.popleft()
        if kind == DONE:
            ticket.settle(value)
        elif kind == RAISED and isinstance(value, Exception):
            ticket.settle(error=value)
        elif kind == ESCAPED:
            ticket.settle(error=Escaped(value))
        else:
            ticket.settle(error=Unreadable(value))

    def _replace(self, error: Exception, begun: bool) -> None:
        """End the process that was lost, by ``error``, at the first of the jobs that were sent, or before it was ``begun``."""
        self.close()
        ticket = self._sent.popleft()
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        ticket.starts += 1
        if begun or ticket.starts == _MOST_STARTS:
            ticket.settle(error=error)
        else:
            self._waiting.appendleft(ticket)

    def _exit_code(self) -> int | None:
        """That of a process which has ended, or closed its end of the socket; None if it goes on without."""
        assert self._process is not None
        self._process.join(_LOOK)
        return self._process.exitcode
