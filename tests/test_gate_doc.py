"""What docs/gate.md shows is what comes out: its commands are typed in order, on its target."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from conformance.errors import Exit
from tests.conftest import TARGETS
from tests.typed import ROOT, typed

DOC = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
CODES = [2, 0, 0, 0, 0, 1, 0, 0, 0, 0]


def plain(text: str) -> str:
    """Without where lines end."""
    return " ".join(text.split())


def test_the_commands_of_the_document_do_what_it_shows(tmp_path: Path) -> None:
    shutil.copy(TARGETS / "base.py", tmp_path)
    codes = []
    for block in re.findall(r"```console\n(\$ .*?)```", DOC, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            done = typed(command, tmp_path)
            codes.append(done.returncode)
            for lines in shown.split("…\n"):
                assert plain(lines) in plain(done.stdout + done.stderr), done.stdout + done.stderr
    assert codes == CODES


def test_every_option_that_the_document_names_is_one_of_the_command_and_codes_are_all_told() -> None:
    usage = typed("conformance gate --help").stdout
    others = {"--benchmark-compare-fail"}
    assert {word for word in re.findall(r"--[a-z][a-z-]+", DOC) if word not in others} <= set(
        re.findall(r"--[a-z][a-z-]+", usage)
    )
    table = [int(code) for code in re.findall(r"^\| (\d) \|", DOC, re.MULTILINE)]
    assert table == [code.value for code in Exit]
