"""How often a gate and a bench err, and how often other rules do, judged on recorded samples: pure functions of them.

In every trial an implementation is timed beside itself under another name, and beside copies that do 5, 10 and 20 % more
work: in two legs with processes of their own, interleaved in random order. All rules get the same samples. So those that
are made for two runs one after the other (pytest-benchmark, torch.utils.benchmark) are judged twice: on samples of the same
leg, which is more than they ask for, as both versions then had the same disturbances; and with the first version's samples
from the trial before, which is what comparing with a saved run is.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from conformance.timing.slowdown import SAME, confirmed, suspects
from conformance.timing.statistics import Ratio, better_known_ratio, paired_ratio, pooled, sign_test

PLAIN, TWIN = "plain", "same"
SLOWER = ("+5 %", "+10 %", "+20 %")
NAMES = (PLAIN, TWIN, *SLOWER)

Leg = Mapping[str, Sequence[float]]
"""Seconds of a call by round, by name; places in the sequences are rounds."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured: the first leg, and the one in new processes that a gate would only make where it suspects."""

    first: Leg
    second: Leg


Rule = Callable[[Trial, Trial, str, float], bool]
"""Of a trial and the one before, whether a name is taken for slower than the plain one by more than a margin."""


def side_by_side(now: Trial, before: Trial, name: str, margin: float) -> bool:
    """``conformance gate --against``: both versions in one run."""
    return _gate(SAME, _ratio(now.first, name), _ratio(now.second, name), margin)


def to_baseline(now: Trial, before: Trial, name: str, margin: float) -> bool:
    """``conformance gate``: the ratio to a reference, against that of a baseline that was made before."""
    then = pooled([_ratio(leg, TWIN) for leg in (before.first, before.second)])
    return _gate(then, _ratio(now.first, name), _ratio(now.second, name), margin)


def benched(now: Trial, before: Trial, name: str, margin: float) -> bool:
    """``conformance bench``: what it calls SLOWER, from one run."""
    times, reference = now.first[name], now.first[PLAIN]
    return paired_ratio(times, reference).verdict(margin, sign_test(times, reference, margin)) == "SLOWER"


def _gate(then: Ratio, first: Ratio, second: Ratio, margin: float) -> bool:
    return suspects([(then, first)], margin)[0] and confirmed(then, first, second, margin)


def _ratio(leg: Leg, name: str) -> Ratio:
    return better_known_ratio(leg[name], leg[PLAIN])


def regressed(now: float, then: float, margin: float) -> bool:
    """pytest-benchmark's ``--benchmark-compare-fail=FIELD:PERCENT%`` on one field of its statistics."""
    return 100 * (now / then - 1) > 100 * margin


def _field(of: Callable[[Sequence[float]], float], saved: bool) -> Rule:
    def rule(now: Trial, before: Trial, name: str, margin: float) -> bool:
        return regressed(of(now.first[name]), of((before if saved else now).first[PLAIN]), margin)

    return rule


RULES: dict[str, Rule] = {
    "conformance gate --against": side_by_side,
    "conformance gate, with a baseline": to_baseline,
    "conformance bench": benched,
    "pytest-benchmark mean, same run": _field(statistics.fmean, False),
    "pytest-benchmark min, same run": _field(min, False),
    "pytest-benchmark mean, saved run": _field(statistics.fmean, True),
    "pytest-benchmark min, saved run": _field(min, True),
    "torch.utils.benchmark median, same run": _field(statistics.median, False),
    "torch.utils.benchmark median, saved run": _field(statistics.median, True),
}
"""``Measurement.median`` of torch.utils.benchmark is the median over its samples, as its ``blocked_autorange`` takes them."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many trials, with the 95 % interval of Wilson's score."""

    count: int
    trials: int

    @property
    def interval(self) -> tuple[float, float]:
        z = NormalDist().inv_cdf(0.975)
        n, p = self.trials, self.count / self.trials
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
        return (0.0 if self.count == 0 else low), (1.0 if self.count == n else high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count} of {self.trials} ({100 * low:.1f} to {100 * high:.1f} %)"


def judged(trials: Sequence[Trial], margin: float) -> dict[str, dict[str, Rate]]:
    """For every rule how often it calls each name slower: the twin falsely, the others rightly. Needs two trials or more."""
    pairs = list(zip(trials[1:], trials[:-1], strict=True))
    return {
        title: {name: Rate(sum(rule(now, before, name, margin) for now, before in pairs), len(pairs)) for name in NAMES[1:]}
        for title, rule in RULES.items()
    }
