"""The borders of exactness: large sums, low parts, nothing at all, infinities, many blocks, and what leaves 8 bits."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from conformance.problem import Problem, parse_problem
from conformance.reference.oracle import solve
from conformance.reference.truth import Truth
from tests.reference.strategies import defined, integers, operators, reals


def solve_one(text: str, x: list[complex], w: list[complex] | None = None) -> Truth:
    arrays = {"x": np.array([[x]])}
    if w is not None:
        arrays["w"] = np.array([[w]])
    return solve(parse_problem(text), arrays)


def test_integers_whose_sum_leaves_the_exact_range_are_not_taken_for_exact() -> None:
    truth = solve_one("conv1d f64 i4 k4", [2.0**53, 1, 1, 1], [1.0, 1, 1, 1])
    assert int(truth.y.item()) + int(truth.low.item()) == 2**53 + 3
    truth = solve_one("conv1d complex128 i4 k4", [2j**53, 1j, 1j, 1j], [1.0 + 0j, 1, 1, 1])
    assert int(truth.y.item().imag) + int(truth.low.item().imag) == 2**53 + 3
    assert truth.error.item() > 0
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


def test_an_infinite_gradient_reaches_what_its_window_holds_alone() -> None:
    problem = parse_problem("avg_pool1d_input_grad f64 i4 k2 s2")
    truth = solve(problem, {"x": np.ones((1, 1, 4)), "dy": np.array([[[np.inf, 3.0]]])})
    assert truth.y.tolist() == [[[np.inf, np.inf, 1.5, 1.5]]]
    problem = parse_problem("conv1d_input_grad f64 i4 k2 s2")
    truth = solve(problem, {"w": np.ones((1, 1, 2)), "dy": np.array([[[np.inf, 3.0]]])})
    assert truth.y.tolist() == [[[np.inf, np.inf, 3.0, 3.0]]]


@pytest.mark.parametrize("text", ["lp_pool1d f64 i2 k2 norm3", "lp_pool1d f32 i2 k2 norm1.5", "lp_pool1d f64 i2 k2 norm2"])
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_a_p_norm_of_large_and_small_numbers_keeps_its_accuracy(text: str, scale: float) -> None:
    """The error of the power 1 / norm grows with the logarithm of its base."""
    problem, arrays = parse_problem(text), {"x": np.array([[[3.0, -1.25]]]) * scale}
    truth = solve(problem, arrays)
    (y,) = defined(problem, arrays)
    off = abs(Fraction(truth.y.item()) + Fraction(truth.low.item()) - Fraction(y.item()))
    assert off <= Fraction(truth.error.item())


EACH = [
    "conv2d f64 c2 i5 o2 k3 p1",
    "conv2d_weight_grad f64 c2 i5 o2 k3 p1",
    "conv_transpose2d f64 c2 i5 o2 k3 p1 bias",
    "max_pool2d f64 c2 i5 k3 p1",
    "max_pool2d_input_grad f64 c2 i5 k3 p1",
    "avg_pool2d f64 c2 i5 k3 p1",
    "avg_pool2d_input_grad f64 c2 i5 k3 p1",
    "lp_pool2d_input_grad f64 c2 i5 k3 p1",
    "max_unpool2d f64 c2 i6 k2 s2",
]


@pytest.mark.parametrize("text", EACH)
def test_the_oracle_leaves_its_inputs_as_they_were(text: str) -> None:
    problem = parse_problem(text)
    arrays = reals(problem, "wide", 0)
    before = {name: a.copy() for name, a in arrays.items()}
    solve(problem, arrays)
    for name, a in arrays.items():
        np.testing.assert_array_equal(a, before[name])


def one_of(operator: str) -> Problem:
    words = {"adaptive": "i5 to3", "max_un": "i4 k2 s2"}.get(operator[:8] if operator[0] == "a" else operator[:6], "i4 k2")
    return parse_problem(f"{operator} {words}")


@pytest.mark.parametrize("operator", operators())
def test_an_empty_batch_gives_an_empty_result_or_sums_of_nothing(operator: str) -> None:
    problem = one_of(operator).replace(batch=0)
    truth = solve(problem, {name: np.ones(shape) for name, shape in problem.array_shapes.items()})
    assert truth.y.shape == truth.n.shape == truth.S.shape == truth.error.shape == problem.result_shape
    assert not truth.y.any()


@pytest.mark.parametrize("operator", operators())
def test_an_unbatched_problem_is_a_batch_of_one_without_its_axis(operator: str) -> None:
    batched = one_of(operator)
    arrays = integers(batched, 0)
    problem = batched.replace(unbatched=True)
    reshaped = {name: np.asarray(arrays[name]).reshape(shape) for name, shape in problem.array_shapes.items()}
    one, other = solve(batched, arrays), solve(problem, reshaped)
    assert other.y.shape == other.error.shape == problem.result_shape
    assert other.y.tolist() == one.y.reshape(problem.result_shape).tolist()


def test_a_problem_larger_than_one_block_of_windows_is_summed_in_parts() -> None:
    """A row of 590 outputs gathers 590 * 128 * 25 elements, 15 MB: eleven of them are more than one block."""
    problem = parse_problem("conv2d f32 c128 i47x594 k5 s4x1")
    arrays = {name: a.astype(float) for name, a in integers(problem, 0).items()}
    y = solve(problem, arrays).y
    for row, column in product(range(11), (0, 17, 589)):
        window = arrays["x"][0, :, row * 4 : row * 4 + 5, column : column + 5]
        assert y[0, 0, row, column] == (window * arrays["w"][0]).sum()


def test_the_gradients_of_a_large_problem_are_those_of_its_parts() -> None:
    """<dy, y(x)> = <x, dx(dy)> = <w, dw(x, dy)>, in whole numbers, over more than one block."""
    forward = parse_problem("conv2d f64 c128 i47x594 k5 s4x1")
    arrays = {name: a.astype(float) for name, a in integers(forward, 0, 9).items()}
    dy = integers(forward.as_pass("bias_grad"), 1, 9)["dy"].astype(float)
    y = solve(forward, arrays).y
    dx = solve(forward.as_pass("input_grad"), {"dy": dy, "w": arrays["w"]}).y
    dw = solve(forward.as_pass("weight_grad"), {"dy": dy, "x": arrays["x"]}).y
    assert (dy * y).sum() == (arrays["x"] * dx).sum() == (arrays["w"] * dw).sum()


@pytest.mark.parametrize(("result", "least", "most"), [("int8", -128, 127), ("uint8", 0, 255)])
@pytest.mark.parametrize("scale", [1.0, 3e38])
def test_a_requantised_sum_saturates_however_large_it_is(result: str, least: int, most: int, scale: float) -> None:
    problem = parse_problem(f"conv_integer1d int8>{result} i2 k1")
    arrays = {"x": [[[127, -128]]], "w": [[[127]]], "x_zero": 0, "w_zero": [0], "scale": [scale], "y_zero": 1}
    assert solve(problem, {name: np.array(a) for name, a in arrays.items()}).y.tolist() == [[[most, least]]]
