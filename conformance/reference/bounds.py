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
from conformance.problem.window import NUMPY_PAD_MODES
from conformance.reference.transforms import fft_constant, winograd_constant
from conformance.reference.truth import Truth


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
    """Class E on integers with S <= 2^p: zero, but where an average has a divisor that is no power of two, or of a p-norm.

    There the sum is exact and its division, or a product with a rounded reciprocal, or its root, is not: class C holds.
    """
    if not truth.roundings:
        return zero(truth)
    if problem.op.family is Family.LP_POOL:
        return componentwise(problem, truth)
    mantissa, _ = np.frexp(truth.divisor)
    out = problem.result_format
    underflows = np.abs(truth.y) < 2.0**out.min_exponent  # a quotient by a power of two may still be between two subnormals
    exact = np.where(underflows, 0.5 * out.smallest_subnormal, 0.0)
    return Bound(np.where(mantissa == 0.5, exact, componentwise(problem, truth).tolerance))


def componentwise(problem: Problem, truth: Truth, accumulator: Format | None = None) -> Bound:
    """Class C, with the roundings beside the sum (an average's division, a power) and the oracle's own error counted."""
    if not problem.op.rounds or problem.format.kind == "int":
        return zero(truth)
    out = problem.result_format
    u_out, u_acc = out.unit_roundoff, (accumulator or out).unit_roundoff
    if problem.format.kind == "complex":
        return _complex(out, truth)
    spread = _times(gamma(truth.n + truth.roundings, u_acc), truth.S)
    return Bound(spread + u_out * (np.abs(truth.y) + spread) + _underflow(out, truth) + truth.error)


def _complex(out: Format, truth: Truth) -> Bound:
    """Errors of complex results, in modulus, for products made of four real ones or of three.

    With three (Karatsuba, Gauss) each part is a sum of three real convolutions whose S add up to at most 3 sum |x||w|, of
    n + 4 roundings: 3 gamma_(n+4) S for each part, sqrt(2) of that for both. Four products stay below (Higham, sec. 23.2.4).
    """
    spread = 3 * math.sqrt(2) * _times(gamma(truth.n + 4, out.unit_roundoff), truth.S)
    return Bound(spread + out.unit_roundoff * (np.abs(truth.y) + spread) + 4 * _underflow(out, truth) + truth.error)


def _times(gamma: np.ndarray, S: np.ndarray) -> np.ndarray:
    """gamma S; nothing where nothing was summed, though gamma may be infinite."""
    return np.where(S > 0, gamma * np.where(S > 0, S, 1.0), 0.0)


def _underflow(out: Format, truth: Truth) -> np.ndarray:
    """Each product and the result may underflow, losing at most half of the smallest subnormal."""
    return np.where(truth.S > 0, (truth.n + 1 + truth.roundings) * out.smallest_subnormal, 0.0)


def reduced(problem: Problem, truth: Truth, u_in: float) -> Bound:
    """Class R: class C plus what rounding both inputs to unit roundoff ``u_in`` may change: (2 u + u^2) S."""
    return Bound(componentwise(problem, truth).tolerance + (2 * u_in + u_in**2) * truth.S)


def normwise(problem: Problem, truth: Truth, arrays: dict[str, np.ndarray], accuracy: AccuracyClass) -> Bound:
    """Class N: |y^ - y| <= c u ||x|| ||w|| for each batch item and output channel, c by the transform's derivation.

    Class C is admissible as well: a transform method may take the direct way where that is faster.
    """
    direct = componentwise(problem, truth)
    if problem.op.family is not Family.CONV or not problem.op.forward or not problem.batch:
        return direct
    u = problem.format.unit_roundoff
    x, w = (np.abs(np.asarray(arrays[name])).astype(np.float64) for name in ("x", "w"))
    if problem.pad_mode != "zeros":  # what is transformed holds the repeated elements too
        x = x.reshape(problem.batch, problem.channels, *(w.size for w in problem.windows))
        x = np.pad(x, [(0, 0), (0, 0), *problem.padding], mode=NUMPY_PAD_MODES[problem.pad_mode])  # type: ignore[call-overload]
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
    if truth.at is not None:
        spread = np.broadcast_to(spread, problem.output_shape).reshape(-1)[truth.at]
    rounding = 2 * u * (np.abs(truth.y) + truth.S * u)  # the bias and the result's own rounding
    return Bound(np.maximum(direct.tolerance, spread + rounding + direct.tolerance * u + truth.error))


def admissible(problem: Problem, truth: Truth, arrays: dict[str, np.ndarray], accuracy: AccuracyClass) -> Bound:
    """The bound that an implementation of the declared class is held to on real-valued data."""
    if accuracy.kind == "normwise":
        return normwise(problem, truth, arrays, accuracy)
    if accuracy.kind == "reduced":
        return reduced(problem, truth, accuracy.u_in)
    return componentwise(problem, truth)
