"""One axis of a sliding window: the arithmetic that convolution and pooling share.

An N-dimensional window is the product of its axes, so everything about positions is decided here, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """A kernel of ``kernel`` taps, ``dilation`` apart, moved by ``stride`` over ``size`` elements and their padding."""

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    pad_begin: int = 0
    pad_end: int = 0
    ceil: bool = False

    @property
    def extent(self) -> int:
        """Elements from the first tap to the last: (kernel - 1) * dilation + 1."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def padded(self) -> int:
        return self.size + self.pad_begin + self.pad_end

    @property
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

    def positions(self) -> np.ndarray:
        """Input index read by each (output, tap), shape (output, kernel); those outside [0, size) lie in the padding."""
        starts = np.arange(self.output) * self.stride - self.pad_begin
        return starts[:, None] + np.arange(self.kernel)[None, :] * self.dilation

    def inside(self) -> np.ndarray:
        """True where :meth:`positions` is an element of the input, shape (output, kernel)."""
        at = self.positions()
        return (at >= 0) & (at < self.size)

    def inside_padded(self) -> np.ndarray:
        """True where :meth:`positions` is an input element or explicit padding: not the overhang of ceil mode."""
        at = self.positions()
        return (at >= -self.pad_begin) & (at < self.size + self.pad_end)
