"""Shared libraries of the tests: how they are built, with real compilers."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import conformance

HERE = Path(__file__).parent
_COMPILERS = {".c": "gcc", ".cpp": "g++", ".rs": "rustc"}


def build(source: Path, folder: Path, *flags: str, name: str = "") -> str:
    """The path of a library built from ``source``; skips the test where its compiler is absent."""
    if source.suffix == ".zig":
        return _built_by_zig(source, folder)
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


def _built_by_zig(source: Path, folder: Path) -> str:
    """By zig, or by the one of the package ziglang, which is 100 MB to download and so no part of the tests' environment."""
    zig = ["zig"] if shutil.which("zig") else [sys.executable, "-m", "ziglang"]
    if zig != ["zig"] and importlib.util.find_spec("ziglang") is None:
        pytest.skip("zig is not installed (python -m pip install ziglang)")
    output = folder / f"lib{source.stem}.so"
    shutil.copy(source, folder)
    translate = [*zig, "translate-c", "-lc", f"{conformance.get_include()}/conformance.h"]
    made = subprocess.run(translate, capture_output=True, text=True, timeout=300, check=True)
    (folder / "conformance.zig").write_text(made.stdout, encoding="utf-8")
    command = [*zig, "build-lib", "-dynamic", "-O", "ReleaseSafe", f"-femit-bin={output}", source.name]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return str(output)
