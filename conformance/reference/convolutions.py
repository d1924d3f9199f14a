"""The oracle of convolution, transposed convolution and quantised convolution, in all passes.

Every pass is one of the three contractions. A transposed convolution is the input gradient of a convolution, so what
gathers for one scatters for the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

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
from conformance.reference.truth import Answers, Arrays, Truth, summed

_CONTRACTIONS: dict[str, Callable[[Geometry, np.ndarray, np.ndarray], np.ndarray]] = {
    "gather": gather,
    "scatter": scatter,
    "pair": pair,
}


@dataclass(frozen=True, slots=True)
class Form:
    """Which of the three contractions a pass is, of which two tensors, and what is added to each sum (a bias, or nothing)."""

    contraction: Literal["gather", "scatter", "pair"]
    a: np.ndarray
    b: np.ndarray
    plus: np.ndarray | None = None


def form_of(problem: Problem, arrays: Arrays, answers: Answers) -> Form:
    """The contraction that any pass but that of the bias is; tensors with a batch axis.

    Of integers the zero points are subtracted: padding holds x_zero, which is a true zero.
    """
    if problem.op.family is Family.CONV_INTEGER:
        w = arrays["w"] - arrays["w_zero"].reshape(-1, *[1] * (1 + problem.op.ndim))
        return Form("gather", arrays["x"] - arrays["x_zero"], w, arrays.get("b"))
    transposed, pass_name = problem.op.family is Family.CONV_TRANSPOSE, problem.op.pass_name
    other = np.ndarray.copy if answers.get("complex_gradient") == "plain" else np.conj
    if pass_name == WEIGHT_GRAD:
        x, dy = other(arrays["x"]), arrays["dy"]
        return Form("pair", dy, x) if transposed else Form("pair", x, dy)
    main = arrays[{INPUT_GRAD: "dy", DOUBLE_GRAD: "ddx"}.get(pass_name, "x")]
    w = other(arrays["w"]) if pass_name == INPUT_GRAD else arrays["w"]
    return Form("gather" if transposed == (pass_name == INPUT_GRAD) else "scatter", main, w, arrays.get("b"))


def convolution(problem: Problem, arrays: Arrays, answers: Answers) -> Truth:
    """The truth of any pass of a convolution, a transposed or a quantised one; tensors with a batch axis."""
    if problem.op.pass_name == BIAS_GRAD:
        return _bias_gradient(problem, arrays["dy"])
    form, geometry = form_of(problem, arrays, answers), geometry_of(problem)
    plus = None if form.plus is None else form.plus.reshape(-1, *[1] * problem.op.ndim)
    n = _terms(problem, geometry, form) + (plus is not None)
    truth = summed(problem, partial(several, _CONTRACTIONS[form.contraction], geometry), form.a, form.b, n, plus)
    if not problem.requantised:
        return truth
    return requantised(problem, truth, arrays["scale"].reshape(-1, *[1] * problem.op.ndim), arrays["y_zero"], answers)


def _terms(problem: Problem, geometry: Geometry, form: Form) -> np.ndarray:
    """Products summed into each element of the result."""
    if form.contraction == "pair":
        return problem.batch * places_reading(geometry)
    mixed = problem.out_channels if problem.op.pass_name == INPUT_GRAD else problem.channels
    return (taps_read(geometry) if form.contraction == "gather" else readers(geometry)) * (mixed // problem.groups)


def _bias_gradient(problem: Problem, dy: np.ndarray) -> Truth:
    axes = (0, *range(2, dy.ndim))
    count = np.full(problem.out_channels, dy.size // max(1, problem.out_channels))
    ones = np.ones((1,) * dy.ndim, dy.dtype)
    return summed(problem, lambda pairs: [(a * one).sum(axis=axes) for a, one in pairs], dy, ones, count)


def requantised(problem: Problem, truth: Truth, scale: np.ndarray, zero: np.ndarray, answers: Answers) -> Truth:
    """Sums of a quantised convolution times their channel's ``scale`` in float32, rounded, plus ``zero``, clipped to 8 bits.

    Halves go to the even number, unless another way is declared. ``scale`` broadcasts against the sums.
    """
    limits = np.iinfo(FORMATS[problem.result].numpy)
    scaled = truth.y.astype(np.float32) * scale.astype(np.float32)
    whole = _ROUNDINGS[answers.get("quantised_ties", "even")](scaled)
    rounded = np.clip(whole, -(2.0**31), 2.0**31).astype(np.int64)  # an int64 would overflow, not saturate
    y = np.clip(rounded + zero, limits.min, limits.max)
    return Truth(y, truth.low, truth.n, np.abs(y), truth.error, truth.divisor)


def _away(v: np.ndarray) -> np.ndarray:
    """To the nearest whole number, halves away from zero."""
    whole = np.trunc(v)
    return whole + np.where(np.abs(v - whole) >= 0.5, np.sign(v), 0)


def _up(v: np.ndarray) -> np.ndarray:
    """To the nearest whole number, halves upwards."""
    whole = np.floor(v)
    return whole + (v - whole >= 0.5)


def _to_zero(v: np.ndarray) -> np.ndarray:
    """To the nearest whole number, halves towards zero."""
    whole = np.trunc(v)
    return whole + np.where(np.abs(v - whole) > 0.5, np.sign(v), 0)


_ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"even": np.rint, "away": _away, "up": _up, "down": _to_zero}
"""By the answers of the dialect's ``quantised_ties``."""
