"""A case must be able to fail: no null implementation passes one, and what remains of chance is bounded."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from conformance.cases.case import Case, parse_case
from conformance.cases.covering import covering
from conformance.cases.integers import has_many_windows, kinds_of_integers
from conformance.checks.power import blind_outputs, nulls, passed_by, slip_bound
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, Family, Problem, parse_problem
from conformance.reference.oracle import solve

CLAIMS = {name: Claims(operator.traits.dtypes, options_of(operator)) for name, operator in OPERATORS.items()}
_CONSTANT = {"the first everywhere", "the mean everywhere"}


def _is_equivalent(problem: Problem, null: str) -> bool:
    """Whether a null computes the same function of this problem: it passes in the widest type, whatever the numbers."""
    if problem.op.family is not Family.CONV_INTEGER:
        problem = problem.replace(dtype="float64", result="")
    return all(null in passed_by(problem, Case(problem, "integers", seed).arrays()) for seed in "abc")


@pytest.mark.parametrize("operator", [name for name, operator in OPERATORS.items() if operator.ndim < 3])
def test_no_null_implementation_passes_a_case_of_the_covering_set(operator: str) -> None:
    previous: dict[tuple[int, ...], np.ndarray] = {}
    for number, problem in enumerate(covering(operator, CLAIMS[operator], 0, 60)):
        kinds = kinds_of_integers(problem)
        case = Case(problem, kinds[number % len(kinds)], str(number))
        arrays = case.arrays()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            passing = passed_by(problem, arrays, previous.get(problem.result_shape))
            passed = [null for null in passing if not _is_equivalent(problem, null)]
        # One element may rightly be the maximum of a few windows that overlap.
        few = OPERATORS[operator].traits.selects or problem.op.family is Family.LP_POOL
        if few and not has_many_windows(problem):
            passed = [null for null in passed if null not in _CONSTANT]
        assert passed == [], str(case)
        previous[problem.result_shape] = solve(problem, arrays).y


def test_a_case_without_power_is_told() -> None:
    problem = parse_problem("conv2d f32 c2 i5x4 o2 k3x2 p1 bias")
    ones = {name: np.ones(shape, np.float32) for name, shape in problem.array_shapes.items()}
    assert "the kernel flipped" in passed_by(problem, ones)
    nothing = {name: np.zeros(shape, np.float32) for name, shape in problem.array_shapes.items()}
    assert set(passed_by(problem, nothing)) >= {"zeros", "no bias", "the bias alone", "the kernel flipped", "the padding shifted"}
    assert passed_by(problem, Case(problem, "integers", "0").arrays(), solve(problem, ones).y) == ()


def test_every_null_is_another_function() -> None:
    case = parse_case("conv2d f64 c2 i5x4 o2 k3x2 s1 p1 bias values=integers:0")
    y = solve(case.problem, case.arrays()).y
    found = dict(nulls(case.problem, case.arrays(), y, y + 1))
    assert set(found) == {
        "zeros", "the mean everywhere", "the first everywhere", "the previous output", "no bias", "the bias alone",
        "the kernel flipped", "the padding shifted",
    }  # fmt: skip
    assert not any(np.array_equal(result, y) for result in found.values())


def test_outputs_that_sum_nothing_but_zeros_are_counted() -> None:
    problem = parse_problem("conv1d f32 i6 k2")
    arrays = {"x": np.array([[[0, 0, 0, 1, 0, 0]]], np.float32), "w": np.ones((1, 1, 2), np.float32)}
    assert blind_outputs(problem, arrays, solve(problem, arrays)) == 3
    only_padding = parse_problem("conv1d f32 i1 k1 p1")
    assert blind_outputs(only_padding, Case(only_padding).arrays(), solve(only_padding, Case(only_padding).arrays())) == 0


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("conv1d f32 i8 k1", 2 / (2 * 4095)),  # 4095 is the root of 2^24, less what rounds down
        ("conv1d bf16 c300 i8 k1", None),  # most are zero
        ("avg_pool1d f32 i8 k2", 1 / (2 * 2**23)),
        ("conv1d uint8 i8 k1", 2 / 15),
        ("max_pool1d f32 i8 k2", None),
    ],
)
def test_another_form_slips_through_with_a_chance_of_degree_over_number_of_values(text: str, bound: float | None) -> None:
    found = slip_bound(parse_problem(text))
    assert found == (None if bound is None else pytest.approx(bound, rel=1e-3))


def test_the_bound_holds_for_forms_with_one_wrong_coefficient() -> None:
    """A convolution that doubles one product, on many draws from few values: it slips through no more often than bounded."""
    problem = parse_problem("conv1d int8 c9 i3 k3")
    bound = slip_bound(problem)
    assert bound is not None
    slipped = 0
    for seed in range(400):
        arrays = Case(problem, "integers", str(seed)).arrays()
        wrong = int(arrays["x"][0, 0, 0]) * int(arrays["w"][0, 0, 0]) - int(arrays["x"][0, 1, 1]) * int(arrays["w"][0, 1, 1])
        slipped += wrong == 0
    assert slipped / 400 <= bound
