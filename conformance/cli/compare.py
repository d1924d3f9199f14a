"""``conformance compare``: who is right, who is accurate, who is fast, on this machine, for these problems."""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from pathlib import Path

import click

from conformance.cli.check import exit_code
from conformance.cli.options import WithTarget, common, make_options, make_report, make_target, write_files
from conformance.cli.recording import go_on, journal_options, recording, say_what_is_there
from conformance.cli.xfail import Known, xfail_option
from conformance.dialect.interview import interview
from conformance.errors import UsageError
from conformance.plain import MOST_OF_NAME, line
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.report.environment import available_cores
from conformance.report.schema import Accuracy, Implementation
from conformance.report.terminal import Terminal, make_console, print_finding, summary, time_spent, timing_table
from conformance.report.times import Timing
from conformance.running.journal import Journal
from conformance.running.resume import run_recorded
from conformance.running.run import Options
from conformance.running.session import Session
from conformance.timing.compare import Workload, compare
from conformance.timing.witness import MARGIN
from conformance.timing.workloads import of_network, representative

_FIRST = 2
"""Findings of one implementation that are printed; the report has all."""


@click.command("compare", cls=WithTarget)
@click.argument("targets", nargs=-1, metavar="[TARGET...]")
@click.option(
    "--output",
    default="reports",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where comparison.html, .md and .json go.",
)
@click.option("--speed/--no-speed", default=True, show_default=True, help="Whether to time layers of real networks.")
@click.option("--network", metavar="NAME", help="Time every layer of one network (default: one layer of each kind).")
@click.option("--reference", metavar="NAME", help="Quote times relative to this one (default: torch-cpu if it is there).")
@common(profile="brief")
@xfail_option
@journal_options
@click.pass_context
def command(
    context: click.Context, /, json: str | None, junit: Path | None, html: Path | None, verbose: bool,
    journal: Path | None, resume: Path | None, **asked_for: object,
) -> int:  # fmt: skip
    """Compare implementations side by side: all registered ones, or those given (see conformance check).

    \b
    Examples:
      conformance compare
      conformance compare torch-cpu path/to/file.py:conv2d --operator conv2d
      conformance compare --profile quick --xfail xfail.toml
    """
    began = time.monotonic()
    with recording(context, journal, resume) as (record, asked):
        options = make_options(asked.operators, asked.profile, asked.seed, asked.time_limit, asked.memory_limit)
        known = Known.asked_for(asked, options)
        texts = asked.targets or tuple(registered_names())
        chosen = [make_target(text, asked.operators, asked.arrays, asked.claim, asked.no_claim) for text in texts]
        workloads = (of_network(asked.network) if asked.network else representative()) if asked.speed else []
        if asked.operators:
            workloads = [workload for workload in workloads if workload.case.problem.operator in asked.operators]
        console = make_console(stderr=json == "-")
        say_what_is_there(record, console)
        with Terminal(console) as terminal:
            results, interrupted = _check_all(chosen, options, known, terminal, record, by_name=bool(asked.targets))
            timings: list[Timing] = []
            if not interrupted:
                results, interrupted = _ask_all(chosen, results, options, terminal)
            if not interrupted:
                results, timings, interrupted = _time_all(chosen, results, workloads, asked.reference, terminal, options)
    for result in results:
        console.print(summary(result, verbose))
        for finding in result.findings if verbose else result.findings[:_FIRST]:
            print_finding(console, finding)
        if len(result.findings) > _FIRST and not verbose:
            console.print(f"… and {len(result.findings) - _FIRST} more findings of {result.name}: they are in the report")
        if verbose:
            console.print(time_spent(result))
    if timings:
        console.print(timing_table(timings))
    unmet = known.unmet(interrupted)
    known.say(console, unmet, interrupted)
    report = make_report(
        "Comparison of convolution and pooling", results, options, began, interrupted, timings, unmet=unmet,
        margin=MARGIN if timings else None, threads=available_cores() if timings else None,
    )  # fmt: skip
    output = Path(asked.output or ".")
    page = html or output / "comparison.html"
    write_files(report, html=page, markdown=output / "comparison.md", json=str(output / "comparison.json"), junit=junit)
    if json:
        write_files(report, html=None, junit=None, json=json)
    if interrupted:
        console.print(f"interrupted: the report holds what was measured until then; {go_on(record, 'compare')}", soft_wrap=True)
    console.print(f"report: {page.resolve()} (and .md, .json beside it)", soft_wrap=True)
    here = [result for result in results if result.status != "unavailable"]
    return exit_code(here or results, interrupted, unmet)


