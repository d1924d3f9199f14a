"""Properties of the statistics on simulated times: what a verdict may be wrong about, and how often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from conformance.timing.measure import Estimate
from conformance.timing.statistics import (
    UNKNOWN,
    Ratio,
    better_known_ratio,
    between_sets,
    false_discovery,
    paired_ratio,
    pooled,
    sign_test,
    student,
    undisturbed_ratio,
)

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=60)
times = st.lists(st.floats(1e-6, 10), min_size=1, max_size=30)


@given(probabilities)
def test_probabilities_are_corrected_as_scipy_corrects_them(given_: list[float]) -> None:
    assert false_discovery(given_) == pytest.approx(list(false_discovery_control(given_)))


@given(probabilities)
def test_a_correction_makes_none_smaller_and_keeps_their_order(given_: list[float]) -> None:
    corrected = false_discovery(given_)
    assert all(after >= before * (1 - 1e-9) for before, after in zip(given_, corrected, strict=True))
    order = np.argsort(given_, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= -1e-12)


def test_where_nothing_differs_the_correction_leaves_few_discoveries() -> None:
    rng, runs, wrong = np.random.default_rng(0), 400, 0
    for _ in range(runs):
        wrong += any(p <= 0.05 for p in false_discovery(list(rng.uniform(size=40))))
    assert wrong / runs < 0.08  # 5 % and three standard deviations


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.floats(0.001, 0.5))
def test_the_sign_test_counts_what_lies_beyond_the_margin(above: int, below: int, within: int, margin: float) -> None:
    n = above + below + within
    if not n:
        return
    ratios = [1 + 2 * margin] * above + [1 / (1 + 2 * margin)] * below + [1.0] * within
    one_sided = binomtest(max(above, below), n, 0.5, alternative="greater").pvalue
    assert sign_test(ratios, [1.0] * n, margin) == pytest.approx(min(1.0, 2 * one_sided))


@pytest.mark.parametrize("estimate", [paired_ratio, undisturbed_ratio])
@given(series=times, factor=st.floats(0.1, 10))
@settings(max_examples=50)
def test_a_ratio_lies_in_its_interval_and_is_turned_round_by_changing_places(
    estimate: Estimate, series: list[float], factor: float
) -> None:
    rng = np.random.default_rng(len(series))
    other = [factor * one * float(rng.uniform(0.5, 2)) for one in series]
    there, back = estimate(series, other), estimate(other, series)
    assert there.low <= there.value <= there.high
    assert there.value * back.value == pytest.approx(1)
    assert there.half_width >= 0


@given(series=times, noise=st.integers(0, 5))
@settings(max_examples=50)
def test_the_better_known_ratio_is_the_one_with_the_narrower_interval(series: list[float], noise: int) -> None:
    other = np.random.default_rng(noise).lognormal(0, 0.1 * noise, len(series))
    both = paired_ratio(series, other), undisturbed_ratio(series, other)
    found = better_known_ratio(series, other)
    assert found in both
    assert found.half_width == min(one.half_width for one in both)


def test_where_others_disturb_half_of_the_rounds_the_ratio_of_what_they_do_not_is_the_better_known_one() -> None:
    rng = np.random.default_rng(0)
    narrower, near = [], 0
    for _ in range(40):
        own, base = (rng.lognormal(0, 0.02, 60) * np.where(rng.uniform(size=60) < 0.5, 1, rng.uniform(1.3, 3, 60)) for _ in "ab")
        plain, undisturbed = paired_ratio(1.1 * own, base), undisturbed_ratio(1.1 * own, base)
        narrower.append(plain.half_width / undisturbed.half_width)
        near += undisturbed.low <= 1.1 <= undisturbed.high
    assert np.median(narrower) > 3
    assert np.quantile(narrower, 0.05) > 1
    assert near >= 34  # 95 % of 40, and three standard deviations


def test_a_difference_that_is_too_probable_without_one_is_inconclusive() -> None:
    assert Ratio(1.5, 1.4, 1.6).verdict(0.05, p=0.04) == "SLOWER"
    assert Ratio(1.5, 1.4, 1.6).verdict(0.05, p=0.06) == "INCONCLUSIVE"
    assert Ratio(1.0, 0.99, 1.01).verdict(0.05, p=1.0) == "SAME"


@pytest.mark.parametrize("rounds", [7, 15, 40])
def test_the_same_twice_is_hardly_ever_called_different_even_where_rounds_vary_tenfold(rounds: int) -> None:
    rng, wrong, trials = np.random.default_rng(rounds), 0, 300
    for _ in range(trials):
        load = rng.lognormal(0, 1, rounds)
        a, b = (load * rng.lognormal(0, 0.2, rounds) * (1 + 5 * (rng.uniform(size=rounds) < 0.1)) for _ in range(2))
        wrong += paired_ratio(a, b).verdict(0.05, sign_test(a, b, 0.05)) in ("FASTER", "SLOWER")
    assert wrong / trials <= 0.03


def test_twice_as_slow_is_found_in_seven_noisy_rounds_of_most_trials() -> None:
    rng, found, trials = np.random.default_rng(0), 0, 200
    for _ in range(trials):
        load = rng.lognormal(0, 1, 7)
        a, b = (load * rng.lognormal(0, 0.1, 7) * factor for factor in (2.0, 1.0))
        found += paired_ratio(a, b).verdict(0.05, sign_test(a, b, 0.05)) == "SLOWER"
    assert found / trials > 0.9


def test_half_the_width_of_an_interval_is_relative_to_the_ratio() -> None:
    assert Ratio(3.0, 3.0 / 1.1, 3.0 * 1.1).half_width == pytest.approx(0.1)
    assert math.isclose(Ratio(3.0, 3.0, 3.0).half_width, 0)


def _measured(true: float, apart: float, known: float, rng: np.random.Generator) -> Ratio:
    """A ratio in one set of processes, known by its interval to a standard deviation ``known``."""
    log = math.log(true) + rng.normal(0, apart) + rng.normal(0, known)
    return Ratio(math.exp(log), math.exp(log - 1.96 * known), math.exp(log + 1.96 * known))


@pytest.mark.parametrize("apart", [0.0, 0.02, 0.05])
def test_how_far_sets_of_processes_are_apart_is_found_from_many_problems_with_few_sets_each(apart: float) -> None:
    rng = np.random.default_rng(1)
    found = [between_sets([[_measured(2.0, apart, 0.01, rng) for _ in "ab"] for _ in range(30)]) for _ in range(50)]
    assert {one.degrees for one in found} == {30}
    assert np.mean([one.variance for one in found]) == pytest.approx(apart**2, rel=0.1, abs=2e-5)


@pytest.mark.parametrize(("problems", "sets"), [(27, 3), (2, 5), (1, 8)])
@pytest.mark.parametrize("apart", [0.0, 0.015, 0.05])
def test_with_what_is_between_sets_of_processes_95_per_cent_of_intervals_hold_the_true_ratio(
    problems: int, sets: int, apart: float
) -> None:
    rng, held = np.random.default_rng(2), []
    for _ in range(1200 // problems):
        run = [[_measured(1.3, apart, 0.01, rng) for _ in range(sets)] for _ in range(problems)]
        between = between_sets(run)
        held += [one.low <= 1.3 <= one.high for one in (pooled(ratios, between) for ratios in run)]
    assert np.mean(held) > 0.93  # 95 % less three standard deviations


def test_sets_of_processes_alone_say_too_little_of_how_far_they_are_apart() -> None:
    rng = np.random.default_rng(3)
    held = [
        one.low <= 1.3 <= one.high
        for one in (pooled([_measured(1.3, 0.03, 0.01, rng) for _ in "ab"]) for _ in range(1000))
    ]  # fmt: skip
    assert np.mean(held) < 0.8


def test_where_nothing_was_measured_twice_nothing_is_known_of_what_is_between() -> None:
    alone = _measured(1.0, 0.0, 0.01, np.random.default_rng(4))
    assert between_sets([[alone], []]) == UNKNOWN
    assert pooled([alone], UNKNOWN) == alone


def test_student_s_quantiles_are_those_of_the_tables() -> None:
    assert [round(student(degrees), 3) for degrees in (1, 2, 8)] == [12.706, 4.303, 2.306]
