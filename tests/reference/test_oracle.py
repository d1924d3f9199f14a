"""The oracle is shown equal to the definition: on every small window of one axis, and on random problems of more.

An N-dimensional window is the product of its axes, so the first part decides which elements each tap reads, and the
second that axes, channels, groups and the batch are put together rightly. Integers must be equal; for real numbers the
exact result (Fractions) must lie within the error that the oracle itself states.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from conformance.problem import OPERATORS, Family, Problem, Window, parse_problem, reasons_invalid
from conformance.reference.definition import define, exact
from conformance.reference.oracle import Truth, count_terms, solve

Arrays = dict[str, np.ndarray]

# ---------------------------------------------------------------- every window of one axis

SIZES, KERNELS, STRIDES, DILATIONS, PADS = range(1, 8), range(1, 5), range(1, 5), range(1, 4), range(4)


def every_problem(operator: str, ceil: bool = False, **options: object) -> Iterator[Problem]:
    """The valid ones of all one-axis problems of that operator up to the sizes above."""
    for size, kernel, stride, dilation, begin, end in product(SIZES, KERNELS, STRIDES, DILATIONS, PADS, PADS):
        window = Window(size, kernel, stride, dilation, begin, end, ceil)
        problem = Problem(operator, (window,), dtype="float64", **options)  # type: ignore[arg-type]
        if not reasons_invalid(problem):
            yield problem


def whole(values: list[list[int]]) -> np.ndarray:
    """One item of one channel per list, as Python's integers."""
    return np.array(values, dtype=object)[:, None, :]


def count_with_the_definition(problem: Problem) -> list[object]:
    """How many terms each output sums: what the definition makes of ones, without the division of an average."""
    ones = {name: np.full(shape, 1, dtype=object) for name, shape in problem.array_shapes.items()}
    (terms,) = define(problem.replace(divisor=1 if problem.op.is_pool else None), ones)
    return terms.tolist()


def test_the_oracle_is_the_definition_on_every_one_axis_convolution() -> None:
    """x[i] = 16^i and w[t] = 2^t: the sum says which products it is made of. The second item has other values."""
    count = 0
    for problem in every_problem("conv1d", batch=2):
        size, kernel = problem.windows[0].size, problem.windows[0].kernel
        x = whole([[16**i for i in range(size)], [5 - 3 * i * i for i in range(size)]])
        w = whole([[2**t for t in range(kernel)]])
        (y,) = define(problem, {"x": x, "w": w})
        truth = solve(problem, {"x": x, "w": w})
        assert truth.y.tolist() == y.tolist(), str(problem)
        assert not truth.low.any()
        assert not truth.error.any()
        assert truth.n.tolist() == count_with_the_definition(problem), str(problem)
        count += 1
    assert count == 4428  # of 7 * 4 * 4 * 3 * 4 * 4 = 5376; the others do not fit


@pytest.mark.parametrize(("ceil", "valid"), [(False, 888), (True, 1084)], ids=["floor", "ceil"])
def test_the_oracle_is_the_definition_on_every_one_axis_max_pooling(ceil: bool, valid: int) -> None:
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
    for problem in every_problem("max_pool1d", ceil, indices=True, batch=len(rows)):
        x = np.array(rows, dtype=object)[:, None, : problem.windows[0].size]
        y, index = define(problem, {"x": x})
        truth = solve(problem, {"x": x})
        assert [repr(float(value)) for value in y.flat] == [repr(float(value)) for value in truth.y.flat], str(problem)
        assert truth.indices is not None
        assert truth.indices.tolist() == index.tolist(), str(problem)
        count += 1
    assert count == valid


@pytest.mark.parametrize(("ceil", "valid"), [(False, 444), (True, 483)], ids=["floor", "ceil"])
@pytest.mark.parametrize("count_include_pad", [True, False], ids=["include_pad", "exclude_pad"])
@pytest.mark.parametrize("divisor", [None, 3], ids=["counted", "divisor3"])
def test_the_oracle_is_the_definition_on_every_one_axis_average_pooling(
    ceil: bool, valid: int, count_include_pad: bool, divisor: int | None
) -> None:
    """x[i] = 8^i: the sum says which elements it is made of. The result is compared rounded, and exactly with its rest."""
    count = 0
    for problem in every_problem("avg_pool1d", ceil, batch=2, count_include_pad=count_include_pad, divisor=divisor):
        size = problem.windows[0].size
        x = whole([[8**i for i in range(size)], [5 - 3 * i * i for i in range(size)]]) * Fraction(1)
        (y,) = define(problem, {"x": x})
        truth = solve(problem, {"x": x})
        assert truth.y.tolist() == y.astype(float).tolist(), str(problem)
        assert (abs(exact(truth.y) + exact(truth.low) - y) <= truth.error).all(), str(problem)
        assert truth.n.tolist() == count_with_the_definition(problem), str(problem)
        count += 1
    assert count == valid


# ---------------------------------------------------------------- random problems of any operator


