"""Whatever a target is called and says, every form of the report shows it as text and stays what it is."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from conformance.report.html import render_html
from conformance.report.jsonfile import read_json, to_json
from conformance.report.junit import render_junit
from conformance.report.markdown import as_code, as_command, escaped, in_cell, render_markdown
from conformance.report.mutation import MutantResult, MutationReport
from conformance.report.mutation_pages import render_html as render_mutants
from conformance.report.mutation_pages import render_markdown as render_mutants_markdown
from conformance.report.plots import accuracy_plot, speed_plot
from conformance.report.schema import Finding, Report, Skip
from conformance.report.terminal import Terminal, make_console, print_finding, summary, timing_table
from conformance.running.worker import Description
from tests.report.sample import report
from tests.targets.hostile_names import ALL, LONG

TEXTS = st.text(max_size=30) | st.text(alphabet="<>&\"'|\\`*_[]()#!~\n\x1b$ a/:@-+1.", max_size=20)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HARMLESS = {"p", "h1", "h2", "h3", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "em", "br", "pre"}


def named(text: str) -> Report:
    """The sample report with ``text`` in every place that a target fills."""
    made = report()
    right, wrong, absent = made.implementations
    finding = wrong.findings[0].model_copy(update=dict.fromkeys(("kind", "message", "known", "output", "command"), text))
    finding = Finding.model_validate(finding.model_dump() | {"inputs": {text: text}, "diagnosis": (text,)})
    said = {"name": text, "summary": text, "reason": text, "notes": (text,), "not_claimed": (text,), "versions": {text: text}}
    skip = Skip(operator="conv2d", reason=text, count=1, example=text)
    implementations = (
        type(right).model_validate({**right.model_dump(), **said}),
        type(wrong).model_validate({**wrong.model_dump(), **said, "findings": (finding,), "skips": (skip,)}),
        type(absent).model_validate({**absent.model_dump(), **said}),
    )
    timings = [{**one.model_dump(), "implementation": text, "workload": text, "reason": text} for one in made.timings]
    return Report.model_validate({**made.model_dump(), "title": text, "command": text, "implementations": implementations,
                                  "timings": timings})  # fmt: skip


class Elements(HTMLParser):
    """The tags and attributes' names of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def without_plots(made: Report) -> Report:
    return made.model_copy(
        update={"timings": (), "implementations": tuple(i.model_copy(update={"accuracy": ()}) for i in made.implementations)}
    )


@pytest.fixture(scope="module")
def plain_tags() -> list[tuple[str, tuple[str, ...]]]:
    return Elements(render_html(without_plots(named("x")))).tags


@settings(max_examples=30)
@given(TEXTS)
@example(ALL)
@example("</style></title></script><!--")
def test_a_page_has_the_elements_of_its_template_and_no_others(plain_tags: list[tuple[str, tuple[str, ...]]], text: str) -> None:
    seen = Elements(render_html(without_plots(named(text)))).tags
    kept = [tag for tag in seen if tag[0] in {name for name, _ in plain_tags}]
    assert seen == kept
    assert {names for _, names in seen} <= {names for _, names in plain_tags}
    assert sum(tag == "script" for tag, _ in seen) == 1


@pytest.mark.parametrize("text", [ALL, "a<b>&'\"", "{{ 7 }}", "datum.x", "[1]"])
def test_a_name_in_a_plot_is_text(text: str) -> None:
    for plot in (accuracy_plot(named(text)), speed_plot(named(text))):
        root = ET.fromstring(plot)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "g", "path", "text", "line", "rect", "defs", "clipPath", "style"}
        assert not any(name.startswith("on") or "href" in name for element in root.iter() for name in element.attrib)


@settings(max_examples=60)
@given(TEXTS)
@example(ALL)
def test_junit_is_xml_whatever_is_said(text: str) -> None:
    root = ET.fromstring(render_junit(named(text)))
    assert len(root.findall("testsuite")) == 3


