"""``conformance include-dir`` says where the header is, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import conformance

ROOT = Path(__file__).parents[2]


def test_the_command_prints_the_folder_of_the_header_alone() -> None:
    command = [sys.executable, "-m", "conformance", "include-dir"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    assert done.stdout == conformance.get_include() + "\n"
    assert {path.name for path in Path(done.stdout.strip()).iterdir()} >= {"conformance.h", "conformance.rs"}
