"""A command behind ``--`` as a target of the commands that take one."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.test_commands import conformance
from tests.conftest import TARGETS

PROGRAMS = TARGETS / "programs"
TEMPLATE = (sys.executable, str(PROGRAMS / "template.py"))
WRONG_ID = (sys.executable, str(PROGRAMS / "broken.py"), "wrong_id")
CASE = "conv1d i5 k3"


def test_a_program_is_checked() -> None:
    done = conformance("check", "--profile", "brief", "--json", "-", "--", *TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout)["implementations"]
    assert (result["name"], result["status"]) == ("template", "conformant")


def test_the_line_that_repeats_a_finding_of_a_program_repeats_it() -> None:
    done = conformance("check", "--operator", "conv2d", "--profile", "brief", "--", *WRONG_ID)
    assert done.returncode == 1
    (line, *_) = [line for line in done.stdout.splitlines() if "repeat with" in line]
    again = conformance(*shlex.split(line.partition("conformance ")[2]))
    assert again.returncode == 1
    assert "the answer to request 1 has the id 2" in again.stdout


@pytest.mark.parametrize("arguments", [["--", *TEMPLATE], ["--on", f"-- {shlex.join(TEMPLATE)}"]])
def test_a_case_runs_on_a_program(arguments: list[str]) -> None:
    done = conformance("case", CASE, "--check", "exact", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ exact" in done.stdout


def test_a_program_is_compared_with_others(tmp_path: Path) -> None:
    options = ["--operator", "conv1d", "--no-speed", "--output", str(tmp_path)]
    done = conformance("compare", "numpy-gemm", *options, "--", *TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in report["implementations"]] == ["numpy-gemm", "template"]


def test_a_program_has_a_fingerprint_and_a_dialect() -> None:
    options = ["--operator", "conv1d", "--json", "-"]
    done = conformance("fingerprint", *options, "--", *TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)["implementations"]
    assert found["name"] == "template"
    done = conformance("dialect", "--json", "--", *TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(json.loads(done.stdout)) == ["template"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--"], "no command stands behind --"),
        (["check", "--", "no-such-command"], "there is no command 'no-such-command'"),
        (["check", "--", *WRONG_ID[:2], "exits_at_once"], "libmagic.so is missing"),
        (["check", "--", "cat"], "docs/protocol.md"),
        (["check", "--operator", "max_pool2d", "--", *TEMPLATE], "template does not claim max_pool2d"),
        (["case", CASE, "--on", "naive", "--", *TEMPLATE], "two targets"),
        (["case", CASE], "Missing option '--on'"),
        (["list", "--", *TEMPLATE], "unexpected extra argument"),
    ],
)
def test_what_is_wrong_is_an_error_of_usage_that_says_what_to_type(arguments: list[str], words: str) -> None:
    done = conformance(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
