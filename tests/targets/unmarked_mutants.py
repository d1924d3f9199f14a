"""Functions without any mark: each whose name has an operator in it is a mutant."""

import numpy as np


def max_pool1d_least(input, kernel_size):
    """The minimum is taken.

    Not the maximum.
    """
    return -_max(-input, kernel_size)


def max_pool1d_zeros(input, kernel_size):
    return np.zeros_like(_max(input, kernel_size))


def _max(input, kernel_size):
    k = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return np.lib.stride_tricks.sliding_window_view(input, k, axis=2).max(axis=3)


def helper(values):
    return values
