"""How far from the truth a result may be: error bounds derived from format, number of terms and magnitudes.

Class C (componentwise) holds for every order of summation, fused or not (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., sec. 3.1): |y^ - y| <= gamma_n(u) S + u (|y| + gamma_n(u) S) + underflow. Class N (normwise) is for
transform methods that declare themselves, class R for inputs rounded to a declared shorter format.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from conformance.problem import Family, Format, Problem
from conformance.problem.accuracy import AccuracyClass
from conformance.reference.oracle import Truth
from conformance.reference.transforms import fft_constant, winograd_constant


@dataclass(frozen=True, slots=True)
class Bound:
    """The largest admissible |result - truth| of each output; 0 where the result must be exact."""

    tolerance: np.ndarray


def gamma(n: np.ndarray | float, u: float) -> np.ndarray:
    """gamma_n(u) = n u / (1 - n u): the relative error that n roundings can add up to; infinite from n u = 1 on."""
    product = np.asarray(n, dtype=np.float64) * u
    return np.where(product < 1, product / np.where(product < 1, 1 - product, 1), np.inf)


def zero(truth: Truth) -> Bound:
    """Class E: every output bit for bit."""
    return Bound(np.zeros(truth.y.shape))


def exact_on_integers(problem: Problem, truth: Truth) -> Bound:
    """Class E on integers with S <= 2^p: zero, but where an average has a divisor that is no power of two.

    There the sum is exact and its division, or a product with a rounded reciprocal, is not: class C holds.
    """
    if problem.op.family is not Family.AVG_POOL:
        return zero(truth)
    mantissa, _ = np.frexp(truth.divisor)
    return Bound(np.where(mantissa == 0.5, 0.0, componentwise(problem, truth).tolerance))


def componentwise(problem: Problem, truth: Truth, accumulator: Format | None = None) -> Bound:
    """Class C, with the roundings of an average's division and the oracle's own error counted."""
    if problem.op.family is Family.MAX_POOL:
        return zero(truth)
    out = problem.format
    u_out, u_acc = out.unit_roundoff, (accumulator or out).unit_roundoff
    n = truth.n + 2 if problem.op.family is Family.AVG_POOL else truth.n
    spread = gamma(n, u_acc) * truth.S
    # Each product and the result may underflow, losing at most half of the smallest subnormal.
    underflow = np.where(truth.S > 0, (truth.n + 1) * out.smallest_subnormal, 0.0)
    return Bound(spread + u_out * (np.abs(truth.y) + spread) + underflow + truth.error)


def reduced(problem: Problem, truth: Truth, u_in: float) -> Bound:
    """Class R: class C plus what rounding both inputs to unit roundoff ``u_in`` may change: (2 u + u^2) S."""
    return Bound(componentwise(problem, truth).tolerance + (2 * u_in + u_in**2) * truth.S)


def normwise(problem: Problem, truth: Truth, arrays: dict[str, np.ndarray], accuracy: AccuracyClass) -> Bound:
    """Class N: |y^ - y| <= c u ||x|| ||w|| for each batch item and output channel, c by the transform's derivation.

    Class C is admissible as well: a transform method may take the direct way where that is faster.
    """
    direct = componentwise(problem, truth)
    if problem.op.is_pool:
        return direct
    u = problem.format.unit_roundoff
    x, w = (np.abs(np.asarray(arrays[name], dtype=np.float64)) for name in ("x", "w"))
    per_group = x.reshape(problem.batch, problem.groups, problem.channels // problem.groups, -1)
    kernels = w.reshape(problem.groups, problem.out_channels // problem.groups, problem.channels // problem.groups, -1)
    one_x, two_x = per_group.sum(axis=-1)[:, :, None], np.sqrt((per_group**2).sum(axis=-1))[:, :, None]
    one_w, two_w = kernels.sum(axis=-1)[None], np.sqrt((kernels**2).sum(axis=-1))[None]
    channels = problem.channels // problem.groups
    if accuracy.method == "fft":
        # Errors of the two forward transforms, of the product and of the inverse one, summed over the channels.
        length = math.prod(2 * (window.padded + window.extent) for window in problem.windows)
        spread = fft_constant(length) * (2 * two_x * one_w + one_x * two_w).sum(axis=-1)
    else:
        assert accuracy.tile is not None
        constant = winograd_constant(*accuracy.tile, ndim=problem.op.ndim)
        spread = (constant + channels) * (two_x * two_w).sum(axis=-1)
    spread = u * spread * (1 + channels * u) + channels * u * (two_x * two_w).sum(axis=-1)
    spread = spread.reshape(problem.batch, problem.out_channels, *[1] * problem.op.ndim)
    rounding = 2 * u * (np.abs(truth.y) + truth.S * u)  # the bias and the result's own rounding
    return Bound(np.maximum(direct.tolerance, spread + rounding + direct.tolerance * u + truth.error))


def admissible(problem: Problem, truth: Truth, arrays: dict[str, np.ndarray], accuracy: AccuracyClass) -> Bound:
    """The bound that an implementation of the declared class is held to on real-valued data."""
    if accuracy.kind == "normwise":
        return normwise(problem, truth, arrays, accuracy)
    if accuracy.kind == "reduced":
        return reduced(problem, truth, accuracy.u_in)
    return componentwise(problem, truth)
