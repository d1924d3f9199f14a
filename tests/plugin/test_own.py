"""What of a target its author wrote is known without running it, however the target is named."""

from __future__ import annotations

import sys
from pathlib import Path

from conformance.plugin.load import load
from conformance.plugin.own import constants_of, own_files
from conformance.plugin.target import Target

CODE = "def conv1d(input, weight):\n    if input.shape[1] % 52 == 0:\n        return 0\n    return 1\n"


def test_a_file_or_a_module_is_its_own_source_and_a_registered_name_has_none(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(CODE, encoding="utf-8")
    path = str(tmp_path / "kernels.py")
    assert own_files(Target(path)) == [path]
    assert own_files(Target(f"{path}:conv1d")) == [path]
    assert own_files(Target("kernels:conv1d", folders=(str(tmp_path),))) == [path]
    assert own_files(Target("torch-cpu")) == []
    assert own_files(Target("no.such.module:conv1d")) == []
    assert own_files(Target("math:sin")) == []
    assert "kernels" not in sys.modules


def test_the_constants_of_a_function_are_those_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(CODE, encoding="utf-8")
    target = Target(f"{tmp_path / 'kernels.py'}:conv1d")
    assert 52 in constants_of(load(target), target)


def test_a_source_that_is_said_counts_instead(tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "real.cu").write_text("if (c % 36 == 0)", encoding="utf-8")
    target = Target(f"{tmp_path / 'kernels.py'}:conv1d", sources=(str(tmp_path / "real.cu"),))
    assert constants_of(load(target), target) == (36,)


def test_of_a_command_the_sources_are_those_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "conv.js").write_text("if (c % 36 === 0) {}", encoding="utf-8")
    target = Target(f"-- node {tmp_path / 'conv.js'}")
    assert constants_of(load(Target("naive")), target) == (36,)  # nothing of the program itself is asked
