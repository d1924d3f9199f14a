"""``conformance mutants`` as a user types it: its exit codes, its words, and the files that it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.cli.mutants import exit_code
from conformance.errors import UsageError
from conformance.report.environment import environment
from conformance.report.mutation import MUTATION_SCHEMA_VERSION, MutantResult, MutationReport, read_mutation, scores

ROOT = Path(__file__).parents[2]
MARKED = "tests/targets/mutants.py"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", "mutants", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)


def test_built_in_ones_are_killed_and_shown_with_what_killed_them() -> None:
    done = run("--category", "norms", "--name", "r*", "--name", "whole_*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rootless" in done.stdout
    assert "exact" in done.stdout
    assert "ALL KILLED: 2 of 2 mutants killed, 0 survived" in done.stdout


def test_a_survivor_is_listed_with_its_bug_and_what_to_do_and_exits_with_1(tmp_path: Path) -> None:
    files = {kind: tmp_path / f"mutants.{kind}" for kind in ("json", "md", "html")}
    done = run(
        "--target", MARKED, "--profile", "brief",
        "--json", str(files["json"]), "--markdown", str(files["md"]), "--html", str(files["html"]),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"SURVIVED {MARKED}:max_pool1d_honest" in done.stdout
    assert "nothing at all" in done.stdout
    assert "hole in the suite" in done.stdout
    assert f"run again with conformance check {MARKED}:max_pool1d_honest" in done.stdout
    report = read_mutation(files["json"])
    assert [(one.name, one.fate) for one in report.mutants] == [
        ("max_pool1d_without_nan", "killed"),
        ("max_pool1d_honest", "survived"),
    ]
    assert report.model_dump_json(indent=1) == files["json"].read_text(encoding="utf-8")
    for kind in ("md", "html"):
        text = files[kind].read_text(encoding="utf-8").replace("\\", "")
        assert "max_pool1d_honest" in text
        assert "special.nan" in text


def test_json_on_standard_output_is_nothing_but_json() -> None:
    done = run("--target", f"{MARKED}:max_pool1d_without_nan", "--profile", "brief", "--json", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["mutants"][0]["fate"] == "killed"
    assert "ALL KILLED" in done.stderr


def test_an_interrupt_keeps_what_was_measured_and_says_that_not_all_were_tried(tmp_path: Path) -> None:
    path = tmp_path / "mutants.json"
    command = [sys.executable, "-m", "conformance", "mutants", "--category", "tails", "--jobs", "2", "--json", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        time.sleep(12)  # some of them are done, and more than are under way are left
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of the group
        said, _ = process.communicate(timeout=60)
    report = read_mutation(path)
    assert report.interrupted
    assert len(report.mutants) < report.expected
    assert process.returncode == 3, said
    assert "Traceback" not in said
    assert "Interrupted: " in said or "NOTHING RUN" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--category", "colour"), "the category 'colour' is not known"),
        (("--name", "nobody_*"), "no name matches 'nobody_*'"),
        (("--target", "tests/targets/__init__.py"), "nothing that could be run"),
        (("--target", "no_such_file.py"), "there is no file no_such_file.py"),
    ],
)
def test_a_wrong_word_exits_with_2_and_says_what_is_known(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "hint:" in done.stderr or "no_such_file" in done.stderr


def report_of(*fates: str, interrupted: bool = False) -> MutationReport:
    mutants = [
        {"name": f"m{i}", "target": "t", "operators": (), "category": "c", "bug": "b", "fate": fate, "seconds": float(i)}
        for i, fate in enumerate(fates)
    ]
    return MutationReport(
        command="conformance mutants", started="now", seconds=1.0, seed=0, profile="quick", interrupted=interrupted,
        expected=len(mutants), environment=environment(), mutants=tuple(map(MutantResult.model_validate, mutants)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (report_of("killed", "killed"), 0),
        (report_of("killed", "not run"), 0),
        (report_of("killed", "survived", interrupted=True), 1),
        (report_of("not run"), 3),
        (report_of("killed", interrupted=True), 3),
        (report_of(), 3),
    ],
)
def test_the_exit_code_is_of_the_worst_that_was_seen(report: MutationReport, code: int) -> None:
    assert exit_code(report) == code


def test_the_score_is_of_those_that_were_run_and_the_last_one_is_of_all() -> None:
    one, total = scores(report_of("killed", "killed", "killed", "survived", "not run").mutants)
    assert (one.category, one.killed, one.run, one.percent) == ("c", 3, 4, "75 %")
    assert (total.category, total.median, total.worst) == ("all", 1.0, 2.0)
    *_, nearly = scores(report_of(*["killed"] * 299, "survived").mutants)
    assert nearly.percent == "99 %"


def test_a_file_that_is_no_report_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(f'{{"schema_version": {MUTATION_SCHEMA_VERSION}, "mutants": 3}}')
    with pytest.raises(UsageError, match="no report of conformance mutants"):
        read_mutation(path)
    path.write_text('{"schema_version": 99}')
    with pytest.raises(UsageError, match="schema version 99"):
        read_mutation(path)