@st.composite
def problems(draw: st.DrawFn, dtypes: tuple[str, ...] = ("float64",), family: Family | None = None) -> Problem:
    """A valid problem of one to three axes, small enough for Fractions."""
    op = draw(st.sampled_from([op for op in OPERATORS.values() if family in (None, op.family)]))
    ceil = op.is_pool and draw(st.booleans())
    windows = []
    for _ in range(op.ndim):
        kernel = draw(st.integers(1, 3))
        dilation = 1 if op.family is Family.AVG_POOL else draw(st.integers(1, 3))
        most = kernel // 2 if op.is_pool else 3
        begin, end = draw(st.integers(0, most)), draw(st.integers(0, most))
        least = max(1, (kernel - 1) * dilation + 1 - begin - end)
        size = draw(st.integers(least, least + 5))
        windows.append(Window(size, kernel, draw(st.integers(1, 3)), dilation, begin, end, ceil))
    groups = 1 if op.is_pool else draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    average = op.family is Family.AVG_POOL
    problem = Problem(
        op.name,
        tuple(windows),
        batch=draw(st.integers(1, 3)),
        channels=channels,
        out_channels=channels if op.is_pool else groups * draw(st.integers(1, 3)),
        groups=groups,
        bias=not op.is_pool and draw(st.booleans()),
        dtype=draw(st.sampled_from(dtypes)),
        indices=op.family is Family.MAX_POOL,
        count_include_pad=not average or draw(st.booleans()),
        divisor=draw(st.none() | st.integers(1, 9)) if average else None,
    )
    assume(not reasons_invalid(problem) and problem.work <= 3000)
    return problem


def integers(problem: Problem, seed: int, largest: int = 99) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(-largest, largest, shape, endpoint=True).astype(object) for name, shape in problem.array_shapes.items()
    }


def reals(problem: Problem, kind: str, seed: int) -> Arrays:
    """Full significands; over 60 binary orders, in pairs that cancel but for their last bits, or with one spike."""
    rng = np.random.default_rng(seed)
    dtype = problem.format.numpy
    arrays = {}
    for name, shape in problem.array_shapes.items():
        a = rng.uniform(1, 2, shape) * rng.choice([-1, 1], shape)
        if kind == "wide":
            a = a * 2.0 ** rng.integers(-30, 31, shape)
        elif kind == "cancelling":
            a = (1 + rng.integers(-4, 5, shape) * problem.format.unit_roundoff * 2) * rng.choice([-1, 1], shape)
        elif kind == "spiked":
            a.flat[rng.integers(a.size)] *= 2.0**30
        arrays[name] = a.astype(dtype)
    return arrays


SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=300, deadline=None)
@given(problems(), SEEDS)
def test_the_oracle_is_the_definition_on_integers(problem: Problem, seed: int) -> None:
    arrays = integers(problem, seed)
    y, *index = define(problem, arrays)
    truth = solve(problem, arrays)
    assert truth.y.tolist() == y.tolist()
    if problem.op.family is Family.CONV:
        assert not truth.error.any()
    for expected in index:
        assert truth.indices is not None
        assert truth.indices.tolist() == expected.tolist()


@settings(max_examples=300, deadline=None)
@given(problems(family=Family.MAX_POOL), SEEDS)
def test_equal_maxima_have_the_first_index_in_any_number_of_axes(problem: Problem, seed: int) -> None:
    arrays = {"x": np.random.default_rng(seed).choice([0.0, 1.0, -np.inf], problem.input_shape, p=[0.2, 0.2, 0.6])}
    y, index = define(problem, arrays)
    truth = solve(problem, arrays)
    assert truth.y.tolist() == y.tolist()
    assert truth.indices is not None
    assert truth.indices.tolist() == index.tolist()


@settings(max_examples=300, deadline=None)
@given(problems(dtypes=("float32", "float64")), st.sampled_from(["wide", "cancelling", "spiked", "even"]), SEEDS)
def test_the_truth_lies_within_the_error_that_the_oracle_states(problem: Problem, kind: str, seed: int) -> None:
    arrays = reals(problem, kind, seed)
    fractions = {name: exact(a) for name, a in arrays.items()}
    truth = solve(problem, arrays)
    for at, expected in np.ndenumerate(define(problem, fractions)[0]):
        off = Fraction(float(truth.y[at])) + Fraction(float(truth.low[at])) - expected
        assert abs(off) <= Fraction(float(truth.error[at]))


@settings(max_examples=300, deadline=None)
@given(problems(dtypes=("float32", "float64")), st.sampled_from(["wide", "cancelling", "spiked", "even"]), SEEDS)
def test_the_oracle_is_a_thousand_times_more_accurate_than_what_it_judges(problem: Problem, kind: str, seed: int) -> None:
    truth = solve(problem, reals(problem, kind, seed))
    assert (truth.error <= 1e-3 * problem.format.unit_roundoff * truth.S).all()


