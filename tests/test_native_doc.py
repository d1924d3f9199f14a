"""Every command of docs/native.md is run in the order in which it stands there, and the output that is shown comes out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from conformance.plugin.claims import OPTIONS
from conformance.plugin.said import read_said
from conformance.problem import FORMATS
from tests.targets.native import HERE
from tests.typed import ROOT, typed, without_pace

DOC = (ROOT / "docs" / "native.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", DOC, re.DOTALL)
COMMANDS = [command for block in BLOCKS for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE)]


def shown(block: str) -> list[tuple[str, list[str]]]:
    """Each command of a block with the lines that stand below it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(part.splitlines()[0], [line for line in part.splitlines()[1:] if line != "…"]) for part in parts]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_commands_of_the_document_do_what_it_shows(number: int, tmp_path: Path) -> None:
    for compiler in ("bash", "cc", "c++", "rustc", "zig"):
        if re.search(rf"\b{re.escape(compiler)} ", BLOCKS[number] + "bash ") and shutil.which(compiler) is None:
            pytest.skip(f"{compiler} is not installed")
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    if "-o libconv.so" not in BLOCKS[number] and "./libconv.so" in BLOCKS[number]:  # built in the block before
        typed(COMMANDS[0], tmp_path)
    for command, lines in shown(BLOCKS[number]):
        done = typed(command, tmp_path)
        assert done.returncode == ("check ./libwrong.so" in command), done.stdout + done.stderr
        printed = without_pace(done.stdout)
        for line in lines:
            assert without_pace(line) in printed


def test_the_document_shows_its_commands() -> None:
    assert len(COMMANDS) >= 12
    assert sum("conformance check" in command for command in COMMANDS) >= 5


def test_the_library_that_the_document_shows_is_the_one_that_is_tested() -> None:
    (code,) = re.findall(r"```c\n(.*?)```", DOC, re.DOTALL)
    assert code == (HERE / "plain.c").read_text(encoding="utf-8")


def test_the_claims_that_the_document_shows_are_understood() -> None:
    (text,) = re.findall(r"```text\n(.*?)```", DOC, re.DOTALL)
    assert [line.operators[0] for line in read_said(text)] == ["conv2d", "max_pool2d", "conv3d"]


@pytest.mark.parametrize("word", [*OPTIONS, *FORMATS])
def test_every_word_of_claims_is_in_the_document(word: str) -> None:
    assert re.search(rf"\b{word}\b", DOC)
