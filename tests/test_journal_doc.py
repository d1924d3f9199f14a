"""Every command of docs/journal.md is run in the order in which it stands there, and the output that is shown comes out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from conformance.report.schema import Environment
from conformance.running.journal_lines import KINDS, Described, Settings
from conformance.running.journal_values import Array, Failed
from tests.conftest import TARGETS
from tests.test_native_doc import shown
from tests.typed import ROOT, typed

DOC = (ROOT / "docs" / "journal.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", DOC, re.DOTALL)


def test_the_commands_of_the_document_do_what_it_shows(tmp_path: Path) -> None:
    shutil.copy(TARGETS / "two_functions.py", tmp_path / "ops.py")
    commands = [pair for block in BLOCKS for pair in shown(block)]
    assert len(commands) >= 8
    for command, lines in commands:
        done = typed(command, tmp_path)
        refused = command.endswith("--resume damaged.jsonl")
        assert done.returncode == (2 if refused else 0), done.stdout + done.stderr
        for line in lines:
            pattern = ".*".join(map(re.escape, line.split("…")))
            assert re.search(f"^{pattern}$", done.stdout + done.stderr, re.MULTILINE), (line, done.stdout, done.stderr)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_of_a_line_is_in_the_document(kind: str) -> None:
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", DOC, re.MULTILINE)
    inside = {"header": (*Settings.model_fields, *Environment.model_fields), "target": (*Described.model_fields,)}
    for name in (*KINDS[kind].model_fields, *inside.get(kind, ())):
        assert f"`{name}`" in row


@pytest.mark.parametrize("name", sorted({*Failed.model_fields, *Array.model_fields}))
def test_every_field_of_a_failure_is_in_the_document(name: str) -> None:
    assert f"`{name}`" in DOC
