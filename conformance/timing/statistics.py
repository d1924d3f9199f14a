"""From paired times to a ratio that can be believed, with its interval and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["FASTER", "SLOWER", "SAME", "INCONCLUSIVE"]
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time over the reference's time: the median over rounds, and its 95 % bootstrap interval."""

    median: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval, relative to the ratio."""
        return math.sqrt(self.high / self.low) - 1

    def verdict(self, margin: float) -> Verdict:
        """SAME if the interval lies within 1 +- margin, FASTER or SLOWER if it lies beyond, else INCONCLUSIVE."""
        low, high = 1 / (1 + margin), 1 + margin
        if self.high < low:
            return "FASTER"
        if self.low > high:
            return "SLOWER"
        return "SAME" if low <= self.low and self.high <= high else "INCONCLUSIVE"


def paired_ratio(times: Sequence[float], reference: Sequence[float], seed: int = 0) -> Ratio:
    """The ratio of two series measured in the same rounds: bootstrap of the median of the paired log-ratios.

    Pairing cancels what slows a whole round, and the logarithm makes twice as fast and twice as slow alike.
    """
    logs = np.log(np.asarray(times) / np.asarray(reference))
    picks = np.random.default_rng(seed).integers(len(logs), size=(_RESAMPLES, len(logs)))
    low, high = np.quantile(np.median(logs[picks], axis=1), [0.025, 0.975])
    return Ratio(float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high)))