@settings(max_examples=300, deadline=None)
@given(problems(), SEEDS)
def test_n_counts_the_terms_and_s_sums_their_magnitudes(problem: Problem, seed: int) -> None:
    arrays = integers(problem, seed)
    truth = solve(problem, arrays)
    if problem.op.family is Family.MAX_POOL:
        assert (truth.n == 1).all()
        assert truth.S.tolist() == np.abs(truth.y).tolist()
        return
    terms = count_with_the_definition(problem)
    (magnitudes,) = define(problem, {name: np.abs(a) for name, a in arrays.items()})
    assert truth.n.tolist() == terms
    assert count_terms(problem).tolist() == terms
    assert truth.S.tolist() == magnitudes.tolist()


@settings(max_examples=300, deadline=None)
@given(problems(), SEEDS)
@example(parse_problem("avg_pool2d f64 i4 k3 s2 p1 exclude_pad ceil"), 0)
def test_the_divisor_is_one_but_for_averages(problem: Problem, seed: int) -> None:
    truth = solve(problem, integers(problem, seed))
    if problem.op.family is not Family.AVG_POOL:
        assert (truth.divisor == 1).all()
        return
    ones = {"x": np.full(problem.input_shape, Fraction(1), dtype=object)}
    for at, mean in np.ndenumerate(define(problem, ones)[0]):
        assert mean == Fraction(int(truth.n[at]), int(truth.divisor[at]))


# ---------------------------------------------------------------- the borders of exactness


def solve_one(text: str, x: list[float], w: list[float] | None = None) -> Truth:
    arrays = {"x": np.array([[x]])}
    if w is not None:
        arrays["w"] = np.array([[w]])
    return solve(parse_problem(text), arrays)


def test_integers_whose_sum_leaves_the_exact_range_are_not_taken_for_exact() -> None:
    truth = solve_one("conv1d f64 i4 k4", [2.0**53, 1, 1, 1], [1.0, 1, 1, 1])
    assert int(truth.y.item()) + int(truth.low.item()) == 2**53 + 3
    truth = solve_one("avg_pool1d f64 i4 k4", [2.0**53, 1, 1, 1])
    assert abs(Fraction(truth.y.item()) + Fraction(truth.low.item()) - Fraction(2**53 + 3, 4)) <= truth.error.item()


def test_what_float64_cannot_hold_is_in_the_low_part() -> None:
    truth = solve_one("conv1d f64 i3 k3", [0.5, 2.0**-60, -0.5], [1.0, 1.0, 1.0])
    assert truth.y.item() + truth.low.item() == 2.0**-60
    truth = solve_one("conv1d f64 i2 k2", [1 / 3, 2.0**-70], [1.0, 1.0])
    assert Fraction(truth.y.item()) + Fraction(truth.low.item()) == Fraction(1 / 3) + Fraction(2) ** -70


def test_nothing_summed_is_exactly_nothing() -> None:
    truth = solve_one("conv1d f64 i1 k1 p1", [0.1], [0.1])
    assert truth.n[0, 0].tolist() == [0, 1, 0]
    assert truth.y[0, 0, ::2].tolist() == truth.S[0, 0, ::2].tolist() == truth.error[0, 0, ::2].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_infinities_and_nans_go_where_the_definition_has_them(dtype: str) -> None:
    inf, nan = np.inf, np.nan
    truth = solve_one(f"conv1d {dtype} i5 k2", [1.0, inf, 2.5, nan, 1.0], [1.0, 1.0])
    np.testing.assert_array_equal(truth.y, [[[inf, inf, nan, nan]]])
    truth = solve_one(f"avg_pool1d {dtype} i4 k2", [inf, -inf, 2.5, 3.5])
    np.testing.assert_array_equal(truth.y, [[[nan, -inf, 3.0]]])


def test_the_oracle_leaves_its_inputs_as_they_were() -> None:
    for text in ("conv2d f64 c2 i5 o2 k3 p1", "max_pool2d f64 c2 i5 k3 p1", "avg_pool2d f64 c2 i5 k3 p1"):
        problem = parse_problem(text)
        arrays = reals(problem, "wide", 0)
        before = {name: a.copy() for name, a in arrays.items()}
        solve(problem, arrays)
        for name, a in arrays.items():
            np.testing.assert_array_equal(a, before[name])


def test_a_problem_larger_than_one_block_of_windows_is_summed_in_parts() -> None:
    """A row of 590 outputs gathers 590 * 128 * 25 elements, 15 MB: eleven of them are more than one block."""
    problem = parse_problem("conv2d f32 c128 i47x594 k5 s4x1")
    arrays = integers(problem, 0)
    x, w = arrays["x"].astype(float), arrays["w"].astype(float)
    y = solve(problem, {"x": x, "w": w}).y
    for row, column in product(range(11), (0, 17, 589)):
        window = x[0, :, row * 4 : row * 4 + 5, column : column + 5]
        assert y[0, 0, row, column] == (window * w[0]).sum()
