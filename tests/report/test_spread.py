"""The threshold of accuracy is derived: the distribution that it stands on is the true one, and honest changes pass."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.regression import changes
from conformance.report.spread import chance_of, rank, rank_of, spreads, typical_is_worse, worst_allowed
from tests.report.baselines import baseline, row, seen


@pytest.mark.parametrize(("now", "then", "rank_then"), [(3, 4, 3), (4, 3, 1), (5, 4, 4), (2, 6, 5)])
def test_the_chance_of_exceedances_is_that_of_counting_all_interleavings(now: int, then: int, rank_then: int) -> None:
    counts: Counter[int] = Counter()
    for old in itertools.combinations(range(now + then), then):
        counts[sum(place > old[rank_then - 1] for place in set(range(now + then)) - set(old))] += 1
    total = sum(counts.values())
    for beyond in range(now + 2):
        expected = sum(count for number, count in counts.items() if number >= beyond) / total
        assert chance_of(beyond, now, then, rank_then) == pytest.approx(expected)


@given(st.integers(1, 500), st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(9, 10), Fraction(1)]))
def test_a_quantile_is_the_smallest_value_that_enough_cases_do_not_pass(cases: int, share: Fraction) -> None:
    place = rank_of(share, cases)
    assert 1 <= place <= cases
    assert place >= share * cases
    assert place == 1 or place - 1 < share * cases


def test_honest_sums_in_other_orders_are_not_called_worse() -> None:
    """Float32 sums of the same numbers in random orders, 300 gates: 600 judgements, of which one in a thousand may err."""
    rng = np.random.default_rng(1)
    data = [rng.normal(size=(64, n)) for n in (4, 9, 16, 25, 36, 49, 64, 100) for _ in range(2)]
    bad = 0
    for _ in range(300):
        then, now = ([row(_rho(one, rng), problem=OUTPUTS_64) for one in data] for _ in range(2))
        (spread,) = spreads(then)
        bad += typical_is_worse(spread, [one.rho for one in now])[1] < 1e-3
        bad += max(one.rho for one in now) > worst_allowed(spread, 1)
    assert bad <= 2  # three or more have a chance of 2 %; the seed is fixed


OUTPUTS_64 = "conv2d f32 n1 c1 i10x10 o1 k3x3"


def _rho(data: np.ndarray, rng: np.random.Generator) -> float:
    """ρ of 64 sequential float32 sums, each in an order of its own."""
    shuffled = rng.permuted(data.astype(np.float32), axis=1)
    sums = np.add.accumulate(shuffled, axis=1, dtype=np.float32)[:, -1]
    true, magnitude = shuffled.astype(np.float64).sum(axis=1), np.abs(shuffled.astype(np.float64)).sum(axis=1)
    return float((np.abs(sums - true) / (2.0**-24 * magnitude)).max())


RHO = (0.4, 0.8, 0.9, 1.0, 1.1, 1.2, 1.2, 1.3, 1.6, 1.9, 2.0, 2.1, 2.8, 3.4, 4.2)
THEN = baseline(accuracy=spreads([row(rho) for rho in RHO]), failing=())


def test_the_same_accuracy_is_no_change() -> None:
    assert changes(THEN, seen(rho=RHO), same_cases=True) == []


def test_most_cases_beyond_the_upper_quartile_are_worse_with_other_cases_too() -> None:
    for same in (True, False):
        (change,) = changes(THEN, seen(rho=tuple(4 * rho for rho in RHO)), same)
        assert (change.kind, change.worse, change.where) == ("accuracy", True, "conv2d float32")
        assert change.was == "ρ 1.3 (median), 4.2 (worst)"
        assert change.now == "ρ 5.2 (median), 16.8 (worst)"


def test_one_case_far_beyond_the_worst_is_worse_only_if_cases_are_the_same() -> None:
    now = (*RHO[:-1], 40.0)
    (change,) = changes(THEN, seen(rho=now), same_cases=True)
    assert "the worst case is beyond" in change.words
    assert changes(THEN, seen(rho=now), same_cases=False) == []


def test_up_to_one_rounding_nothing_is_worse() -> None:
    then = baseline(accuracy=spreads([row(0.0), row(0.0), row(0.01)]), failing=())
    assert changes(then, seen(rho=(0.0, 0.5, 1.0)), same_cases=True) == []


@pytest.mark.parametrize(
    ("problem", "least", "most"),
    [
        ("conv2d f32 n1 c1 i3x3 o1 k3x3", 1000, math.inf),
        ("conv2d f32 n1 c1 i6x7 o1 k3x3", 4, 6),
        ("conv2d f32 n1 c1 i34x34 o1 k3x3", 2, 3),
    ],
)
def test_the_fewer_outputs_the_less_their_largest_error_says(problem: str, least: float, most: float) -> None:
    (spread,) = spreads([row(2.0, problem=problem)])
    assert least < worst_allowed(spread, 1) / 2.0 < most


def test_a_class_that_is_lost_is_always_worse_and_one_that_is_won_is_better() -> None:
    now = seen()
    lost = now.__class__(now.claims, (), (), (row(0.5, reached="fft"), row(0.1)))
    (change,) = changes(THEN, lost, same_cases=False)
    assert (change.worse, change.was, change.now) == (True, "class componentwise", "class fft")
    (spread,) = spreads(lost.accuracy)
    (change,) = changes(baseline(accuracy=(spread,), failing=()), seen(rho=(0.1, 0.2)), same_cases=True)
    assert not change.worse


def test_classes_are_ordered_from_the_strictest() -> None:
    assert [rank(name) for name in ("componentwise", "fft", "winograd(4,3)", "tf32", "float16", "none")] == [0, 1, 1, 2, 2, 3]
    (spread,) = spreads([row(0.0, reached="exact")])
    assert spread.reached == "componentwise"


def test_a_rho_that_is_not_finite_is_left_to_the_findings() -> None:
    assert spreads([row(math.inf)]) == ()
