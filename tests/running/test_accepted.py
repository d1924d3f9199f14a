"""What a plain function accepts beyond its namesake's types: it must be right, may be refused later, and hides nothing else."""

from __future__ import annotations

import pytest

from conformance.report.schema import Finding
from tests.conftest import TARGETS, Check
from tests.typed import typed

ACCEPTING = TARGETS / "accepting.py"
SAID = "accepts int64 and returns wrong results: refuse it, or mend it"


def target_of(name: str) -> str:
    return f"{ACCEPTING}:{name}"


def is_of_integers(finding: Finding) -> bool:
    return "int64" in finding.case.split()


def test_what_is_accepted_and_right_is_told_and_counts_for_nothing_else(check: Check) -> None:
    result = check(target_of("honest_conv1d"))
    assert result.status == "conformant"
    (line,) = [line for line in result.scope if line.startswith("found to accept")]
    assert "int64" in line
    assert "--claims namesake" in line
    assert any(line.startswith("not asked for") for line in result.scope)


def test_what_is_accepted_and_wrong_is_to_be_refused_or_mended(check: Check) -> None:
    result = check(target_of("rounds_long_integers_conv1d"))
    assert result.status == "nonconformant"
    assert result.findings
    assert all(SAID in finding.diagnosis for finding in result.findings)
    assert all(is_of_integers(finding) for finding in result.findings)


def test_nothing_beyond_the_namesake_is_asked_where_that_is_said(check: Check) -> None:
    result = check(target_of("rounds_long_integers_conv1d"), no_claim=("accepted",))
    assert result.status == "conformant"
    assert not any("accept" in line for line in result.scope)


def test_a_claim_of_what_is_accepted_makes_it_a_promise(check: Check) -> None:
    result = check(target_of("rounds_long_integers_conv1d"), claim=("int64",))
    assert result.status == "nonconformant"
    assert all(SAID not in finding.diagnosis for finding in result.findings)
    refused = check(target_of("refuses_later_conv1d"), claim=("int64",))
    assert refused.status == "nonconformant"


def test_what_nobody_claims_may_be_refused_later(check: Check) -> None:
    result = check(target_of("refuses_later_conv1d"))
    assert result.status == "conformant"
    assert any("accepted elsewhere, but refused here" in skip.reason for skip in result.skips)


def test_what_raises_is_not_claimed(check: Check) -> None:
    result = check(target_of("floats_only_conv1d"))
    assert result.status == "conformant"
    assert not any("int64" in line for line in result.scope if line.startswith("found to accept"))


def test_a_batch_without_items_is_accepted_too(check: Check) -> None:
    result = check(target_of("wrong_without_items_conv1d"))
    assert result.status == "nonconformant"
    assert all(any(line.startswith("accepts a batch without items") for line in f.diagnosis) for f in result.findings)


def test_a_crash_for_what_is_accepted_hides_no_failure_of_what_is_claimed(check: Check) -> None:
    result = check(target_of("crashes_conv1d"))
    kinds = {(finding.kind == "crashed", is_of_integers(finding)) for finding in result.findings}
    assert kinds == {(True, True), (False, False)}
    (crash,) = [finding for finding in result.findings if finding.kind == "crashed"]
    assert any(line.startswith("accepts int64 and crashes") for line in crash.diagnosis)


@pytest.mark.parametrize(
    ("claim", "said"), [("int128", "int128"), ("dtypes=int8", "int8")], ids=["no such type", "a type that an operator lacks"]
)
def test_a_type_that_cannot_be_claimed_is_a_clear_message(claim: str, said: str) -> None:
    done = typed(f"conformance check implementations.broken.functions.reference:avg_pool2d --claim {claim} --profile brief")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
