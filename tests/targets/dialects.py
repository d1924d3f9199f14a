"""Max poolings that treat a NaN in their own ways."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import conformance


def _pooled(input, kernel_size, stride, reduce):
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
    stride = kernel if stride is None else (stride,) * 2 if isinstance(stride, int) else tuple(stride)
    windows = sliding_window_view(input, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    return reduce(windows, axis=(-2, -1)).astype(input.dtype)


def max_pool2d(input, kernel_size, stride=None):
    return _pooled(input, kernel_size, stride, np.fmax.reduce)


@conformance.claims(dialect=["nan_in_max_pool=ignored"], operator="max_pool2d")
def max_pool2d_declared(input, kernel_size, stride=None):
    return _pooled(input, kernel_size, stride, np.fmax.reduce)


@conformance.claims(operator="max_pool2d")
def max_pool2d_by_width(input, kernel_size, stride=None):
    """A vector instruction that loses NaNs, for rows that fill a vector."""
    return _pooled(input, kernel_size, stride, np.fmax.reduce if input.shape[-1] >= 16 else np.max)
