"""The gradients of the oracle are the definition's on every small problem of one axis."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from conformance.problem import OPERATORS, Problem
from conformance.problem.operators import FORWARD, INPUT_GRAD, name_of
from conformance.problem.window import AdaptiveWindow, TransposedWindow
from conformance.reference.oracle import solve
from tests.reference.strategies import Arrays, defined, every_problem, fraction, fractions, telling, terms

SMALL = {"size": range(1, 6), "kernel": range(1, 4), "stride": range(1, 4)}
PADS = {"pad_begin": range(3), "pad_end": range(3)}


def gradients(base: str) -> list[str]:
    op = OPERATORS[base]
    return [name_of(op.family, op.ndim, pass_name) for pass_name in op.traits.passes if pass_name != FORWARD]


def must_be_equal(problem: Problem, arrays: Arrays) -> None:
    """Fails the test that calls this where the oracle is not the definition to the bit."""
    (y,) = defined(problem, arrays)
    truth = solve(problem, arrays)
    assert truth.y.tolist() == y.tolist(), str(problem)
    assert not truth.low.any()
    assert not truth.error.any()


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("operator", gradients("conv1d"))
def test_every_gradient_of_a_convolution(operator: str, mode: str) -> None:
    count = 0
    pads = {"pad_begin": (-1, 0, 2), "pad_end": (-1, 0, 1)} if mode == "zeros" else {"pad_begin": range(3), "pad_end": range(3)}
    for problem in every_problem(operator, mode=(mode,), dilation=(1, 2), options={"batch": 2}, **SMALL, **pads):
        must_be_equal(problem, telling(problem))
        assert solve(problem, telling(problem)).n.tolist() == terms(problem), str(problem)
        count += 1
    assert count > 400


@pytest.mark.parametrize("operator", gradients("conv_transpose1d"))
def test_every_gradient_of_a_transposed_convolution(operator: str) -> None:
    fields = {**SMALL, "dilation": (1, 2), "pad_begin": (0, 2), "pad_end": (0, 1), "output_padding": range(2)}
    count = 0
    for problem in every_problem(operator, TransposedWindow, {"batch": 2}, **fields):
        arrays = telling(problem, base=4)  # a gradient of 18 places: 4^18 is well within the exact range
        must_be_equal(problem, arrays)
        assert solve(problem, arrays).n.tolist() == terms(problem), str(problem)
        count += 1
    assert count > 400


ROWS = [[3, -1, 4, 0, -5, 9, 2, 6, 5], [1, 0, 1, 1, 0, 0, 1, 1, 0], [-2] * 9, [0, 5, 5, 0, 5, 0, 0, 5, 5]]


def with_rows(problem: Problem) -> Arrays:
    """Inputs with ties and without, and gradients that tell from which place they come."""
    x = np.array(ROWS, dtype=object)[:, None, : problem.windows[0].size]
    return {**telling(problem), "x": x}


@pytest.mark.parametrize("ceil", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("operator", gradients("max_pool1d"))
def test_every_gradient_of_a_maximum(operator: str, ceil: bool) -> None:
    count = 0
    options = {"batch": len(ROWS)}
    for problem in every_problem(operator, ceil=(ceil,), dilation=(1, 2), options=options, **SMALL, **PADS):
        must_be_equal(problem, with_rows(problem))
        count += 1
    assert count > 90


@pytest.mark.parametrize("operator", gradients("adaptive_max_pool1d"))
def test_every_gradient_of_an_adaptive_maximum(operator: str) -> None:
    options = {"batch": len(ROWS)}
    for problem in every_problem(operator, AdaptiveWindow, options, size=range(1, 10), output=range(1, 10)):
        must_be_equal(problem, with_rows(problem))


def must_be_close(problem: Problem, arrays: Arrays) -> None:
    """Fails the test that calls this where the oracle is not the definition rounded, or errs by more than it states."""
    (y,) = defined(problem, {name: fractions(a) for name, a in arrays.items()})
    truth = solve(problem, arrays)
    for at, value in np.ndenumerate(y):
        assert abs(fraction(truth.y[at]) + fraction(truth.low[at]) - value) <= Fraction(float(truth.error[at])), str(problem)
    assert truth.n.tolist() == terms(problem), str(problem)
    # Beyond the half unit of rounding there is next to nothing.
    assert (abs(truth.y - y.astype(float)) <= 2.0**-52 * abs(truth.y) + 2.0**-60 * truth.S).all()


@pytest.mark.parametrize("ceil", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("count_include_pad", [True, False], ids=["include_pad", "exclude_pad"])
@pytest.mark.parametrize("divisor", [None, 3], ids=["counted", "divisor3"])
@pytest.mark.parametrize("operator", gradients("avg_pool1d"))
def test_every_gradient_of_an_average(operator: str, ceil: bool, count_include_pad: bool, divisor: int | None) -> None:
    count = 0
    options = {"batch": 2, "count_include_pad": count_include_pad, "divisor": divisor}
    for problem in every_problem(operator, ceil=(ceil,), options=options, **SMALL, **PADS):
        must_be_close(problem, telling(problem, base=8))
        count += 1
    assert count > 60


@pytest.mark.parametrize("operator", gradients("adaptive_avg_pool1d"))
def test_every_gradient_of_an_adaptive_average(operator: str) -> None:
    for problem in every_problem(operator, AdaptiveWindow, {"batch": 2}, size=range(1, 10), output=range(1, 10)):
        must_be_close(problem, telling(problem, base=8))


@pytest.mark.parametrize("operator", ["lp_pool1d", *gradients("lp_pool1d")])
@pytest.mark.parametrize("norm", [1.0, 2.0, 3.0, 2.5, float("inf")])
def test_every_p_norm_and_its_gradient(operator: str, norm: float) -> None:
    """The definition has 50 digits, so its own last ones are allowed for."""
    count = 0
    for problem in every_problem(operator, options={"batch": len(ROWS), "norm": norm}, **SMALL, **PADS):
        arrays = with_rows(problem)
        (y,) = defined(problem, arrays)
        truth = solve(problem, arrays)
        for at, value in np.ndenumerate(y):
            off = abs(fraction(truth.y[at]) + fraction(truth.low[at]) - Fraction(Decimal(value)))
            assert off <= Fraction(float(truth.error[at])) + Fraction(float(truth.S[at])) / 10**40, str(problem)
        assert (truth.error <= 2.0**-50 * truth.S).all()
        assert (truth.error == 0).all() or norm < np.inf
        count += 1
    assert count > 60 or (norm == np.inf and OPERATORS[operator].pass_name == INPUT_GRAD)
