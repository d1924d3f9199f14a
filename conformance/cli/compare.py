"""``conformance compare``: who is right, who is accurate, who is fast, on this machine, for these problems."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from conformance.cli.check import exit_code
from conformance.cli.options import WithTarget, common, make_options, make_report, make_target, write_files
from conformance.cli.xfail import Known, xfail_option
from conformance.dialect.interview import interview
from conformance.errors import UsageError
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.report.environment import available_cores
from conformance.report.schema import Accuracy, Implementation, Timing
from conformance.report.terminal import Terminal, make_console, print_finding, summary, time_spent, timing_table
from conformance.running.run import Options, Run
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
def command(
    targets: tuple[str, ...], output: Path, speed: bool, network: str | None, reference: str | None,
    operators: tuple[str, ...], profile: str, seed: int, time_limit: float, memory_limit: int | None, arrays: str | None,
    claim: tuple[str, ...], no_claim: tuple[str, ...], json: str | None, junit: Path | None, html: Path | None, verbose: bool,
    xfail: Path | None,
) -> int:  # fmt: skip
    """Compare implementations side by side: all registered ones, or those given (see conformance check).

    \b
    Examples:
      conformance compare
      conformance compare torch-cpu path/to/file.py:conv2d --operator conv2d
      conformance compare --profile quick --xfail xfail.toml
    """
    began, options = time.monotonic(), make_options(operators, profile, seed, time_limit, memory_limit)
    known = Known.of(options, xfail)
    chosen = [make_target(text, operators, arrays, claim, no_claim) for text in targets or registered_names()]
    workloads = (of_network(network) if network else representative()) if speed else []
    if operators:
        workloads = [workload for workload in workloads if workload.case.problem.operator in operators]
    console = make_console(stderr=json == "-")
    with Terminal(console) as terminal:
        results, interrupted = _check_all(chosen, options, known, terminal, by_name=bool(targets))
        timings: list[Timing] = []
        if not interrupted:
            results, interrupted = _ask_all(chosen, results, options, terminal)
        if not interrupted:
            results, timings, interrupted = _time_all(chosen, results, workloads, reference, terminal, options)
    for result in results:
        console.print(summary(result, verbose))
        for finding in result.findings if verbose else result.findings[:_FIRST]:
            print_finding(console, finding)
        if len(result.findings) > _FIRST and not verbose:
            console.print(f"… and {len(result.findings) - _FIRST} more findings of {result.name}: they are in the report")
        if verbose:
            console.print(time_spent(result), highlight=False)
    if timings:
        console.print(timing_table(timings))
    unmet = known.unmet(interrupted)
    known.say(console, unmet, interrupted)
    report = make_report(
        "Comparison of convolution and pooling", results, options, began, interrupted, timings, unmet=unmet,
        margin=MARGIN if timings else None, threads=available_cores() if timings else None,
    )  # fmt: skip
    page = html or output / "comparison.html"
    write_files(report, html=page, markdown=output / "comparison.md", json=str(output / "comparison.json"), junit=junit)
    if json:
        write_files(report, html=None, junit=None, json=json)
    if interrupted:
        console.print("interrupted: the report holds what was measured until then; run the same command for the rest")
    console.print(f"report: {page.resolve()} (and .md, .json beside it)", highlight=False, soft_wrap=True)
    here = [result for result in results if result.status != "unavailable"]
    return exit_code(here or results, interrupted, unmet)


def _check_all(
    targets: Sequence[Target], options: Options, known: Known, terminal: Terminal, by_name: bool
) -> tuple[list[Implementation], bool]:
    """Check one after the other: side by side, frameworks with threads of their own slow each other down tenfold.

    What cannot be checked ends the comparison where the user named it (``by_name``), else it is left out with the reason.
    """
    results = []
    for target in targets:
        run = Run(target, options, terminal.listener(brief=True), expected=known.expected())
        try:
            results.append(run.execute())
        except UsageError as error:
            if by_name:
                raise
            results.append(run.result().model_copy(update={"status": "unavailable", "reason": error.message}))
        if run.interrupted:
            return results, True
    return results, False


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
        for measured in compare(by_name, workloads, base, terminal.say, options.seed, options.memory_limit):
            for name, one in measured.items():
                timings.append(one.timing)
                accuracy[name] += [one.accuracy] if one.accuracy else []
    except KeyboardInterrupt:
        interrupted = True
    results = [one.model_copy(update={"accuracy": (*one.accuracy, *accuracy.get(one.name, ()))}) for one in results]
    return results, timings, interrupted
