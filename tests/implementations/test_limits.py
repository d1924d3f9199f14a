"""What an implementation cannot hold in memory it says, rather than take the machine's."""

from __future__ import annotations

import pytest

from conformance.cases.extremes import huge_cases
from conformance.plugin.registry import registered


@pytest.mark.parametrize("name", ["naive", "numpy-gemm", "scipy-direct", "scipy-fft"])
def test_rows_beyond_31_bits_are_refused_with_the_reason(name: str) -> None:
    implementation = registered(name)
    claimed = [case for operator, claims in implementation.claims.items() for case in huge_cases(operator, claims)]
    assert claimed
    reasons = {implementation.supports(case.problem) for case in claimed}
    assert None not in reasons
    assert all(reason and "more than" in reason for reason in reasons)
