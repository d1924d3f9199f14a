"""From paired times to a ratio that can be believed, with its interval and a verdict, over one problem and over many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np

Verdict = Literal["FASTER", "SLOWER", "SAME", "INCONCLUSIVE"]
FALSE_DISCOVERIES = 0.05
"""Of all differences that a run calls one, the share that may be none."""
_RESAMPLES = 2000
_UNDISTURBED = 0.1  # the quantile
_INTERVAL = 2 * NormalDist().inv_cdf(0.975)  # widths of a 95 % interval in standard deviations
_LEAST = 1e-4  # the relative width of an interval that is believed: below, few rounds happened to agree


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time over the reference's time: an estimate from all rounds, and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval, relative to the ratio."""
        return math.sqrt(self.high / self.low) - 1

    def verdict(self, margin: float, p: float = 0.0) -> Verdict:
        """SAME if the interval lies within 1 +- margin, FASTER or SLOWER if it lies beyond, else INCONCLUSIVE.

        ``p`` is how probable such rounds are where there is no difference beyond the margin, corrected for all problems of
        the run; a difference for which it is too large is INCONCLUSIVE.
        """
        low, high = 1 / (1 + margin), 1 + margin
        if self.high < low or self.low > high:
            if p > FALSE_DISCOVERIES:
                return "INCONCLUSIVE"
            return "FASTER" if self.high < low else "SLOWER"
        return "SAME" if low <= self.low and self.high <= high else "INCONCLUSIVE"


def paired_ratio(times: Sequence[float], reference: Sequence[float], seed: int = 0) -> Ratio:
    """The ratio of two series measured in the same rounds: bootstrap of the median of the paired log-ratios.

    Pairing cancels what slows a whole round, and the logarithm makes twice as fast and twice as slow alike.
    """
    logs = np.log(np.asarray(times) / np.asarray(reference))
    return _ratio(np.median(logs), np.median(logs[_resampled(len(logs), seed)], axis=1))


def undisturbed_ratio(times: Sequence[float], reference: Sequence[float], seed: int = 0) -> Ratio:
    """The ratio of what both take where nothing disturbs them: of the lower deciles of both series, rounds resampled in pairs.

    What disturbs makes slower and never faster. Where others use the machine, half of all rounds or more can be disturbed,
    and the median ratio is then between one that is and one that is not, with an interval several times as wide. What it
    does not see is a slowdown that leaves more than one block in ten as fast as it was.
    """
    own, base = np.log(np.asarray(times)), np.log(np.asarray(reference))
    picks = _resampled(len(own), seed)
    both = [np.quantile(series, _UNDISTURBED) for series in (own, base)]
    resampled = [np.quantile(series[picks], _UNDISTURBED, axis=1) for series in (own, base)]
    return _ratio(float(both[0] - both[1]), resampled[0] - resampled[1])


def better_known_ratio(times: Sequence[float], reference: Sequence[float]) -> Ratio:
    """Of :func:`paired_ratio` and :func:`undisturbed_ratio` the one with the narrower interval.

    Pairs are better where the speed of the machine wanders, and what is undisturbed where others use it in bursts. It is
    chosen by how wide an interval is, never by where it lies.
    """
    return min((paired_ratio(times, reference), undisturbed_ratio(times, reference)), key=lambda ratio: ratio.half_width)


@dataclass(frozen=True, slots=True)
class Between:
    """How far apart sets of processes are: the variance of the logarithm of a ratio from set to set, beyond what intervals
    say, and from how many ``degrees`` of freedom it is known; of none where it is not."""

    variance: float = 0.0
    degrees: int = 0

    @property
    def quantile(self) -> float:
        """Half the width of a 95 % interval in standard deviations: Student's, normal where no degrees are counted."""
        return student(self.degrees) if self.degrees else _INTERVAL / 2


UNKNOWN = Between()


def between_sets(problems: Iterable[Sequence[Ratio]]) -> Between:
    """What is between the sets of processes in which each ratio of a run was measured: the moment estimate of all of them
    together (DerSimonian and Laird, Controlled Clinical Trials 7, 1986), as two or three sets of one say too little."""
    excess, scale, degrees = 0.0, 0.0, 0
    for ratios in problems:
        if len(ratios) > 1:
            weights, _, squares = _weighed(ratios, 0.0)
            excess += squares - (len(ratios) - 1)
            scale += sum(weights) - sum(w * w for w in weights) / sum(weights)
            degrees += len(ratios) - 1
    return Between(max(0.0, excess / scale), degrees) if degrees else UNKNOWN


def pooled(ratios: Sequence[Ratio], between: Between = UNKNOWN) -> Ratio:
    """Ratios of several sets of processes as one: their mean by weight, in logarithms.

    What is ``between`` sets counts for each. Where they differ by more than that and their intervals say, the interval of the
    mean is widened by the factor that makes them agree (Birge 1932; the scale factor of the Particle Data Group's averages).
    """
    if len(ratios) == 1 and not between.degrees:
        return ratios[0]
    weights, mean, squares = _weighed(ratios, between.variance)
    chi = squares / max(1, len(ratios) - 1)
    half = between.quantile * math.sqrt(max(1.0, chi) / sum(weights))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def _weighed(ratios: Sequence[Ratio], variance: float) -> tuple[list[float], float, float]:
    """The weights of ratios with a variance more, the mean of their logarithms, and the weighed sum of squares about it."""
    weights = [1 / (deviation(one) ** 2 + variance) for one in ratios]
    logs = [math.log(one.value) for one in ratios]
    mean = sum(w * log for w, log in zip(weights, logs, strict=True)) / sum(weights)
    return weights, mean, sum(w * (log - mean) ** 2 for w, log in zip(weights, logs, strict=True))


def student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy.special import stdtrit  # not everything that has a ratio needs it

    return float(stdtrit(degrees, 0.975))


def deviation(ratio: Ratio) -> float:
    """The standard deviation of the logarithm of a ratio, from its 95 % interval."""
    return max(math.log(ratio.high / ratio.low) / _INTERVAL, _LEAST)


@lru_cache(maxsize=2)  # both estimates, and all implementations of a round, ask for the same
def _resampled(rounds: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(rounds, size=(_RESAMPLES, rounds))


def _ratio(log: float, resampled: np.ndarray) -> Ratio:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Ratio(float(np.exp(log)), float(np.exp(low)), float(np.exp(high)))


def sign_test(times: Sequence[float], reference: Sequence[float], margin: float) -> float:
    """How probable it is that so many paired ratios lie beyond one side of 1 +- margin, if the median lies within.

    Each ratio lies beyond with a probability of at most 1/2 then, whatever the distribution of times is, and both sides were
    looked at. The bootstrap has no such guarantee where there are few rounds.
    """
    ratios = np.asarray(times) / np.asarray(reference)
    n, beyond = len(ratios), max(int((ratios > 1 + margin).sum()), int((ratios < 1 / (1 + margin)).sum()))
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(beyond, n + 1)) / 2**n)


def false_discovery(probabilities: Sequence[float]) -> list[float]:
    """Each probability corrected for that there are many: calling those up to 5 % a difference, at most 5 % of the
    differences are none (Benjamini and Hochberg, J. R. Statist. Soc. B 57, 1995)."""
    p = np.asarray(probabilities, float)
    order = np.argsort(p)[::-1]  # from the largest: each is at most what a larger one becomes
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return [float(each) for each in corrected]
