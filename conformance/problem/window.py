"""One axis of a window: the arithmetic that convolution and pooling share.

An N-dimensional window is the product of its axes, so everything about positions is decided here, once. Each kind of
window answers with one table: which element every tap reads from every place. All passes of all operators follow from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, ClassVar, Literal

import numpy as np

from conformance.problem.derived import derived, given_fields

PadMode = Literal["zeros", "reflect", "replicate", "circular"]
PAD_MODES: tuple[PadMode, ...] = ("zeros", "reflect", "replicate", "circular")
NUMPY_PAD_MODES: dict[PadMode, str] = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
OUTSIDE = -1
"""In a table: the tap reads padding, which is zero (of a maximum: nothing)."""
_KEPT, _MOST_KEPT = 4096, 2048  # entries of a table that is kept, and how many tables are


def _kept(make: Callable[[Any], np.ndarray]) -> Callable[[Any], np.ndarray]:
    """A method that makes a table: small ones are made once for all windows that are equal, and cannot be written to."""

    @lru_cache(maxsize=_MOST_KEPT)
    def made(window: Any) -> np.ndarray:
        table = make(window)
        table.flags.writeable = False
        return table

    @wraps(make)
    def table(window: Any) -> np.ndarray:
        return made(window) if max(window.size, window.output) * window.kernel <= _KEPT else make(window)

    return table


@dataclass(frozen=True)
class Window:
    """A kernel of ``kernel`` taps, ``dilation`` apart, moved by ``stride`` over ``size`` elements and their padding.

    Negative padding crops. ``mode`` says what padding holds: zeros, or elements of the input.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    pad_begin: int = 0
    pad_end: int = 0
    ceil: bool = False
    mode: PadMode = "zeros"

    __getstate__ = given_fields

    @derived
    def extent(self) -> int:
        """Elements from the first tap to the last: (kernel - 1) * dilation + 1."""
        return (self.kernel - 1) * self.dilation + 1

    @derived
    def padded(self) -> int:
        return self.size + self.pad_begin + self.pad_end

    @derived
    def output(self) -> int:
        """How many positions the window takes; 0 or less when it does not fit.

        floor or ceil of (padded - extent) / stride, plus one. In ceil mode the last window may hang over the end, but
        one that would start in the end padding or beyond it is dropped (PyTorch's rule, ONNX's since opset 22).
        """
        room = self.padded - self.extent
        if not self.ceil:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        if (count - 1) * self.stride >= self.size + self.pad_begin:
            count -= 1
        return count

    @derived
    def elements(self) -> int:
        """How many elements the table's entries point into: the input's."""
        return self.size

    @_kept
    def positions(self) -> np.ndarray:
        """Coordinate read by each (output, tap), shape (output, kernel); those outside [0, size) lie in the padding."""
        starts = np.arange(self.output) * self.stride - self.pad_begin
        return starts[:, None] + np.arange(self.kernel)[None, :] * self.dilation

    @_kept
    def table(self) -> np.ndarray:
        """Element read by each (output, tap), or OUTSIDE, shape (output, kernel)."""
        return self.element_at(self.positions())

    def element_at(self, at: np.ndarray) -> np.ndarray:
        """The element that a coordinate of the padded input holds, or OUTSIDE."""
        inside = (at >= 0) & (at < self.size)
        if self.mode == "replicate":
            return np.clip(at, 0, self.size - 1)
        if self.mode == "circular":
            return at % self.size
        if self.mode == "reflect":
            turn = max(1, 2 * (self.size - 1))
            folded = at % turn
            return np.minimum(folded, turn - folded) if self.size > 1 else np.zeros_like(at)
        return np.where(inside, at, OUTSIDE)

    @_kept
    def inside(self) -> np.ndarray:
        """True where :meth:`table` reads an element of the input, shape (output, kernel)."""
        return self.table() != OUTSIDE

    @_kept
    def inside_padded(self) -> np.ndarray:
        """True where :meth:`positions` is an input element or explicit padding: not the overhang of ceil mode."""
        at = self.positions()
        return (at >= -self.pad_begin) & (at < self.size + self.pad_end)


