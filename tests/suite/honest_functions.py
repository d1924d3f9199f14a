"""Honest functions that compute in unusual ways: every one of them must be found conformant.

They keep to the definition, to the contract, and to the accuracy that they declare; a finding on one is a false alarm.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.plugin.decorate import claims
from implementations.broken.functions.reference import Conv, Pool, function_for

Array = np.ndarray
Body = Callable[[Any], Any]


@dataclass(frozen=True)
class Honest:
    """One function; ``requires`` names a module that it needs."""

    operator: str
    way: str
    requires: str = ""


HONEST: dict[str, Honest] = {}


def honest(operator: str, way: str, *, requires: str = "", **claimed: Any) -> Callable[[Body], Body]:
    """Make a target of a body, called ``operator_body``."""

    def add(body: Body) -> Body:
        name = f"{operator}_{body.__name__}"
        HONEST[name] = Honest(operator, way, requires)
        function = function_for(operator, body, name)
        globals()[name] = claims(**claimed)(function) if claimed else function
        return body

    return add


def products(c: Conv, outs: slice) -> list[Array]:
    """Every product of one group, one array of the outputs' shape for each tap and channel."""
    found = [(part, weights) for where, part, weights in c.terms() if where == outs]
    return [p[:, i, None] * w[:, i].reshape(-1, *[1] * c.ndim) for p, w in found for i in range(w.shape[1])]


def by_group(c: Conv, add: Callable[[list[Array]], Array]) -> Array:
    """Every group's products, added up by ``add``; the bias last."""
    y = np.empty(c.shape, c.x.dtype)
    for _, outs in c.parts:
        y[:, outs] = add(products(c, outs))
    return c.biased(y)


@honest("conv2d", "terms in reversed order")
def reversed_order(c: Conv) -> Array:
    return by_group(c, lambda terms: np.add.reduce(terms[::-1]))


@honest("conv1d", "the bias first, then the terms")
def bias_first(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype) if c.b is None else np.broadcast_to(c.b[:, None], c.shape).copy()
    return c.but(b=None).run(out=y)


@honest("conv3d", "pairwise summation")
def pairwise(c: Conv) -> Array:
    def add(terms: list[Array]) -> Array:
        half = len(terms) // 2
        return add(terms[:half]) + add(terms[half:]) if half else terms[0]

    return by_group(c, add)


@honest("conv2d", "Kahan's compensated summation")
def kahan(c: Conv) -> Array:
    def add(terms: list[Array]) -> Array:
        total, lost = terms[0], np.zeros_like(terms[0])
        with np.errstate(invalid="ignore"):
            for term in terms[1:]:
                y = term - np.where(np.isfinite(lost), lost, 0)
                t = total + y
                total, lost = t, (t - total) - y
        return total

    return by_group(c, add)


@honest("conv2d", "summed in a longer format, rounded once")
def long_accumulator(c: Conv) -> Array:
    longer = np.float64 if c.x.dtype == np.float32 else np.longdouble
    b = None if c.b is None else c.b.astype(longer)
    return c.but(x=c.x.astype(longer), w=c.w.astype(longer), b=b).run().astype(c.x.dtype)


@honest("conv1d", "fused multiply-add: float32 products are exact in float64, each sum is rounded")
def fused(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype)
    for outs, part, weights in c.terms():
        for i in range(weights.shape[1]):
            exact = part[:, i, None].astype(np.float64) * weights[:, i, None].astype(np.float64)
            y[:, outs] = (y[:, outs] + exact).astype(c.x.dtype)
    return c.biased(y)


@honest("conv2d", "tiles of 4 rows, 8 columns and 3 output channels")
def tiled(c: Conv) -> Array:
    y, x = np.empty(c.shape, c.x.dtype), c.padded
    reach = tuple(d * (k - 1) for d, k in zip(c.dilation, c.w.shape[2:], strict=True))
    for ins, outs in c.parts:
        for i, j, o in itertools.product(range(0, c.counts[0], 4), range(0, c.counts[1], 8), range(outs.start, outs.stop, 3)):
            rows, columns = min(4, c.counts[0] - i), min(8, c.counts[1] - j)
            top, left = i * c.stride[0], j * c.stride[1]
            high, wide = (rows - 1) * c.stride[0] + reach[0] + 1, (columns - 1) * c.stride[1] + reach[1] + 1
            channels = slice(o, min(o + 3, outs.stop))
            piece = x[:, ins, top : top + high, left : left + wide]
            tile = Conv(piece, c.w[channels], None, c.stride, ((0, 0),) * 2, c.dilation, 1)
            y[:, channels, i : i + rows, j : j + columns] = tile.run()
    return c.biased(y)


