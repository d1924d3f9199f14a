"""``pytest --implementation TARGET`` runs the checks as items that pass, fail, are selected and reported like any others."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from tests.conftest import TARGETS

ROOT = Path(__file__).parents[1]


def pytest_run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    plugin = [] if entry_points(group="pytest11", name="conformance") else ["-p", "conformance.pytest_plugin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *plugin, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300, check=False)


def test_a_right_target_passes_as_ordinary_items(tmp_path: Path) -> None:
    done = pytest_run("--implementation", str(TARGETS / "two_functions.py"), "--conformance-operator", "conv1d", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_wrong_target_fails_with_the_line_that_repeats_it(tmp_path: Path) -> None:
    target = f"{TARGETS / 'wrong_stride.py'}:conv2d"
    done = pytest_run("--implementation", target, "-x", cwd=tmp_path)
    assert done.returncode == 1
    assert f"--on {target}" in done.stdout
    assert "Traceback" not in done.stdout


def test_items_are_selected_by_name_and_join_the_tests_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    target = str(TARGETS / "two_functions.py")
    done = pytest_run("--implementation", target, "test_own.py", "-k", "own or receptive", cwd=tmp_path)
    assert "7 passed" in done.stdout, done.stdout  # its own, and three cases for each of the two functions


def test_sizes_of_a_source_that_is_given_are_tried(tmp_path: Path) -> None:
    (tmp_path / "kernel.cpp").write_text("static const int tile = 1013;", encoding="utf-8")
    asked = ("--implementation", f"{TARGETS / 'two_functions.py'}:conv1d", "--collect-only", "-k", "c1013")
    assert "no tests collected" in pytest_run(*asked, cwd=tmp_path).stdout
    assert "c1013" in pytest_run(*asked, "--conformance-source", "kernel.cpp", cwd=tmp_path).stdout


def test_an_unknown_target_or_source_is_a_usage_error(tmp_path: Path) -> None:
    done = pytest_run("--implementation", "no-such-thing", cwd=tmp_path)
    assert done.returncode == 4
    assert "neither a registered name nor a module" in done.stdout + done.stderr
    done = pytest_run("--implementation", "naive", "--conformance-source", "none.cpp", cwd=tmp_path)
    assert done.returncode == 4
    assert "the source 'none.cpp' is no file" in done.stdout + done.stderr


def test_without_the_option_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    assert "1 passed" in pytest_run(cwd=tmp_path).stdout


XFAIL = """
[[xfail]]
check = "receptive"
kind = "raised"
case = "* s* * d* *"
reason = "stride and dilation at once are not there yet"
[[xfail]]
check = "special.nan"
kind = "wrong value"
reason = "it raises now"
[[xfail]]
case = "* bias *"
reason = "there is no bias any more"
"""


def test_known_failures_are_strict_xfails_and_an_entry_about_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(XFAIL, encoding="utf-8")
    target, words = f"{TARGETS / 'half_done.py'}:conv1d", "receptive or special.nan or toml"
    done = pytest_run("--implementation", target, "--conformance-xfail", "x.toml", "-k", words, "-rxf", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    xfailed = [line for line in done.stdout.splitlines() if line.startswith("XFAIL")]
    assert len(xfailed) == 1
    assert all("receptive[conv1d" in line and "stride and dilation at once" in line for line in xfailed)
    assert "[XPASS(strict)] it raises now (x.toml:7)" in done.stdout
    assert "special.nan: " in done.stdout  # a finding as ever: it fails otherwise
    assert "stale: it is about no case that was run; delete lines 11 to 13 of x.toml" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_xfail_file_that_is_wrong_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[[xfail]]\nkind = 'raised'\n", encoding="utf-8")
    done = pytest_run("--implementation", "naive", "--conformance-xfail", "x.toml", cwd=tmp_path)
    assert done.returncode == 4
    assert "x.toml:1: an entry has no reason" in done.stdout + done.stderr
