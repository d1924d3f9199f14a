"""The oracle is the definition on every small problem of one axis: which elements each tap reads, from every place."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from conformance.problem import Problem
from conformance.problem.window import AdaptiveWindow, TransposedWindow
from conformance.reference.oracle import solve
from tests.reference.strategies import Arrays, defined, every_problem, fraction, fractions, telling, terms

SLIDING = {"size": range(1, 8), "kernel": range(1, 5), "stride": range(1, 5), "dilation": range(1, 4)}
PADS = {"pad_begin": range(4), "pad_end": range(4)}


def must_be_equal(problem: Problem, arrays: Arrays) -> None:
    """Fails the test that calls this where the oracle is not the definition, to the bit, or miscounts the terms."""
    (y,) = defined(problem, arrays)
    truth = solve(problem, arrays)
    assert truth.y.tolist() == y.tolist(), str(problem)
    assert not truth.low.any()
    assert not truth.error.any()
    assert truth.n.tolist() == terms(problem), str(problem)


def test_every_convolution() -> None:
    count = 0
    for problem in every_problem("conv1d", options={"batch": 2}, **SLIDING, **PADS):
        must_be_equal(problem, telling(problem))
        count += 1
    assert count == 4428  # of 7 * 4 * 4 * 3 * 4 * 4 = 5376; the others do not fit


SMALL = {"size": range(1, 6), "kernel": range(1, 4), "stride": range(1, 4), "dilation": (1, 2)}


@pytest.mark.parametrize(("mode", "valid"), [("reflect", 786), ("replicate", 1353), ("circular", 1029)])
def test_every_convolution_of_padding_that_holds_elements(mode: str, valid: int) -> None:
    count = 0
    for problem in every_problem("conv1d", mode=(mode,), **SMALL, **PADS):
        must_be_equal(problem, telling(problem))
        count += 1
    assert count == valid  # of 5 * 3 * 3 * 2 * 4 * 4 = 1440; the others do not fit, or lack elements to copy


def test_every_convolution_of_a_cropped_input() -> None:
    count = 0
    pads = {"pad_begin": range(-3, 3), "pad_end": range(-3, 3)}
    for problem in every_problem("conv1d", **SMALL, **pads):
        if min(problem.padding[0]) < 0:
            must_be_equal(problem, telling(problem))
            count += 1
    assert count > 500


TRANSPOSED = {**SMALL, "pad_begin": range(3), "pad_end": range(3), "output_padding": range(3)}


def test_every_transposed_convolution() -> None:
    count = 0
    for problem in every_problem("conv_transpose1d", TransposedWindow, {"batch": 2}, **TRANSPOSED):
        must_be_equal(problem, telling(problem))
        count += 1
    assert count > 1000


@pytest.mark.parametrize(("ceil", "valid"), [(False, 888), (True, 1084)], ids=["floor", "ceil"])
def test_every_max_pooling(ceil: bool, valid: int) -> None:
    """Data without ties, with ties, all equal, with -inf, of -inf alone, with NaN, and with both signs of zero."""
    inf, nan = float("inf"), float("nan")
    rows = [
        [3, -1, 4, 0, -5, 9, 2],
        [-9, -8, -7, -6, -5, -4, -3],
        [1, 0, 1, 1, 0, 0, 1],
        [-2, -2, -2, -2, -2, -2, -2],
        [-inf, -inf, 3, -inf, -inf, -inf, 5],
        [-inf, -inf, -inf, -inf, -inf, -inf, -inf],
        [1, nan, 2, inf, nan, -inf, nan],
        [0.0, -0.0, -0.0, 0.0, -1, -0.0, 0.0],
    ]
    count = 0
    for problem in every_problem("max_pool1d", ceil=(ceil,), options={"indices": True, "batch": len(rows)}, **SLIDING, **PADS):
        x = np.array(rows, dtype=object)[:, None, : problem.windows[0].size]
        y, index = defined(problem, {"x": x})
        truth = solve(problem, {"x": x})
        assert [repr(float(value)) for value in y.flat] == [repr(float(value)) for value in truth.y.flat], str(problem)
        assert truth.indices is not None
        assert truth.indices.tolist() == index.tolist(), str(problem)
        count += 1
    assert count == valid


@pytest.mark.parametrize(("ceil", "valid"), [(False, 444), (True, 483)], ids=["floor", "ceil"])
@pytest.mark.parametrize("count_include_pad", [True, False], ids=["include_pad", "exclude_pad"])
@pytest.mark.parametrize("divisor", [None, 3], ids=["counted", "divisor3"])
def test_every_average_pooling(ceil: bool, valid: int, count_include_pad: bool, divisor: int | None) -> None:
    """The result is compared rounded, and exactly with its rest."""
    count = 0
    options = {"batch": 2, "count_include_pad": count_include_pad, "divisor": divisor}
    for problem in every_problem("avg_pool1d", ceil=(ceil,), options=options, **SLIDING, **PADS):
        must_be_close(problem, telling(problem, base=8))
        count += 1
    assert count == valid


def must_be_close(problem: Problem, arrays: Arrays) -> None:
    """Fails the test that calls this where the oracle is not the definition rounded, or errs by more than it states."""
    (y,) = defined(problem, {name: fractions(a) for name, a in arrays.items()})
    truth = solve(problem, arrays)
    assert truth.y.tolist() == y.astype(float).tolist(), str(problem)
    for at, value in np.ndenumerate(y):
        assert abs(fraction(truth.y[at]) + fraction(truth.low[at]) - value) <= Fraction(float(truth.error[at]))
    assert truth.n.tolist() == terms(problem), str(problem)


ADAPTIVE = {"size": range(1, 10), "output": range(1, 10)}


def test_every_adaptive_average() -> None:
    problems = list(every_problem("adaptive_avg_pool1d", AdaptiveWindow, {"batch": 2}, **ADAPTIVE))
    assert len(problems) == 81
    for problem in problems:
        must_be_close(problem, telling(problem, base=8))


def test_every_adaptive_maximum() -> None:
    rows = [[3, -1, 4, 0, -5, 9, 2, 6, 5], [1, 0, 1, 1, 0, 0, 1, 1, 0], [-2] * 9, [float("-inf")] * 8 + [1]]
    options = {"batch": len(rows), "indices": True}
    for problem in every_problem("adaptive_max_pool1d", AdaptiveWindow, options, **ADAPTIVE):
        x = np.array(rows, dtype=object)[:, None, : problem.windows[0].size]
        y, index = defined(problem, {"x": x})
        truth = solve(problem, {"x": x})
        assert truth.y.tolist() == y.tolist(), str(problem)
        assert truth.indices is not None
        assert truth.indices.tolist() == index.tolist(), str(problem)
