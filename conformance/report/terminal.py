"""What people see while it runs and when it is done, in a terminal or a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from conformance.problem import OPERATORS
from conformance.report import view, xfail
from conformance.report.schema import Finding, Implementation, Tally, UnmetEntry
from conformance.report.times import Timing
from conformance.report.view import duration, number, share
from conformance.running.outcome import Listener, Outcome
from conformance.running.worker import Description

_STYLE = {"conformant": "green", "nonconformant": "red"}
_WORDS = {"nonconformant": "NOT CONFORMANT"}
_MOST_UNVISITED = 8  # branches that are shown
_MOST_ROWS = 12
_LOG_EVERY = 15.0  # seconds between lines of progress in a log


class Terminal:
    """Shows runs while they go on: on a terminal a bar for each with an estimate of what is left, in a log plain lines."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[failed]}"), console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> Terminal:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def say(self, line: str) -> None:
        self.console.print(line)

    def listener(self, brief: bool = False) -> Listener:
        """Who shows one run here; ``brief`` leaves the findings to the report."""
        return _Shown(self, brief)


class _Shown:
    """One run on a terminal."""

    def __init__(self, terminal: Terminal, brief: bool) -> None:
        self.terminal, self.brief = terminal, brief
        self.name = ""
        self.task: TaskID | None = None
        self.done = self.failed = self.expected = 0
        self.said = time.monotonic()

    def began(self, description: Description, expected: int) -> None:
        self.name, self.expected = description.name, expected
        self.task = self.terminal.progress.add_task(self.name, total=expected, failed="")
        if not self.terminal.console.is_terminal:
            self.terminal.say(f"checking {self.name}: about {expected:,} cases")

    def came(self, outcome: Outcome) -> None:
        self.done += 1
        if outcome.failure is not None:
            self.failed += 1
            if self.failed == 1 and not self.brief:
                self.terminal.say(f"first failure after {self.done} cases, looking for the smallest one …")
        failed = f"[red]{self.failed} failed" if self.failed else ""
        if self.task is not None:
            total = max(self.expected, self.done)  # the estimate may be low
            self.terminal.progress.update(self.task, completed=self.done, total=total, failed=failed)
        if not self.terminal.console.is_terminal and time.monotonic() - self.said > _LOG_EVERY:
            self.said = time.monotonic()
            self.terminal.say(
                f"  {self.name}: {self.done:,} of about {max(self.expected, self.done):,} cases, {self.failed} failed"
            )

    def found(self, finding: Finding) -> None:
        if not self.brief:
            print_finding(self.terminal.console, finding)

    def ended(self) -> None:
        if self.task is not None:
            self.terminal.progress.remove_task(self.task)
            self.task = None


def make_console(stderr: bool = False) -> Console:
    """The console that the commands print to; what is not a terminal gets 140 columns and no colour.

    A text is printed as it stands: brackets and colons of a name are no markup.
    """
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else 140, soft_wrap=False, markup=False, emoji=False, highlight=False
    )


def print_finding(console: Console, finding: Finding) -> None:
    """A finding: what it is if that is known, what is wrong, the smallest case, the first difference, and what repeats it.

    Lines are left as long as they are: a command that is copied must not be broken.
    """
    said = f"{finding.kind}: {finding.message}"
    first, *others = (*finding.diagnosis, said)
    text = Text.assemble(("✗ ", "bold red"), (f"{finding.operator} {finding.check}", "bold"), f": {first}\n")
    text.append("".join(f"    {line}\n" for line in others))
    facts = [("known", finding.known)] if finding.known else []
    facts.append(("smallest case", finding.case))
    if finding.index is not None:
        facts.append(("first at", f"{list(finding.index)}: expected {finding.expected}, got {finding.actual}"))
    facts += finding.inputs.items()
    if finding.expected_grid is not None and finding.actual_grid is not None:
        facts += [("expected", finding.expected_grid), ("actual", finding.actual_grid)]
    if finding.field is not None:
        facts.append(("what is read", "\n".join(view.field_lines(finding.field))))
    if finding.fingerprint:
        facts.append(("fingerprint", finding.fingerprint))
    for stream, said in (("stdout", finding.output), ("stderr", finding.error_output)):
        if said.strip():
            facts.append((f"on {stream}", said.strip()[-500:]))
    for name, value in facts:
        first, *rest = value.splitlines() or [""]
        text.append("\n".join([f"    {name:<15}{first}", *(f"{'':<19}{line}" for line in rest), ""]))
    text.append(f"    repeat with    {finding.command}", "cyan")
    console.print(text, soft_wrap=True)


