"""Memory that a library writes to, with bytes around it that must stay as they were: a write beside it shows, and where."""

from __future__ import annotations

import math

import numpy as np

from conformance.plugin.job import POISON

GUARD = 4096
"""Bytes before and behind; what is written farther off shows as a crash at best."""
_ALIGNMENT = 64
_CLEAN = bytes([POISON]) * GUARD


class Guarded:
    """One array of its own memory, at ``address``."""

    __slots__ = ("_guard", "_start", "_whole", "address", "array", "what")

    def __init__(self, what: str, shape: tuple[int, ...], dtype: np.dtype, guard: int = GUARD) -> None:
        """``what`` it is, for the message."""
        nbytes = math.prod(shape) * dtype.itemsize
        self.what, self._guard, self._whole = what, guard, np.full(nbytes + 2 * guard + _ALIGNMENT, POISON, np.uint8)
        first: int = self._whole.__array_interface__["data"][0]
        self._start = start = guard + -(first + guard) % _ALIGNMENT
        self.address = first + start
        self.array = np.ndarray(shape, dtype, self._whole, start)

    def harm(self) -> str:
        """What was written beside it, in words; empty if nothing was."""
        guard, end, clean = self._guard, self._start + self.array.nbytes, _CLEAN[: self._guard]
        before, behind = self._whole[self._start - guard : self._start], self._whole[end : end + guard]
        if before.tobytes() != clean:
            changed = np.flatnonzero(before != POISON)
            nearest = guard - int(changed[-1])
            return (
                f"wrote before {self.what}: {changed.size} bytes are changed there, the last of them {nearest} before its first"
            )
        if behind.tobytes() != clean:
            changed = np.flatnonzero(behind != POISON)
            nearest = int(changed[0])
            edge = f"{nearest} behind its end" if nearest else "right behind its end"
            return f"wrote behind {self.what}: {changed.size} bytes are changed there, the first of them {edge}"
        return ""