@honest("conv3d", "im2col and a matrix product")
def im2col(c: Conv) -> Array:
    y = np.empty(c.shape, c.x.dtype)
    for _, outs in c.parts:
        taps = [(part, weights) for where, part, weights in c.terms() if where == outs]
        columns = np.concatenate([part for part, _ in taps], axis=1).reshape(c.x.shape[0], -1, math.prod(c.counts))
        matrix = np.concatenate([weights for _, weights in taps], axis=1)
        y[:, outs] = (matrix @ columns).reshape(c.x.shape[0], -1, *c.counts)
    return c.biased(y)


@honest("conv2d", "one einsum over a strided view of all windows")
def einsum(c: Conv) -> Array:
    size = tuple(d * (k - 1) + 1 for d, k in zip(c.dilation, c.w.shape[2:], strict=True))
    view = np.lib.stride_tricks.sliding_window_view(c.padded, size, (2, 3))
    view = view[:, :, :: c.stride[0], :: c.stride[1], :: c.dilation[0], :: c.dilation[1]]
    parts = [np.einsum("nchwij,ocij->nohw", view[:, ins], c.w[outs]) for ins, outs in c.parts]
    return c.biased(np.concatenate(parts, axis=1))


@honest("conv2d", "an FFT, declared", accuracy="fft")
def fft(c: Conv) -> Array:
    if set(c.stride + c.dilation) != {1}:
        return c.run()
    x, y = c.padded, np.empty(c.shape, c.x.dtype)
    for ins, outs in c.parts:
        spectrum = np.einsum("nchw,ochw->nohw", np.fft.rfft2(x[:, ins]), np.fft.rfft2(c.w[outs], x.shape[2:]).conj())
        y[:, outs] = np.fft.irfft2(spectrum, x.shape[2:])[:, :, : c.counts[0], : c.counts[1]]
    return c.biased(y)


