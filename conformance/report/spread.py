"""Whether an implementation became less accurate: how rho spreads over cases, and what is beyond that.

An implementation that did not change gives the same rho on the same cases, to the last bit. One that sums in another order
gives others, of the same distribution, and must pass. So nothing is compared with a tolerance that somebody thought of:

- *The class.* It is lost if the worst case now has a weaker one (METHOD sections 2 to 5).
- *The typical case.* It is worse if more than half of the cases are beyond the upper quartile of the baseline, and if that
  is no chance: were both from one distribution, whatever it is, every interleaving of the two samples would be equally
  likely, so that the number of new cases beyond an order statistic of the old ones has a known distribution (the exceedance
  test: Gumbel and von Schelling 1950; David and Nagaraja, Order Statistics, section 9). Cases need not be the same ones; if
  they are, as with the same seed, both samples are alike in what the cases differ in, and the test errs to the safe side.
- *The worst case*, where cases are the same. Rounding errors of an honest sum are nearly normal, with tails no heavier
  (Hoeffding; Higham and Mary 2019, theorem 2.4). So with standard deviation s the largest of M errors is beyond
  s sqrt(2 ln(2 M / chance)) with no more than that chance; and with the same chance the largest of the m errors of one case,
  which is what the baseline has, was below s z, where a normal error is below z in magnitude with probability chance^(1/m).
  The quotient of both is how many times as large rho may be: 2 where a case has a thousand outputs, 5 where it has twenty.
  rho = 1 is what rounding the result alone may cost, so that no rho up to there is worse than another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist

from conformance.problem import parse_problem
from conformance.report.baseline import Spread
from conformance.report.schema import Accuracy

CHANCE = 1e-3
"""Of a false alarm of one gate about its worst cases, and about its typical ones: in all operators and types together."""
_QUANTILES = {"p25": Fraction(1, 4), "p50": Fraction(1, 2), "p75": Fraction(3, 4), "p90": Fraction(9, 10), "worst": Fraction(1)}
_UPPER = _QUANTILES["p75"]
_ORDER = {"componentwise": 0, "normwise": 1, "reduced": 2, "none": 3}


def spreads(rows: Sequence[Accuracy]) -> tuple[Spread, ...]:
    """One :class:`Spread` for each operator and data type, in the order in which they were met."""
    groups: dict[tuple[str, str], list[Accuracy]] = {}
    for row in rows:
        if math.isfinite(row.rho):  # what is not finite is a finding
            groups.setdefault((row.operator, row.dtype), []).append(row)
    return tuple(_spread(operator, dtype, group) for (operator, dtype), group in groups.items())


def _spread(operator: str, dtype: str, rows: Sequence[Accuracy]) -> Spread:
    rho = sorted(row.rho for row in rows)
    return Spread(
        operator=operator,
        dtype=dtype,
        reached=max((class_of(row.reached) for row in rows), key=rank),
        cases=len(rows),
        outputs=sum(max(1, math.prod(parse_problem(row.problem).result_shape)) for row in rows),
        **{name: rho[rank_of(share, len(rho)) - 1] for name, share in _QUANTILES.items()},
    )


def class_of(reached: str) -> str:
    """The class without the accident that nothing had to be rounded: exact is componentwise on real values."""
    return "componentwise" if reached == "exact" else reached


def rank(reached: str) -> int:
    """The place of a class, the strictest first: componentwise, normwise (FFT, Winograd), reduced (TF32, …), none."""
    if reached in _ORDER:
        return _ORDER[reached]
    return _ORDER["normwise" if reached.startswith(("fft", "winograd")) else "reduced"]


def rank_of(share: Fraction, cases: int) -> int:
    """The rank, from 1, of the smallest of ``cases`` values that at least this share of them does not pass."""
    return max(1, math.ceil(share * cases))


def chance_of(beyond: int, now: int, then: int, rank_then: int) -> float:
    """The chance that at least ``beyond`` of ``now`` values pass the one of rank ``rank_then`` of ``then`` values.

    All are independent and of one continuous distribution; ties make it smaller.
    """
    ways = sum(
        math.comb(now - j + rank_then - 1, rank_then - 1) * math.comb(j + then - rank_then, then - rank_then)
        for j in range(beyond, now + 1)
    )
    return float(Fraction(ways, math.comb(now + then, now)))


def typical_is_worse(then: Spread, rho: Sequence[float]) -> tuple[int, float]:
    """How many of the cases now are beyond the baseline's upper quartile, and the chance of so many: 1 if not even half are.

    Chances of several operators and types are judged together (:func:`conformance.timing.slowdown.discoveries`).
    """
    beyond = sum(value > _rounded_up(then.p75) for value in rho)
    if 2 * beyond <= len(rho):
        return beyond, 1.0
    return beyond, chance_of(beyond, len(rho), then.cases, rank_of(_UPPER, then.cases))


def worst_allowed(then: Spread, groups: int) -> float:
    """The rho that the same cases may reach; for all ``groups`` together it is passed with a chance of about :data:`CHANCE`."""
    chance = CHANCE / groups / 2
    high = math.sqrt(2 * math.log(2 * then.outputs / chance))
    below = chance ** (then.cases / then.outputs)
    low = NormalDist().inv_cdf((1 + below) / 2)
    return max(1.0, then.worst * high / low)


def _rounded_up(value: float) -> float:
    """The file has four digits: what it says may have been rounded down."""
    return value * (1 + 1e-3)
