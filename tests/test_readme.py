"""Every command of the README is run, and the output that it shows is what comes out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TARGETS
from tests.environments import environment, install
from tests.typed import ROOT, typed, without_counts

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if re.match(r"(conformance|pytest) ", line)]


def run(line: str, output: Path) -> subprocess.CompletedProcess[str]:
    """A line of the README, with ``conformance`` as this Python's; a comparison writes elsewhere than here."""
    name, *arguments = shlex.split(line)
    if arguments[:1] == ["compare"]:
        arguments += ["--output", str(output)]
    if name == "pytest":
        arguments += ["-p", "no:cacheprovider", "-q", *([] if _installed() else ["-p", "conformance.pytest_plugin"])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=900, check=False)


def _installed() -> bool:
    from importlib.metadata import entry_points

    return bool(entry_points(group="pytest11", name="conformance"))


def test_the_readme_shows_commands() -> None:
    assert len(LINES) >= 6


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_readme_does_its_work(line: str, tmp_path: Path) -> None:
    done = run(line, tmp_path)
    findings = line == "conformance compare"  # PyTorch's own
    assert done.returncode == (1 if findings else 0), done.stdout[-2000:] + done.stderr[-2000:]
    if line == "conformance compare":
        assert {path.name for path in tmp_path.iterdir()} == {"comparison.html", "comparison.md", "comparison.json"}


SHOWN = [part for block in BLOCKS if block.startswith("$ ") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


@pytest.mark.parametrize("part", SHOWN, ids=[part.splitlines()[0] for part in SHOWN])
def test_the_output_that_the_readme_shows_is_what_comes_out(part: str, tmp_path: Path) -> None:
    command, *shown = part.splitlines()
    for tool, needs in (("cc", "libconv"), ("node", "node ")):
        if needs in command and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    for library in ("jax", "array_api_strict", "onnx"):
        if f"{library}_functions" in command or f"--arrays {library}" in command:
            pytest.importorskip(library)
    if "check reports/libconv.so" in command:
        typed(next(line for line in SHOWN if "-o reports/libconv.so" in line).splitlines()[0])
    if command.startswith("python -m pip install") or "example-kn2row" in command:
        python = environment(tmp_path / "environment")
        install(python, "example_package", tmp_path)  # offline, and not beside what is tested
        if "pip" in command:
            assert (TARGETS / "example_package").samefile(ROOT / command.split()[-1])
            return
        done = typed(command, python=python)
    else:
        done = typed(command)
    assert done.returncode == any(line.startswith("✗") for line in shown), done.stdout + done.stderr
    printed = without_counts(done.stdout)
    for line in shown:
        if line != "…":
            assert without_counts(line) in printed


def test_the_two_commands_at_the_top_are_environments_of_tox() -> None:
    first, second = BLOCKS[0].splitlines()
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert (first, second) == ("python -m pip install tox && tox run -e compare", "python -m pip install tox && tox")
    assert "[testenv:compare]" in tox
    assert "env_list = tests" in tox


def test_the_numbers_of_broken_and_honest_ones_are_those_of_the_readme() -> None:
    from implementations.adversaries.base import every as adversaries
    from implementations.broken.base import every
    from implementations.broken.public_bugs import PUBLIC_BUGS

    broken, public = len(every()), sum(bool(bug.mutant) for bug in PUBLIC_BUGS)
    assert f"has {broken} deliberately broken implementations" in README
    assert f"All {broken} are killed" in README
    assert f"{public} of them are public bugs" in README
    assert f"has {len(adversaries())} implementations that cheat" in README
