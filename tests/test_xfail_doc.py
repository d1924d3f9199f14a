"""What docs/xfail.md shows is what comes out: its commands are typed in order, with its file and its target."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from conformance.running.xfail_file import parse_xfail
from tests.conftest import TARGETS
from tests.typed import ROOT, typed, without_pace

DOC = (ROOT / "docs" / "xfail.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```(console|toml)\n(.*?)```", DOC, re.DOTALL)
(FILE,) = [text for language, text in STEPS if language == "toml"]
KEYS = re.findall(r"^\| `(\w+)` \|", DOC, re.MULTILINE)


def test_the_commands_of_the_document_do_what_it_shows(tmp_path: Path) -> None:
    shutil.copy(TARGETS / "half_done.py", tmp_path)
    codes = []
    for language, text in STEPS:
        if language == "toml":
            (tmp_path / "xfail.toml").write_text(text, encoding="utf-8")
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            done = typed(command, tmp_path)
            codes.append(done.returncode)
            for lines in shown.split("…\n"):
                assert without_pace(lines) in without_pace(done.stdout), done.stdout + done.stderr
    assert codes == [1, 0, 0, 0, 1]


def test_the_function_that_the_document_shows_is_the_one_that_is_checked() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    assert code in (TARGETS / "half_done.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_the_document_is_read(key: str) -> None:
    value = {"operator": "conv2d", "check": "exact", "link": "https://a.b", "profile": "standard"}.get(key, "a")
    keys = {"kind": "raised", "reason": "b", key: value}
    (entry,) = parse_xfail("\n".join(["[[xfail]]", *(f'{name} = "{text}"' for name, text in keys.items())]), "x.toml").entries
    assert getattr(entry, key) == value


def test_the_document_has_all_keys() -> None:
    assert sorted(KEYS) == ["case", "check", "implementation", "kind", "link", "operator", "profile", "reason"]
