"""A harness that fails in one check loses nothing else: the error is the outcome of its case, and all else is reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.checks import CHECKS
from conformance.cli.check import command
from conformance.report.jsonfile import read_json
from tests.conftest import TARGETS, Check


@pytest.fixture(autouse=True)
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the receptive field, as it would be with a bug in its judgement."""

    def judge(*_: object) -> None:
        raise ZeroDivisionError("a bug of the harness")

    monkeypatch.setattr(type(CHECKS["receptive"]), "judge", judge)


def test_all_else_is_judged_and_the_target_is_not_called_conformant(check: Check) -> None:
    result = check(f"{TARGETS / 'two_functions.py'}", operators=("conv1d",))
    assert result.status == "not judged"
    assert result.findings == ()
    assert all("a bug of the harness" in line for line in result.harness_failures)
    assert {line.split()[0] for line in result.harness_failures} == {"receptive"}
    assert sum(tally.passed for tally in result.tallies) > 50


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    """A file with a conv1d that is wrong for some problems."""
    right = (TARGETS / "two_functions.py").read_text(encoding="utf-8").replace("conv1d", "right_conv1d")
    name = tmp_path / "wrong.py"
    name.write_text(
        f"{right}\n\ndef conv1d(input, weight):\n    return right_conv1d(input, weight) + (weight.shape[0] == 5)\n",
        encoding="utf-8",
    )
    return f"{name}:conv1d"


def test_findings_are_kept(check: Check, wrong: str) -> None:
    result = check(wrong)
    assert result.status == "nonconformant"
    assert "exact" in {finding.check for finding in result.findings}
    assert result.harness_failures


@pytest.mark.parametrize("target", ["right", "wrong"])
def test_the_command_says_so_reports_what_was_measured_and_exits_with_3(target: str, wrong: str, tmp_path: Path) -> None:
    file, text = tmp_path / "report.json", wrong if target == "wrong" else str(TARGETS / "two_functions.py")
    done = CliRunner().invoke(command, [text, "--profile", "brief", "--json", str(file)], standalone_mode=False)
    assert done.return_value == 3, done.output
    assert "the harness itself failed" in done.output
    (one,) = read_json(file).implementations
    assert one.tallies
    assert one.harness_failures
    assert bool(one.findings) == (target == "wrong")