def print_unmet(console: Console, unmet: Sequence[UnmetEntry]) -> None:
    """Entries of the xfail file that nothing met: stale ones like findings, each with what to delete; the others in a line."""
    for entry in xfail.stale(unmet):
        text = Text.assemble(("✗ ", "bold red"), (xfail.place(entry), "bold"), f": stale: {entry.because}\n")
        facts = [("it covers", entry.covers), ("its reason", entry.reason), ("its link", xfail.link(entry))]
        text.append("".join(f"    {name:<15}{value}\n" for name, value in facts if value))
        text.append(f"    delete         {xfail.to_delete(entry)}", "cyan")
        console.print(text, soft_wrap=True)
    for line in xfail.not_judged(unmet):
        console.print(Text(line, "dim"), soft_wrap=True)


def summary(one: Implementation, verbose: bool) -> RenderableType:
    """The verdict of one implementation and the table behind it."""
    parts: list[RenderableType] = []
    if one.tallies:
        parts.append(tally_table(one, verbose))
    if verbose and one.power:
        parts.append(power_table(one))
    if verbose or one.status != "conformant":
        parts += [Text(f"note: {note}") for note in one.notes]
    skipped = sum(skip.count for skip in one.skips)
    if verbose:
        parts += [Text(f"known: {e.count} × {e.covers}: {e.reason} ({xfail.place(e)})") for e in one.expected]
        parts += [Text(f"skipped {s.count} of {s.operator}: {s.reason}") for s in one.skips]
        parts += [Text(f"not claimed: {line}") for line in one.not_claimed]
    elif skipped:
        parts.append(Text(f"skipped {skipped} cases ({'; '.join(dict.fromkeys(s.reason for s in one.skips))})", style="dim"))
    parts += [Text(line, "dim") for line in one.scope]
    if one.unvisited and (verbose or one.status == "conformant"):
        shown = one.unvisited if verbose else one.unvisited[:_MOST_UNVISITED]
        parts += [Text(f"never run: {line}", "yellow") for line in shown]
        if len(shown) < len(one.unvisited):
            parts.append(Text(f"never run: and {len(one.unvisited) - len(shown)} more (--verbose shows all)", "yellow"))
    parts += [Text(f"the harness itself failed: {line}", "bold yellow") for line in one.harness_failures]
    parts.append(_verdict(one))
    return Group(*parts)


def _verdict(one: Implementation) -> Text:
    style = f"bold {_STYLE.get(one.status, 'yellow')}"
    if one.status == "unavailable":
        return Text.assemble((f"NOT AVAILABLE: {one.name}: ", style), one.reason)
    cases = sum(t.passed + t.failed + t.errored + t.xfailed for t in one.tallies)
    elements = sum(t.elements for t in one.tallies)
    facts = f"{cases:,} cases, {elements:,} elements compared, {one.seconds:.1f} s"
    if one.findings:
        facts = f"{len(one.findings)} finding{'s' * (len(one.findings) != 1)} in {facts}"
    within = [row.used for row in one.accuracy if row.used <= 1]  # what is beyond is a known failure, and not hidden there
    if within and one.status == "conformant":
        facts += f"; largest error {max(within):.0%} of its bound"
    if known := xfail.known_failures([one]):
        facts += f"{', but for' if one.status == 'conformant' else '; beside'} {known}"
    if short := dict.fromkeys(row.accumulator for row in one.accuracy if row.accumulator):
        facts += f"; accumulates in {' and '.join(short)}"
    if one.reason:
        facts = f"{one.reason}; {facts}"
    if one.unvisited and one.status == "conformant":
        facts += f"; {len(one.unvisited)} branch{'es' * (len(one.unvisited) != 1)} of its source never taken"
    return Text.assemble((f"{_WORDS.get(one.status, one.status.upper())}: ", style), (one.name, "bold"), f": {facts}")


