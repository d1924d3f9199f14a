"""Targets whose replies cannot be handed on, or that fail where nothing is called yet."""

import numpy as np

from conformance import Claims, Implementation


def conv2d(input, weight):
    """Returns an array of Python objects where there are many channels."""
    if input.shape[1] > 2:
        result = np.empty(1, object)
        result[0] = lambda: None
        return result
    return _right(input, weight)


def _right(input, weight):
    n, _, h, w = input.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, h - kh + 1, w - kw + 1), input.dtype)
    for i in range(kh):
        for j in range(kw):
            y += np.einsum("nchw,oc->nohw", input[:, :, i : i + y.shape[2], j : j + y.shape[3]], weight[:, :, i, j])
    return y


class SupportsRaises(Implementation):
    """Its answer to whether a problem is supported is an error."""

    name = "supports-raises"
    summary = "raises where it is asked what it supports"

    @property
    def claims(self):
        return {"conv2d": Claims(("float32",), frozenset({"channels"}))}

    def supports(self, problem):
        return {1: None}[problem.channels]

    def prepare(self, problem, arrays):
        return lambda: _right(arrays["x"], arrays["w"])
