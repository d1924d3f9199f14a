"""Convolution as a sum of 1x1 convolutions, one for each tap of the kernel, on shifted inputs (kn2row)."""

import numpy as np


def convolve(x, w, stride, dilation, groups):
    """x (batch, channels, *sizes), padded; w (out_channels, channels // groups, *kernel). Any number of axes."""
    batch, channels, *sizes = x.shape
    out_channels, inner, *kernel = w.shape
    outputs = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(sizes, kernel, stride, dilation)]
    y = np.zeros((batch, groups, out_channels // groups, *outputs), x.dtype)
    x, w = x.reshape(batch, groups, inner, *sizes), w.reshape(groups, out_channels // groups, inner, *kernel)
    for tap in np.ndindex(*kernel):
        seen = (slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilation, outputs, stride))
        y += np.einsum("ngc...,goc->ngo...", x[:, :, :, *seen], w[:, :, :, *tap])
    return y.reshape(batch, out_channels, *outputs)