def _check_all(
    targets: Sequence[Target], options: Options, known: Known, terminal: Terminal, record: Journal | None, by_name: bool
) -> tuple[list[Implementation], bool]:
    """Check one after the other: side by side, frameworks with threads of their own slow each other down tenfold.

    What cannot be checked ends the comparison where the user named it (``by_name``), else it is left out with the reason.
    """
    results: list[Implementation] = []
    for target in targets:
        try:
            run, result = run_recorded(record, target, options, terminal.listener(brief=True), known.expected())
        except UsageError as error:
            if by_name:
                raise
            results.append(Implementation(name=target.text, summary="", status="unavailable", reason=error.message))
            continue
        results.append(told_apart(result, target, {one.name for one in results}))
        if run.interrupted:
            return results, True
    if record is not None:
        record.finish(results)
    return results, False


def told_apart(result: Implementation, target: Target, taken: Set[str]) -> Implementation:
    """Times and errors are kept by name: one that says it is called like another goes by its target too."""
    name, number = result.name, 1
    while name in taken:
        name, number = f"{result.name} ({line(target.text, MOST_OF_NAME)}{f', {number}' * (number > 1)})", number + 1
    return result.model_copy(update={"name": name})


def _ask_all(
    targets: Sequence[Target], results: list[Implementation], options: Options, terminal: Terminal
) -> tuple[list[Implementation], bool]:
    """Each available implementation with the options of the dialect that it follows."""
    asked = list(results)
    try:
        for place, (target, result) in enumerate(zip(targets, results, strict=True)):
            if result.status in ("conformant", "nonconformant"):
                terminal.say(f"{result.name}: which way it goes where frameworks differ")
                with Session(target, memory_limit=options.memory_limit) as session:
                    asked[place] = result.model_copy(update={"dialect": interview(session, session.describe().claims)})
    except KeyboardInterrupt:
        return asked, True
    return asked, False


def _time_all(
    targets: Sequence[Target], results: list[Implementation], workloads: Sequence[Workload], reference: str | None,
    terminal: Terminal, options: Options,
) -> tuple[list[Implementation], list[Timing], bool]:  # fmt: skip
    """Time what is available; the accuracy of the timed results joins that of the checks."""
    by_name = {one.name: target for one, target in zip(results, targets, strict=True) if one.status != "unavailable"}
    if reference is not None and reference not in by_name:
        raise UsageError(f"the reference {reference!r} is not among those compared", hint=f"they are {', '.join(by_name)}")
    if not by_name or not workloads:
        return results, [], False
    base = reference or ("torch-cpu" if "torch-cpu" in by_name else next(iter(by_name)))
    timings: list[Timing] = []
    accuracy: dict[str, list[Accuracy]] = {name: [] for name in by_name}
    interrupted = False
    try:
        for measured in compare(by_name, workloads, base, terminal.say, options.seed, memory_limit=options.memory_limit):
            for name, one in measured.items():
                timings.append(one.timing)
                accuracy[name] += [one.accuracy] if one.accuracy else []
    except KeyboardInterrupt:
        interrupted = True
    results = [one.model_copy(update={"accuracy": (*one.accuracy, *accuracy.get(one.name, ()))}) for one in results]
    return results, timings, interrupted
