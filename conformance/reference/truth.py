"""What the oracle says of a result: its true values, and what an error bound needs to judge them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from conformance.problem import Problem
from conformance.problem.derived import derived
from conformance.reference.floats import slices, two_sum

MAX_SLICES = 6  # 6 slices of 20 bits hold any float64 data of a range up to 2^60
_EXACT = 2.0**53

Arrays = dict[str, np.ndarray]
Answers = Mapping[str, str]
"""Options of :data:`conformance.problem.dialect.DIALECT` that are taken otherwise than in the definition, with the answer."""
Sums = Callable[[Sequence[tuple[np.ndarray, np.ndarray]]], list[np.ndarray]]
"""A bilinear sum of products of two tensors, of several pairs of them: results in the shape of the problem's."""


@dataclass(frozen=True)
class Truth:
    """For each element: its true value ``y + low``, the number of terms ``n``, and ``S``, the sum of their magnitudes.

    ``error`` bounds how far y + low may be from the truth. ``divisor`` is 1 but for averages, where S is already divided by
    it. ``roundings`` are those that a direct computation makes beside its sum, relative to S: a division, a power.
    ``indices`` are those of max pooling, else None. All have the shape of the result; of a sample they are flat, and ``at``
    has their flat indices in it. ``magnitudes`` are S, or what makes it: it costs as much as y, and few ask for it.
    """

    y: np.ndarray
    low: np.ndarray
    n: np.ndarray
    magnitudes: np.ndarray | Callable[[], np.ndarray]
    error: np.ndarray
    divisor: np.ndarray
    roundings: int = 0
    indices: np.ndarray | None = None
    at: np.ndarray | None = None

    @derived
    def S(self) -> np.ndarray:
        """The sum of the terms' magnitudes, computed where it is first asked for."""
        return self.magnitudes() if callable(self.magnitudes) else self.magnitudes


def selected(y: np.ndarray, indices: np.ndarray | None = None) -> Truth:
    """The truth of results that are elements of the input."""
    zero = np.zeros_like(y)
    with np.errstate(over="ignore"):
        return Truth(y, zero, np.ones(y.shape, np.int64), np.abs(y), zero, np.ones(y.shape), indices=indices)


def summed(problem: Problem, sums: Sums, a: np.ndarray, b: np.ndarray, n: np.ndarray, plus: np.ndarray | None = None) -> Truth:
    """The truth of the sum of products of ``a`` and ``b``, of ``n`` products (and ``plus``) for each element.

    Products of two numbers of 24 bits are exact in float64; float64 inputs are cut into slices whose products sum without
    rounding, and the slices' results are added with TwoSum. Complex numbers are four real sums.
    """
    shape = problem.result_shape
    n = np.broadcast_to(n, shape)
    extra = np.zeros(shape, a.dtype) if plus is None else np.broadcast_to(plus, shape)
    if a.dtype.kind == "c":
        return _complex(problem, sums, a, b, n, extra)
    if a.dtype.kind == "i" or (_is_small(a, b, extra, n) and is_whole(a) and is_whole(b) and is_whole(extra)):
        return _exactly(sums([(a, b)])[0] + extra, n, lambda: sums([(np.abs(a), np.abs(b))])[0] + np.abs(extra))
    y, S = sums([(a, b), (np.abs(a), np.abs(b))])
    y, S = y + extra, S + np.abs(extra)
    if _is_exact(a, b, extra, S):
        return _exactly(y, n, S)
    y, low, error = _real(problem, sums, a, b, n, extra, y, S)
    return Truth(y, low, n, S, error, np.ones(shape))


def _is_exact(a: np.ndarray, b: np.ndarray, extra: np.ndarray, S: np.ndarray) -> bool:
    """Whether float64 holds every partial sum, whatever the order: whole numbers, whose magnitudes sum to less than 2^53."""
    return bool(S.max(initial=0) < _EXACT) and is_whole(a) and is_whole(b) and is_whole(extra)


def _is_small(a: np.ndarray, b: np.ndarray, extra: np.ndarray, n: np.ndarray) -> bool:
    """Whether the largest elements alone say that no sum of magnitudes reaches 2^53."""
    largest = [float(np.abs(tensor).max(initial=0)) for tensor in (a, b, extra)]
    return float(n.max(initial=0)) * largest[0] * largest[1] + largest[2] < _EXACT


def _exactly(y: np.ndarray, n: np.ndarray, S: np.ndarray | Callable[[], np.ndarray]) -> Truth:
    return Truth(y, np.zeros_like(y), n, S, np.zeros(y.shape), np.ones(y.shape))


def _real(
    problem: Problem, sums: Sums, a: np.ndarray, b: np.ndarray, n: np.ndarray, extra: np.ndarray, y: np.ndarray, S: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``y``, which float64 may have rounded, as y + low and a bound of its error."""
    low = np.zeros_like(y)
    if problem.format.significand < 53 or not np.isfinite(S).all():
        return y, low, gamma64(n) * S
    bits = (53 - math.ceil(math.log2(problem.max_terms))) // 2  # the most with terms * 2^(2 bits) <= 2^53
    a_parts, a_rest = slices(a, bits, MAX_SLICES)
    b_parts, b_rest = slices(b, bits, MAX_SLICES)
    y, products = extra, list(product(a_parts, b_parts))
    *exact, lost_of_a, lost_of_b = sums([*products, (np.abs(a_rest), np.abs(b)), (np.abs(a), np.abs(b_rest))])
    for part in exact:
        y, rounding = two_sum(y, part)
        low = low + rounding
    return y, low, error_of_low(len(products), S) + 2 * (lost_of_a + lost_of_b)


def _complex(problem: Problem, sums: Sums, a: np.ndarray, b: np.ndarray, n: np.ndarray, extra: np.ndarray) -> Truth:
    pairs = [(a.real, b.real), (a.imag, b.imag), (a.real, b.imag), (a.imag, b.real)]
    *sums_of_parts, S = sums([*pairs, (np.abs(a), np.abs(b))])
    S, zero = S + np.abs(extra), np.zeros(S.shape)
    if _is_exact(a, b, extra, S):
        of_real, of_imag, *mixed = sums_of_parts
        return _exactly((of_real - of_imag) + 1j * (mixed[0] + mixed[1]) + extra, n, S)
    rr, ii, ri, ir = (_real(problem, sums, *pair, n, zero, part, S) for pair, part in zip(pairs, sums_of_parts, strict=True))
    y, low = np.empty(S.shape, np.complex128), np.empty(S.shape, np.complex128)
    for name, (p, q, sign) in {"real": (rr, ii, -1), "imag": (ri, ir, 1)}.items():
        total, first = two_sum(p[0], sign * q[0])
        total, second = two_sum(total, getattr(extra, name))
        setattr(y, name, total)
        setattr(low, name, first + second + p[1] + sign * q[1])
    error = rr[2] + ii[2] + ri[2] + ir[2] + error_of_low(4, S)
    return Truth(y, low, n, S, error, np.ones(S.shape))


def is_whole(a: np.ndarray) -> bool:
    return bool((a == np.rint(a)).all())


def gamma64(n: np.ndarray) -> np.ndarray:
    product = n * 2.0**-53
    return product / (1 - product)


def error_of_low(parts: int, S: np.ndarray) -> np.ndarray:
    """Adding up k rounding errors in float64 errs by at most about k^2 2^-106 S, here S of slices, at most 4 of the data's."""
    return 4 * (parts + 2) ** 2 * 2.0**-106 * S
