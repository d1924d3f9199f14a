"""Fingerprints of whole implementations: what is claimed is found out, what is not is skipped with its reason."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from direct import sending

from conformance.diagnosis.fingerprint import Facts, Fingerprint, default_operators, fingerprint
from conformance.plugin.claims import Claims, options_of
from conformance.plugin.job import Call, Reply
from conformance.problem import OPERATORS
from implementations.naive import Naive
from implementations.numpy_gemm import NumpyGemm


def claiming(operator: str, *dtypes: str, **fields: object) -> Mapping[str, Claims]:
    return {operator: Claims(dtypes, options_of(OPERATORS[operator]), **fields)}  # type: ignore[arg-type]


def facts_of(found: Sequence[Fingerprint]) -> dict[str, Facts]:
    return {one.dtype: one.facts for one in found if one.facts is not None}


def test_naive_loops_round_after_every_operation_and_go_first_to_last() -> None:
    found = facts_of(list(fingerprint(sending(Naive()), claiming("conv1d", "float32"))))
    facts = found["float32"]
    assert (facts.input_bits, facts.weight_bits, facts.accumulator) == (24, 24, (24,))
    assert (facts.multiply_add, facts.rounding, facts.subnormals) == ("not fused", "nearest, ties to even", "kept")
    assert [order.words for order in facts.orders] == ["sequential, first to last"] * 3
    assert [order.terms for order in facts.orders] == ["16 channels", "8 channels", "3 taps"]


def test_half_precision_is_summed_in_float32_by_a_matrix_product() -> None:
    found = facts_of(list(fingerprint(sending(NumpyGemm()), NumpyGemm().claims, ["conv2d"])))
    assert [found[dtype].input_bits for dtype in ("float64", "float32", "float16", "bfloat16")] == [53, 24, 11, 8]
    assert [found[dtype].accumulator for dtype in ("float64", "float32", "float16", "bfloat16")] == [(53,), (24,), (24,), (24,)]
    assert found["float16"].multiply_add == found["bfloat16"].multiply_add == "exact products"


def test_an_average_pooling_has_no_weights_and_no_products() -> None:
    (facts,) = facts_of(list(fingerprint(sending(NumpyGemm()), claiming("avg_pool2d", "float32")))).values()
    assert (facts.input_bits, facts.weight_bits, facts.accumulator, facts.multiply_add) == (24, None, (24,), "no products")
    assert [order.terms for order in facts.orders] == ["4x4 taps", "2x4 taps"]


def test_torch_has_all_bits_of_its_inputs() -> None:
    pytest.importorskip("torch")
    from implementations.torch_cpu import TorchCpu

    found = facts_of(list(fingerprint(sending(TorchCpu()), claiming("conv2d", "float32"))))
    assert (found["float32"].input_bits, found["float32"].weight_bits) == (24, 24)
    assert found["float32"].accumulator == (24,)


def test_a_transform_is_no_direct_sum_whether_it_says_so_or_not() -> None:
    pytest.importorskip("scipy")
    from implementations.scipy_signal import ScipyFft

    (declared,) = [one for one in fingerprint(sending(ScipyFft()), ScipyFft().claims, ["conv2d"]) if one.dtype == "float32"]
    assert declared.reason == "not a direct sum: it declares the accuracy fft"
    (facts,) = facts_of(list(fingerprint(sending(ScipyFft()), claiming("conv2d", "float32")))).values()
    assert facts.orders[0].words == "sequential, first to last"  # an axis of length 1 is not transformed
    assert facts.orders[2].words.startswith("not a direct sum: integers are not exact")
    assert not facts.orders[2].brackets


def test_integers_that_are_nearly_right_are_no_direct_sum() -> None:
    class Transformed(NumpyGemm):
        def fetch(self, result: object) -> tuple[np.ndarray, ...]:
            return (np.asarray(result) * np.float32(1 + 2.0**-20),)

    (found,) = [one for one in fingerprint(sending(Transformed()), claiming("conv2d", "float32")) if one.dtype == "float32"]
    assert found.facts is None
    assert found.reason.startswith("not a direct sum: integers are not exact")


def test_a_transform_that_is_exact_on_integers_shows_beside_a_large_number() -> None:
    class RunningSum(NumpyGemm):
        """Averages of a row as differences of running sums."""

        def prepare(self, problem, arrays):  # type: ignore[no-untyped-def]
            (window,) = problem.windows

            def call() -> np.ndarray:
                total = np.pad(np.cumsum(arrays["x"], axis=2, dtype=np.float32), ((0, 0), (0, 0), (1, 0)))
                sums = total[..., window.kernel :] - total[..., : -window.kernel]
                return np.asarray(sums[..., :: window.stride] / np.float32(window.kernel))

            return call

    (found,) = [one for one in fingerprint(sending(RunningSum()), claiming("avg_pool1d", "float32")) if one.dtype == "float32"]
    assert found.facts is None
    assert found.reason.startswith("not a direct sum: integers are not exact beside a large number")


def test_a_wrong_result_has_no_fingerprint() -> None:
    class Doubled(NumpyGemm):
        def fetch(self, result: object) -> tuple[np.ndarray, ...]:
            return (2 * np.asarray(result),)

    (found,) = [one for one in fingerprint(sending(Doubled()), claiming("conv2d", "float32")) if one.dtype == "float32"]
    assert found.facts is None
    assert found.reason.startswith("wrong on integers")


def test_what_an_earlier_call_left_behind_has_no_fingerprint() -> None:
    class Remembering(NumpyGemm):
        left: float | np.ndarray = 0

        def fetch(self, result: object) -> tuple[np.ndarray, ...]:
            self.left = np.asarray(result) + self.left
            return (self.left,)

    (found,) = [one for one in fingerprint(sending(Remembering()), claiming("conv2d", "float32")) if one.dtype == "float32"]
    assert found.facts is None
    assert found.reason.startswith("wrong on integers")


def test_a_call_that_fails_is_the_reason() -> None:
    def send(calls: tuple[Call, ...]) -> Sequence[Reply]:
        return (Reply(error="ended its process (SIGSEGV)", error_kind="crashed"),)

    (found,) = [one for one in fingerprint(send, claiming("conv2d", "float32")) if one.dtype == "float32"]
    assert found.reason == "ended its process (SIGSEGV)"


def test_elements_that_are_summed_in_another_order_are_told() -> None:
    class Tail(NumpyGemm):
        """The last element of the result is summed backwards."""

        def fetch(self, result: object) -> tuple[np.ndarray, ...]:
            return (np.asarray(result),)

        def prepare(self, problem, arrays):  # type: ignore[no-untyped-def]
            whole = super().prepare(problem, arrays)
            mirrored = super().prepare(problem, {name: np.ascontiguousarray(a[:, ::-1]) for name, a in arrays.items()})

            def call() -> np.ndarray:
                y = np.array(whole())
                y.reshape(-1)[-1] = np.asarray(mirrored()).reshape(-1)[-1]
                return y

            return call

    (found,) = [one for one in fingerprint(sending(Tail()), claiming("conv2d", "float32")) if one.dtype == "float32"]
    assert found.facts is not None
    assert found.facts.orders[0].uneven


def test_what_is_not_claimed_is_skipped_with_its_reason() -> None:
    claims = claiming("conv2d", "float32")
    found = list(fingerprint(sending(NumpyGemm()), claims, ["conv2d", "conv3d", "max_pool2d"]))
    assert [(one.operator, one.dtype, one.reason) for one in found if one.facts is None] == [
        ("conv2d", "float64", "not claimed"),
        ("conv2d", "float16", "not claimed"),
        ("conv2d", "bfloat16", "not claimed"),
        ("conv3d", "", "not claimed"),
        ("max_pool2d", "", "not claimed"),
    ]


def test_one_convolution_and_one_average_pooling_are_asked_unless_others_are_named() -> None:
    assert default_operators(NumpyGemm().claims) == ["conv2d", "avg_pool2d"]
    assert default_operators(claiming("conv3d", "float32") | claiming("conv1d", "float32")) == ["conv1d"]
    assert default_operators(claiming("conv_transpose2d", "float32")) == ["conv_transpose2d"]
    assert default_operators(claiming("max_pool2d", "float32")) == []
