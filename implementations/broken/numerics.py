"""Sums and state with a bug each in the gradients and the transposed: short accumulators, transforms, shared scratch memory."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.broken.base import Arrays, Right, broken, through

_kept: dict[Any, Any] = {}
_REAL = "float32 float64"


def _by_item(p: Problem, a: Arrays, right: Right) -> list[np.ndarray]:
    """The gradient of the weights of each item of the batch by itself."""
    one = p.replace(batch=1)
    return [right(one, {name: array[n : n + 1] for name, array in a.items()}) for n in range(p.batch)]


@broken(
    "conv2d_weight_grad",
    "precision",
    "items of the batch are summed in float16",
    "batch > 1, sums of more than 11 bits",
    dtypes=_REAL,
    causes=("accumulator-float16",),
)
def half_sum_over_batch(p: Problem, a: Arrays, right: Right) -> Any:
    if p.batch < 2:
        return right(p, a)
    total = np.zeros(p.result_shape, np.float16)
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _by_item(p, a, right):
            total += part.astype(np.float16)
    return total.astype(p.format.numpy)


@broken("conv1d_bias_grad", "precision", "every partial sum of the bias gradient is rounded towards zero to 20 bits",
        "sums of more than 20 bits", dtypes=_REAL, causes=("accumulator-of-20-bits",))  # fmt: skip
def bias_grad_rounded_down(p: Problem, a: Arrays, right: Right) -> Any:
    total = np.zeros(p.out_channels)
    with np.errstate(invalid="ignore"):
        for row in a["dy"].swapaxes(0, 1).reshape(p.out_channels, -1).T:
            significand, exponent = np.frexp(total + row)
            total = np.ldexp(np.trunc(np.ldexp(significand, 20)), exponent - 20)
        return total.astype(p.format.numpy)


@broken("conv2d_weight_grad", "precision", "inputs are rounded to bfloat16 and gradients are not", "inputs of more than 8 bits",
        dtypes="float32", causes=("input-of-8-bits",))  # fmt: skip
def weight_grad_of_short_inputs(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, through("bfloat16", a, "x"))


@broken(
    "conv_transpose2d",
    "contract",
    "the weights are rounded to float16 in place",
    "weights of more than 11 bits",
    dtypes=_REAL,
    causes=("input-changed",),
)
def weights_rounded_in_place(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    if a["w"].flags.writeable:
        a["w"][...] = through("float16", a, "w")["w"]
    return y


@broken("conv1d_input_grad", "precision", "the gradient is a product of spectra that is not declared",
        "gradients of unlike magnitude", dtypes=_REAL, causes=("normwise-accuracy",))  # fmt: skip
def undeclared_spectra(p: Problem, a: Arrays, right: Right) -> Any:
    plain = p.groups == 1 and p.pad_mode == "zeros" and p.dilation == (1,) and p.stride == (1,) and p.batch
    if not plain or min(p.padding[0]) < 0:
        return right(p, a)
    (w,), kernel = p.windows, a["w"].astype(np.float64)
    size = w.output + w.extent - 1
    with np.errstate(invalid="ignore", over="ignore"):
        spectrum = np.einsum("nof,ocf->ncf", np.fft.rfft(a["dy"].astype(np.float64), size), np.fft.rfft(kernel, size))
        full = np.fft.irfft(spectrum.astype(np.complex64), size)
    dx = np.zeros(p.input_shape)
    inner = full[:, :, w.pad_begin : w.pad_begin + p.input_shape[2]]
    dx[:, :, : inner.shape[2]] = inner
    return dx.astype(p.format.numpy)


@broken(
    "conv_transpose3d",
    "state",
    "sums are added to scratch memory of the shape that the call before left",
    "two calls of one shape",
    causes=("not-cleared",),
)
def scratch_not_cleared(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    before = _kept.get((p, "scratch"))
    _kept[(p, "scratch")] = y.copy()
    return y if before is None else y + before


@broken(
    "conv2d_weight_grad",
    "state",
    "the unrolled input is remembered by the address and the shape",
    "other data at the same address",
    causes=("input-remembered",),
)
def unrolled_by_address(p: Problem, a: Arrays, right: Right) -> Any:
    x = _kept.setdefault((p, a["x"].ctypes.data), a["x"].copy())
    return right(p, {**a, "x": x})


@broken(
    "adaptive_avg_pool2d_input_grad",
    "state",
    "the gradient is remembered by its sum",
    "two gradients with one sum",
    causes=("remembered",),
)
def remembered_by_sum(p: Problem, a: Arrays, right: Right) -> Any:
    with np.errstate(invalid="ignore", over="ignore"):
        key = (p, float(a["dy"].astype(np.float64).sum()))
    return np.array(_kept.setdefault(key, right(p, a)))


@broken(
    "max_pool2d_input_grad", "state", "threads write their indices to one table", "two threads", causes=("shared-by-threads",)
)
def table_of_all_threads(p: Problem, a: Arrays, right: Right) -> Any:
    _kept["x"] = a["x"]
    if threading.current_thread() is not threading.main_thread():
        time.sleep(1e-4)
    return right(p, {**a, "x": _kept["x"] if _kept["x"].shape == a["x"].shape else a["x"]})


@broken(
    "avg_pool2d_double_grad",
    "special values",
    "NaN of a second derivative is taken for 0",
    "a NaN",
    dtypes=_REAL,
    causes=("nan-to-zero",),
)
def second_without_nan(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "ddx": np.nan_to_num(a["ddx"], nan=0.0, posinf=np.inf, neginf=-np.inf)})


@broken(
    "conv2d_weight_grad",
    "special values",
    "subnormal gradients are flushed to zero",
    "float32, gradients below 2^-126",
    dtypes="float32",
    causes=("subnormals-flushed",),
)
def subnormals_flushed(p: Problem, a: Arrays, right: Right) -> Any:
    tiny = np.finfo(np.float32).tiny
    return right(p, {**a, "dy": np.where(np.abs(a["dy"]) < tiny, np.float32(0), a["dy"])})
