"""Functions with branches that few calls take."""

import numpy as np


def length_of(input, weight): return input.shape[2] - weight.shape[2] + 1  # fmt: skip


def plain_conv1d(input, weight):
    length = length_of(input, weight)
    y = np.zeros((input.shape[0], weight.shape[0], length), input.dtype)
    for t in range(weight.shape[2]):
        y += np.einsum("ncx,oc->nox", input[:, :, t : t + length], weight[:, :, t])
    return y


def named_sizes_conv1d(input, weight):
    y = plain_conv1d(input, weight)
    if input.shape[1] == 41 and weight.shape[0] > 19:
        y[:, -1] = 0
    return y


def hidden_size_conv1d(input, weight):
    y = plain_conv1d(input, weight)
    if input.shape[1] == int("43"):
        y[:, -1] = 0
    return y


def equation_conv1d(input, weight):
    y = plain_conv1d(input, weight)
    batch, channels, length = input.shape
    if batch > 4 and length == 5 * batch + 2 * channels:
        y[:, -1] = 0
    return y


def unreachable_conv1d(input, weight):
    if weight.ndim != 3:
        raise ValueError("a weight of three axes")
    y = plain_conv1d(input, weight)
    if y.shape[2] > input.shape[2]:
        y[:, -1] = 0
    return y
