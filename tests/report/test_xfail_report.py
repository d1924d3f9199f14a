"""Known failures and stale entries are told in every form of the report, and what they hold is shown as text."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from conformance.report.html import render_html
from conformance.report.jsonfile import read_json, to_json
from conformance.report.junit import render_junit
from conformance.report.markdown import render_markdown
from conformance.report.schema import ExpectedFailure, Report, Tally, UnmetEntry
from conformance.report.terminal import print_unmet, summary
from conformance.report.view import cell, verdict
from conformance.report.xfail import not_judged
from tests.report.sample import NASTY, report

LINK = "https://example.org/issues/7"
MET = ExpectedFailure(
    file="x.toml", first=3, last=8, covers=f'operator = "conv2d", kind = "{NASTY}"', reason=f"not there yet {NASTY}", link=LINK,
    count=12, example=f"conv2d f16 {NASTY}",
)  # fmt: skip
STALE = UnmetEntry(
    file="x.toml", first=10, last=14, covers=f'case = "{NASTY}"', reason=f"was wrong once {NASTY}", link=LINK, stale=True,
    because="all 9 cases that it is about pass",
)  # fmt: skip
OPEN = STALE.model_copy(update={"first": 16, "last": 16, "stale": False, "because": "conv3d was not run"})


def known(link: str = LINK, unmet: tuple[UnmetEntry, ...] = (STALE, OPEN)) -> Report:
    """The right implementation of the sample, with known failures."""
    right = report().implementations[0]
    tallies = (right.tallies[0].model_copy(update={"xfailed": 12}), *right.tallies[1:])
    met = MET.model_copy(update={"link": link})
    right = right.model_copy(update={"tallies": tallies, "expected": (met,)})
    return report().model_copy(update={"implementations": (right,), "timings": (), "unmet": unmet})


def printed(*what: object) -> str:
    console = Console(file=io.StringIO(), width=400)
    for one in what:
        console.print(one)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_verdict_names_known_failures_and_stale_entries() -> None:
    assert verdict(known(unmet=())) == "1 of 1 implementation conformant but for 12 known failures (1 entry of x.toml)."
    assert verdict(known()).endswith("12 known failures (1 entry of x.toml), 1 stale entry of x.toml.")


def test_the_terminal_counts_known_failures_apart_and_stays_conformant() -> None:
    text = printed(summary(known().implementations[0], verbose=False))
    assert "100 ✓ 12 known" in text
    assert "CONFORMANT: naive: 119 cases" in text
    assert "but for 12 known failures (1 entry of x.toml)" in text


def test_an_operator_of_which_nothing_else_came_out_is_not_shown_as_passed() -> None:
    one = known().implementations[0]
    alone = one.model_copy(update={"tallies": (Tally(operator="conv2d", check="exact", xfailed=12),)})
    assert cell(alone, "conv2d").symbol == "✗"
    assert "12 known" in printed(summary(alone, verbose=False))
    case = ET.fromstring(render_junit(known().model_copy(update={"implementations": (alone,)}))).find(
        ".//testcase[@name='exact']"
    )
    assert case is not None
    assert case.find("skipped").get("type") == "pytest.xfail"  # type: ignore[union-attr]


def test_the_terminal_says_which_lines_to_delete_and_why_others_are_not_judged() -> None:
    console = Console(file=io.StringIO(), width=400)
    print_unmet(console, (STALE, OPEN))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "✗ x.toml:10: stale: all 9 cases that it is about pass"
    assert "    delete         lines 10 to 14 of x.toml" in lines
    assert any("was wrong once" in line for line in lines)
    assert lines[-1] == "1 entry of x.toml not judged (line 16): conv3d was not run"


def test_entries_that_are_not_judged_for_one_reason_share_a_line() -> None:
    many = [OPEN.model_copy(update={"first": line}) for line in range(1, 20)]
    other = OPEN.model_copy(update={"because": "the profile is brief"})
    assert not_judged([STALE, *many, other]) == [
        "19 entries of x.toml not judged (lines 1, 2, 3, 4, 5, 6, 7, 8, …): conv3d was not run",
        "1 entry of x.toml not judged (line 16): the profile is brief",
    ]


def test_junit_has_known_failures_as_xfails_and_stale_entries_as_failures() -> None:
    right, file = ET.fromstring(render_junit(known())).findall("testsuite")
    skipped = right.find(".//testcase[@classname='naive.known']/skipped")
    assert skipped is not None
    assert skipped.get("type") == "pytest.xfail"
    assert (skipped.get("message") or "").startswith("not there yet")
    assert right.get("failures") == "0"
    assert (file.get("name"), file.get("failures"), file.get("skipped")) == ("x.toml", "1", "1")
    failure = file.find(".//failure")
    assert failure is not None
    assert "delete lines 10 to 14 of x.toml" in (failure.get("message") or "")


@pytest.mark.parametrize("render", [render_html, render_markdown, to_json])
def test_every_form_has_the_entry_its_count_an_example_its_reason_and_its_link(render: object) -> None:
    text = render(known())  # type: ignore[operator]
    for words in ("x.toml", "12", "conv2d f16", "not there yet", LINK, "was wrong once", "conv3d was not run"):
        assert words in text


def test_the_page_shows_what_an_entry_holds_as_text_and_links_to_the_web_alone() -> None:
    page = render_html(known())
    assert "<script>alert" not in page
    assert f'<a href="{LINK}" rel="noopener noreferrer">{LINK}</a>' in page
    assert "lines 10 to 14 of x.toml" in page
    assert '<p class="verdict bad">' in page
    assert '<p class="verdict good">' in render_html(known(unmet=(OPEN,)))
    assert '"onclick' not in render_html(known(link='https://a"onclick="x'))


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", " https://a", "https://", "//a", "https://a b"])
def test_what_leads_elsewhere_than_to_the_web_is_no_link(link: str) -> None:
    page, text = render_html(known(link=link, unmet=())), render_markdown(known(link=link, unmet=()))
    assert "<a href" not in page[page.index("<h2>Known failures") :]
    assert f"<{link}" not in text


def test_markdown_keeps_its_table_whatever_an_entry_holds() -> None:
    text = render_markdown(known(link="https://a/b|c>d`e"))
    rows = [line for line in text[text.index("## Known failures") :].splitlines() if line.startswith("|")][:3]
    assert len({len(line.replace("\\|", "").split("|")) for line in rows}) == 1
    assert "<https://a/b%7Cc%3Ed%60e>" in rows[2]


def test_a_page_without_known_failures_says_nothing_of_them() -> None:
    assert "Known failures" not in render_html(report())
    assert "Known failures" not in render_markdown(report())


def test_known_failures_read_back_and_reports_from_before_there_were_any_are_read(tmp_path: object) -> None:
    file = tmp_path / "report.json"  # type: ignore[operator]
    file.write_text(to_json(known()), encoding="utf-8")
    assert read_json(file) == known()
    before = report().model_dump_json(exclude_defaults=True)
    assert "xfailed" not in before
    file.write_text(before.replace('{"title"', '{"schema_version":1,"title"', 1), encoding="utf-8")
    assert read_json(file) == report()
