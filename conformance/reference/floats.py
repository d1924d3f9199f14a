"""Error-free transformations: arithmetic on float64 arrays whose rounding errors are known, not estimated.

Sources: Ogita, Rump, Oishi, "Accurate sum and dot product" (2005) for TwoSum and TwoProd; Ozaki, Ogita, Oishi, Rump,
"Error-free transformations of matrix multiplication" (2012) for slicing.
"""

from __future__ import annotations

import math

import numpy as np

_SPLITTER = 2.0**27 + 1  # Dekker's constant for a 53-bit significand


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s and e with s = fl(a + b) and s + e = a + b exactly (Knuth)."""
    s = a + b
    part = s - a
    return s, (a - (s - part)) + (b - part)


def two_prod(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p and e with p = fl(a * b) and p + e = a * b exactly, while nothing over- or underflows (Dekker, Veltkamp)."""
    p = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shifted = _SPLITTER * a
    high = shifted - (shifted - a)
    return high, a - high


def slices(a: np.ndarray, bits: int, at_most: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Arrays of at most ``bits`` significant bits on one common grid each, and what is left; together exactly ``a``.

    A sum of T products of elements of two slices is exact in float64, in any order, if T * 2^(2 * bits) <= 2^53.
    """
    largest = float(np.max(np.abs(a), initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return [a], np.zeros_like(a)
    exponent = math.frexp(largest)[1]  # largest < 2^exponent
    parts, rest = [], a
    for number in range(1, at_most + 1):
        unit = math.ldexp(1.0, max(exponent - bits * number, -1074))
        part = np.rint(rest / unit) * unit
        parts.append(part)
        rest = rest - part
        if not rest.any():
            break
    return parts, rest
