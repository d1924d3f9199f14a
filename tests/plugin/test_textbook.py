"""A student's functions are checked as they stand, without an adapter."""

from __future__ import annotations

import pytest

from tests.conftest import TARGETS, Check

_NAMES = ["corr2d", "corr2d_multi_in", "corr2d_multi_in_out", "corr2d_multi_in_out_1x1", "pool2d"]


@pytest.mark.parametrize("name", _NAMES)
def test_a_textbook_function_is_conformant_as_it_stands(check: Check, name: str) -> None:
    result = check(f"{TARGETS / 'textbook.py'}:{name}")
    assert result.status == "conformant", result.findings
    assert result.operators == (("max_pool2d", "avg_pool2d") if name == "pool2d" else ("conv2d",))


def test_a_textbook_function_on_torch_arrays_is_recognised(check: Check) -> None:
    pytest.importorskip("torch")
    result = check(f"{TARGETS / 'textbook_torch.py'}:corr2d")
    assert result.status == "conformant", result.findings
    assert any("torch arrays" in note for note in result.notes)
    assert result.dtypes == ("float32",)  # torch.zeros makes float32 whatever comes in


def test_what_a_function_does_not_take_is_not_claimed(check: Check) -> None:
    (line,) = check(f"{TARGETS / 'textbook.py'}:corr2d").not_claimed
    for word in ("batch", "channels", "strides", "padding", "dilation", "groups", "bias"):
        assert word in line
