"""Shared libraries of the tests: how they are built, with real compilers."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import conformance

HERE = Path(__file__).parent
_COMPILERS = {".c": "gcc", ".cpp": "g++", ".rs": "rustc"}


def build(source: Path, folder: Path, *flags: str, name: str = "") -> str:
    """The path of a library built from ``source``; skips the test where its compiler is absent."""
    compiler = _COMPILERS[source.suffix]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    output = folder / f"lib{name or source.stem}.so"
    include = conformance.get_include()
    of_rust = ["--edition", "2021", "-O", "--crate-type", "cdylib"]
    of_c = ["-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", f"-I{include}"]
    # What a compiler is asked for comes behind the sources, where linkers look for libraries.
    command = [compiler, *(of_rust if compiler == "rustc" else of_c), "-o", str(output), str(source), *flags]
    environment = {**os.environ, "CONFORMANCE_INCLUDE": include}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return str(output)
