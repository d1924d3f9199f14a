"""One short, correct implementation of convolution and pooling in one to three dimensions, on plain NumPy.

Broken and honest functions are made from it by changing a line or two. It loops over the taps of the window and knows
nothing of the harness, so that the harness is judged by something that it does not hold itself.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
Pairs = tuple[tuple[int, int], ...]


def spread(value: Any, ndim: int) -> tuple[int, ...]:
    """One number for each axis, of a number or a sequence."""
    return (int(value),) * ndim if isinstance(value, int | np.integer) else tuple(value)


def pairs(value: Any, ndim: int) -> Pairs:
    """(begin, end) for each axis, of a number, one number for each axis, or pairs."""
    spelt: tuple[Any, ...] = spread(value, ndim)
    return tuple(tuple(p) if isinstance(p, tuple | list) else (p, p) for p in spelt)


def at(starts: tuple[int, ...], counts: tuple[int, ...], steps: tuple[int, ...]) -> tuple[slice, ...]:
    """The elements that one tap reads, for all output positions."""
    return tuple(slice(s, s + step * (n - 1) + 1, step) for s, n, step in zip(starts, counts, steps, strict=True))


def fitted(y: Array, shape: tuple[int, ...]) -> Array:
    """``y`` cut or filled up with zeros to ``shape``: so that a wrong parameter does not show by the shape alone."""
    out = np.zeros(shape, y.dtype)
    common = tuple(slice(0, min(a, b)) for a, b in zip(y.shape, shape, strict=True))
    out[common] = y[common]
    return out


@dataclass(frozen=True)
class Conv:
    """The arguments of one convolution, spelt out for each axis."""

    x: Array
    w: Array
    b: Array | None
    stride: tuple[int, ...]
    pads: Pairs
    dilation: tuple[int, ...]
    groups: int

    def but(self, **changes: Any) -> Conv:
        return dataclasses.replace(self, **changes)

    @property
    def ndim(self) -> int:
        return self.x.ndim - 2

    @property
    def counts(self) -> tuple[int, ...]:
        """Output sizes."""
        sizes = zip(self.x.shape[2:], self.w.shape[2:], self.stride, self.pads, self.dilation, strict=True)
        return tuple((n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.x.shape[0], self.w.shape[0], *self.counts)

    @property
    def padded(self) -> Array:
        return np.pad(self.x, ((0, 0), (0, 0), *self.pads))

    @property
    def parts(self) -> Iterator[tuple[slice, slice]]:
        """The input and output channels of each group."""
        ins, outs = self.w.shape[1], self.w.shape[0] // self.groups
        for g in range(self.groups):
            yield slice(g * ins, (g + 1) * ins), slice(g * outs, (g + 1) * outs)

    def terms(self, padded: Array | None = None) -> Iterator[tuple[slice, Array, Array]]:
        """For each group and tap: output channels, the input (n, c, ...) that the tap reads, its weights (o, c)."""
        padded = self.padded if padded is None else padded
        for ins, outs in self.parts:
            for tap in np.ndindex(*self.w.shape[2:]):
                starts = tuple(t * d for t, d in zip(tap, self.dilation, strict=True))
                yield (
                    outs,
                    padded[(slice(None), ins, *at(starts, self.counts, self.stride))],
                    self.w[(outs, slice(None), *tap)],
                )

    def biased(self, y: Array) -> Array:
        return y if self.b is None else y + self.b.reshape(-1, *[1] * self.ndim)

    def run(self, padded: Array | None = None, out: Array | None = None) -> Array:
        """The result; ``padded`` and ``out`` are working memory of the caller's."""
        y = np.zeros(self.shape, np.result_type(self.x, self.w)) if out is None else out
        for outs, part, weights in self.terms(padded):
            y[:, outs] += np.einsum("nc...,oc->no...", part, weights)
        return self.biased(y)


