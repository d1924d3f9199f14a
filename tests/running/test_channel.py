"""Messages arrive as they were sent, whatever their size, and what is no message ends in an error, not in memory or time."""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
from collections.abc import Iterator
from time import monotonic

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from conformance.running.answers import load
from conformance.running.channel import _HEAD, _PLACE, BESIDE, MOST_BYTES, Channel, Unreadable, nameless_file, pack


class Ends:
    """Both ends of one connection, and the bare socket and file that the second one writes to."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        one, self.file = nameless_file(), nameless_file()
        self.first = Channel(ours, one, self.file, load)
        self.second = Channel(self.socket, self.file, one, lambda body, beside: pickle.loads(body, buffers=beside))

    def close(self) -> None:
        self.first.close()
        self.socket.close()


@pytest.fixture(scope="module")
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


@pytest.mark.parametrize("size", [0, 1, BESIDE // 8 - 1, BESIDE // 8, BESIDE, 2**20])
@pytest.mark.parametrize("first", [True, False])
def test_arrays_of_any_size_arrive_as_they_were(ends: Ends, size: int, first: bool) -> None:
    sent = [np.arange(size, dtype=np.float64), np.arange(2 * size, dtype=np.int16).reshape(2, size)[:, ::-1], "words" * size]
    ends.first.send(pack(sent), first)
    got = ends.second.receive(monotonic() + 10)
    assert [np.array_equal(a, b) for a, b in zip(got, sent, strict=True)] == [True] * 3
    ends.second.send(pack(got), first)
    assert np.array_equal(ends.first.receive(monotonic() + 10)[1], sent[1])


NUMBERS = st.one_of(arrays_of.floating_dtypes(), arrays_of.complex_number_dtypes(), arrays_of.integer_dtypes())


@given(st.lists(arrays_of.arrays(NUMBERS, arrays_of.array_shapes(min_dims=0, max_dims=4, max_side=40)), max_size=5))
@settings(max_examples=40, deadline=None)
def test_several_messages_on_their_way_do_not_disturb_each_other(sent: list[np.ndarray]) -> None:
    ends = Ends()
    for number, array in enumerate(sent):
        ends.second.send(pack(array), first=number == 0)
    for array in sent:
        got = ends.first.receive(monotonic() + 10)
        assert got.dtype == array.dtype
        assert np.asarray(got).tobytes() == array.tobytes()
    ends.close()


def test_what_is_sent_beside_the_socket_is_counted_and_its_room_used_again() -> None:
    ends = Ends()
    block = np.zeros(2**20, np.uint8)
    for number in range(5):
        ends.second.send(pack(block), first=number == 0)
        ends.first.receive(monotonic() + 10)
        assert ends.first.used > number * 2**20
    ends.first.send(pack(None), first=True)
    ends.second.send(pack(block), first=True)
    ends.first.receive(monotonic() + 10)
    assert ends.first.used < 2 * 2**20
    assert os.fstat(ends.file).st_size < 6 * 2**20
    ends.close()


def test_a_message_in_parts_is_kept_until_the_rest_is_there(ends: Ends) -> None:
    body = pickle.dumps("whole")
    message = _HEAD.pack(b"conv", 0, 0, len(body)) + body
    for part in (message[:5], message[5:30], message[30:-1]):
        ends.socket.sendall(part)
        with pytest.raises(TimeoutError):
            ends.first.receive(monotonic() + 0.01)
    ends.socket.sendall(message[-1:])
    assert ends.first.receive(monotonic() + 10) == "whole"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"GET / HTTP/1.1\r\nHost: example\r\n\r\n", "no message"),
        (_HEAD.pack(b"conv", 2**31, 0, 10), "no message"),
        (_HEAD.pack(b"conv", 0, 0, BESIDE + 1), "no message"),
        (_HEAD.pack(b"conv", 0, 64, MOST_BYTES + 1), "no message"),
        (_HEAD.pack(b"conv", 0, 64, MOST_BYTES), "not there"),
        (_HEAD.pack(b"conv", 1, 0, 1) + _PLACE.pack(0, 2**62) + b"N", "not there"),
        (_HEAD.pack(b"conv", 1, 0, 1) + _PLACE.pack(2**63, 2**63) + b"N", "not there"),
    ],
)
def test_what_asks_for_more_than_there_is_is_the_end(message: bytes, words: str) -> None:
    ends = Ends()
    ends.socket.sendall(message)
    with pytest.raises(EOFError, match=words):
        ends.first.receive(monotonic() + 10)
    ends.close()


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_body_is_a_value_or_unreadable_and_the_next_message_follows(body: bytes) -> None:
    ends = Ends()
    ends.socket.sendall(_HEAD.pack(b"conv", 0, 0, len(body)) + body)
    ends.second.send(pack("next"), first=True)
    with contextlib.suppress(Unreadable):
        ends.first.receive(monotonic() + 10)
    assert ends.first.receive(monotonic() + 10) == "next"
    ends.close()
