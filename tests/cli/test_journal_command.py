"""``--journal``, ``--resume`` and ``conformance journal`` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.report.jsonfile import read_json
from conformance.running.journal_file import read_journal
from tests.conftest import TARGETS
from tests.running.journals import LOGGED, conformance, cut, lines, sealed, without_times

WRONG, RIGHT = f"{LOGGED}:Wrong", f"{LOGGED}:Logged"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two targets, a wrong one and a right one."""
    folder = tmp_path_factory.mktemp("both")
    done = conformance(
        "check", WRONG, RIGHT, "--profile", "brief", "--journal", folder / "run.jsonl", "--json", folder / "run.json"
    )
    assert done.returncode == 1, done.stderr
    return folder


def test_a_run_of_two_targets_goes_on_in_the_second_one(both: Path, tmp_path: Path) -> None:
    first = next(n for n, line in enumerate(lines(both / "run.jsonl"), 1) if line.KIND == "target-end")
    copy = cut(both / "run.jsonl", tmp_path / "run.jsonl", first + 11, torn=9)
    done = conformance("check", "--resume", copy, "--json", tmp_path / "run.json", calls=tmp_path / "calls")
    assert done.returncode == 1, done.stderr
    assert "and a torn last line of 9 bytes that is cut off" in done.stdout
    assert done.stdout.count("✗ conv1d") == 2  # the findings of the first are shown again
    (wrong, right), (was_wrong, was_right) = (
        read_json(folder / "run.json").implementations for folder in (tmp_path, both)
    )  # fmt: skip
    assert without_times(wrong) == without_times(was_wrong)
    assert without_times(right) == without_times(was_right)
    assert "Wrong" not in (tmp_path / "calls").read_text()
    contents = read_journal(copy)
    assert contents.footer is not None
    assert [one.cut for one in contents.resumed] == [9]


def test_a_finished_journal_shows_its_result_and_exits_with_its_code(both: Path, tmp_path: Path) -> None:
    done = conformance("check", "--resume", both / "run.jsonl", "--json", "-", calls=tmp_path / "calls")
    assert done.returncode == 1, done.stderr
    assert "nothing is run again" in done.stderr
    assert "NOT CONFORMANT: wrong" in done.stderr
    statuses = [one["status"] for one in json.loads(done.stdout)["implementations"]]
    assert statuses == ["nonconformant", "conformant"]
    assert not (tmp_path / "calls").exists()


def test_the_functions_of_a_module_for_the_same_operator_go_on_too(tmp_path: Path) -> None:
    done = conformance("check", TARGETS / "channels_last.py", "--profile", "brief", "--journal", tmp_path / "run.jsonl")
    names = [part.name for part in read_journal(tmp_path / "run.jsonl").parts]
    again = conformance("check", "--resume", tmp_path / "run.jsonl")
    assert (again.returncode, again.stdout.count("CONFORMANT:")) == (done.returncode, len(names))


def test_the_command_shows_how_far_each_target_got(both: Path, tmp_path: Path) -> None:
    done = conformance("journal", both / "run.jsonl")
    assert done.returncode == 0, done.stderr
    assert "finished, and whole" in done.stdout
    assert f"{WRONG} {RIGHT} --profile brief --seed 0" in done.stdout
    (wrong,) = [line.split() for line in done.stdout.splitlines() if line.startswith("wrong ")]
    assert wrong[5:] [:5] == ["2", "1", "of", "1", "nonconformant,"]  # fmt: skip
    copy = cut(both / "run.jsonl", tmp_path / "run.jsonl", 12)
    done = conformance("journal", copy)
    assert done.returncode == 0, done.stderr
    assert "not finished" in done.stdout
    assert f"conformance check --resume {copy} goes on" in done.stdout
    assert "0 of 1" in done.stdout


def test_the_command_writes_the_report_of_what_was_measured(both: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("html", "json", "junit")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    done = conformance("journal", both / "run.jsonl", *options, calls=tmp_path / "calls")
    assert done.returncode == 0, done.stderr
    made, right = read_json(files["json"]), read_json(both / "run.json")
    assert list(map(without_times, made.implementations)) == list(map(without_times, right.implementations))
    assert not made.interrupted
    assert made.environment == right.environment
    assert "It fails only where channels per group ≥ 3" in files["html"].read_text(encoding="utf-8")
    assert "<testsuite" in files["junit"].read_text()
    assert not (tmp_path / "calls").exists()
    copy = cut(both / "run.jsonl", tmp_path / "cut.jsonl", 12)
    done = conformance("journal", copy, "--json", "-")
    report = json.loads(done.stdout)
    assert report["interrupted"]
    assert sum(tally["passed"] + tally["failed"] for tally in report["implementations"][0]["tallies"]) == 10


def test_what_is_whole_of_a_damaged_journal_is_saved_and_goes_on(both: Path, tmp_path: Path) -> None:
    text = (both / "run.jsonl").read_bytes().splitlines(keepends=True)
    damaged, saved = tmp_path / "run.jsonl", tmp_path / "saved.jsonl"
    damaged.write_bytes(b"".join([*text[:-20], b"nonsense\n", *text[-20:]]))
    shown = conformance("journal", damaged)
    assert shown.returncode == 2
    assert f"line {len(text) - 19}" in shown.stderr
    assert "--save" in shown.stderr
    done = conformance("journal", damaged, "--save", saved)
    assert done.returncode == 0, done.stderr
    assert saved.read_bytes() == b"".join(text[:-20])
    assert conformance("journal", damaged, "--save", saved).returncode == 2  # it is there already
    again = conformance("check", "--resume", saved)
    assert again.returncode == 1, again.stderr
    assert "CONFORMANT: logged" in again.stdout


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([RIGHT], "was begun with TARGET"),
        (["--profile", "quick"], "was begun with --profile brief, and quick is given"),
        (["--seed", "7"], "was begun with --seed 0, and 7 is given"),
        (["--operator", "conv1d"], "was begun with --operator nothing, and conv1d is given"),
        (["--huge"], "was begun with --huge False, and True is given"),
        (["--journal", "other.jsonl"], "--journal begins a journal, --resume goes on with one"),
    ],
)
def test_what_is_typed_beside_resume_must_be_what_the_journal_was_begun_with(both: Path, more: list[str], words: str) -> None:
    done = conformance("check", "--resume", both / "run.jsonl", *more)
    assert done.returncode == 2
    assert words in done.stderr


