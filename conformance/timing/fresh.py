"""Tensors for timed calls: other data for every call, at the same addresses in every block.

A result that is remembered by identity, address or shape is wrong then, and one remembered by content is never asked for
again. Rolling a tensor along its elements gives other data of the same distribution for the price of a copy; harness
and worker make the same from the same number.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]
_GOLDEN = 0.6180339887498949  # its multiples fall between each other (Knuth 6.4), so near numbers get far shifts


def shift(number: int, size: int) -> int:
    """By how many elements data number ``number`` is rolled: 0 only for number 0, where there is more than one element."""
    return 0 if number == 0 or size < 2 else 1 + int((number * _GOLDEN) % 1 * (size - 1))


def varied(arrays: Arrays, block: int, number: int) -> dict[str, np.ndarray]:
    """The tensors of one call: the first one its own, the others (weights, bias) those of its block.

    Indices stay, because they belong to their places.
    """
    first = next(iter(arrays))
    numbers = {name: number if name == first else 0 if name == "indices" else block for name in arrays}
    return {name: rolled(array, numbers[name]) for name, array in arrays.items()}


def rolled(array: np.ndarray, number: int) -> np.ndarray:
    """``array`` with its elements moved along, the last ones to the front."""
    return np.roll(array, shift(number, array.size))
