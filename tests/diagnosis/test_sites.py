"""Every sum that is asked for is the sum of its terms, at every element of the result."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.diagnosis.sites import Site, concerns, long_site, sites_of
from conformance.problem import OPERATORS, reasons_invalid
from conformance.reference.oracle import solve
from implementations.numpy_gemm import NumpyGemm

SUMMED = [name for name in OPERATORS if not concerns(name)]


def all_sites(operator: str, dtype: str) -> list[Site]:
    long = long_site(operator, dtype)
    return [*sites_of(operator, dtype), *sites_of(operator, dtype, others=1), *([long] if long else [])]


@pytest.mark.parametrize("operator", SUMMED)
def test_a_result_is_the_sum_of_the_terms_and_nothing_else(operator: str) -> None:
    draw = np.random.default_rng(0)
    for site in all_sites(operator, "float64"):
        assert not reasons_invalid(site.problem)
        x = draw.integers(-9, 10, site.size).astype(float)
        w = draw.integers(-9, 10, site.size).astype(float) if site.weighted else np.ones(site.size)
        call = site.call(list(zip(x, w, strict=True)))
        result = np.asarray(NumpyGemm().prepare(call.problem, call.arrays)())
        assert result.shape == site.problem.result_shape
        assert (result * site.divisor == (x * w).sum()).all(), site.problem


@pytest.mark.parametrize("operator", SUMMED)
def test_many_elements_do_not_see_the_spike_and_some_do(operator: str) -> None:
    for dtype in ("float64", "float32", "float16", "bfloat16"):
        for site in all_sites(operator, dtype):
            call = site.spiked()
            magnitudes, limit = solve(call.problem, call.arrays).S, site.spike / site.divisor / 2
            assert magnitudes.size == 1 or magnitudes.min() < limit < magnitudes.max()


@pytest.mark.parametrize("operator", SUMMED)
def test_the_sites_of_an_operator_have_16_and_8_terms_first(operator: str) -> None:
    sizes = [site.size for site in sites_of(operator, "float32")]
    assert sizes[0] == 16
    assert 8 in sizes


def test_terms_that_are_weights_alone_may_be_larger_than_their_format() -> None:
    (site,) = [site for site in sites_of("conv2d", "float16") if site.words == "3x3 taps"]
    call = site.call([(1.5 * 2.0**14, 2.0**15), *[(1.0, 1.0)] * 8])
    x, w = (call.arrays[name].astype(np.float64) for name in ("x", "w"))
    assert np.isfinite(w).all()
    assert x.flat[0] * w[0, 0].reshape(-1)[0] == 1.5 * 2.0**29
    assert x.flat[0] * w[0, 0].reshape(-1)[1] == 1.0


@pytest.mark.parametrize("operator", ["max_pool2d", "lp_pool2d", "conv2d_bias_grad", "conv_integer2d"])
def test_an_operator_without_sums_to_probe_says_why(operator: str) -> None:
    assert concerns(operator)
