"""How time grows: which problems are made of one, and what is fitted to their times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, t

from conformance.cases.case import parse_case
from conformance.errors import UsageError
from conformance.report.times import Timing
from conformance.timing.compare import Workload
from conformance.timing.growth import DIMENSIONS, exponent_of, fits, grown

CONV = Workload("it", parse_case("conv2d n1 c4 i16x16 o4 k3x3 p1x1"))


@pytest.mark.parametrize(("dimension", "last"), [("batch", 16), ("channels", 256), ("size", 16)])
def test_work_grows_as_the_dimension_says(dimension: str, last: int) -> None:
    found = grown(CONV, dimension)
    assert [one.name for one in found] == [f"it {dimension}×{factor}" for factor in (1, 2, 4, 8, 16)]
    assert found[-1].case.problem.work == last * CONV.case.problem.work


def test_a_larger_kernel_keeps_the_size_of_the_output() -> None:
    found = grown(CONV, "kernel")
    assert [one.case.problem.kernel for one in found] == [(3, 3), (5, 5), (9, 9), (17, 17), (33, 33)]
    assert {one.case.problem.output_shape for one in found} == {CONV.case.problem.output_shape}


def test_depthwise_stays_depthwise() -> None:
    last = grown(Workload("it", parse_case("conv2d c4 i8x8 o4 k3x3 g4")), "channels")[-1].case.problem
    assert (last.channels, last.groups) == (64, 64)


def test_what_has_no_kernel_cannot_scale_it() -> None:
    with pytest.raises(UsageError, match="has no kernel to scale"):
        grown(Workload("it", parse_case("adaptive_avg_pool1d c4 i16 to4")), "kernel")


@given(st.floats(0.2, 3), st.floats(1e-9, 1e-3), st.integers(3, 9))
def test_a_power_is_found(exponent: float, factor: float, points: int) -> None:
    work = 2.0 ** np.arange(points)
    assert exponent_of(list(work), list(factor * work**exponent))[0] == pytest.approx(exponent)


@given(st.lists(st.floats(0.5, 2), min_size=3, max_size=9))
def test_the_interval_is_that_of_a_linear_regression(noise: list[float]) -> None:
    work = 2.0 ** np.arange(len(noise))
    seconds = work * np.array(noise)
    found = linregress(np.log(work), np.log(seconds))
    half = t.ppf(0.975, len(noise) - 2) * found.stderr
    assert exponent_of(list(work), list(seconds)) == pytest.approx(
        (found.slope, found.slope - half, found.slope + half), rel=1e-3, abs=1e-3
    )


def test_each_implementation_has_its_own_fit_and_two_points_have_none() -> None:
    def row(factor: int, name: str, seconds: float | None) -> Timing:
        return Timing(
            problem="p", workload=f"it batch×{factor}", implementation=name, reference="a", work=100 * factor, seconds=seconds
        )

    rows = [row(f, "a", f * 1e-3) for f in (1, 2, 4)] + [row(f, "b", 1e-3 if f < 4 else None) for f in (1, 2, 4)]
    a, b = fits(rows, "batch")
    assert (a.exponent, a.factors) == (pytest.approx(1), (1, 2, 4))
    assert (b.exponent, b.factors) == (None, (1, 2))


def test_the_dimensions_are_those_that_the_command_offers() -> None:
    assert list(DIMENSIONS) == ["batch", "channels", "size", "kernel"]
