"""No false alarms: honest functions pass, however unusual the way that they compute."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Check

FILE = Path(__file__).with_name("honest.py")
NAMES = [
    "conv2d_backwards",
    "conv2d_pairwise",
    "conv2d_kahan",
    "conv2d_double_accumulator",
    "conv2d_exactly_rounded",
    "conv2d_random_order",
    "conv2d_fortran_result",
    "conv2d_in_blocks",
    "conv2d_fft",
    "conv2d_winograd",
    "avg_pool2d_reciprocal",
    "max_pool2d_by_rows",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_function_is_conformant(check: Check, name: str) -> None:
    result = check(f"{FILE}:{name}", profile="quick")
    assert result.status == "conformant", result.findings


def test_a_transform_that_declares_nothing_is_told_what_it_is(check: Check) -> None:
    result = check(f"{FILE}:conv2d_fft", profile="quick", claim=("accuracy=componentwise",))
    assert result.status == "nonconformant"
    assert any("transform method" in finding.message for finding in result.findings)