# Winograd's matrices of F(2, 3) and F(4, 3) (Lavin, Gray 2015): output, kernel and input transform.
_MATRICES = {
    2: (
        [[1, 1, 1, 0], [0, 1, -1, -1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    ),
    4: (
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
        [[1/4, 0, 0], [-1/6, -1/6, -1/6], [-1/6, 1/6, -1/6], [1/24, 1/12, 1/6], [1/24, -1/12, 1/6], [0, 0, 1]],
        [
            [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
        ],
    ),
}  # fmt: skip


def winograd(c: Conv, m: int) -> Array:
    """F(m x m, 3 x 3) where the kernel is 3x3 with stride and dilation 1, else the direct way."""
    if c.w.shape[2:] != (3, 3) or set(c.stride + c.dilation) != {1}:
        return c.run()
    a, g, b = (np.array(matrix, c.x.dtype) for matrix in _MATRICES[m])
    tiles = tuple(-(-n // m) for n in c.counts)
    x = np.pad(c.padded, ((0, 0), (0, 0), *((0, t * m - n) for t, n in zip(tiles, c.counts, strict=True))))
    view = np.lib.stride_tricks.sliding_window_view(x, (m + 2, m + 2), (2, 3))[:, :, ::m, ::m]
    inputs = np.einsum("ij,nchwjk,lk->nchwil", b, view, b, optimize=True)
    kernels = np.einsum("ij,ocjk,lk->ocil", g, c.w, g, optimize=True)
    y = np.empty((*c.shape[:2], *(t * m for t in tiles)), c.x.dtype)
    for ins, outs in c.parts:
        total = np.einsum("nchwil,ocil->nohwil", inputs[:, ins], kernels[outs])
        done = np.einsum("ij,nohwjk,lk->nohwil", a, total, a, optimize=True)
        y[:, outs] = done.transpose(0, 1, 2, 4, 3, 5).reshape(c.x.shape[0], -1, *y.shape[2:])
    return c.biased(y[:, :, : c.counts[0], : c.counts[1]])


@honest("conv2d", "Winograd F(2, 3), declared", accuracy="winograd(2,3)")
def winograd_2_3(c: Conv) -> Array:
    return winograd(c, 2)


@honest("conv2d", "Winograd F(4, 3), declared", accuracy="winograd(4,3)")
def winograd_4_3(c: Conv) -> Array:
    return winograd(c, 4)


@honest("conv1d", "padded by hand into a larger buffer, and asymmetric padding claimed", asymmetric_padding=True)
def prepadded(c: Conv) -> Array:
    buffer = np.full((*c.x.shape[:2], c.padded.shape[2] + 64), np.nan, c.x.dtype)
    buffer[..., : c.padded.shape[2]] = 0
    buffer[..., c.pads[0][0] : c.pads[0][0] + c.x.shape[2]] = c.x
    return c.run(padded=buffer[..., : c.padded.shape[2]])


@honest("conv2d", "SciPy's direct correlation, channel by channel; without dilation", requires="scipy", dilation=False)
def scipy_correlate(c: Conv) -> Array:
    from scipy.signal import correlate

    x, y = c.padded, np.zeros(c.shape, c.x.dtype)
    for ins, outs in c.parts:
        for n, o, i in itertools.product(range(len(x)), range(outs.start, outs.stop), range(c.w.shape[1])):
            full = correlate(x[n, ins][i], c.w[o, i], mode="valid", method="direct")
            y[n, o] += full[:: c.stride[0], :: c.stride[1]]
    return c.biased(y)


@honest("conv3d", "the result lies in Fortran order")
def fortran_result(c: Conv) -> Array:
    return np.asfortranarray(c.run())


@honest("conv2d", "the result is a view of a larger buffer, and read-only")
def sliced_result(c: Conv) -> Array:
    buffer = np.full([n + 2 for n in c.shape], np.nan, c.x.dtype)
    inner = (slice(1, -1),) * 4
    buffer[inner] = c.run()
    buffer.flags.writeable = False
    return buffer[inner]


_random = np.random.default_rng()


@honest("conv2d", "terms in a new random order for each call, declared", deterministic=False)
def random_order(c: Conv) -> Array:
    return by_group(c, lambda terms: np.add.reduce([terms[i] for i in _random.permutation(len(terms))]))


@honest("conv2d", "one thread for each item of the batch")
def threaded(c: Conv) -> Array:
    y = np.empty(c.shape, c.x.dtype)

    def item(n: int) -> None:
        y[n : n + 1] = c.but(x=c.x[n : n + 1]).run()

    threads = [threading.Thread(target=item, args=(n,)) for n in range(len(y))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return y


_packed: dict[Any, Array] = {}


@honest("conv2d", "packed weights are kept, by their contents")
def packed_weights(c: Conv) -> Array:
    key = (c.w.tobytes(), c.w.shape, c.w.dtype.str)
    return c.but(w=_packed.setdefault(key, c.w.copy())).run()


@honest("conv1d", "torch does the work on NumPy's memory", requires="torch")
def torch_inside(c: Conv) -> Array:
    import torch

    x, w, b = (None if a is None else torch.from_numpy(np.ascontiguousarray(a)) for a in (c.x, c.w, c.b))
    y: Array = torch.nn.functional.conv1d(x, w, b, c.stride, c.pads[0][0], c.dilation, c.groups).numpy()
    return y


@honest("max_pool2d", "a maximum over sliding_window_view, without indices", indices=False)
def sliding_windows(p: Pool) -> Array:
    ends = [
        s * (n - 1) + d * (k - 1) + 1 - a
        for s, n, d, k, a in zip(p.stride, p.counts, p.dilation, p.kernel, p.x.shape[2:], strict=True)
    ]
    widths = [(begin, max(0, end - begin)) for (begin, _), end in zip(p.pads, ends, strict=True)]
    x = np.pad(p.x, ((0, 0), (0, 0), *widths), constant_values=-np.inf)
    size = tuple(d * (k - 1) + 1 for d, k in zip(p.dilation, p.kernel, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, size, (2, 3))
    view = view[:, :, :: p.stride[0], :: p.stride[1], :: p.dilation[0], :: p.dilation[1]]
    return view[:, :, : p.counts[0], : p.counts[1]].max(axis=(4, 5))


@honest("max_pool3d", "one axis after the other, without indices", indices=False)
def separable(p: Pool) -> Array:
    y = p.x
    for axis in range(3):
        one = [(1, 1, (0, 0), 1)] * 3
        one[axis] = (p.kernel[axis], p.stride[axis], p.pads[axis], p.dilation[axis])
        kernel, stride, pads, dilation = zip(*one, strict=True)
        y = Pool(y, kernel, stride, pads, dilation, p.ceil).maximum()
    return y


@honest("avg_pool2d", "multiplied by a rounded reciprocal")
def reciprocal(p: Pool) -> Array:
    return p.values(0).sum(axis=0) * (1 / p.counted().astype(p.x.dtype))


@honest("avg_pool3d", "every element is divided before the sum is taken")
def divided_first(p: Pool) -> Array:
    return (p.values(0) / p.counted().astype(p.x.dtype)).sum(axis=0)


@honest("avg_pool1d", "summed backwards in a longer format")
def long_average(p: Pool) -> Array:
    return (p.values(0)[::-1].sum(axis=0, dtype=np.longdouble) / p.counted()).astype(p.x.dtype)
