"""``conformance bench [TARGET…]``: how fast, on problems of real networks, with intervals and beside the machine's roofline."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from conformance.cli.bench_report import bench_report
from conformance.cli.options import Duration, WithTarget, make_target, target_options, write_files
from conformance.cli.self_test import run_self_test, self_test_options
from conformance.errors import Exit, UsageError
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.report.bench_terminal import print_bench
from conformance.report.environment import available_cores
from conformance.report.terminal import Terminal, make_console
from conformance.timing.bench import Bench, Plan, load
from conformance.timing.conditions import Conditions
from conformance.timing.growth import DIMENSIONS, grown
from conformance.timing.sittings import run
from conformance.timing.witness import MARGIN
from conformance.timing.workloads import passes_named, workloads

LEAST_BUDGET = 5.0
"""Seconds: loading a framework and measuring the roofline take about as long."""
_KEPT = 3.0  # seconds for starting, the last judging and ending, and more for the plots of a page
_FOR_THE_PAGE = 5.0


class Threads(click.ParamType):
    """Numbers of threads, such as 1,2."""

    name = "threads"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        numbers = str(value).split(",")
        if not all(re.fullmatch(r"[1-9]\d{0,3}", number.strip()) for number in numbers):
            self.fail(f"{value!r} are no numbers of threads: write for example 1 or 1,2", param, ctx)
        return tuple(dict.fromkeys(int(number) for number in numbers))


@click.command("bench", cls=WithTarget)
@click.argument("targets", nargs=-1, metavar="[TARGET...]")
@click.option(
    "--workload",
    "words",
    multiple=True,
    metavar="NAME",
    help="A network, a problem's text, or a file of problems (benchdnn's, too); may be given several times.",
)
@click.option(
    "--pass",
    "passes",
    default="forward",
    show_default=True,
    metavar="NAME,...",
    help="Of the problems: forward, input_grad, weight_grad, ...",
)
@click.option("--batch", type=int, metavar="N", help="Give every problem this batch.")
@click.option("--dtype", metavar="NAME", help="Give every problem this data type.")
@click.option("--budget", type=Duration(), default="120s", show_default=True, metavar="TIME", help="The command ends within it.")
@click.option("--threads", type=Threads(), metavar="N,...", help="Numbers of threads to measure with (default: 1).")
@click.option("--reference", metavar="NAME", help="Quote times relative to this one (default: torch-cpu if it is there).")
@click.option(
    "--margin",
    type=click.FloatRange(0.001, 1.0),
    default=MARGIN,
    show_default=True,
    metavar="SHARE",
    help="Times that differ by less are called the same.",
)
@click.option("--cold", is_flag=True, help="Empty the caches before each call.")
@click.option(
    "--scale", type=click.Choice(list(DIMENSIONS)), help="Vary this dimension of each problem, and see how time grows with work."
)
@click.option("--operator", "operators", multiple=True, metavar="NAME", help="Only problems of this operator.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the order in which is measured.")
@click.option(
    "--json",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the results as JSON; - for standard output.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report with its plots as one HTML page.",
)
@self_test_options
@target_options
def command(
    targets: tuple[str, ...], words: tuple[str, ...], passes: str, batch: int | None, dtype: str | None, budget: float,
    threads: tuple[int, ...] | None, reference: str | None, margin: float, cold: bool, scale: str | None,
    operators: tuple[str, ...], seed: int, json: str | None, html: Path | None, self_test: bool, trials: int, busy: int,
    arrays: str | None, claim: tuple[str, ...], no_claim: tuple[str, ...],
) -> int:  # fmt: skip
    """Measure how fast implementations are: all registered ones, or those given (see conformance check).

    Each output that was timed is judged: what is wrong gets no time. Measuring a problem ends when the intervals of all
    ratios are narrow enough, or its share of the budget is spent.

    \b
    Examples:
      conformance bench
      conformance bench numpy-gemm torch-cpu --workload resnet50 --budget 120s --threads 1,2 --html bench.html
      conformance bench path/to/file.py:conv2d numpy-gemm --workload 'conv2d n8 c16 i28x28 o32 k3x3 p1x1'
      conformance bench torch-cpu --workload 'conv2d c16 i56x56 o16 k3x3 p1x1' --scale channels
      conformance bench --self-test
    """
    if self_test:
        return run_self_test(trials, busy, json, seed, margin)
    began = time.monotonic()
    if budget < LEAST_BUDGET:
        raise UsageError(f"--budget {budget:g}s is too small to measure anything", hint=f"give at least {LEAST_BUDGET:g}s")
    conditions = [Conditions(number, cold) for number in _threads(threads)]
    named = {name: make_target(text, operators, arrays, claim, no_claim) for name, text in _named(targets or registered_names())}
    problems = workloads(words, passes_named(passes), batch, dtype)
    problems = [one for one in problems if not operators or one.case.problem.operator in operators]
    if not problems:
        raise UsageError("no problem is left", hint=f"none of those chosen is of the operator {' or '.join(operators)}")
    if scale:
        problems = [larger for one in problems for larger in grown(one, scale)]
    console, bench = make_console(stderr=json == "-"), Bench()
    if available_cores() == 1:
        console.print("one core only: everything else that runs here disturbs the times, so expect wide intervals")
    with ExitStack() as stack:
        terminal = stack.enter_context(Terminal(console))
        try:
            terminal.say(f"loading {', '.join(named)}")
            load(bench, stack, named, conditions)
            base = _reference(reference, bench, named)
            kept = _KEPT + (_FOR_THE_PAGE if html else 0.0)
            plan = Plan(problems, conditions, base, budget - min(kept, budget / 5), margin, seed, began)
            if bench.contestants:
                run(bench, plan, stack, _progress(terminal))
        except KeyboardInterrupt:
            bench.interrupted = True
    report = bench_report(bench, margin, began, seed, budget, scale)
    print_bench(console, report)
    for name, reason in bench.absent.items():
        console.print(f"not available: {name}: {reason}", highlight=False, soft_wrap=True)
    write_files(report, html=html, junit=None, json=json)
    if html:
        console.print(f"report: {html}", highlight=False, soft_wrap=True)
    return _exit_code(bench, console.print)


def _exit_code(bench: Bench, said: Any) -> int:
    """1 if something was wrong or cheated, 3 if nothing was timed or the run was interrupted, else 0."""
    if bench.interrupted:
        said("interrupted: the above is what was measured until then")
    if bench.failures:
        return Exit.FINDINGS
    if not bench.timed:
        said("nothing was timed")
    return Exit.NOTHING_VERIFIED if bench.interrupted or not bench.timed else Exit.CONFORMANT


def _threads(threads: Sequence[int] | None) -> Sequence[int]:
    cores = available_cores()
    for number in threads or ():
        if number > cores:
            raise UsageError(
                f"--threads {number} is more than the {cores} cores that may be used here", hint=f"give 1 to {cores}"
            )
    return threads or (1,)  # with one on every core all else that runs on the machine is measured, too


def _named(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Each target by its text, one that is given twice with a number: the same against itself shows the noise."""
    seen: dict[str, int] = {}
    found = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        found.append((text if seen[text] == 1 else f"{text} #{seen[text]}", text))
    return found


def _reference(asked: str | None, bench: Bench, named: dict[str, Target]) -> str:
    here = list(bench.contestants)
    if asked is not None and asked not in here:
        why = f": {bench.absent[asked]}" if asked in bench.absent else ""
        raise UsageError(f"the reference {asked!r} is not among those measured{why}", hint=f"they are {', '.join(here or named)}")
    return asked or ("torch-cpu" if "torch-cpu" in here else next(iter(here), ""))


def _progress(terminal: Terminal) -> Any:
    """Shows which problem is measured: on a terminal a bar, in a log a line each."""
    task = terminal.progress.add_task("", total=None, failed="")

    def said(what: str, done: int, total: int) -> None:
        terminal.progress.update(task, description=what, completed=done, total=total)
        if not terminal.console.is_terminal:
            terminal.say(f"timing {what}" if what.startswith("this") else f"timing {done + 1} of {total}: {what}")

    return said
