"""A whole module as a target: every function with an operator's name is checked."""

import numpy as np


def conv1d(input, weight):
    taps = weight.shape[2]
    outputs = input.shape[2] - taps + 1
    return sum(np.einsum("ncx,oc->nox", input[:, :, t : t + outputs], weight[:, :, t]) for t in range(taps))


def max_pool1d(input, kernel_size, stride=None):
    stride = stride or kernel_size
    starts = range(0, input.shape[2] - kernel_size + 1, stride)
    return np.stack([input[:, :, s : s + kernel_size].max(axis=2) for s in starts], axis=2)


def helper(x):
    return x
