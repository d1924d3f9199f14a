"""A problem: everything about one call but the numbers in its tensors.

Shapes are those of the field: input (batch, channels, *sizes), weight (out_channels, channels / groups, *kernel), of a
transposed convolution (channels, out_channels / groups, *kernel), bias (out_channels,), output (batch, out_channels,
*outputs). For pooling out_channels equals channels. An unbatched problem has a batch of 1 and tensors without that axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.problem.derived import derived, given_fields
from conformance.problem.formats import FORMATS, Format
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, OPERATORS, WEIGHT_GRAD, Family, Operator, name_of
from conformance.problem.window import OUTSIDE, AnyWindow, PadMode, auto_padding

Shape = tuple[int, ...]


def work_of(op: Operator, windows: Sequence[AnyWindow], batch: int, channels: int, out_channels: int, groups: int) -> int:
    """See :attr:`Problem.work`: a search asks for it before it makes a problem."""
    if op.pass_name == BIAS_GRAD:
        return batch * out_channels * math.prod([w.output for w in windows])
    if op.family is Family.MAX_UNPOOL:  # windows do not overlap, and one element of each is written
        return batch * channels * math.prod([w.size for w in windows])
    at_sizes = op.family is Family.CONV_TRANSPOSE
    reads = batch * math.prod([(w.size if at_sizes else w.output) * w.kernel for w in windows])
    return reads * (channels if op.is_pool else channels * out_channels // groups)


@dataclass(frozen=True)
class Problem:
    """One call of an operator. Constructing an invalid one is allowed: :func:`reasons_invalid` says what is wrong with it.

    ``auto_pad`` is the rule by which padding is asked for; the windows hold what it comes to. ``result`` is the data type
    of the result where it is not that of the input. ``norm`` is the p of a p-norm. What follows from these is worked out
    once and kept: a run asks for shapes some hundred times a case.
    """

    operator: str
    windows: tuple[AnyWindow, ...]
    batch: int = 1
    channels: int = 1
    out_channels: int = 1
    groups: int = 1
    bias: bool = False
    dtype: str = "float32"
    indices: bool = False
    count_include_pad: bool = True
    divisor: int | None = None
    norm: float = 2.0
    auto_pad: str = ""
    unbatched: bool = False
    result: str = ""

    __getstate__ = given_fields

    @derived
    def op(self) -> Operator:
        return OPERATORS[self.operator]

    @derived
    def format(self) -> Format:
        return FORMATS[self.dtype]

    @derived
    def result_format(self) -> Format:
        of_sums = "int32" if self.op.family is Family.CONV_INTEGER else self.dtype
        return FORMATS[self.result or of_sums]

    @derived
    def input_shape(self) -> Shape:
        return (self.batch, self.channels, *(w.output if self._unpools else w.size for w in self.windows))

    @derived
    def weight_shape(self) -> Shape:
        if self.op.family is Family.CONV_TRANSPOSE:
            return (self.channels, self.out_channels // self.groups, *self.kernel)
        return (self.out_channels, self.channels // self.groups, *self.kernel)

    @derived
    def output_shape(self) -> Shape:
        """Of the forward pass."""
        return (self.batch, self.out_channels, *(w.size if self._unpools else w.output for w in self.windows))

    @derived
    def _unpools(self) -> bool:
        """Unpooling undoes its windows: they slide over its output."""
        return self.op.family is Family.MAX_UNPOOL

    @derived
    def array_shapes(self) -> dict[str, Shape]:
        """The tensors that go in, by name, the one that the pass is about first.

        ``x``, weights ``w`` and bias ``b``; ``dy``, a gradient to the output; ``ddx``, one to an input gradient; of
        unpooling ``indices``; of quantised convolution the zero points ``x_zero`` and ``w_zero`` of input and weights, and
        in the requantised form ``scale`` for each output channel and ``y_zero``.
        """
        x, w, dy = self.input_shape, self.weight_shape, self.output_shape
        if self.op.pass_name == BIAS_GRAD:
            shapes = {"dy": dy}
        elif self.op.pass_name == WEIGHT_GRAD:
            shapes = {"x": x, "dy": dy}
        elif self.op.pass_name == INPUT_GRAD:
            shapes = {"dy": dy} | self._beside(x, w)
        elif self.op.pass_name == DOUBLE_GRAD:
            shapes = {"ddx": x} | self._beside(x, w)
        else:
            shapes = {"x": x} | ({"indices": x} if self._unpools else {})
            if self.op.traits.weights:
                shapes |= {"w": w} | ({"b": (self.out_channels,)} if self.bias else {})
            if self.op.family is Family.CONV_INTEGER:
                shapes |= {"x_zero": (), "w_zero": (self.out_channels,)}
                shapes |= {"scale": (self.out_channels,), "y_zero": ()} if self.requantised else {}
        return {name: self._given(name, shape) for name, shape in shapes.items()}

    def _beside(self, x: Shape, w: Shape) -> dict[str, Shape]:
        """What a gradient to the input needs beside the gradient to the output."""
        if self.op.traits.weights:
            return {"w": w}
        return {"indices": x} if self._unpools else {"x": x}

    @derived
    def result_shape(self) -> Shape:
        """Of what comes out of this pass."""
        shapes = {BIAS_GRAD: (self.out_channels,), WEIGHT_GRAD: self.weight_shape, INPUT_GRAD: self.input_shape}
        return self._given("", shapes.get(self.op.pass_name, self.output_shape))

    def _given(self, name: str, shape: Shape) -> Shape:
        spatial = name in ("x", "dy", "ddx", "indices") or (not name and self.op.pass_name not in (BIAS_GRAD, WEIGHT_GRAD))
        return shape[1:] if self.unbatched and spatial else shape

    def dtype_of(self, name: str) -> np.dtype:
        """The type of a tensor that goes in."""
        if name == "indices":
            return np.dtype(np.int64)
        if self.op.family is Family.CONV_INTEGER:
            weights = np.dtype(np.int8)
            own: dict[str, np.dtype] = {"w": weights, "w_zero": weights, "b": np.dtype(np.int32), "scale": np.dtype(np.float32)}
            if name in own:
                return own[name]
            return FORMATS[self.result].numpy if name == "y_zero" else self.format.numpy
        return self.format.numpy

    @derived
    def requantised(self) -> bool:
        """Whether a quantised convolution's sums are scaled, rounded and clipped to 8 bits again."""
        return self.result in ("int8", "uint8") and self.op.family is Family.CONV_INTEGER

    @derived
    def kernel(self) -> Shape:
        return tuple(w.kernel for w in self.windows)

    @derived
    def stride(self) -> Shape:
        return tuple(w.stride for w in self.windows)

    @derived
    def dilation(self) -> Shape:
        return tuple(w.dilation for w in self.windows)

    @derived
    def padding(self) -> tuple[tuple[int, int], ...]:
        return tuple((w.pad_begin, w.pad_end) for w in self.windows)

    @derived
    def output_padding(self) -> Shape:
        return tuple(getattr(w, "output_padding", 0) for w in self.windows)

    @derived
    def pad_mode(self) -> PadMode:
        return self.windows[0].mode

    @derived
    def ceil(self) -> bool:
        return any(w.ceil for w in self.windows)

    @derived
    def max_terms(self) -> int:
        """The most terms that are summed into one element of the result, a bias counted."""
        op = self.op
        if op.pass_name in (WEIGHT_GRAD, BIAS_GRAD):
            return max(1, self.batch * math.prod(self.places if op.pass_name == WEIGHT_GRAD else self.output_shape[2:]))
        if self._unpools:
            return 1
        # A sum over taps, or (the transposed ones) over the places that reach an element.
        gathers = (op.pass_name == INPUT_GRAD) == (op.family is Family.CONV_TRANSPOSE)
        taps = math.prod(self.kernel) if gathers else math.prod(map(_most_readers, self.windows))
        if op.is_pool:
            return max(1, taps)
        mixed = self.out_channels if op.pass_name == INPUT_GRAD else self.channels
        return max(1, taps * (mixed // self.groups) + self.bias)

    @derived
    def places(self) -> Shape:
        """How many places each window is put to: outputs, of a transposed one inputs."""
        return self.input_shape[2:] if self.op.family is Family.CONV_TRANSPOSE else self.output_shape[2:]

    @derived
    def work(self) -> int:
        """Multiply-adds of a convolution, or elements read by a pooling: what a direct loop would execute, in any pass."""
        return work_of(self.op, self.windows, self.batch, self.channels, self.out_channels, self.groups)

    @property
    def steps(self) -> int:
        """Taps of all groups: what a loop of array operations would execute."""
        return math.prod(self.kernel) * self.groups

    def as_pass(self, pass_name: str) -> Problem:
        """The same problem in another pass."""
        return self.replace(operator=name_of(self.op.family, self.op.ndim, pass_name))

    def as_family(self, family: Family) -> Problem:
        """The same problem of another family; its windows must be of that family's kind."""
        return self.replace(operator=name_of(family, self.op.ndim, self.op.pass_name))

    def replace(self, **changes: Any) -> Problem:
        return Problem(**given_fields(self) | changes)  # dataclasses.replace takes thrice as long, and a plan asks often

    def with_axis(self, axis: int, **changes: Any) -> Problem:
        """The same problem with fields of one window changed; fields that its kind of window lacks are left out."""
        windows = list(self.windows)
        windows[axis] = _changed(windows[axis], changes)
        return self.replace(windows=tuple(windows))

    def with_windows(self, **changes: Any) -> Problem:
        """The same problem with fields of every window changed; fields that its kind of window lacks are left out."""
        return self.replace(windows=tuple(_changed(w, changes) for w in self.windows))

    def padded_by(self, rule: str) -> Problem:
        """The same problem with the padding that a rule such as ``same`` asks for, and that is said by it."""
        padded = self
        for axis, window in enumerate(self.windows):
            begin, end = auto_padding(rule, window)
            padded = padded.with_axis(axis, pad_begin=begin, pad_end=end)
        return padded.replace(auto_pad=rule)

    @derived
    def text(self) -> str:
        """The canonical line, which parses back to the same problem."""
        from conformance.problem.text import format_problem  # text knows problems, not the other way round

        return format_problem(self)

    def __str__(self) -> str:
        return self.text


def _changed(window: AnyWindow, changes: dict[str, Any]) -> AnyWindow:
    given = given_fields(window)
    return type(window)(**given | {name: value for name, value in changes.items() if name in given})


def _most_readers(window: AnyWindow) -> int:
    """The most (place, tap) pairs that meet in one element."""
    table = window.table()
    read = table[table != OUTSIDE]
    return int(np.bincount(read).max()) if read.size else 1
