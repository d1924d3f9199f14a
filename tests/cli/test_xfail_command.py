"""``--xfail`` and ``--write-xfail`` as a user types them: exit codes, what is printed, and what is written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from conformance.cli.options import make_options
from conformance.cli.xfail import Known
from conformance.report.jsonfile import read_json
from conformance.report.schema import Implementation
from conformance.running.outcome import Silence
from conformance.running.xfail_file import read_xfail
from tests.cli.test_commands import conformance
from tests.conftest import TARGETS
from tests.running.outcomes import outcome

TWO = str(TARGETS / "two_functions.py")
STALE = '[[xfail]]\noperator = "max_pool1d"\nreason = "TODO: look into it"\n'


@pytest.mark.parametrize(
    ("command", "text", "words"),
    [
        ("check", None, ["cannot be read", "--write-xfail"]),
        ("check", '[[xfail]]\noperators = "conv2d"\n', ["x.toml:1: 'operators' is not known", "did you mean 'operator'?"]),
        ("compare", "[[xfail]\n", ["x.toml is not TOML", "at line 1"]),
    ],
)
def test_a_file_that_is_wrong_is_told_before_anything_runs(
    command: str, text: str | None, words: list[str], tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    done = conformance(command, "naive", "--xfail", "x.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in words)
    assert "Traceback" not in done.stderr


def test_two_files_are_refused(tmp_path: Path) -> None:
    done = conformance("check", "naive", "--xfail", "a.toml", "--write-xfail", "b.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "reads it too" in done.stderr


def test_what_was_written_is_expected_from_then_on_and_nothing_is_written_twice(tmp_path: Path) -> None:
    file, target = tmp_path / "x.toml", f"{TARGETS / 'half_done.py'}:conv1d"
    file.write_text('# mine\n[[xfail]]\ncheck = "exact"\ncase = "* s2 * d2 *"\nreason = "not yet"\n', encoding="utf-8")
    first = conformance("check", target, "--write-xfail", "x.toml", "--profile", "brief", cwd=tmp_path)
    assert first.returncode == 1
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[[xfail]]")
    entries = read_xfail(file).entries
    assert len(entries) > 1
    assert all(entry.reason.startswith("TODO: ") for entry in entries[1:])
    again = conformance("check", target, "--write-xfail", "x.toml", "--profile", "brief", "--json", "x.json", cwd=tmp_path)
    assert again.returncode == 0, again.stdout
    assert "nothing was found that x.toml does not know" in again.stdout
    assert f"{len(entries) - 1} with TODO for a reason" in again.stdout
    assert file.read_text(encoding="utf-8") == text
    (one,) = read_json(tmp_path / "x.json").implementations
    assert (one.status, one.findings) == ("conformant", ())
    assert len(one.expected) == len(entries)
    assert sum(entry.count for entry in one.expected) >= sum(tally.xfailed for tally in one.tallies) > 20


def test_a_stale_entry_makes_a_run_fail_and_one_that_was_not_to_be_met_does_not(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(STALE, encoding="utf-8")
    done = conformance("check", TWO, "--xfail", "x.toml", "--operator", "max_pool1d", "--json", "-", cwd=tmp_path)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["implementations"][0]["status"] == "conformant"
    assert [(one["first"], one["stale"]) for one in report["unmet"]] == [(1, True)]
    assert "delete         lines 1 to 3 of x.toml" in done.stderr
    other = conformance("check", TWO, "--xfail", "x.toml", "--operator", "conv1d", "--profile", "brief", cwd=tmp_path)
    assert other.returncode == 0
    assert "1 entry of x.toml not judged (line 1): no such operator of" in other.stdout


def test_a_comparison_takes_one_file_for_all_and_an_entry_may_name_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[[xfail]]\nkind = "raised"\nimplementation = "*half_done*"\nreason = "not yet"\n', encoding="utf-8"
    )
    targets = [str(TARGETS / name) for name in ("half_done.py", "two_functions.py")]
    options = ["--operator", "conv1d", "--no-speed", "--output", str(tmp_path), "--xfail", "x.toml"]
    done = conformance("compare", *targets, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    half, two = read_json(tmp_path / "comparison.json").implementations
    assert (half.status, two.status) == ("conformant", "conformant")
    assert [entry.reason for entry in half.expected] == ["not yet"]
    assert two.expected == ()
    assert "not yet" in (tmp_path / "comparison.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_run_that_was_interrupted_writes_nothing(interrupted: bool, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    known = Known.of(make_options([], "quick", 0, 10.0), None, file)
    listener = known.listening(Silence())
    listener.came(outcome("failed", "raised"))
    known.came(listener, Implementation(name="mine", summary="", status="nonconformant"))
    console = Console(file=io.StringIO(), width=200)
    known.say(console, (), interrupted)
    assert file.exists() is not interrupted
    assert ("nothing was written" in console.file.getvalue()) is interrupted  # type: ignore[attr-defined]
