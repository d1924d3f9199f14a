"""``conformance dialect`` and what a declared dialect changes."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.conftest import TARGETS, Check

FILE = f"{TARGETS / 'dialects.py'}"


def dialect(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", "dialect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_implementations_are_shown_side_by_side() -> None:
    done = dialect("numpy-gemm", f"{FILE}:max_pool2d")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("a NaN in a window of max pooling")]
    assert "the result is NaN" in line
    assert "the others' maximum" in line


def test_answers_as_json() -> None:
    done = dialect("--json", f"{FILE}:max_pool2d")
    (answers,) = json.loads(done.stdout).values()
    by_option = {answer["option"]: answer for answer in answers}
    assert by_option["nan_in_max_pool"]["answer"] == "ignored"
    assert not by_option["nan_in_max_pool"]["usual"]
    assert by_option["minus_infinity"]["answer"] == "kept"


def test_what_depends_on_the_size_is_a_finding() -> None:
    done = dialect(f"{FILE}:max_pool2d_by_width")
    assert done.returncode == 1
    assert "depends on the place" in done.stdout


def test_what_frameworks_do_not_differ_in_is_not_asked() -> None:
    assert dialect(f"{FILE}:max_pool2d", "--no-claim", "float32", "--no-claim", "float64", "--claims", "namesake").returncode == 3


def test_a_declared_dialect_is_no_finding(check: Check) -> None:
    assert check(f"{FILE}:max_pool2d_declared").status == "conformant"


def test_an_undeclared_one_is(check: Check) -> None:
    result = check(f"{FILE}:max_pool2d")
    assert result.status == "nonconformant"
    assert {finding.check for finding in result.findings} == {"special.nan"}
