"""Windows that read other elements than they should: a table of one's own in place of a window's.

All passes of all operators follow from the tables, so one changed table is one changed rule in every pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.problem import Problem
from conformance.problem.window import OUTSIDE, AdaptiveWindow, AnyWindow, TransposedWindow, Window


@dataclass(frozen=True, eq=False)
class TableWindow:
    """``base`` with another table, of the same number of places; ``counted`` is what an average's divisor counts."""

    base: AnyWindow
    read: np.ndarray
    counted: np.ndarray | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.base, name)

    @property
    def kernel(self) -> int:
        return int(self.read.shape[1])

    def table(self) -> np.ndarray:
        return self.read

    def inside(self) -> np.ndarray:
        return np.asarray(self.read != OUTSIDE)

    def inside_padded(self) -> np.ndarray:
        if self.counted is not None:
            return self.counted
        base = self.base.inside_padded()  # type: ignore[union-attr]
        return base if base.shape == self.read.shape else self.inside()


Reading = Callable[[Problem, int], np.ndarray | None]
"""The changed table of one axis of a problem, or None where that axis stays as it is."""


def with_tables(problem: Problem, reading: Reading) -> Problem | None:
    """The problem under changed tables; None where no table changes."""
    windows, changed = list[Any](problem.windows), False
    for axis, window in enumerate(problem.windows):
        read = reading(problem, axis)
        if read is not None and (read.shape != (table := window.table()).shape or not np.array_equal(read, table)):
            windows[axis], changed = TableWindow(window, read, _counted(window, read)), True
    return dataclasses.replace(problem, windows=tuple(windows)) if changed else None


def _counted(window: AnyWindow, read: np.ndarray) -> np.ndarray | None:
    """Of a changed window an average counts the taps that it counted; of another number of taps, or for an output size, those
    that read."""
    if isinstance(window, TransposedWindow):
        return None
    same = read.shape == window.table().shape and not isinstance(window, AdaptiveWindow)
    return window.inside_padded() if same else np.asarray(read != OUTSIDE)


def table_like(window: AnyWindow, **changes: Any) -> np.ndarray:
    """The table that ``window`` would have with other parameters and as many places as it has."""
    if isinstance(window, AdaptiveWindow):
        return window.table()
    other = dataclasses.replace(window, **changes)
    places = window.output if isinstance(window, Window) else window.size
    at = np.arange(places)[:, None] * other.stride - other.pad_begin + np.arange(other.kernel)[None, :] * other.dilation
    if isinstance(other, Window):
        read = other.element_at(at)
        if other.mode == "zeros":
            return read
        reached = (at >= -other.pad_begin) & (at < other.size + other.pad_end)  # beyond what it was padded to is nothing
        return np.where(reached, read, OUTSIDE)
    return np.where((at >= 0) & (at < window.elements), at, OUTSIDE)