def test_the_same_options_beside_resume_are_fine(both: Path) -> None:
    done = conformance("check", WRONG, RIGHT, "--profile", "brief", "--seed", 0, "--resume", both / "run.jsonl")
    assert done.returncode == 1, done.stderr


def test_a_journal_is_never_written_over(both: Path) -> None:
    before = (both / "run.jsonl").read_bytes()
    done = conformance("check", RIGHT, "--journal", both / "run.jsonl")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert f"conformance check --resume {both / 'run.jsonl'}" in done.stderr
    assert (both / "run.jsonl").read_bytes() == before


def test_a_target_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    target, journal = tmp_path / "ops.py", tmp_path / "run.jsonl"
    target.write_text((TARGETS / "two_functions.py").read_text())
    assert conformance("check", f"{target}:conv1d", "--profile", "brief", "--journal", journal).returncode == 0
    cut(journal, journal, 20)
    target.write_text(target.read_text() + "\n# changed\n")
    done = conformance("check", "--resume", journal)
    assert done.returncode == 2
    assert "ops.py of the target" in done.stderr
    assert "was changed since" in done.stderr
    target.unlink()
    assert "is not here" in conformance("check", "--resume", journal).stderr


def test_a_comparison_is_recorded_and_goes_on(tmp_path: Path) -> None:
    options = ["--no-speed", "--output", tmp_path / "first", "--journal", tmp_path / "run.jsonl"]
    done = conformance("compare", RIGHT, "--profile", "brief", *options)
    assert done.returncode == 0, done.stderr
    cut(tmp_path / "run.jsonl", tmp_path / "run.jsonl", 30)
    assert "conformance compare --resume" in conformance("check", "--resume", tmp_path / "run.jsonl").stderr
    again = conformance("compare", "--resume", tmp_path / "run.jsonl", "--output", tmp_path / "second")
    assert again.returncode == 0, again.stderr
    first, second = (read_json(tmp_path / name / "comparison.json").implementations for name in ("first", "second"))
    assert list(map(without_times, first)) == list(map(without_times, second))


def test_a_journal_of_another_suite_still_gives_its_report(both: Path, tmp_path: Path) -> None:
    header, *rest = lines(both / "run.jsonl")
    copy = tmp_path / "run.jsonl"
    copy.write_bytes(sealed([header.model_copy(update={"suite": "0" * 16}), *rest]))
    refused = conformance("check", "--resume", copy)
    assert refused.returncode == 2
    assert f"conformance journal {copy} --html FILE writes the report" in refused.stderr
    done = conformance("journal", copy, "--json", tmp_path / "run.json")
    assert done.returncode == 0, done.stderr
    assert "another one than this" in done.stdout
    assert list(map(without_times, read_json(tmp_path / "run.json").implementations)) == list(
        map(without_times, read_json(both / "run.json").implementations)
    )


def test_what_is_expected_to_fail_is_expected_when_a_run_is_shown_again_though_the_file_is_gone(tmp_path: Path) -> None:
    target = str(TARGETS / "wrong_stride.py")
    xfail = tmp_path / "xfail.toml"
    xfail.write_text('[[xfail]]\noperator = "conv2d"\nreason = "the stride of the second axis is not read"\n')
    options = ("--operator", "conv2d", "--profile", "brief", "--xfail", str(xfail), "--journal", tmp_path / "run.jsonl")
    first = conformance("check", target, *options)
    assert first.returncode == 0, first.stderr + first.stdout
    assert "known failures" in first.stdout
    xfail.unlink()
    again = conformance("check", "--resume", tmp_path / "run.jsonl")
    assert again.returncode == 0
    assert "known failures" in again.stdout
    report = conformance("journal", tmp_path / "run.jsonl", "--json", "-")
    (made,) = json.loads(report.stdout)["implementations"]
    assert made["status"] == "conformant"
    assert made["expected"][0]["reason"] == "the stride of the second axis is not read"
    assert made["findings"] == []


def test_a_draft_of_an_xfail_file_is_not_recorded(tmp_path: Path) -> None:
    done = conformance("check", "naive", "--write-xfail", tmp_path / "x.toml", "--journal", tmp_path / "run.jsonl")
    assert done.returncode == 2
    assert "--write-xfail" in done.stderr
    assert not (tmp_path / tmp_path / "run.jsonl").exists()
