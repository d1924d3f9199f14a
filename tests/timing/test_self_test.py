"""The self-test's rules are those of the tools that they are named after, and its slower copies do what they say."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.checks import CHECKS
from conformance.plugin.job import Call, Reply
from conformance.timing.handicap import CASE, ITEMS, ItemByItem, Slower5, Slower10, Slower20
from conformance.timing.self_test import NAMES, PLAIN, RULES, SLOWER, TWIN, Rate, Trial, judged, regressed

TIMES = st.lists(st.floats(1e-4, 1e-2), min_size=5, max_size=30)


@given(TIMES, TIMES, st.sampled_from(["mean", "min"]))
def test_a_regression_is_what_pytest_benchmark_calls_one(then: list[float], now: list[float], field: str) -> None:
    utils = pytest.importorskip("pytest_benchmark.utils")
    stats = pytest.importorskip("pytest_benchmark.stats")

    def of(times: list[float]) -> dict[str, float]:
        made = stats.Stats()
        for seconds in times:
            made.update(seconds)
        return made.as_dict()  # type: ignore[no-any-return]

    fails = utils.PercentageRegressionCheck(field, 5).fails(of(now), of(then))
    own = {"mean": statistics.fmean, "min": min}[field]
    assert regressed(own(now), own(then), 0.05) == (fails is not None)


@given(TIMES)
def test_the_median_is_that_of_torch_utils_benchmark(times: list[float]) -> None:
    benchmark = pytest.importorskip("torch.utils.benchmark")
    made = benchmark.Measurement(number_per_run=1, raw_times=times, task_spec=benchmark.TaskSpec("x", ""))
    assert made.median == pytest.approx(statistics.median(times))


def trial(rng: np.random.Generator, noise: float) -> Trial:
    """Two legs of all, as slow as their names say, on a machine that is slower in some trials than in others."""
    factors = dict(zip(NAMES, (1.0, 1.0, 1.05, 1.1, 1.2), strict=True))
    legs = []
    for _ in range(2):
        machine = np.exp(rng.normal(0, 0.1)) * np.exp(rng.normal(0, 0.1, 60))
        legs.append({name: tuple(factor * machine * np.exp(rng.normal(0, noise, 60))) for name, factor in factors.items()})
    return Trial(*legs)


def test_on_a_machine_whose_speed_wanders_the_gate_holds_and_saved_runs_do_not() -> None:
    rng = np.random.default_rng(0)
    table = judged([trial(rng, 0.04) for _ in range(31)], 0.05)
    for rule in ("conformance gate --against", "conformance gate, with a baseline"):
        assert table[rule][TWIN].count == 0
        assert table[rule]["+20 %"].count == 30
    assert table["conformance gate --against"]["+10 %"].count >= 27
    for rule in ("pytest-benchmark mean, saved run", "torch.utils.benchmark median, saved run"):
        assert table[rule][TWIN].count > 5


def test_without_noise_all_rules_say_the_same() -> None:
    rng = np.random.default_rng(0)
    still = Trial(*2 * [{name: (factor,) * 20 for name, factor in zip(NAMES, (1.0, 1.0, 1.05, 1.1, 1.2), strict=True)}])
    for rates in judged([still, still], 0.06).values():
        assert [rates[name].count for name in NAMES[1:]] == [0, 0, 1, 1]
    assert RULES.keys() == judged([trial(rng, 0.01)] * 2, 0.05).keys()


@pytest.mark.parametrize(
    ("count", "trials", "low", "high"), [(0, 200, 0.0, 0.0188), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)]
)
def test_intervals_are_wilson_s(count: int, trials: int, low: float, high: float) -> None:
    """Values of R's binom.wilson."""
    assert Rate(count, trials).interval == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(("made", "again"), [(ItemByItem, 0), (Slower5, 1), (Slower10, 2), (Slower20, 4)])
def test_a_slower_copy_computes_its_share_of_the_items_again_and_is_right(made: type[ItemByItem], again: int) -> None:
    computed: Counter[int] = Counter()

    class Counting(made):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            inner = self.inner.prepare

            def prepare(problem: object, arrays: dict[str, np.ndarray]) -> object:
                call = inner(problem, arrays)  # type: ignore[arg-type]

                def counted() -> object:
                    computed[arrays["x"].ctypes.data] += 1
                    return call()

                return counted

            self.inner.prepare = prepare  # type: ignore[assignment, method-assign]

    problem, arrays = CASE.problem, CASE.arrays()
    output = np.asarray(Counting().prepare(problem, arrays)())
    assert sorted(computed.values()) == [1] * (ITEMS - again) + [2] * again
    claims = made().claims["conv2d"]
    check = CHECKS["accuracy"]
    assert check.judge(CASE, claims, [Call(problem, arrays)], [Reply((output,))]).failure is None


def test_names_of_the_slower_ones_are_those_of_the_table() -> None:
    assert (PLAIN, TWIN, *SLOWER) == NAMES
