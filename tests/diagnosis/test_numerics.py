"""What a fingerprint says of a failure: what is lacking is told, and nothing of what computes as its type does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from direct import sending
from inside import checked_inside

from conformance.diagnosis.fingerprint import fingerprint_of
from conformance.diagnosis.numerics import Numerics, numerics
from conformance.plugin.implementation import Implementation
from conformance.plugin.target import Target
from conformance.problem import Problem
from conformance.running.profile import PROFILES
from conformance.running.run import Options
from implementations.naive import Naive
from implementations.numpy_gemm import NumpyGemm


def seen(implementation: Implementation, operator: str = "conv2d", dtype: str = "float32") -> Numerics:
    return numerics(fingerprint_of(sending(implementation), implementation.claims[operator], operator, dtype, orders=1))


class Rounding(NumpyGemm):
    """Rounds tensors, or its result, by a function of its own."""

    def __init__(self, rounded: Callable[[np.ndarray], np.ndarray], *names: str) -> None:
        self.rounded, self.names = rounded, names

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        given = {name: self.rounded(array) if name in self.names else array for name, array in arrays.items()}
        run = super().prepare(problem, given)
        return lambda: self.rounded(run()) if "result" in self.names else run()


def to_bits(bits: int, towards: Callable[[np.ndarray], np.ndarray] = np.rint) -> Callable[[np.ndarray], np.ndarray]:
    def rounded(array: np.ndarray) -> np.ndarray:
        significand, exponent = np.frexp(array)
        return np.ldexp(towards(np.ldexp(significand, bits)), exponent - bits).astype(array.dtype)

    return rounded


def test_inputs_and_weights_of_few_bits() -> None:
    found = seen(Rounding(to_bits(11), "x", "w"))
    assert (found.key, found.words) == ("inputs-of-11-bits", "Inputs and weights are rounded to 11 bits (TF32, float16)")
    assert found.line.startswith("conv2d float32: inputs of 11 bits, weights 11, results 24; partial sums 24 (float32)")


def test_one_tensor_of_few_bits() -> None:
    assert seen(Rounding(to_bits(8), "x")).key == "input-of-8-bits"
    assert seen(Rounding(to_bits(20), "w")).words == "Weights are rounded to 20 bits"


def test_results_that_are_cut_off_hide_the_bits_of_inputs() -> None:
    assert seen(Rounding(to_bits(18), "result")).key == "results-of-18-bits"


def test_rounding_that_is_biased() -> None:
    found = seen(Rounding(to_bits(18, np.trunc), "result"))
    assert (found.key, found.words) == ("biased-rounding", "Sums are rounded to 18 bits in a way of their own: towards zero")


def test_subnormals_that_are_flushed() -> None:
    flushed = Rounding(lambda a: np.where(np.abs(a) < np.finfo(a.dtype).tiny, a.dtype.type(0), a), "x", "w", "result")
    assert seen(flushed).key == "subnormals-flushed"


@pytest.mark.parametrize("implementation", [Naive(), NumpyGemm()])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("operator", ["conv2d", "conv1d_weight_grad", "avg_pool2d"])
def test_nothing_is_lacking_in_what_computes_as_its_type_does(implementation: Implementation, dtype: str, operator: str) -> None:
    found = seen(implementation, operator, dtype)
    assert (found.key, found.words) == ("", "")
    assert found.line


def test_an_operator_without_sums_has_none() -> None:
    assert seen(Naive(), "max_pool2d") == Numerics()


def test_a_finding_of_accuracy_has_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("implementations.broken.functions.data_types:conv2d_in_two_bfloat16")
    (finding, *_) = checked_inside(target, Options(PROFILES["brief"]), monkeypatch).findings
    assert finding.kind == "inaccurate"
    assert finding.fingerprint.startswith("conv2d float32: inputs of 16 bits, weights 16, results 24")


def test_a_failure_that_no_changed_rule_explains_is_told_by_what_the_probes_find(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("implementations.broken.functions.precision:conv2d_undeclared_fft")
    (finding, *_) = checked_inside(target, Options(PROFILES["brief"]), monkeypatch).findings
    assert finding.diagnosis[0].startswith("This is not a direct sum: integers are not exact")
