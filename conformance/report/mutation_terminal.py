"""What people see of ``conformance mutants``: how far it is, a line for each mutant, the survivors, and the score."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from conformance.plain import quoted
from conformance.report.mutation import MutantResult, MutationReport, Score, power_curve, scores, with_fate
from conformance.report.view import duration

WHAT_TO_DO = (
    "A survivor either has no bug that a caller can see (compare it with the correct one on the conditions above), or it shows a "
    "hole in the suite: then add the case or the check that kills it, and never a special case for it alone."
)
SIGNS = {"rightly": "✓ ", "otherwise": "≠ ", "not named": "", "": ""}
"""Before a diagnosis: whether it names the cause that is declared."""
LEGEND = "✓ names the cause that is declared, ≠ says something else; without a sign none is declared, or none was found."
_LOG_EVERY = 15.0  # seconds between lines of progress in a log


class MutantProgress:
    """On a terminal a bar with an estimate of what is left, in a log a plain line now and then."""

    def __init__(self, console: Console, expected: int) -> None:
        self.console, self.expected = console, expected
        self.done = self.survivors = 0
        self.began = self.said = time.monotonic()
        self.progress = Progress(
            TextColumn("mutants"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[survivors]}"), console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self.task = self.progress.add_task("mutants", total=expected, survivors="")

    def __enter__(self) -> MutantProgress:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def came(self, result: MutantResult) -> None:
        self.done += 1
        self.survivors += result.fate == "survived"
        self.progress.update(
            self.task, completed=self.done, survivors=f"[red]{self.survivors} survived" if self.survivors else ""
        )
        if not self.console.is_terminal and time.monotonic() - self.said > _LOG_EVERY:
            self.said = time.monotonic()
            left = (self.said - self.began) / self.done * (self.expected - self.done)
            self.console.print(f"{self.done} of {self.expected} mutants, {self.survivors} survived, about {left:.0f} s left")


def print_mutation(console: Console, report: MutationReport) -> None:
    """Everything: the killed sorted by the time it took, what was not run, the survivors, the score by category."""
    killed, survived = with_fate(report.mutants, "killed"), with_fate(report.mutants, "survived")
    if killed:
        console.print(killed_table(killed))
        console.print(Text(LEGEND, "dim"), soft_wrap=True)
    for one in with_fate(report.mutants, "not run"):
        console.print(Text(f"not run: {one.target}: {one.reason}", "yellow"), soft_wrap=True)
    for one in survived:
        print_survivor(console, one)
    if survived:
        console.print(Text(WHAT_TO_DO), soft_wrap=True)
    if report.mutants:
        console.print(score_table(scores(report.mutants)))
        for line in power_lines(report):
            console.print(Text(line), soft_wrap=True)
    console.print(summary(report), soft_wrap=True)


def killed_table(killed: list[MutantResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("name", no_wrap=True, overflow="fold")
    for name in ("category", "bug", "killed by"):
        table.add_column(name, overflow="fold")
    table.add_column("cases", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("diagnosed as", overflow="fold")
    for one in killed:
        told = Text.assemble(SIGNS[one.named], one.diagnosis)
        table.add_row(one.name, one.category, Text(one.bug), one.check, f"{one.cases}", f"{one.seconds:.3f}", told)
    return table


def print_survivor(console: Console, one: MutantResult) -> None:
    text = Text.assemble(("SURVIVED ", "bold red"), (one.target, "bold"), f" ({one.category})\n    bug            {one.bug}\n")
    facts = [
        ("shows with", one.shows),
        ("conformant in", ", ".join(one.missed)),
        ("public source", one.source),
        ("tried", f"{one.cases:,} cases in {one.seconds:.1f} s"),
    ]
    text.append("".join(f"    {name:<15}{value}\n" for name, value in facts if value))
    operators = "".join(f" --operator {name}" for name in one.operators)
    text.append(f"    run again with conformance check {quoted(one.target)}{operators} --profile standard", "cyan")
    console.print(text, soft_wrap=True)


def score_table(counted: list[Score]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("category", "killed", "score", "median", "worst time to the first failure", "named rightly"):
        table.add_column(name, justify="left" if name == "category" else "right")
    for score in counted:
        style = "" if score.killed == score.run else "red"
        counts = f"{score.killed} of {score.run}"
        table.add_row(
            score.category, counts, score.percent, duration(score.median), duration(score.worst), named(score), style=style
        )
    return table


def power_lines(report: MutationReport) -> list[str]:
    """The power curve: the share killed against the seconds spent, and against the number of cases."""
    of_seconds, of_cases = power_curve(report.mutants)
    if not of_seconds:
        return []
    seconds = ", ".join(f"{point.share:.1%} in {duration(point.within)}" for point in of_seconds)
    cases = ", ".join(f"{point.share:.1%} in {point.within:,.0f} cases" for point in of_cases)
    return [f"killed by time: {seconds}", f"killed by cases: {cases}"]


def named(score: Score) -> str:
    """How many have a diagnosis that names their cause."""
    return f"{score.named} of {score.nameable}" if score.nameable else "–"


def summary(report: MutationReport) -> Text:
    """The verdict in one line."""
    *_, total = scores(report.mutants)
    survivors = total.run - total.killed
    facts = f"{total.killed} of {total.run} mutants killed, {survivors} survived"
    if left_out := len(report.mutants) - total.run:
        facts += f", {left_out} not run"
    if total.median is not None:
        facts += f"; first failure after {duration(total.median)} (median), {duration(total.worst)} (worst)"
    if total.nameable:
        facts += f"; named rightly {total.named} of {total.nameable}, {100 * total.named // total.nameable} %"
    facts += f"; {report.seconds:.0f} s in all"
    if report.interrupted:
        facts += f". Interrupted: {report.expected - len(report.mutants)} were not tried; run the same command for all of them"
    word, style = ("SURVIVORS: ", "bold red") if survivors else ("ALL KILLED: ", "bold green")
    if report.interrupted or not total.run:
        word, style = (word, style) if survivors else ("NOT ALL TRIED: " if total.run else "NOTHING RUN: ", "bold yellow")
    return Text.assemble((word, style), facts)
