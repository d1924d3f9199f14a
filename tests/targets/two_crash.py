"""A module whose convolution crashes the process and whose pooling is right."""

import os

import numpy as np


def conv2d(input, weight):
    os._exit(9)


def max_pool2d(input, kernel_size, stride=None):
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
    stride = kernel if stride is None else (stride,) * 2 if isinstance(stride, int) else stride
    windows = np.lib.stride_tricks.sliding_window_view(input, kernel, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1]].max(axis=(-2, -1))
