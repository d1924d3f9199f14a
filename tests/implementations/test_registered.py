"""Every implementation that is registered is conformant within the class that it declares, or says why it is not here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance.plugin.registry import registered, registered_names
from tests.conftest import Check


@pytest.mark.parametrize("name", registered_names())
def test_a_registered_implementation_is_conformant_but_for_what_is_known(check: Check, name: str) -> None:
    result = check(name)
    if result.status == "unavailable":
        assert name.startswith("torch-cuda") or "not installed" in result.reason
        return
    assert result.status in ("conformant", "nonconformant")
    assert [finding for finding in result.findings if not finding.known] == []


@pytest.mark.parametrize(
    ("case", "check_name", "words"),
    [
        ("lp_pool1d f32 n1 c1 i1 k2 s2 ceil values=digits:0", "exact", "scaled as if it were whole"),
        ("max_pool3d f32 n1 c1 i2x1x2 k1x1x1 unbatched values=ones:55", "layout.channels_last", "Unsupported memory format"),
        ("conv_transpose1d f64 n1 c1 i1 o1 k1 bias values=invalid:bias_type", "rejection", "float64 bias"),
        ("max_unpool2d_input_grad f32 n1 c1 i2x2 k1x1 values=ones:50", "layout.fortran", "pytorch/pytorch#154341"),
    ],
)
def test_what_pytorch_is_known_to_fail_is_still_found_and_named(case: str, check_name: str, words: str) -> None:
    """When a version mends one of these, its entry in the backend goes."""
    command = [sys.executable, "-m", "conformance", "case", case, "--on", "torch-cpu", "--check", check_name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("    known")]
    assert words in line


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
