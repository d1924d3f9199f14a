"""A thread that goes on working is told from pools that wait for the next call."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from conformance.running.idle import SHARE, unrest


@pytest.fixture
def spinning() -> Iterator[None]:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=spin)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_a_thread_that_spins_is_no_rest(spinning: None) -> None:
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
