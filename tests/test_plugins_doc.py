"""Every command of docs/plugins.md is run where it stands, with the edits between, and says what is shown."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cli.skeletons import KINDS
from tests.cli.edits import edited
from tests.conftest import TARGETS
from tests.environments import OFFLINE, environment
from tests.typed import ROOT, typed

DOC = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
SECTIONS = DOC.split("\n## ")[1:]
_STEP = re.compile(
    r"<!-- edit (?P<file>\S+) -->\n```\w+\n(?P<body>(?:.*\n)*?)```"
    r"|<!-- edit (?P<again>\S+) like (?P<like>\S+) -->"
    r"|^\$ (?P<command>.*)\n(?P<shown>(?:(?!\$ |```).*\n)*)",
    re.MULTILINE,
)
_BODIES = {step["file"]: step["body"] for step in _STEP.finditer(DOC) if step["file"]}


def steps(section: str) -> Iterator[re.Match[str]]:
    """The edits and commands of a section, in their order."""
    return _STEP.finditer(section)


@pytest.mark.parametrize("section", SECTIONS, ids=[section.splitlines()[0] for section in SECTIONS])
def test_a_skeleton_becomes_an_implementation_as_the_document_shows(section: str, tmp_path: Path) -> None:
    for tool, sign in (("cc", "$ cc "), ("python3", "python3 ")):
        if sign in section and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if "nn.functional.conv2d(" in section:
        pytest.importorskip("torch")
    python: dict[str, str] = {}
    if "pip install" in section:
        python["python"] = environment(tmp_path / "environment")
        shutil.copytree(TARGETS / "example_package", tmp_path / "example_package")
    ran = 0
    for step in steps(section):
        if step["command"] is None:
            file = tmp_path / (step["file"] or step["again"])
            body = step["body"] or _BODIES[step["like"]]
            file.write_text(edited(file.read_text(encoding="utf-8"), body), encoding="utf-8")
            continue
        done = typed(step["command"].replace("pip install", f"pip install {' '.join(OFFLINE)}"), tmp_path, **python)
        assert done.returncode == ("✗" in step["shown"]), done.stdout + done.stderr
        for line in step["shown"].splitlines():
            assert line == "…" or line in done.stdout, done.stdout
        ran += 1
    assert ran >= 3


def test_the_document_shows_every_kind_and_each_edit_once() -> None:
    for kind in KINDS:
        assert re.search(rf"^\| `{kind}`", DOC, re.MULTILINE)
    assert list(_BODIES) == ["my_conv.py", "my_layer.py", "my_conv.c", "my_process.py"]
    assert len(SECTIONS) == 5