@dataclass(frozen=True)
class TransposedWindow:
    """The same window backwards: each of ``size`` inputs adds to ``kernel`` outputs, ``stride`` apart from input to input.

    ``pad_begin`` and ``pad_end`` are cut off the output, ``output_padding`` is added to its end.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    pad_begin: int = 0
    pad_end: int = 0
    output_padding: int = 0

    ceil = False
    mode: ClassVar[PadMode] = "zeros"

    __getstate__ = given_fields

    @derived
    def extent(self) -> int:
        return (self.kernel - 1) * self.dilation + 1

    @derived
    def padded(self) -> int:
        return self.elements + self.pad_begin + self.pad_end

    @derived
    def output(self) -> int:
        """(size - 1) * stride - padding + extent + output_padding."""
        return (self.size - 1) * self.stride - self.pad_begin - self.pad_end + self.extent + self.output_padding

    @derived
    def elements(self) -> int:
        return self.output

    @_kept
    def positions(self) -> np.ndarray:
        starts = np.arange(self.size) * self.stride - self.pad_begin
        return starts[:, None] + np.arange(self.kernel)[None, :] * self.dilation

    @_kept
    def table(self) -> np.ndarray:
        """Output that each (input, tap) adds to, or OUTSIDE where it is cut off, shape (size, kernel)."""
        at = self.positions()
        return np.where((at >= 0) & (at < self.output), at, OUTSIDE)

    @_kept
    def inside(self) -> np.ndarray:
        return self.table() != OUTSIDE


@dataclass(frozen=True)
class AdaptiveWindow:
    """``output`` windows that share ``size`` elements as evenly as they can: from floor(i size / output) to the ceiling of
    (i + 1) size / output. Neighbours overlap where the sizes do not divide."""

    size: int
    output: int

    stride = dilation = 1
    pad_begin = pad_end = 0
    ceil = False
    mode: ClassVar[PadMode] = "zeros"

    __getstate__ = given_fields

    @derived
    def kernel(self) -> int:
        """Elements of the longest window.

        With size = q output + r, window i starts i r mod output parts of an element late, at most output - gcd(r, output)
        of them, and so reaches over q, q + 1 or q + 2 elements.
        """
        if self.size < 1 or self.output < 1:
            return 1
        whole, rest = divmod(self.size, self.output)
        return whole + (rest > 0) + (rest > math.gcd(rest, self.output))

    @derived
    def bounds(self) -> list[tuple[int, int]]:
        """First element of each window, and the one behind its last."""
        return [(i * self.size // self.output, -(-(i + 1) * self.size // self.output)) for i in range(self.output)]

    @derived
    def extent(self) -> int:
        return self.kernel

    @derived
    def padded(self) -> int:
        return self.size

    @derived
    def elements(self) -> int:
        return self.size

    @_kept
    def table(self) -> np.ndarray:
        """Element read by each (output, tap), or OUTSIDE in windows shorter than the longest, shape (output, kernel)."""
        bounds = np.array(self.bounds, dtype=np.int64).reshape(self.output, 2)
        at = bounds[:, :1] + np.arange(self.kernel)
        return np.where(at < bounds[:, 1:], at, OUTSIDE)

    positions = table

    @_kept
    def inside(self) -> np.ndarray:
        return self.table() != OUTSIDE

    inside_padded = inside


AnyWindow = Window | TransposedWindow | AdaptiveWindow

AUTO_PADS = ("valid", "same", "same_upper", "same_lower")


def auto_padding(rule: str, window: AnyWindow) -> tuple[int, int]:
    """The padding that a rule asks for. ``same`` (PyTorch, stride 1) and ``same_upper`` (ONNX) give the odd one to the end.

    ONNX: so much that the output has ceil(size / stride) positions.
    """
    if rule == "valid":
        return 0, 0
    total = max(0, (-(-window.size // window.stride) - 1) * window.stride + window.extent - window.size)
    return (total - total // 2, total // 2) if rule == "same_lower" else (total // 2, total - total // 2)