@dataclass(frozen=True)
class Pool:
    """The arguments of one pooling, spelt out for each axis."""

    x: Array
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pads: Pairs
    dilation: tuple[int, ...]
    ceil: bool = False
    indices: bool = False
    include: bool = True
    divisor: int | None = None
    clip: bool = True

    def but(self, **changes: Any) -> Pool:
        return dataclasses.replace(self, **changes)

    @property
    def counts(self) -> tuple[int, ...]:
        counts = []
        sizes = zip(self.x.shape[2:], self.kernel, self.stride, self.pads, self.dilation, strict=True)
        for n, k, s, p, d in sizes:
            room = n + sum(p) - d * (k - 1) - 1
            count = (-(-room // s) if self.ceil else room // s) + 1
            counts.append(count - (self.ceil and self.clip and (count - 1) * s >= n + p[0]))
        return tuple(counts)

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.x.shape[:2], *self.counts)

    def positions(self, axis: int) -> Array:
        """Input index of each (tap, output) of an axis."""
        taps = np.arange(self.kernel[axis]) * self.dilation[axis]
        return taps[:, None] + np.arange(self.counts[axis]) * self.stride[axis] - self.pads[axis][0]

    def inside(self, begin: bool = False) -> Array:
        """(taps, *outputs): whether a tap reads the input; with ``begin`` it or its padding, not the overhang."""
        whole = np.ones((1,) * 2 * len(self.kernel), bool)
        for axis, (n, p) in enumerate(zip(self.x.shape[2:], self.pads, strict=True)):
            low, high = (-p[0], n + p[1]) if begin else (0, n)
            place = self.positions(axis)
            whole = whole & self._along((place >= low) & (place < high), axis)
        return whole.reshape(-1, *self.counts)

    def _along(self, table: Array, axis: int) -> Array:
        shape = [1] * 2 * len(self.kernel)
        shape[axis], shape[len(self.kernel) + axis] = table.shape
        return table.reshape(shape)

    def places(self) -> Array:
        """(taps, *outputs): the flat index within one channel that a tap reads; meaningless outside."""
        flat: Any = 0
        for axis, n in enumerate(self.x.shape[2:]):
            flat = flat * n + self._along(self.positions(axis), axis)
        return np.broadcast_to(flat, (*self.kernel, *self.counts)).reshape(-1, *self.counts)

    def values(self, fill: float) -> Array:
        """(taps, n, c, *outputs): what each tap reads, ``fill`` outside of the input."""
        inside = self.inside()
        flat = self.x.reshape(*self.x.shape[:2], -1)
        read = np.moveaxis(flat[:, :, np.where(inside, self.places(), 0)], 2, 0)
        return np.where(inside[:, None, None], read, np.asarray(fill, self.x.dtype))

    def pick(self, values: Array, y: Array, first: bool = True) -> Array:
        """The place of the first (or last) tap that holds ``y``."""
        hits = (values == y) & self.inside()[:, None, None]
        best = hits.argmax(axis=0) if first else len(hits) - 1 - hits[::-1].argmax(axis=0)
        return np.take_along_axis(np.broadcast_to(self.places()[:, None, None], hits.shape), best[None], 0)[0]

    def maximum(self) -> Any:
        values = self.values(-np.inf)
        y = values.max(axis=0)
        return (y, self.pick(values, y)) if self.indices else y

    def counted(self) -> Array:
        """The divisor of each output."""
        if self.divisor is not None:
            return np.full(self.counts, self.divisor)
        return self.inside(begin=self.include).sum(axis=0)

    def average(self) -> Array:
        return self.values(0).sum(axis=0) / self.counted().astype(self.x.dtype)


def conv_function(body: Callable[[Conv], Any], name: str) -> Callable[..., Any]:
    """``body`` with the signature of ``torch.nn.functional.conv2d``."""

    def function(
        input: Array,
        weight: Array,
        bias: Array | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        n = input.ndim - 2
        return body(Conv(input, weight, bias, spread(stride, n), pairs(padding, n), spread(dilation, n), groups))

    return _named(function, body, name)


def max_pool_function(body: Callable[[Pool], Any], name: str) -> Callable[..., Any]:
    """``body`` with the signature of ``torch.nn.functional.max_pool2d``."""

    def function(
        input: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # fmt: skip
        n = input.ndim - 2
        kernel = spread(kernel_size, n)
        steps = kernel if stride is None else spread(stride, n)
        return body(Pool(input, kernel, steps, pairs(padding, n), spread(dilation, n), ceil_mode, return_indices))

    return _named(function, body, name)


def avg_pool_function(body: Callable[[Pool], Any], name: str) -> Callable[..., Any]:
    """``body`` with the signature of ``torch.nn.functional.avg_pool2d``."""

    def function(
        input: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Any:  # fmt: skip
        n = input.ndim - 2
        kernel = spread(kernel_size, n)
        steps = kernel if stride is None else spread(stride, n)
        return body(
            Pool(input, kernel, steps, pairs(padding, n), (1,) * n, ceil_mode, False, count_include_pad, divisor_override)
        )

    return _named(function, body, name)


def function_for(operator: str, body: Callable[[Any], Any], name: str) -> Callable[..., Any]:
    """``body`` as a function that serves ``operator``."""
    family = operator[:-2]
    return {"conv": conv_function, "max_pool": max_pool_function, "avg_pool": avg_pool_function}[family](body, name)


def _named(function: Callable[..., Any], body: Callable[..., Any], name: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = inspect.getdoc(body)
    return function


_BODIES: dict[str, Callable[[Any], Any]] = {"conv": Conv.run, "max_pool": Pool.maximum, "avg_pool": Pool.average}
for _operator in (f"{family}{ndim}d" for family in _BODIES for ndim in (1, 2, 3)):  # conv1d ... avg_pool3d, correct
    globals()[_operator] = function_for(_operator, _BODIES[_operator[:-2]], _operator)
