"""Environments in which tests install packages: each sees all that this Python has, and nothing is fetched."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

from tests.conftest import TARGETS

OFFLINE = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
"""Options of ``pip install`` that need no network: setuptools, which the packages are built with, is this Python's."""


def environment(folder: Path) -> str:
    """The Python of a new environment in ``folder``."""
    builder = venv.EnvBuilder(symlinks=True)
    builder.create(folder)
    python = str(folder / "bin" / "python")
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    below = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(own, "below.pth").write_text("".join(f"{path}\n" for path in sorted(below)), encoding="utf-8")
    return python


def install(python: str, package: str, folder: Path) -> None:
    """Install a package of tests/targets, of which a copy is built in ``folder``: building leaves files behind."""
    copy = shutil.copytree(TARGETS / package, folder / package)
    command = [python, "-m", "pip", "install", *OFFLINE, str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
