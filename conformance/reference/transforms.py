"""The constants of the normwise bounds: how much FFT and Winograd convolutions amplify rounding errors."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np

# The points that libraries choose (Lavin and Gray 2016; wincnn); infinity is the last one of every set.
_POINTS = [Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "4", "-4", "1/4", "-1/4", "3", "-3", "1/3")]


def fft_constant(length: int) -> float:
    """c with ||error of a transform|| <= c u ||transform||, for a transform of ``length`` points.

    Higham, Accuracy and Stability of Numerical Algorithms, theorem 24.2: c u = log2(N) eta / (1 - log2(N) eta) with
    eta = mu + gamma_4 (sqrt 2 + mu), twiddle factors accurate to mu = u. Lengths of other factors than 2 round more
    often a stage but have fewer stages; 2 log2(N) covers radices up to 11 and the rounding of the product.
    """
    return 2 * math.log2(max(length, 2)) * (1 + 4 * (math.sqrt(2) + 2**-10))


@cache
def winograd_constant(m: int, r: int, ndim: int) -> float:
    """c with |error| <= c u ||x|| ||w|| (2-norms) for nested Winograd convolution F(m, r) in ``ndim`` axes.

    y = A^T ((G w) * (B^T x)): each output's error is at most (number of roundings on its longest path) times
    sum over j of |A_ji| |G_j| |B_j| |w| |x|, rows' norms by Cauchy-Schwarz; nesting multiplies the sums (Kronecker).
    Scaling rows between G, B and A leaves the sum unchanged, so the usual variants share it.
    """
    A, G, B = winograd_matrices(m, r)
    amplification = (np.abs(A) * (np.linalg.norm(G, axis=1) * np.linalg.norm(B, axis=1))[:, None]).sum(axis=0).max()
    tile = m + r - 1
    roundings = ndim * (2 * tile + r + 3)  # two matrix products of length tile, one of length r, their entries, the product
    return float(roundings * amplification**ndim)


@cache
def winograd_matrices(m: int, r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A (tile, m), G (tile, r) and B (tile, tile, transposed already) of F(m, r), tile = m + r - 1 (Cook-Toom).

    Correlation is the transpose of polynomial multiplication: evaluate the kernel at the points (G), transform the
    input with the transposed interpolation (B), and combine with transposed evaluation (A).
    """
    tile = m + r - 1
    points = _POINTS[: tile - 1]
    A = [[point**k for k in range(m)] for point in points] + [[Fraction(int(k == m - 1)) for k in range(m)]]
    scales = [math.prod((p - q for q in points if q != p), start=Fraction(1)) for p in points]
    G = [[p**k / s for k in range(r)] for p, s in zip(points, scales, strict=True)]
    G.append([Fraction(int(k == r - 1)) for k in range(r)])
    B = [[*_product([q for q in points if q != p]), Fraction(0)] for p in points] + [_product(points)]
    return tuple(np.array([[float(entry) for entry in row] for row in matrix]) for matrix in (A, G, B))  # type: ignore[return-value]


def _product(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of the polynomial with these roots, lowest power first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [s - root * c for s, c in zip(shifted, [*coefficients, Fraction(0)], strict=True)]
    return coefficients
