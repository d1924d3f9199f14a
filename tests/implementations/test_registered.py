"""Every implementation that is registered is conformant within the class that it declares, or says why it is not here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance.plugin.registry import registered, registered_names
from conformance.report.schema import Finding
from tests.conftest import Check

# What PyTorch 2.13 is known to fail on the CPU: (operators, kind of failure, words of the case) -> what it is.
KNOWN = {
    ("lp_pool", "wrong value", "ceil"): "a window that hangs over the end in ceil mode is scaled as if it were whole",
    ("lp_pool3d", "raised", "unbatched"): "as max_pool3d, on an unbatched view with strides like channels-last",
    ("max_pool3d", "raised", "unbatched"): "'Unsupported memory format' for an unbatched view with strides like channels-last",
    ("max_unpool", "raised", ""): "the backward pass calls view() on a gradient that is not contiguous (pytorch/pytorch#154341)",
    ("conv", "wrong value", "bf16"): "a NaN or an Inf reaches outputs whose window does not hold it (oneDNN)",
    ("conv_transpose", "accepted bias_type", ""): "float32 input and weights with a float64 bias, and the reverse",
}


def _known(name: str, finding: Finding) -> bool:
    return name.startswith("torch") and any(
        finding.operator.startswith(prefix) and finding.kind == kind and words in finding.case for prefix, kind, words in KNOWN
    )


@pytest.mark.parametrize("name", registered_names())
def test_a_registered_implementation_is_conformant_but_for_what_is_known(check: Check, name: str) -> None:
    result = check(name)
    if result.status == "unavailable":
        assert name.startswith("torch-cuda") or "not installed" in result.reason
        return
    assert result.status in ("conformant", "nonconformant")
    unknown = [finding for finding in result.findings if not _known(name, finding)]
    assert unknown == []


@pytest.mark.parametrize(
    ("case", "check_name"),
    [
        ("lp_pool1d f32 n1 c1 i1 k2 s2 ceil values=digits:0", "exact"),
        ("max_pool3d f32 n1 c1 i2x1x2 k1x1x1 unbatched values=ones:55", "layout.channels_last"),
        ("max_unpool2d_input_grad f32 n1 c1 i2x2 k1x1 values=ones:50", "layout.fortran"),
    ],
)
def test_what_pytorch_is_known_to_fail_is_still_found(case: str, check_name: str) -> None:
    """When a version mends one of these, its line above goes."""
    command = [sys.executable, "-m", "conformance", "case", case, "--on", "torch-cpu", "--check", check_name]
    assert subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 1


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
