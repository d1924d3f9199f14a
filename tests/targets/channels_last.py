"""Convolutions and a pooling whose axes come in the order of TensorFlow and JAX."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import conformance


@conformance.claims(data_format="NHWC", kernel_format="HWIO")
def conv2d(input, weight, bias=None, stride=(1, 1), padding=(0, 0)):
    """(N, H, W, C) with (kernel height, kernel width, C, output channels)."""
    (up, left), (down, right) = padding, padding
    padded = np.pad(input, ((0, 0), (up, down), (left, right), (0, 0)))
    windows = sliding_window_view(padded, weight.shape[:2], axis=(1, 2))[:, :: stride[0], :: stride[1]]
    y = np.einsum("nhwcij,ijco->nhwo", windows, weight)
    return y if bias is None else y + bias


@conformance.claims(data_format="NHWC", kernel_format="HWIO", operator="conv2d")
def conv2d_misread(input, weight, bias=None, stride=(1, 1), padding=(0, 0)):
    """The same, but it takes the kernel's channels for its outputs wherever there are as many."""
    square = weight.shape[2] == weight.shape[3]
    return conv2d(input, weight.swapaxes(2, 3) if square else weight, bias, stride, padding)


@conformance.claims(data_format="NHWC")
def max_pool2d(input, kernel_size, stride=None):
    stride = kernel_size if stride is None else stride
    windows = sliding_window_view(input, kernel_size, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    return windows.max(axis=(-2, -1))
