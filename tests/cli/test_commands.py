"""The commands as a user types them: output, exit codes, and what is said when they are wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import TARGETS

ROOT = Path(__file__).parents[2]


def conformance(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300, check=False)


def test_a_right_function_exits_with_0_and_says_so() -> None:
    done = conformance("check", f"{TARGETS / 'base.py'}:conv2d")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONFORMANT" in done.stdout
    assert "NOT" not in done.stdout


def test_a_wrong_function_exits_with_1_and_the_line_that_repeats_it_repeats_it() -> None:
    done = conformance("check", f"{TARGETS / 'wrong_stride.py'}:conv2d")
    assert done.returncode == 1
    assert "smallest case" in done.stdout
    assert "expected" in done.stdout
    (line, *_) = [line for line in done.stdout.splitlines() if "repeat with" in line]
    import shlex

    again = conformance(*shlex.split(line.partition("conformance ")[2]))
    assert again.returncode == 1
    assert "✗ conv2d" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "no-such-thing"], "neither a registered name nor a module"),
        (["check", "naive", "--operator", "conv9d"], "conv9d"),
        (["check", "naive", "--profile", "huge"], "huge"),
        (["check", "naive", "--claim", "magic"], "cannot be claimed"),
        (["check", "naive", "--arrays", "tensors"], "numpy, torch"),
        (["check"], "Missing argument"),
        (["case", "conv2d i3x3 q2", "--on", "naive"], "'q2'"),
        (["case", "conv2d i3x3 k5x5", "--on", "naive"], "more than the padded input"),
        (["case", "conv2d i3x3 k2x2 values=magic:1", "--on", "naive"], "no recipe"),
        (["case", "conv2d i3x3 k2x2", "--on", "naive", "--check", "magic"], "known are"),
        (["frobnicate"], "No such command"),
    ],
)
def test_a_wrong_command_exits_with_2_and_says_what_to_type(arguments: list[str], words: str) -> None:
    done = conformance(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_but_json_is_printed_when_json_is_asked_for() -> None:
    done = conformance("check", f"{TARGETS / 'two_functions.py'}", "--operator", "conv1d", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["implementations"][0]["status"] == "conformant"


def test_an_implementation_that_is_not_here_verifies_nothing() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert conformance("check", "torch-cuda").returncode == 3


def test_files_are_written_where_they_were_asked_for(tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("html", "json", "junit")}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    assert conformance("check", f"{TARGETS / 'wrong_stride.py'}:conv2d", *options).returncode == 1
    assert all(file.stat().st_size > 1000 for file in files.values())


def test_help_is_quick_because_it_imports_no_framework_and_no_arrays() -> None:
    heavy = ("numpy", "torch", "scipy", "hypothesis", "pydantic")
    code = f"import sys, conformance.cli; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_has_an_example_in_its_help() -> None:
    for name in ("check", "compare", "case", "list"):
        assert f"conformance {name}" in conformance(name, "--help").stdout


def test_control_c_keeps_what_was_measured_and_leaves_no_process(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    file = tmp_path / "report.json"
    command = [sys.executable, "-m", "conformance", "check", "naive", "--json", str(file)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    time.sleep(6)
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "interrupted" in output
    assert json.loads(file.read_text())["interrupted"]
    for _ in range(50):  # the last worker may take a moment to be reaped
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the run is still there")
