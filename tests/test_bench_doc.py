"""What docs/bench.md shows is what comes out, figures apart."""

from __future__ import annotations

import re

import pytest

from tests.typed import ROOT, typed

DOC = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
STEPS = [part.partition("\n") for block in re.findall(r"```console\n\$ (.*?)```", DOC, re.DOTALL) for part in [block]]


@pytest.mark.parametrize(("command", "shown"), [(command, shown) for command, _, shown in STEPS], ids=["first", "scale"])
def test_the_commands_of_the_document_do_what_it_shows(command: str, shown: str) -> None:
    done = typed(command)
    assert done.returncode == 0, done.stdout + done.stderr
    for lines in shown.split("…\n"):
        assert " ".join(lines.split()) in " ".join(done.stdout.split())


def test_every_option_of_the_command_is_in_the_document() -> None:
    help_text = typed("conformance bench --help").stdout
    options = set(re.findall(r"^  (--[a-z-]+)", help_text, re.MULTILINE)) - {
        "--operator",
        "--arrays",
        "--claim",
        "--claims",
        "--no-claim",
    }
    assert options
    assert {option for option in options if f"`{option}" not in DOC} == set()
