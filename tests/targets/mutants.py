"""Two functions that say that they are broken, one of which is not, and one that says nothing."""

import numpy as np

import conformance


@conformance.mutant("a NaN is dropped", category="special values", shows="a NaN", source="somebody/something#1")
def max_pool1d_without_nan(input, kernel_size):
    return max_pool1d_honest(np.where(np.isnan(input), -np.inf, input).astype(input.dtype), kernel_size)


@conformance.mutant("nothing at all")
def max_pool1d_honest(input, kernel_size):
    k = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
    return np.lib.stride_tricks.sliding_window_view(input, k, axis=2).max(axis=3)


def max_pool1d_unmarked(input, kernel_size):
    return input
