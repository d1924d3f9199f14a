"""The verdict on speed, on samples that are made for it: nothing here measures a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.timing.slowdown import SAME, chance, change, confirmed, discoveries, faster, suspects
from conformance.timing.statistics import Ratio, paired_ratio, pooled

MARGIN = 0.05
CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def simulated(factor: float, rng: np.random.Generator, rounds: int = 60, noise: float = 0.08) -> Ratio:
    """A ratio from paired rounds in which the whole machine is slow now and then, and either one alone for a moment."""
    machine = np.exp(rng.normal(0, 0.2, rounds) + 0.5 * (rng.random(rounds) < 0.1))
    own, other = (np.exp(rng.normal(0, noise, rounds) + (rng.random(rounds) < 0.1)) for _ in range(2))
    return paired_ratio(factor * machine * own, machine * other)


def gate(factor: float, rng: np.random.Generator, then: Ratio = SAME) -> bool:
    first, again = simulated(factor, rng), simulated(factor, rng)
    return suspects([(then, first)], MARGIN)[0] and confirmed(then, first, again, MARGIN)


def test_the_same_code_is_not_called_slower_and_twenty_per_cent_more_is() -> None:
    rng = np.random.default_rng(0)
    assert sum(gate(1.0, rng) for _ in range(100)) == 0
    assert sum(gate(1.2, rng) for _ in range(50)) >= 49


def test_a_ratio_is_compared_with_what_it_was_and_not_with_one() -> None:
    rng = np.random.default_rng(1)
    then = pooled([simulated(7.0, rng), simulated(7.0, rng)])
    assert sum(gate(7.0, rng, then) for _ in range(50)) == 0
    assert sum(gate(7.0 * 1.25, rng, then) for _ in range(50)) >= 49


def test_what_only_the_first_measurement_says_is_no_slowdown() -> None:
    slow, same = Ratio(1.3, 1.28, 1.32), Ratio(1.0, 0.98, 1.02)
    assert suspects([(SAME, slow), (SAME, same)], MARGIN) == [True, False]
    assert confirmed(SAME, slow, slow, MARGIN)
    assert not confirmed(SAME, slow, same, MARGIN)
    assert not confirmed(SAME, Ratio(1.3, 0.9, 1.9), Ratio(1.3, 0.9, 1.9), MARGIN)


def test_rounds_that_agree_to_the_last_bit_are_judged_too() -> None:
    assert not confirmed(SAME, Ratio(1.0, 1.0, 1.0), Ratio(1.0, 1.0, 1.0), MARGIN)
    assert confirmed(SAME, Ratio(1.1, 1.1, 1.1), Ratio(1.1, 1.1, 1.1), MARGIN)


def test_a_slowdown_by_the_margin_itself_is_allowed() -> None:
    assert chance(SAME, Ratio(1.05, 1.04, 1.06), MARGIN) == pytest.approx(0.5, abs=0.01)
    assert not confirmed(SAME, Ratio(1.05, 1.049, 1.051), Ratio(1.05, 1.049, 1.051), MARGIN)


def test_the_change_has_the_uncertainty_of_both_ratios() -> None:
    found = change(Ratio(2.0, 1.9, 2.0 * 2.0 / 1.9), Ratio(3.0, 2.9, 3.0 * 3.0 / 2.9))
    assert found.value == pytest.approx(1.5)
    assert math.log(found.high / 1.5) == pytest.approx(math.hypot(math.log(2 / 1.9), math.log(3 / 2.9)))
    assert faster(SAME, Ratio(0.8, 0.78, 0.82), MARGIN)
    assert not faster(SAME, Ratio(0.9, 0.7, 1.1), MARGIN)


@given(CHANCES, st.floats(0.001, 0.5))
def test_discoveries_are_those_of_the_definition(chances: list[float], rate: float) -> None:
    """Benjamini and Hochberg: the k smallest for the largest k of which the k-th is at most k rate / n."""
    ordered = sorted(chances)
    best = max(k for k in range(len(ordered) + 1) if k == 0 or ordered[k - 1] <= k * rate / len(ordered))
    found = discoveries(chances, rate)
    assert sum(found) >= best
    assert all(taken == (best > 0 and one <= ordered[best - 1]) for one, taken in zip(chances, found, strict=True))


@given(st.floats(0.1, 10), st.floats(1.001, 1.5), st.floats(1, 4))
def test_legs_that_differ_widen_the_interval_to_reach_both(middle: float, width: float, apart: float) -> None:
    legs = [Ratio(one, one / width, one * width) for one in (middle / apart, middle * apart)]
    one = pooled(legs)
    assert one.value == pytest.approx(middle)
    assert one.low <= one.value <= one.high
    if apart == 1:
        assert one.half_width == pytest.approx(width ** (1 / math.sqrt(2)) - 1)
    assert one.half_width >= min(math.exp(math.log(apart)) - 1, 1e9) * 0.99
