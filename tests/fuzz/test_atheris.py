"""The harness for atheris works: it runs an entry, and what goes wrong is found and kept."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.atheris_run import SELF_TEST
from tests.fuzz.entries import ENTRIES
from tests.typed import ROOT

atheris = pytest.mark.usefixtures("installed")


@pytest.fixture(scope="module")
def installed() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: it is in the extra fuzz")


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz.atheris_run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)


@atheris
def test_an_entry_is_run_guided_by_coverage(tmp_path: Path) -> None:
    done = fuzz("problem", "--runs", "2000", "--found", str(tmp_path / "found"))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    assert re.search(r"number_of_executed_units: 2\d\d\d", said)
    covered = [int(number) for number in re.findall(r"cov: (\d+)", said)]
    assert covered[-1] > 100  # places of the harness's own code: it is instrumented
    assert not (tmp_path / "found").exists()


@atheris
def test_what_goes_wrong_is_kept_as_a_file_and_ends_with_1(tmp_path: Path) -> None:
    done = fuzz(SELF_TEST, "--runs", "500000", "--found", str(tmp_path / "found"))
    assert done.returncode == 1, (done.stdout + done.stderr)[-2000:]
    (file,) = (tmp_path / "found").iterdir()
    assert file.read_bytes().startswith(b"coX")


@atheris
def test_an_entry_that_is_not_known_is_told() -> None:
    done = fuzz("no-such")
    assert done.returncode == 2
    assert all(name in done.stdout for name in ENTRIES)
