"""What is known of a failure is told with it, and covers nothing else."""

from __future__ import annotations

import pytest

from conformance.plugin.known import KnownFailure, known_words

CASE = "max_pool3d_double_grad f64 n1 c1 i2x1x2 k1x1x1 unbatched values=ones:87"
KNOWN = KnownFailure("max_pool3d", "layout", "raised", ("unbatched", " f64 "), "views are not understood", "owner/repository#7")


def test_a_known_failure_is_told_with_its_public_issue() -> None:
    assert (
        known_words([KNOWN], "max_pool3d_double_grad", "layout.fortran", "raised", CASE)
        == "views are not understood (owner/repository#7)"
    )


@pytest.mark.parametrize(
    ("operator", "check", "kind", "case"),
    [
        ("max_pool2d", "layout.fortran", "raised", CASE),
        ("max_pool3d", "layout.fortran", "wrong value", CASE),
        ("max_pool3d", "exact", "raised", CASE),
        ("max_pool3d", "layout.fortran", "raised", CASE.replace("f64", "f32")),
        ("max_pool3d", "layout.fortran", "raised", CASE.replace("unbatched ", "")),
    ],
)
def test_another_operator_check_kind_or_case_is_not_known(operator: str, check: str, kind: str, case: str) -> None:
    assert known_words([KNOWN], operator, check, kind, case) == ""


def test_without_a_public_issue_the_sentence_stands_alone() -> None:
    assert str(KnownFailure("conv", "", "raised", (), "it is too large")) == "it is too large"
