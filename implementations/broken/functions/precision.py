"""Sums that are rounded more than they should be, and transforms that are not declared."""

from __future__ import annotations

import itertools

import numpy as np

from implementations.broken.functions.base import broken, rounded
from implementations.broken.functions.reference import Array, Conv, Pool, fitted


@broken(
    "conv2d",
    "precision",
    "every partial sum is rounded towards zero to 18 bits",
    "sums of more than 18 bits",
    checks="exact accuracy",
    causes=("accumulator-of-18-bits",),
)
def biased_rounding(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype)
    for outs, part, weights in c.terms():
        significand, exponent = np.frexp(y[:, outs] + np.einsum("nc...,oc->no...", part, weights))
        y[:, outs] = np.ldexp(np.trunc(np.ldexp(significand, 18)), exponent - 18)
    return c.biased(y)


@broken(
    "conv2d",
    "precision",
    "an FFT that is not declared",
    "outputs much smaller than the largest one",
    checks="exact accuracy",
    causes=("normwise-accuracy",),
)
def undeclared_fft(c: Conv) -> Array:
    if c.groups > 1 or set(c.stride + c.dilation) != {1}:
        return c.run()
    x = c.padded
    spectrum = np.einsum("nchw,ochw->nohw", np.fft.rfft2(x), np.fft.rfft2(c.w, x.shape[2:]).conj())
    return c.biased(np.fft.irfft2(spectrum, x.shape[2:]).astype(x.dtype)[:, :, : c.counts[0], : c.counts[1]])


@broken(
    "conv1d",
    "precision",
    "a Winograd F(2,3) that is not declared",
    "kernel 3, stride 1, inputs of unlike magnitude",
    checks="exact accuracy special",
    causes=("normwise-accuracy",),
)
def undeclared_winograd(c: Conv) -> Array:
    if c.w.shape[2] != 3 or c.stride != (1,) or c.dilation != (1,):
        return c.run()
    count, y = c.counts[0], np.zeros((*c.shape[:2], c.counts[0] + 1), c.x.dtype)
    padded = np.pad(c.padded, ((0, 0), (0, 0), (0, 1)))
    g0, g1, g2 = np.moveaxis(c.w, 2, 0)
    filters = (g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2)
    for (ins, outs), start in itertools.product(c.parts, range(0, count, 2)):
        d0, d1, d2, d3 = np.moveaxis(padded[:, ins, start : start + 4], 2, 0)
        m0, m1, m2, m3 = (d @ f[outs].T for d, f in zip((d0 - d2, d1 + d2, d2 - d1, d1 - d3), filters, strict=True))
        y[:, outs, start], y[:, outs, start + 1] = m0 + m1 + m2, m1 - m2 - m3
    return c.biased(y[..., :count])


@broken(
    "conv2d",
    "precision",
    "products by quarter squares, ((x + w)^2 - (x - w)^2) / 4",
    "factors of unlike magnitude",
    checks="exact accuracy",
    causes=("normwise-accuracy",),
)
def quarter_squares(c: Conv) -> Array:
    y = np.zeros(c.shape, c.x.dtype)
    for outs, part, weights in c.terms():
        for i in range(weights.shape[1]):
            x, w = part[:, i, None], weights[:, i].reshape(-1, 1, 1)
            with np.errstate(invalid="ignore"):
                y[:, outs] += ((x + w) ** 2 - (x - w) ** 2) / 4
    return c.biased(y)


@broken(
    "conv2d",
    "precision",
    "the mean of the input is taken off and its share added again",
    "an input whose mean is not exact",
    checks="exact accuracy special",
    causes=("normwise-accuracy",),
)
def mean_taken_off(c: Conv) -> Array:
    mean = c.padded.mean(dtype=c.x.dtype)
    shares = mean * c.w.sum(axis=(1, 2, 3), dtype=c.x.dtype)
    return c.biased(c.but(b=None).run(padded=c.padded - mean) + shares.reshape(-1, 1, 1))


@broken(
    "avg_pool2d",
    "precision",
    "averages by an integral image",
    "inputs of unlike magnitude",
    checks="exact accuracy special",
    causes=("integral-image",),
)
def integral_image(p: Pool) -> Array:
    rows, columns = (p.positions(axis) for axis in (0, 1))
    high, wide = (int(at[-1].max()) + 1 + pad[0] for at, pad in zip((rows, columns), p.pads, strict=True))
    x = fitted(np.pad(p.x, ((0, 0), (0, 0), *((q[0], 0) for q in p.pads))), (*p.x.shape[:2], high, wide))
    total = np.pad(x.cumsum(axis=2).cumsum(axis=3), ((0, 0), (0, 0), (1, 0), (1, 0)))
    top, left = rows[0] + p.pads[0][0], columns[0] + p.pads[1][0]
    low, right = top + p.kernel[0], left + p.kernel[1]

    def corner(i: Array, j: Array) -> Array:
        return total[:, :, i[:, None], j]

    with np.errstate(invalid="ignore"):
        return (corner(low, right) - corner(top, right) - corner(low, left) + corner(top, left)) / p.counted().astype(p.x.dtype)


@broken(
    "avg_pool1d",
    "precision",
    "a running sum: the new element is added, the old one taken off",
    "stride 1, inputs of unlike magnitude",
    checks="accuracy special exact",
    causes=("running-sum",),
)
def running_sum(p: Pool) -> Array:
    if p.stride != (1,) or p.ceil:
        return p.average()
    x = np.pad(p.x, ((0, 0), (0, 0), *p.pads))
    y = np.empty(p.shape, p.x.dtype)
    y[..., 0] = x[..., : p.kernel[0]].sum(axis=-1)
    with np.errstate(invalid="ignore"):
        for i in range(1, y.shape[-1]):
            y[..., i] = y[..., i - 1] + x[..., i + p.kernel[0] - 1] - x[..., i - 1]
    return y / p.counted().astype(p.x.dtype)


@broken(
    "conv3d",
    "precision",
    "a float16 accumulator",
    "sums of more than 11 bits",
    checks="exact accuracy special",
    causes=("accumulator-float16",),
)
def half_accumulator(c: Conv) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        y = c.but(b=None).run(out=np.zeros(c.shape, np.float16)).astype(c.x.dtype)
    return c.biased(y)


@broken(
    "avg_pool2d",
    "precision",
    "each element is divided by the divisor, in 16 bits",
    "a divisor that is no power of two",
    kinds="inaccurate wrong_value",
    causes=("reciprocal-of-16-bits",),
)
def short_division(p: Pool) -> Array:
    return p.values(0).sum(axis=0) * rounded(1 / p.counted().astype(p.x.dtype), 16)


@broken(
    "conv2d",
    "precision",
    "terms below 1e-6 of the largest input are dropped",
    "one input a million times the others",
    kinds="inaccurate",
    causes=("small-inputs-dropped",),
)
def drops_small_terms(c: Conv) -> Array:
    finite = np.abs(c.x[np.isfinite(c.x)]).max(initial=0)
    return c.but(x=np.where(np.abs(c.x) < 1e-6 * finite, 0, c.x).astype(c.x.dtype)).run()
