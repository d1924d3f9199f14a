"""Writes beside memory that a library was given are seen, and told with where they were."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from conformance.plugin.guarded import GUARD, Guarded


def test_what_is_written_inside_is_no_harm() -> None:
    memory = Guarded("its output", (2, 3), np.dtype(np.float32))
    memory.array[...] = 1
    assert memory.harm() == ""
    assert memory.array.ctypes.data == memory.address
    assert memory.address % 64 == 0


@pytest.mark.parametrize(
    ("offset", "count", "words"),
    [
        (24, 1, "wrote behind its output: 1 bytes are changed there, the first of them right behind its end"),
        (24 + GUARD - 1, 1, f"wrote behind its output: 1 bytes are changed there, the first of them {GUARD - 1} behind its end"),
        (-1, 1, "wrote before its output: 1 bytes are changed there, the last of them 1 before its first"),
        (-GUARD, 2, f"wrote before its output: 2 bytes are changed there, the last of them {GUARD - 1} before its first"),
        (20, 8, "wrote behind its output: 4 bytes are changed there, the first of them right behind its end"),
    ],
)
def test_what_is_written_beside_is_told(offset: int, count: int, words: str) -> None:
    memory = Guarded("its output", (2, 3), np.dtype(np.float32))
    ctypes.memset(memory.address + offset, 0, count)
    assert memory.harm() == words


@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_memory_without_elements_has_guards_too(shape: tuple[int, ...]) -> None:
    memory = Guarded("its output", shape, np.dtype(np.float64))
    assert memory.harm() == ""
    ctypes.memset(memory.address + memory.array.nbytes, 0, 1)
    assert memory.harm().startswith("wrote behind its output")


def test_what_is_not_written_is_no_plausible_number() -> None:
    memory = Guarded("its output", (4,), np.dtype(np.float32))
    assert abs(float(memory.array[0])) < 1e-10
    assert memory.array[0] != 0
