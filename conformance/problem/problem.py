"""A problem: everything about one call but the numbers in its tensors.

Shapes are those of the field: input (batch, channels, *sizes), weight (out_channels, channels / groups, *kernel),
bias (out_channels,), output (batch, out_channels, *outputs). For pooling out_channels equals channels.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from conformance.problem.formats import FORMATS, Format
from conformance.problem.operators import OPERATORS, Operator
from conformance.problem.window import Window


@dataclass(frozen=True, slots=True)
class Problem:
    """One call of an operator. Constructing an invalid one is allowed: :func:`reasons_invalid` says what is wrong with it."""

    operator: str
    windows: tuple[Window, ...]
    batch: int = 1
    channels: int = 1
    out_channels: int = 1
    groups: int = 1
    bias: bool = False
    dtype: str = "float32"
    indices: bool = False
    count_include_pad: bool = True
    divisor: int | None = None

    @property
    def op(self) -> Operator:
        return OPERATORS[self.operator]

    @property
    def format(self) -> Format:
        return FORMATS[self.dtype]

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.batch, self.channels, *(w.size for w in self.windows))

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.channels // self.groups, *self.kernel)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (self.batch, self.out_channels, *(w.output for w in self.windows))

    @property
    def array_shapes(self) -> dict[str, tuple[int, ...]]:
        """The tensors that go in, by name: ``x``, and for convolution ``w`` and perhaps ``b``."""
        shapes = {"x": self.input_shape}
        if not self.op.is_pool:
            shapes["w"] = self.weight_shape
            if self.bias:
                shapes["b"] = (self.out_channels,)
        return shapes

    @property
    def kernel(self) -> tuple[int, ...]:
        return tuple(w.kernel for w in self.windows)

    @property
    def stride(self) -> tuple[int, ...]:
        return tuple(w.stride for w in self.windows)

    @property
    def dilation(self) -> tuple[int, ...]:
        return tuple(w.dilation for w in self.windows)

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        return tuple((w.pad_begin, w.pad_end) for w in self.windows)

    @property
    def ceil(self) -> bool:
        return any(w.ceil for w in self.windows)

    @property
    def max_terms(self) -> int:
        """The most terms that are summed into one output, a bias counted."""
        taps = math.prod(self.kernel)
        return taps if self.op.is_pool else taps * (self.channels // self.groups) + self.bias

    @property
    def work(self) -> int:
        """Multiply-adds of a convolution, or elements read by a pooling: what a direct loop would execute."""
        return math.prod(self.output_shape) * (self.max_terms - self.bias)

    def replace(self, **changes: Any) -> Problem:
        return dataclasses.replace(self, **changes)

    def with_axis(self, axis: int, **changes: Any) -> Problem:
        """The same problem with fields of one window changed."""
        windows = list(self.windows)
        windows[axis] = dataclasses.replace(windows[axis], **changes)
        return dataclasses.replace(self, windows=tuple(windows))

    def with_windows(self, **changes: Any) -> Problem:
        """The same problem with fields of every window changed."""
        return dataclasses.replace(self, windows=tuple(dataclasses.replace(w, **changes) for w in self.windows))

    def __str__(self) -> str:
        from conformance.problem.text import format_problem  # text knows problems, not the other way round

        return format_problem(self)
