"""What docs/asked.md says can be typed, and does what it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.conftest import TARGETS
from tests.typed import ROOT, typed

DOC = (ROOT / "docs" / "asked.md").read_text(encoding="utf-8")
PARTS = [
    part
    for block in re.findall(r"```console\n(.*?)```", DOC, re.DOTALL)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]


def test_the_commands_of_the_document_do_what_it_shows(tmp_path: Path) -> None:
    shutil.copy(TARGETS / "fast_path.py", tmp_path / "ops.py")
    codes = []
    for part in PARTS:
        command, *shown = part.splitlines()
        done = typed(command, tmp_path)
        assert "Traceback" not in done.stderr
        codes.append(done.returncode)
        for line in shown:
            assert line.rstrip(" …") in done.stdout, done.stdout + done.stderr
    assert codes == [1, 1, 0, 0]


def test_the_function_that_the_document_shows_is_the_one_that_is_checked() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    assert code in (TARGETS / "fast_path.py").read_text(encoding="utf-8")
