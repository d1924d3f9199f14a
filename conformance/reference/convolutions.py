"""The oracle of convolution, transposed convolution and quantised convolution, in all passes.

Every pass is one of the three contractions. A transposed convolution is the input gradient of a convolution, so what
gathers for one scatters for the other.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from conformance.problem import FORMATS, Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD
from conformance.reference.contraction import (
    Geometry,
    gather,
    geometry_of,
    pair,
    places_reading,
    readers,
    scatter,
    several,
    taps_read,
)
from conformance.reference.truth import Arrays, Truth, summed


def convolution(problem: Problem, arrays: Arrays) -> Truth:
    """The truth of any pass of a convolution or a transposed one; tensors with a batch axis."""
    geometry, transposed = geometry_of(problem), problem.op.family is Family.CONV_TRANSPOSE
    pass_name = problem.op.pass_name
    if pass_name == BIAS_GRAD:
        return _bias_gradient(problem, arrays["dy"])
    if pass_name == WEIGHT_GRAD:
        arrays = {**arrays, "x": arrays["x"].conj()}
        e, p = (arrays["dy"], arrays["x"]) if transposed else (arrays["x"], arrays["dy"])
        return summed(problem, partial(several, pair, geometry), e, p, problem.batch * places_reading(geometry))
    main = arrays[{INPUT_GRAD: "dy", DOUBLE_GRAD: "ddx"}.get(pass_name, "x")]
    bias = arrays.get("b")
    w = arrays["w"].conj() if pass_name == INPUT_GRAD else arrays["w"]
    gathers = transposed == (pass_name == INPUT_GRAD)
    n = _terms(problem, geometry, gathers) + (bias is not None)
    plus = None if bias is None else bias.reshape(-1, *[1] * problem.op.ndim)
    return summed(problem, partial(several, gather if gathers else scatter, geometry), main, w, n, plus)


def _terms(problem: Problem, geometry: Geometry, gathers: bool) -> np.ndarray:
    """Products summed into each element of the result."""
    mixed = problem.out_channels if problem.op.pass_name == INPUT_GRAD else problem.channels
    return (taps_read(geometry) if gathers else readers(geometry)) * (mixed // problem.groups)


def _bias_gradient(problem: Problem, dy: np.ndarray) -> Truth:
    axes = (0, *range(2, dy.ndim))
    count = np.full(problem.out_channels, dy.size // max(1, problem.out_channels))
    ones = np.ones((1,) * dy.ndim, dy.dtype)
    return summed(problem, lambda pairs: [(a * one).sum(axis=axes) for a, one in pairs], dy, ones, count)


def convolution_of_integers(problem: Problem, arrays: Arrays) -> Truth:
    """Quantised convolution: sum of (x - x_zero) (w - w_zero) in int32; padding holds x_zero, which is a true zero.

    Requantised: the sum times the output channel's scale in float32, rounded half to even, plus y_zero, clipped to 8 bits.
    """
    ndim = problem.op.ndim
    x = arrays["x"] - arrays["x_zero"]
    w = arrays["w"] - arrays["w_zero"].reshape(-1, *[1] * (1 + ndim))
    geometry = geometry_of(problem)
    bias = arrays["b"].reshape(-1, *[1] * ndim) if "b" in arrays else None
    n = _terms(problem, geometry, gathers=True) + (bias is not None)
    truth = summed(problem, partial(several, gather, geometry), x, w, n, bias)
    if not problem.requantised:
        return truth
    limits = np.iinfo(FORMATS[problem.result].numpy)
    scaled = truth.y.astype(np.float32) * arrays["scale"].astype(np.float32).reshape(-1, *[1] * ndim)
    rounded = np.clip(np.rint(scaled), -(2.0**31), 2.0**31).astype(np.int64)  # an int64 would overflow, not saturate
    y = np.clip(rounded + arrays["y_zero"], limits.min, limits.max)
    return Truth(y, truth.low, truth.n, np.abs(y), truth.error, truth.divisor)