def tally_table(one: Implementation, verbose: bool) -> Table:
    """Cases by operator and check: how many passed, and how many did not. Many operators share a row with their gradients."""
    each = verbose or len({tally.operator for tally in one.tallies}) <= _MOST_ROWS
    checks = list(dict.fromkeys(tally.check for tally in one.tallies))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("operator" if each else "operator, all passes")
    for check in checks:
        table.add_column(check, justify="right")
    rows: dict[str, list[Tally]] = {}
    for tally in one.tallies:
        rows.setdefault(tally.operator if each else OPERATORS[tally.operator].base, []).append(tally)
    for operator in (name for name in OPERATORS if name in rows):
        table.add_row(operator, *(_cell([t for t in rows[operator] if t.check == check]) for check in checks))
    return table


def power_table(one: Implementation) -> Table:
    """What the cases of integers could show, operator by operator; the report's page says what the columns are."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("integers, zero tolerance")
    for column in ("cases", "elements", "seen", "pairs", "triples", "slips, worst", "median", "sparse"):
        table.add_column(column, justify="right")
    for p in one.power:
        parts = (p.elements - p.blind, p.elements), (p.pairs, p.pairs_possible), (p.triples, p.triples_possible)
        counts, chances = (f"{p.cases:,}", f"{p.elements:,}"), (number(p.slips), number(p.slips_median))
        table.add_row(p.operator, *counts, *(share(*pair) for pair in parts), *chances, f"{p.sparse:,}")
    return table


def _cell(tallies: Sequence[Tally]) -> Text:
    names = ("passed", "failed", "errored", "xfailed")
    passed, failed, errored, known = (sum(getattr(t, name) for t in tallies) for name in names)
    expected = (f" {known} known", "yellow") if known else ""
    if not passed and not failed and not errored:
        return Text.assemble(expected) if known else Text("–", "dim")
    if not failed and not errored:
        return Text.assemble((f"{passed} ✓", "green"), expected)
    words = [f"{failed} ✗" if failed else "", f"{errored} !" if errored else ""]
    return Text.assemble((f"{passed} ✓ ", "dim"), (" ".join(filter(None, words)), "red"), expected)


def time_spent(one: Implementation) -> str:
    """Where the time went: inside the implementation (its loading counted) and in the harness."""
    cases = max(1, sum(t.passed + t.failed + t.errored + t.xfailed for t in one.tallies))
    own = max(0.0, one.seconds - one.seconds_inside)
    text = (
        f"{one.name}: {one.seconds:.2f} s, of which {one.seconds_inside:.2f} s inside the implementation (loading counted) "
        f"and {own:.2f} s the harness's: {1000 * own / cases:.2f} ms a case, a share of {own / one.seconds:.0%}"
    )
    if one.seconds_to_first_finding is not None:
        text += f"; first failure after {one.seconds_to_first_finding:.3f} s of checking"
    return text


def timing_table(timings: Sequence[Timing]) -> Table:
    """Times side by side, one row a problem."""
    names = list(dict.fromkeys(timing.implementation for timing in timings))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("layer")
    for name in names:
        table.add_column(name, justify="right")
    rows: dict[str, dict[str, Timing]] = {}
    for timing in timings:
        rows.setdefault(timing.workload, {})[timing.implementation] = timing
    for workload, by_name in rows.items():
        table.add_row(workload, *(_time(by_name.get(name)) for name in names))
    return table


def _time(timing: Timing | None) -> Text:
    if timing is None or timing.seconds is None:
        return Text("–" if timing is None else "skipped", "dim")
    ratio = "" if timing.ratio is None or timing.verdict == "REFERENCE" else f" ({timing.ratio:.3g}×)"
    return Text(f"{duration(timing.seconds)}{ratio}")
