"""Right for what they are said to be for; asked for more, they accept it, and some go wrong."""

import os

import numpy as np


def honest_conv1d(input, weight):
    length = input.shape[2] - weight.shape[2] + 1
    y = np.zeros((input.shape[0], weight.shape[0], length), input.dtype)
    for t in range(weight.shape[2]):
        y += np.einsum("ncx,oc->nox", input[:, :, t : t + length], weight[:, :, t])
    return y


def rounds_long_integers_conv1d(input, weight):
    y = honest_conv1d(input, weight)
    return (y // 2 * 2) if input.dtype == np.int64 and weight.shape[0] > 3 else y


def refuses_later_conv1d(input, weight):
    if input.dtype == np.int64 and weight.shape[0] > 3:
        raise TypeError("no more than three channels of integers")
    return honest_conv1d(input, weight)


def crashes_conv1d(input, weight):
    if input.dtype == np.int64 and weight.shape[0] > 3:
        os.abort()
    y = honest_conv1d(input, weight)
    return y + (weight.shape[2] == 3)


def floats_only_conv1d(input, weight):
    if input.dtype.kind != "f":
        raise TypeError("floating point only")
    return honest_conv1d(input, weight)


def wrong_without_items_conv1d(input, weight):
    if not len(input):
        return np.zeros((0, weight.shape[0], max(input.shape[2] - weight.shape[2] + (weight.shape[2] < 4), 0)), input.dtype)
    return honest_conv1d(input, weight)
