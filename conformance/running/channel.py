"""Messages between the harness and a worker: a pickle with its large arrays beside it, in memory that both can read.

What is short goes through a socket; what is long is written to a file without a name, one for each direction, and read
from there into memory of the reader's own. Nothing is mapped, so that no end can be hurt by what the other does to a file.
What a worker says is taken for data only: :mod:`conformance.running.answers` says what may stand in it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import socket
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from conformance.plugin.shared import aligned

BESIDE = 2**13
"""Bytes from which on an array, or the pickle itself, does not go through the socket: some messages fit there at once."""
MOST_BYTES = 2**28
"""Of a pickle without its large arrays: what is longer is no message."""
_MOST_ARRAYS = 2**16
_KEPT = 2**26  # bytes of a file that are kept for the next message
_HEAD = struct.Struct("<4sIQQ")  # mark, number of arrays beside it, where the pickle is (0: behind this head), its bytes
_PLACE = struct.Struct("<QQ")
_MARK, _CHUNK = b"conv", 2**16
_FIRST = aligned(1)  # place of a file: 0 says that there is none


class Unreadable(Exception):
    """What came is no message."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A message that is ready to be sent. ``beside`` are its large arrays, not copied."""

    body: bytes
    beside: tuple[memoryview, ...]


def pack(message: Any) -> Packed:
    beside: list[memoryview] = []

    def inside(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < BESIDE:
            return True
        beside.append(raw)
        return False

    return Packed(pickle.dumps(message, 5, buffer_callback=inside), tuple(beside))


class Channel:
    """One end. ``load`` turns a pickle and its arrays into the message."""

    def __init__(self, end: socket.socket, out: int, into: int, load: Callable[[bytes, Sequence[np.ndarray]], Any]) -> None:
        self._socket, self._out, self._into, self._load = end, out, into, load
        self._read, self._filled = bytearray(_CHUNK), 0  # what has come, in room that is taken once
        self._coming = select.poll()
        self._coming.register(end, select.POLLIN)
        self._end, self._read_to = _FIRST, 0

    @property
    def used(self) -> int:
        """Bytes of the larger file that are in use since the last message that was the ``first``."""
        return max(self._end, self._read_to)

    @property
    def coming(self) -> bool:
        """Whether a message has begun to come."""
        return self._filled > 0 or bool(self._coming.poll(0))

    def send(self, packed: Packed, first: bool) -> None:
        """Send a message. ``first``: nothing that was sent before is still to be read, so its room is free."""
        if first:
            self._restart()
        beside = b"".join([_PLACE.pack(self._put(view), view.nbytes) for view in packed.beside])
        inline = len(packed.body) <= BESIDE
        at = 0 if inline else self._put(memoryview(packed.body))
        head = _HEAD.pack(_MARK, len(packed.beside), at, len(packed.body))
        self._socket.sendall(head + beside + (packed.body if inline else b""))

    def receive(self, until: float | None = None) -> Any:
        """The next message. Raises TimeoutError at ``until`` (monotonic), EOFError at the end, :class:`Unreadable`.

        What came in part is kept where time is over. A message that cannot be read has been taken, so that the next one
        may follow; what is no message at all is the end.
        """
        self._fill(_HEAD.size, until)
        mark, arrays, at, size = _HEAD.unpack_from(self._read)
        if mark != _MARK or arrays > _MOST_ARRAYS or size > (MOST_BYTES if at else BESIDE):
            raise EOFError("what came is no message")
        start = _HEAD.size + arrays * _PLACE.size
        end = start + (0 if at else size)
        self._fill(end, until)
        places = list(_PLACE.iter_unpack(self._read[_HEAD.size : start])) if arrays else []
        body = self._get(at, size).tobytes() if at else bytes(memoryview(self._read)[start:end])
        beside = [self._get(*place) for place in places]
        self._filled -= end
        if self._filled:
            self._read[: self._filled] = self._read[end : end + self._filled]
        try:
            return self._load(body, beside)
        except Exception as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        self._socket.close()
        for file in (self._out, self._into):
            with contextlib.suppress(OSError):
                os.close(file)

    def _fill(self, size: int, until: float | None) -> None:
        """Read on until there are so many bytes that were not used."""
        if size > len(self._read):
            self._read.extend(bytes(size - len(self._read)))
        while self._filled < size:
            if until is not None and not self._coming.poll(max(0.0, until - monotonic()) * 1000):
                raise TimeoutError
            with memoryview(self._read)[self._filled :] as room:
                got = self._socket.recv_into(room)
            if not got:
                raise EOFError("the other end is gone")
            self._filled += got

    def _restart(self) -> None:
        if self._end > _KEPT:
            os.ftruncate(self._out, 0)
        self._end, self._read_to = _FIRST, 0

    def _put(self, view: memoryview) -> int:
        at, done = self._end, 0
        while done < view.nbytes:
            done += os.pwrite(self._out, view[done:], at + done)
        self._end = aligned(at + done)
        return at

    def _get(self, at: int, size: int) -> np.ndarray:
        """Bytes of the other end's file. There must be as many before memory is taken for them."""
        if at + size > os.fstat(self._into).st_size:
            raise EOFError("what came is no message: its arrays are not there")
        self._read_to = max(self._read_to, at + size)
        read, done = np.empty(size, np.uint8), 0
        while done < size:
            got = os.preadv(self._into, [read[done:].data], at + done)
            if not got:
                raise EOFError("what came is no message: its arrays are gone")
            done += got
        return read


def nameless_file() -> int:
    """A file that is gone when its last user is: in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("conformance")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
