"""Every form of the report says the same, escapes what comes from targets, and needs nothing from outside."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from conformance.errors import UsageError
from conformance.report.html import render_html
from conformance.report.jsonfile import read_json, to_json
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown
from conformance.report.terminal import print_finding
from conformance.report.view import duration, share, verdict
from conformance.report.write import write_report
from tests.report.sample import report


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(report())


def test_the_page_loads_nothing_from_the_network(page: str) -> None:
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.search(r"@import|url\(\s*['\"]?https?:", page)


def test_what_comes_from_a_target_is_escaped(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_says_what_the_cases_could_show(page: str) -> None:
    row = page[page.index("What the cases of integers could show") :]
    for words in ("99.99 %", "75 %", "100 %", "0.25", "0.000488"):
        assert f'<td class="num">{words}</td>' in row


def test_a_share_is_whole_only_if_nothing_is_missing() -> None:
    assert [share(*pair) for pair in ((0, 0), (1, 3), (99_999, 100_000), (5, 5))] == ["–", "33.33 %", "99.99 %", "100 %"]


def test_the_page_says_who_is_right_accurate_and_fast(page: str) -> None:
    for words in ("Who is right", "Who is accurate", "Who is fast", "1 of 2 implementations conformant", "no CUDA device found",
                  "would take about 44 s", "FASTER", "<svg", "conformance case"):  # fmt: skip
        assert words in page


def test_the_diagnosis_is_said_first_in_every_form(page: str) -> None:
    said, then = "The kernel is flipped", "wrong value"
    junit = ET.fromstring(render_junit(report())).find(".//failure")
    assert junit is not None
    for text in (page, render_markdown(report()), junit.text or "", printed()):
        assert -1 < text.index(said) < text.index(then)


def test_the_receptive_field_is_drawn_with_its_legend(page: str) -> None:
    assert page.count('<table class="field">') == 1
    for style in ("read", "more", "other", "less"):
        assert f'<td class="{style}">' in page
    for text in (page, printed()):
        assert "not read, but should be" in text
        assert "input channel 2" in text
    assert "# + .\n" in printed()


def printed() -> str:
    console = Console(file=io.StringIO(), width=140)
    print_finding(console, report().findings[0][1])
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_report_without_timings_or_accuracy_is_a_page_too() -> None:
    bare = report().model_copy(update={"timings": (), "implementations": report().implementations[1:]})
    page = render_html(bare)
    assert "Who is fast" not in page
    assert "Who is accurate" not in page


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_browser_makes_the_tables_sortable(page: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
               "--virtual-time-budget=5000", "--dump-dom"]  # fmt: skip
    found = subprocess.run(["chromium", *options, file.as_uri()], capture_output=True, text=True, timeout=120, check=False)
    assert "dt-container" in found.stdout


def test_markdown_keeps_its_tables_whatever_a_name_holds() -> None:
    text = render_markdown(report())
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert any("naive" in line for line in tables)
    header, *rows = [line for line in tables if "conv2d" in line or "alert" in line][:1] + [
        line for line in tables if "alert" in line
    ][:1]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", header)) for row in rows)


def test_junit_counts_what_failed_and_what_was_skipped() -> None:
    root = ET.fromstring(render_junit(report()))
    right, wrong, absent = root.findall("testsuite")
    assert (right.get("failures"), right.get("skipped")) == ("0", "1")
    assert wrong.get("failures") == "1"
    assert "repeat with" in (wrong.find(".//failure").text or "")  # type: ignore[union-attr]
    assert absent.get("skipped") == "1"


def test_json_reads_back_to_the_same_report(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(to_json(report()), encoding="utf-8")
    assert read_json(file) == report()


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read"), ("{", "is no report"), ("[1]", "is no report"), ('{"schema_version": 99}', "version 99"),
     ('{"schema_version": 1}', "Field required")],
)  # fmt: skip
def test_what_is_no_report_is_told(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "report.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        read_json(file)


def test_files_are_written_whole_and_folders_made(tmp_path: Path) -> None:
    write_report(report(), markdown=tmp_path / "a" / "b.md", junit=tmp_path / "a" / "b.xml")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b.md", "b.xml"]


def test_a_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(report(), markdown=tmp_path)


def test_the_verdict_counts_what_is_here() -> None:
    assert verdict(report()) == "1 of 2 implementations conformant, 1 finding; 1 not available here."


@pytest.mark.parametrize(("value", "text"), [(1.5, "1.5 s"), (0.00123, "1.23 ms"), (2e-6, "2 µs"), (3e-9, "3 ns"), (None, "–")])
def test_durations_have_the_unit_that_people_read(value: float | None, text: str) -> None:
    assert duration(value) == text