@settings(max_examples=60)
@given(TEXTS)
@example(ALL)
@example("a\\|b\\\\|c\\")
def test_markdown_has_no_elements_of_a_target_s_and_keeps_its_tables(text: str) -> None:
    rendered = MARKDOWN.render(render_markdown(named(text)))
    assert {tag for tag, _ in Elements(rendered).tags} <= HARMLESS
    for table in re.findall(r"<table>.*?</table>", rendered, re.DOTALL):
        widths = [len(re.findall(r"<t[hd]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
        assert len(set(widths)) == 1
    assert rendered.count("<table>") == MARKDOWN.render(render_markdown(named("x"))).count("<table>")


@given(TEXTS.filter(lambda text: text.strip() == text and text))
@example("a\\|b")
@example("`")
def test_what_is_shown_as_code_or_escaped_reads_as_it_stood(text: str) -> None:
    text = " ".join(text.split())
    if not text.isprintable() or not text:
        return
    assert Elements(MARKDOWN.render(as_code(text))).text.strip() == text
    assert Elements(MARKDOWN.render(f"| a |\n|---|\n| {in_cell(text)} |\n")).text.split("\n", 9)[-1].strip() or True
    cell = Elements(re.findall(r"<td>(.*?)</td>", MARKDOWN.render(f"| a |\n|---|\n| {in_cell(text)} |\n"), re.DOTALL)[0])
    assert cell.text.strip() == text
    assert Elements(MARKDOWN.render(f"x{escaped(text)}")).text.strip() == f"x{text}"


def test_a_command_of_several_lines_is_a_block_that_can_be_copied() -> None:
    command = "conformance case 'conv2d' --on 'a\n```\nb.py:conv2d'"
    rendered = MARKDOWN.render(f"- repeat with: {as_command(command)}")
    assert Elements(re.findall(r"<pre>.*</pre>", rendered, re.DOTALL)[0]).text == command + "\n"


def test_json_reads_back_what_was_hostile(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(to_json(named(LONG)), encoding="utf-8")
    assert read_json(file) == named(LONG)
    assert file.stat().st_size < 2_000_000


@settings(max_examples=60)
@given(TEXTS)
@example(ALL)
def test_a_terminal_gets_no_escape_sequence_but_the_harness_s_own(text: str) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100, markup=False, emoji=False)
    made = named(text)
    for one in made.implementations:
        console.print(summary(one, verbose=True))
        for finding in one.findings:
            print_finding(console, finding)
    console.print(timing_table(made.timings))
    assert all(line.isprintable() for line in console.file.getvalue().split("\n"))  # type: ignore[attr-defined]


def test_markup_in_a_name_is_text_in_the_progress_and_in_every_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    console = make_console()
    name = "[red]x[/] :warning: [/nothing]"
    with Terminal(console) as terminal:
        shown = terminal.listener()
        shown.began(Description(name, "", {}), 10)
        terminal.progress.refresh()
        shown.ended()
    console.print(name)
    assert capsys.readouterr().out.count(name) >= 2


def mutants(text: str) -> MutationReport:
    one = MutantResult(name=text, target=text, operators=(text,), category=text, bug=text, shows=text, source=text, fate="killed",
                       check=text, diagnosis=text)  # fmt: skip
    lived = one.model_copy(update={"fate": "survived", "missed": (text,)})
    absent = one.model_copy(update={"fate": "not run", "reason": text})
    return MutationReport(command=text, started="2026", seconds=1, seed=0, profile="quick", expected=3,
                          environment=report().environment, mutants=(one, lived, absent))  # fmt: skip


@settings(max_examples=30)
@given(TEXTS)
@example(ALL)
def test_what_a_mutant_says_is_text_on_its_pages(text: str) -> None:
    known = {tag for tag, _ in Elements(render_mutants(mutants("x"))).tags}
    assert {tag for tag, _ in Elements(render_mutants(mutants(text))).tags} <= known
    rendered = MARKDOWN.render(render_mutants_markdown(mutants(text)))
    assert {tag for tag, _ in Elements(rendered).tags} <= HARMLESS


INJECTED = """<script>document.title = "owned"</script><img src="x" onerror="document.title = 'owned'">
<iframe srcdoc="<script>parent.document.title = 'owned'</script>"></iframe><base href="https://example.org/"></body>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_browser_runs_the_page_s_own_script_and_nothing_that_is_put_into_it(tmp_path: Path) -> None:
    seen = {}
    for name, text in (("hostile", ALL), ("injected", "x"), ("unguarded", "x")):
        page = render_html(named(text))
        if name != "hostile":  # as if escaping had failed
            page = page.replace("</body>", INJECTED)
        if name == "unguarded":
            page = re.sub(r"<meta http-equiv=.*?>\n", "", page)
        file = tmp_path / f"{name}.html"
        file.write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                   "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
                   "--virtual-time-budget=5000", "--dump-dom"]  # fmt: skip
        done = subprocess.run(["chromium", *options, file.as_uri()], capture_output=True, text=True, timeout=120, check=False)
        seen[name] = done.stdout
    for name, page in seen.items():
        assert "dt-container" in page, f"the tables of {name} are not sortable"
        assert ("<title>owned</title>" in page) == (name == "unguarded")
