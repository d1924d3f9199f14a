"""A target that would like its words to be more than words, from the command line to every file: it is text in all of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from conformance.cases.case import parse_case
from conformance.checks import CHECKS
from conformance.cli.compare import told_apart
from conformance.plugin.claims import Claims
from conformance.plugin.target import Target
from conformance.report.jsonfile import read_json
from conformance.report.markdown import render_markdown
from conformance.report.schema import Implementation
from conformance.running.findings import repeat_command
from conformance.running.session import Session
from conformance.running.trial import make_trial
from tests.cli.test_commands import ROOT, conformance
from tests.conftest import TARGETS

HOSTILE = TARGETS / "hostile_names.py"
PATHS = ['o\'brien "x" <script> [red]\n$(touch owned)`touch owned` ;|&.py', "\x1b[2J\u202e\udcff é.py"]
_MOST = 400_000


def plain(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_a_hostile_target_is_a_finding_and_text_in_every_form(tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("html", "json", "junit")}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    done = conformance("check", f"{HOSTILE}:Hostile", "--profile", "brief", "--verbose", *options)
    assert done.returncode == 1, done.stderr
    assert plain(done.stdout + done.stderr)
    assert len(done.stdout) < _MOST
    assert "[red]red[/red] [/]" in done.stdout
    read = read_json(files["json"])
    (one,) = read.implementations
    assert {finding.kind for finding in one.findings} >= {"raised", "wrong value"}
    assert any("<script>" in finding.message for finding in one.findings)
    suite = ET.parse(files["junit"]).getroot().find("testsuite")
    assert suite is not None
    assert "<script>" in (suite.get("name") or "")
    page = files["html"].read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert len(re.findall("<script", page)) == 1
    assert plain(page)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(render_markdown(read))
    assert not re.search(r"<(script|img|a|iframe)\b", rendered)
    for table in re.findall(r"<table>.*?</table>", rendered, re.DOTALL):
        assert len({len(re.findall(r"<t[hd]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}) == 1
    assert all(file.stat().st_size < _MOST + 1_500_000 for file in files.values())


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("Unavailable", 3, "NOT AVAILABLE"),
        ("FailsToLoad", 2, "failed: Error<script>"),
        ("ClaimsWhatThereIsNot", 2, "which is not known"),
        ("ReturnsTooMuch", 1, "too many to be looked at"),
    ],
)
def test_a_hostile_target_ends_in_words(name: str, code: int, words: str) -> None:
    done = conformance("check", f"{HOSTILE}:{name}", "--profile", "brief")
    assert done.returncode == code, done.stderr[-2000:]
    assert words in done.stdout + done.stderr
    assert plain(done.stdout + done.stderr)
    assert len(done.stdout + done.stderr) < _MOST
    assert "Traceback" not in done.stderr


def test_a_name_that_is_no_text_becomes_one() -> None:
    with Session(Target(f"{HOSTILE}:NamedByANumber")) as session:
        described = session.describe()
    assert (described.name, described.notes, described.versions) == ("7", ("7", "None"), (("1", "2"),))


def test_one_that_is_called_like_another_is_told_apart() -> None:
    """Times and errors are kept by name: those of one must not be taken for those of the other."""
    taken: set[str] = set()
    for _ in range(3):
        made = told_apart(Implementation(name="torch-cpu", summary="", status="conformant"), Target("evil.py:Torch"), taken)
        taken.add(made.name)
    assert taken == {"torch-cpu", "torch-cpu (evil.py:Torch)", "torch-cpu (evil.py:Torch, 2)"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize("name", PATHS, ids=["quotes", "controls"])
def test_the_command_that_repeats_a_finding_works_for_any_path(tmp_path: Path, name: str) -> None:
    try:
        shutil.copy(TARGETS / "wrong_stride.py", tmp_path / name)
    except (OSError, UnicodeError):
        pytest.skip("this file system does not have such names")
    case, claims = parse_case("conv2d f32 i4x4 k2x2 s2x1 values=integers:7"), {"conv2d": Claims()}
    trial = make_trial(CHECKS["layout.strided"], case, claims)
    assert trial is not None
    command = repeat_command(trial, Target(f"{tmp_path / name}:conv2d"))
    assert plain(command)
    script = f'conformance() {{ "{sys.executable}" -m conformance "$@"; }}\n{command}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    again = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120,
                           check=False)  # fmt: skip
    assert again.returncode == 1, again.stderr
    assert "✗ conv2d" in again.stdout
    assert [file.name for file in tmp_path.iterdir() if file.name != "__pycache__"] == [name]  # nothing in it was run


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("conv2d f32 n2147483647 i1x1 k1", 3, "needs about"),
        ("conv2d f32 n99999999999 i1x1 k1", 2, "too large"),
        ("avg_pool1d f32 i200000 k100000", 3, "needs about"),
        ("conv2d f32 n" + "9" * 100_000, 2, "more than 2,000"),
        ("mb1ic3ih5oc2oh3kh3" + "n" * 60_000 + "!", 2, "more than 2,000"),
        ("conv2d \x1b[2J", 2, "is not understood"),
        ("conv2d i3x3 k2x2 values=known:\x1b[2J", 2, "no recipe"),
        ("conv2d n0 i5x5 k3", 0, "✓ exact"),
        ("conv2d i3x3 k2x2 values=known:corr2d", 0, "✓ exact: 4 elements"),
        ("conv2d i1x99 k1x2 values=periodic:0", 0, "✓ huge"),
    ],
)
def test_whatever_is_typed_as_a_case_costs_little_or_is_told(text: str, code: int, words: str) -> None:
    done = conformance("case", text, "--on", "naive")
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert plain(done.stdout + done.stderr)
    assert len(done.stderr) < 10_000
