"""What a worker process does: one request after the other, as they come, and an answer to each."""

from __future__ import annotations

import importlib
import multiprocessing
import operator
import os
import pickle
import socket
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from conformance.running.channel import Channel, Packed, pack

READY, DONE, RAISED, ESCAPED, UNSENDABLE = "ready", "done", "raised", "escaped", "unsendable"
"""What an answer is: the process is there; a value; an error; what is no error, such as an exit; a value that does not pickle."""


def serve(end: socket.socket, initializer: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Called in a new process with its end of the socket, through which the files for large arrays come first."""
    files = _files(end)
    channel = Channel(end, files[1], files[0], _load)
    multiprocessing.current_process().daemon = False  # or a target could have no pool of processes; all end with the harness
    if initializer is not None:
        initializer(*arguments)
    try:
        channel.send(pack((READY, None)), first=True)
        while True:
            first, module, name, given = channel.receive()
            channel.send(_answer(_function(module, name), given), first)
            del given
    except (EOFError, ConnectionError):  # the harness is gone, and nothing may hold up the end of this process
        os._exit(0)


def _files(end: socket.socket) -> list[int]:
    try:
        files = socket.recv_fds(end, 1, 2)[1]
    except ConnectionError:
        files = []
    if len(files) < 2:  # the harness was interrupted when it had just started this process
        os._exit(0)
    return files


def place_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Where a process finds a function: it is looked up once, not with every request."""
    return function.__module__, function.__qualname__


@cache
def _function(module: str, name: str) -> Callable[..., Any]:
    return operator.attrgetter(name)(importlib.import_module(module))  # type: ignore[no-any-return]


def _answer(function: Callable[..., Any], given: tuple[Any, ...]) -> Packed:
    try:
        answer: tuple[str, Any] = DONE, function(*given)
    except Exception as error:
        answer = RAISED, error if type(error).__module__.partition(".")[0] in ("builtins", "conformance") else _words(error)
    except BaseException as error:
        answer = ESCAPED, f"raised {type(error).__name__} in the worker"
    try:
        return pack(answer)
    except Exception as error:  # whatever a target has put into a value of the harness's
        return pack((UNSENDABLE, _words(error)))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _load(body: bytes, arrays: Sequence[np.ndarray]) -> Any:
    return pickle.loads(body, buffers=arrays)
