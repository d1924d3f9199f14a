"""Every implementation that is registered is conformant within the class that it declares, or says why it is not here."""

from __future__ import annotations

import pytest

from conformance.plugin.registry import registered, registered_names
from tests.conftest import Check


@pytest.mark.parametrize("name", registered_names())
def test_a_registered_implementation_is_conformant_or_not_here(check: Check, name: str) -> None:
    result = check(name, profile="brief")
    assert result.status in ("conformant", "unavailable"), result.findings
    if result.status == "unavailable":
        assert name.startswith("torch-cuda") or "not installed" in result.reason


def test_the_names_are_those_that_users_know() -> None:
    names = ["naive", "numpy-gemm", "scipy-direct", "scipy-fft", "torch-cpu", "torch-native", "torch-cuda", "torch-cuda-tf32"]
    assert registered_names()[: len(names)] == names


@pytest.mark.parametrize("name", registered_names())
def test_making_one_is_cheap_and_it_says_what_it_does(name: str) -> None:
    implementation = registered(name)
    assert implementation.summary
    assert implementation.claims


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["torch-cuda", "torch-cuda-tf32"])
def test_the_cuda_ones_are_conformant(check: Check, name: str) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assert check(name, profile="quick").status == "conformant"
