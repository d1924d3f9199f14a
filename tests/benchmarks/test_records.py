"""What keeping and showing outcomes costs: the journal and the report. Run by ``tox run -e bench``, never asserted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.report.html import render_html
from conformance.report.jsonfile import parse_report, to_json
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown
from conformance.report.schema import Report
from conformance.running.journal import begin_journal, resume_journal
from conformance.running.journal_file import read_journal
from conformance.running.journal_lines import Came
from tests.conftest import TARGETS
from tests.report.sample import report
from tests.running.journals import lines, recorded, settings

TARGET = f"{TARGETS / 'base.py'}:conv2d"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a finished run of some hundred cases."""
    path = tmp_path_factory.mktemp("journal") / "run.jsonl"
    recorded(path, settings(TARGET))
    return path


def test_appending_an_outcome_to_a_journal(benchmark: Any, journal: Path, tmp_path: Path) -> None:
    outcomes = itertools.cycle([line for line in lines(journal) if isinstance(line, Came)])
    with begin_journal(tmp_path / "new.jsonl", "check", settings(TARGET)) as new:
        benchmark(lambda: new.append(next(outcomes)))


def test_reading_a_journal(benchmark: Any, journal: Path) -> None:
    benchmark(read_journal, journal)
    benchmark.extra_info["lines"] = len(lines(journal))


def test_opening_a_journal_to_go_on_with_it(benchmark: Any, journal: Path) -> None:
    def opened() -> None:
        with resume_journal(journal, "check"):
            pass

    benchmark(opened)


@pytest.mark.parametrize("form", [render_html, render_markdown, render_junit, to_json], ids=lambda form: form.__name__)
def test_writing_a_report(benchmark: Any, form: Callable[[Report], str]) -> None:
    benchmark(form, report())


def test_reading_a_report(benchmark: Any) -> None:
    data = to_json(report()).encode("utf-8")
    benchmark(parse_report, data, "report.json")
