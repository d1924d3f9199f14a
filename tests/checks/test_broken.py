"""Every broken function is found out. A survivor is a hole in the suite, not in this list."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.checks.broken import BASE, BROKEN, Broken
from tests.conftest import TARGETS, Check


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.category}: {broken.bug}")
def test_a_broken_function_is_not_conformant(check: Check, tmp_path: Path, broken: Broken) -> None:
    ast.parse(broken.source)
    file = tmp_path / "broken.py"
    file.write_text(broken.source, encoding="utf-8")
    result = check(f"{file}:{broken.function}", profile="quick")
    assert result.status == "nonconformant", broken.bug
    assert result.findings


@pytest.mark.parametrize("function", ["conv2d", "max_pool2d", "avg_pool2d"])
def test_what_they_are_made_from_is_conformant(check: Check, function: str) -> None:
    result = check(f"{TARGETS / 'base.py'}:{function}", profile="quick")
    assert result.status == "conformant", result.findings


def test_there_are_enough_of_every_kind() -> None:
    counts = Counter(broken.category for broken in BROKEN)
    assert len(BROKEN) >= 40
    assert all(counts[name] >= 3 for name in ("index", "groups", "bias", "tails", "types", "special values", "strided views"))
    assert len({broken.source for broken in BROKEN} | {BASE}) == len(BROKEN) + 1
