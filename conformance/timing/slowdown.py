"""Whether something became slower: a decision on ratios with their intervals. Pure functions; what measures is elsewhere.

A slowdown is first suspected, with the false discovery rate over all problems kept, and then measured again in processes of
its own: how a process lies in memory alone makes some per cent, and that is drawn anew. Only what both say is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from conformance.timing.statistics import Ratio, deviation, pooled

SUSPICION = 0.5
"""The share of false ones among the slowdowns that are suspected: each costs no more than being measured again."""
ERROR = 0.05
"""The chance of a confirmed slowdown where it is no more than what is allowed."""
SAME = Ratio(1.0, 1.0, 1.0)
"""What a ratio was before where both versions are measured now."""
_HALF = NormalDist().inv_cdf(0.975)  # the half of a 95 % interval in standard deviations


def change(then: Ratio, now: Ratio) -> Ratio:
    """The ratio of two ratios, that were measured independently, with its 95 % interval."""
    half = _HALF * math.hypot(_deviation(then), _deviation(now))
    log = math.log(now.value) - math.log(then.value)
    return Ratio(math.exp(log), math.exp(log - half), math.exp(log + half))


def chance(then: Ratio, now: Ratio, margin: float) -> float:
    """How likely it is to see such a change if the true one is a slowdown by ``margin`` and no more."""
    excess = math.log(now.value) - math.log(then.value) - math.log1p(margin)
    return 1 - NormalDist().cdf(excess / math.hypot(_deviation(then), _deviation(now)))


def discoveries(chances: Sequence[float], rate: float) -> list[bool]:
    """Which are taken for real, so that at most this share of them is not (Benjamini and Hochberg 1995)."""
    ordered = sorted(chances)
    count = max((k for k, one in enumerate(ordered, start=1) if one <= k * rate / len(ordered)), default=0)
    return [one <= ordered[count - 1] for one in chances] if count else [False] * len(chances)


def suspects(pairs: Sequence[tuple[Ratio, Ratio]], margin: float) -> list[bool]:
    """Which of (ratio then, ratio now) became slower by more than ``margin``, as far as one measurement says."""
    return discoveries([chance(then, now, margin) for then, now in pairs], SUSPICION)


def confirmed(then: Ratio, now: Ratio, again: Ratio, margin: float) -> bool:
    """Whether a second measurement says what the first one did: by itself it is suspected too, and both together show it.

    Both together need less time to find a slowdown than one that must show it alone, and where nothing became slower each of
    them would have to be wrong.
    """
    return chance(then, again, margin) <= SUSPICION and chance(then, pooled([now, again]), margin) <= ERROR


def faster(then: Ratio, now: Ratio, margin: float) -> bool:
    """Whether it became faster by more than ``margin``: the whole interval of the change says so."""
    return change(then, now).high < 1 / (1 + margin)


def _deviation(ratio: Ratio) -> float:
    return 0.0 if ratio is SAME else deviation(ratio)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one problem: the ratio then and now, and again where a slowdown was suspected."""

    then: Ratio
    now: Ratio
    again: Ratio | None
    slower: bool
    faster: bool

    @property
    def last(self) -> Ratio:
        """All that was measured now, as one ratio."""
        return self.now if self.again is None else pooled([self.now, self.again])

    @property
    def change(self) -> Ratio:
        """By how much its time changed."""
        return change(self.then, self.last)
