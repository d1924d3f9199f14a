"""A thread that goes on working is told from pools that wait for the next call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from conformance.running import idle
from conformance.running.idle import SHARE, remember, unrest


@contextmanager
def spinning() -> Iterator[None]:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_thread_that_spins_is_no_rest() -> None:
    with spinning():
        assert unrest() > SHARE


def test_a_thread_that_sleeps_is_rest() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    assert unrest() == 0
    stop.set()
    thread.join()


def test_the_pool_of_a_matrix_product_comes_to_rest() -> None:
    matrix = np.ones((600, 600), np.float32)
    assert (matrix @ matrix)[0, 0] == 600
    assert unrest() == 0


def test_the_pool_of_torch_comes_to_rest() -> None:
    torch = pytest.importorskip("torch")
    x, w = torch.ones(4, 16, 32, 32), torch.ones(16, 16, 3, 3)
    assert torch.nn.functional.conv2d(x, w)[0, 0, 0, 0] == 144
    assert unrest() == 0


def test_a_worker_with_no_thread_but_its_own_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_own", {int(task.name) for task in idle._TASKS.iterdir()})
    monkeypatch.setattr(idle, "sleep", lambda seconds: pytest.fail("it was waited for"))
    assert unrest() == 0


def test_a_thread_that_came_later_is_none_of_the_worker_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_own", set())
    remember()
    with spinning():
        assert unrest() > SHARE
