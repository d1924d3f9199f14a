"""Targets that go wrong in every way that must not take a run down."""

import ctypes
import os
import subprocess
import sys
import time

import numpy as np


def right(input, weight):
    """A correct conv2d of one item after the other, without any option."""
    n, _, h, w = input.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, h - kh + 1, w - kw + 1), input.dtype)
    for i in range(kh):
        for j in range(kw):
            part = input[:, :, i : i + y.shape[2], j : j + y.shape[3]]
            y += np.einsum("nchw,oc->nohw", part, weight[:, :, i, j])
    return y


def prints_conv2d(input, weight):
    print("noise on stdout")
    return right(input, weight)


def prints_and_fails_conv2d(input, weight):
    print("noise on stdout")
    return right(input, weight) + 1


def raises_conv2d(input, weight):
    raise ValueError("no such luck")


def none_conv2d(input, weight):
    return None


def scalar_conv2d(input, weight):
    return 1.0


def list_conv2d(input, weight):
    return right(input, weight).tolist()


def flat_conv2d(input, weight):
    return right(input, weight).ravel()


def double_conv2d(input, weight):
    return right(input, weight).astype(np.float64)


def nan_conv2d(input, weight):
    return right(input, weight) * np.nan


def hangs_conv2d(input, weight):
    while input.shape[2] != 6 or input.shape[3] != 5:  # the smoke call's shape passes
        time.sleep(0.01)
    return right(input, weight)


def hangs_at_once_conv2d(input, weight):
    while True:
        time.sleep(0.01)


def kills_conv2d(input, weight):
    if input.shape[2] > 8:
        os._exit(7)
    return right(input, weight)


def exits_conv2d(input, weight):
    raise SystemExit(0)


def aborts_conv2d(input, weight):
    os.abort()


def conv2d_without_arrays():
    return 1


def strange_conv2d(input, weight, *, flavour):
    return right(input, weight)


def same_function_under_no_operator(input, weight):
    return right(input, weight)


CONSTANT = 3


def holds_the_gil_conv2d(input, weight):
    if input.shape[2:] == (6, 5):  # the smoke call's shape passes
        return right(input, weight)
    ctypes.PyDLL(None).pause()


def leaves_a_child_conv2d(input, weight):
    if input.shape[2:] == (6, 5):
        return right(input, weight)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    hangs_conv2d(input, weight)
