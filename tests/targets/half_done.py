"""A conv1d that is right but for what is not there yet: docs/xfail.md shows how that is told."""

import numpy as np


def conv1d(input, weight, stride=1, dilation=1):
    if stride > 1 and dilation > 1:
        raise NotImplementedError("stride and dilation at once")
    taps = weight.shape[2]
    outputs = (input.shape[2] - dilation * (taps - 1) - 1) // stride + 1
    y = np.zeros((input.shape[0], weight.shape[0], outputs), input.dtype)
    for t in range(taps):
        part = input[:, :, t * dilation : t * dilation + stride * (outputs - 1) + 1 : stride]
        y += np.einsum("ncx,oc->nox", part, weight[:, :, t])
    return y
