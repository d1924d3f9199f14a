"""The oracle is shown equal to the definition on random problems of every operator, in every pass.

An N-dimensional window is the product of its axes: which elements each tap reads is shown on every small window of one
axis (test_oracle_one_axis.py), and here that axes, channels, groups and the batch are put together rightly. Integers must
be equal; for real numbers the exact result (Fractions) must lie within the error that the oracle itself states.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.problem import OPERATORS, Family, Problem, parse_problem
from conformance.problem.formats import COMPLEX, INTEGERS
from conformance.problem.operators import FORWARD, INPUT_GRAD
from conformance.reference.oracle import solve
from tests.reference.strategies import (
    KINDS,
    SEEDS,
    Gaussian,
    defined,
    fraction,
    fractions,
    integers,
    operators,
    problems,
    reals,
    sums,
    terms,
    without_zero_points,
)

CONVS = operators(sums)
AVERAGES = operators(lambda op: op.family in (Family.AVG_POOL, Family.ADAPTIVE_AVG_POOL))
NORMS = operators(lambda op: op.family is Family.LP_POOL)
SELECTED = operators(lambda op: op.traits.selects)
ROUNDED = operators(lambda op: op.rounds and op.family is not Family.CONV_INTEGER)
LONG = NORMS + operators(lambda op: op.is_pool and op.pass_name == INPUT_GRAD)
EXACT = CONVS + SELECTED  # of integers they are integers
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
RANDOM = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def test_every_operator_is_shown_equal_to_its_definition() -> None:
    assert sorted(EXACT + AVERAGES + NORMS) == sorted(OPERATORS)


@pytest.mark.parametrize("name", EXACT)
@settings(QUICK, max_examples=25)
@given(data=st.data(), seed=SEEDS)
def test_the_oracle_is_the_definition_on_integers(name: str, data: st.DataObject, seed: int) -> None:
    problem = data.draw(problems([name], ("float64", *INTEGERS, *COMPLEX)))
    arrays = integers(problem, seed)
    y, *index = defined(problem, arrays)
    truth = solve(problem, arrays)
    assert truth.y.shape == problem.result_shape
    assert truth.y.tolist() == y.tolist()
    assert not truth.low.any()
    assert not truth.error.any()
    assert (truth.indices is not None) >= problem.indices
    for expected in index:
        assert truth.indices is not None
        assert truth.indices.tolist() == expected.tolist()


@pytest.mark.parametrize("name", AVERAGES)
@QUICK
@given(data=st.data(), seed=SEEDS)
def test_an_average_of_integers_is_the_fraction_rounded(name: str, data: st.DataObject, seed: int) -> None:
    """A gradient, which sums fractions, is made in long double: it lies within its stated error."""
    problem = data.draw(problems([name]))
    arrays = {key: fractions(a) for key, a in integers(problem, seed).items()}
    (y,) = defined(problem, arrays)
    truth = solve(problem, arrays)
    if name not in LONG:
        assert truth.y.tolist() == y.astype(float).tolist()
    within_error(truth.y, truth.low, truth.error, y)


@pytest.mark.parametrize("name", [name for name in CONVS + AVERAGES if name in ROUNDED])
@settings(QUICK, max_examples=12)
@given(data=st.data(), kind=KINDS, seed=SEEDS)
def test_the_truth_of_a_sum_lies_within_the_error_that_the_oracle_states(
    name: str, data: st.DataObject, kind: str, seed: int
) -> None:
    problem = data.draw(problems([name], ("float32", "float64", *COMPLEX)))
    arrays = reals(problem, kind, seed)
    truth = solve(problem, arrays)
    (y,) = defined(problem, {key: fractions(a) for key, a in arrays.items()})
    within_error(truth.y, truth.low, truth.error, y)


@pytest.mark.parametrize("name", SELECTED)
@QUICK
@given(data=st.data(), kind=KINDS, seed=SEEDS)
def test_the_truth_of_what_is_selected_is_within_its_error(name: str, data: st.DataObject, kind: str, seed: int) -> None:
    problem = data.draw(problems([name], ("float32", "float64")))
    arrays = reals(problem, kind, seed)
    truth = solve(problem, arrays)
    exact = {key: a if key == "indices" else fractions(a) for key, a in arrays.items()}
    within_error(truth.y, truth.low, truth.error, defined(problem, exact)[0])
    if not problem.op.rounds:
        assert not truth.error.any()


def within_error(y: np.ndarray, low: np.ndarray, error: np.ndarray, expected: np.ndarray) -> None:
    """Fails the test that calls this if ``y + low`` is farther from what is expected than the error, or an error is infinite."""
    for at, value in np.ndenumerate(expected):
        most = Fraction(float(error[at]))
        off = fraction(y[at]) + fraction(low[at])
        if isinstance(value, Gaussian) or isinstance(off, Gaussian):
            assert (off.real - value.real) ** 2 + (off.imag - value.imag) ** 2 <= most**2
        else:
            assert abs(off - value) <= most


@pytest.mark.parametrize("name", NORMS)
@settings(QUICK, max_examples=20)
@given(data=st.data(), kind=st.sampled_from(["wide", "spiked", "even", "whole"]), seed=SEEDS)
def test_a_p_norm_lies_within_the_error_that_the_oracle_states(name: str, data: st.DataObject, kind: str, seed: int) -> None:
    """The definition has 50 digits; the least bits of what it rounds are allowed for."""
    problem = data.draw(problems([name], ("float32", "float64")))
    arrays = integers(problem, seed, 3) if kind == "whole" else reals(problem, kind, seed)
    truth = solve(problem, arrays)
    (y,) = defined(problem, arrays)
    for at, value in np.ndenumerate(y):
        off = abs(fraction(truth.y[at]) + fraction(truth.low[at]) - Fraction(Decimal(value)))
        assert off <= Fraction(float(truth.error[at])) + Fraction(1, 10**40) * Fraction(float(truth.S[at]))
    assert (truth.error <= 2.0**-50 * truth.S).all()


@RANDOM
@given(problems(ROUNDED, ("float32", "float64", *COMPLEX)), KINDS, SEEDS)
def test_the_oracle_is_much_more_accurate_than_what_it_judges(problem: Problem, kind: str, seed: int) -> None:
    """A thousand times more than one rounding; what is made in long double, a hundred times more than its bound."""
    truth = solve(problem, reals(problem, kind, seed))
    one = problem.format.unit_roundoff * truth.S
    if problem.op.name in LONG:
        assert (truth.error <= 1e-2 * (truth.n + truth.roundings) * one).all()
    else:
        assert (truth.error <= 1e-3 * one).all()


@RANDOM
@given(problems(CONVS + AVERAGES, ("float64", *INTEGERS)), SEEDS)
def test_n_counts_the_terms_and_s_sums_their_magnitudes(problem: Problem, seed: int) -> None:
    if problem.op.family is Family.CONV_INTEGER:
        problem = problem.replace(result="")
    arrays = integers(problem, seed)
    arrays |= without_zero_points(arrays)  # the magnitudes of differences are not the differences of magnitudes
    truth = solve(problem, arrays)
    assert truth.n.tolist() == terms(problem)
    assert truth.n.shape == truth.S.shape == problem.result_shape
    assert truth.n.max(initial=0) <= problem.max_terms
    (magnitudes,) = defined(problem, {name: fractions(np.array(abs(a), dtype=object)) for name, a in arrays.items()})
    np.testing.assert_allclose(truth.S, magnitudes.astype(float), rtol=0 if problem.op.traits.weights else 1e-15)


@RANDOM
@given(problems(SELECTED), SEEDS)
def test_what_is_selected_is_one_term_and_its_gradients_are_added_up(problem: Problem, seed: int) -> None:
    arrays = integers(problem, seed)
    truth = solve(problem, arrays)
    if not problem.op.rounds:
        assert (truth.n == 1).all()
        assert truth.S.tolist() == np.abs(truth.y).tolist()
        return
    ones = arrays | {"dy": np.ones_like(arrays["dy"])}
    assert truth.n.tolist() == defined(problem, ones)[0].tolist()
    assert truth.S.tolist() == defined(problem, arrays | {"dy": abs(arrays["dy"])})[0].tolist()
    assert truth.n.max(initial=0) <= problem.max_terms


@RANDOM
@given(problems(operators(lambda op: op.family in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL))), SEEDS)
def test_equal_maxima_have_the_first_index_in_any_number_of_axes(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = integers(problem, seed)
    if "x" in arrays:
        arrays["x"] = rng.choice([0.0, 1.0, -np.inf], arrays["x"].shape, p=[0.2, 0.2, 0.6])
    y, *index = defined(problem, arrays)
    truth = solve(problem, arrays)
    assert truth.y.tolist() == y.tolist()
    for expected in index:
        assert truth.indices is not None
        assert truth.indices.tolist() == expected.tolist()


@RANDOM
@given(problems(operators(lambda op: op.pass_name == FORWARD)), SEEDS)
@example(parse_problem("avg_pool2d f64 i4 k3 s2 p1 exclude_pad ceil"), 0)
def test_the_divisor_is_one_but_for_averages(problem: Problem, seed: int) -> None:
    truth = solve(problem, integers(problem, seed))
    if problem.op.name not in AVERAGES:
        assert (truth.divisor == 1).all()
        return
    ones = {"x": np.full(problem.array_shapes["x"], Fraction(1), dtype=object)}
    for at, mean in np.ndenumerate(defined(problem, ones)[0]):
        assert mean == Fraction(int(truth.n[at]), int(truth.divisor[at]))


@RANDOM
@given(problems([name for name in AVERAGES if OPERATORS[name].pass_name == INPUT_GRAD]), SEEDS)
def test_the_gradient_of_an_average_has_a_divisor_that_tells_whether_integers_stay_exact(problem: Problem, seed: int) -> None:
    """A power of two is held to equality, so where one is stated the result must be exact in the format."""
    arrays = {key: fractions(a) for key, a in integers(problem, seed).items()}
    truth = solve(problem, arrays)
    (y,) = defined(problem, arrays)
    if (np.frexp(truth.divisor)[0] == 0.5).all():
        assert fractions(truth.y).tolist() == y.tolist()


@RANDOM
@given(problems(operators(lambda op: op.family is Family.MAX_UNPOOL)), SEEDS)
def test_the_indices_of_unpooling_are_in_the_plane_and_no_two_are_equal(problem: Problem, seed: int) -> None:
    """Those that the tests put in, and those that the oracle finds for windows that do not overlap."""
    pool = problem.replace(operator=f"max_pool{problem.op.ndim}d", indices=True)
    found = solve(pool, integers(pool, seed)).indices
    assert found is not None
    for indices in (integers(problem, seed)["indices"], found):
        for plane in indices.reshape(-1, math.prod(problem.input_shape[2:])).tolist():
            assert len(set(plane)) == len(plane)
            assert all(0 <= index < math.prod(w.size for w in problem.windows) for index in plane)


@RANDOM
@given(problems(operators(lambda op: op.family is Family.MAX_UNPOOL and op.forward)), SEEDS)
def test_unpooling_puts_the_maxima_back_to_where_pooling_found_them(problem: Problem, seed: int) -> None:
    pool = problem.replace(operator=f"max_pool{problem.op.ndim}d", indices=True)
    x = integers(pool, seed)["x"]
    found = solve(pool, {"x": x})
    assert found.indices is not None
    back = solve(problem, {"x": found.y, "indices": found.indices})
    assert back.y.shape == x.shape
    assert ((back.y == 0) | (back.y == x)).all()
    assert sorted(back.y[back.y != 0].tolist()) == sorted(found.y[found.y != 0].tolist())
