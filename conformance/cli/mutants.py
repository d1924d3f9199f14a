"""``conformance mutants``: what the suite is worth, measured on implementations that are known to be broken."""

from __future__ import annotations

import contextlib
import fnmatch
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from conformance.cli.options import make_options
from conformance.errors import Exit, UsageError
from conformance.plain import joined
from conformance.plugin.mutants import Broken
from conformance.report.environment import environment, now
from conformance.report.mutation import MutantResult, MutationReport, with_fate
from conformance.report.mutation_terminal import MutantProgress, print_mutation
from conformance.report.terminal import make_console
from conformance.running.mutants import BUILT_IN, find_kinds, find_mutants, run_mutants
from conformance.running.profile import PROFILES

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("mutants")
@click.option("--target", metavar="TARGET", help="Broken implementations of your own: file.py, module, or file.py:function.")
@click.option("--kinds", is_flag=True, help="Instead: for every kind of layer four that are wrong for that kind alone.")
@click.option(
    "--category", "categories", multiple=True, metavar="NAME", help="Only these, e.g. layout; may be given several times."
)
@click.option("--name", "patterns", multiple=True, metavar="PATTERN", help="Only those whose name matches, e.g. 'conv2d_*'.")
@click.option("--profile", default="quick", show_default=True, type=click.Choice(list(PROFILES)), help="How much is tried.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Other seeds draw other cases.")
@click.option("--time-limit", default=10.0, show_default=True, metavar="SECONDS", type=click.FloatRange(0.1, 3600),
              help="For each case; a call that takes longer is stopped.")  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="How many are run at a time (default: one more than there are cores)."
)
@click.option("--json", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write the results as JSON; - for standard output.")  # fmt: skip
@click.option("--markdown", type=_FILE, metavar="FILE", help="Write the results as Markdown.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write the results as one HTML page.")
def command(
    target: str | None, kinds: bool, categories: tuple[str, ...], patterns: tuple[str, ...], profile: str, seed: int,
    time_limit: float, jobs: int | None, json: str | None, markdown: Path | None, html: Path | None,
) -> int:  # fmt: skip
    """Run the suite on deliberately broken implementations: all of its own, or those of TARGET.

    In a file of your own, everything marked with @conformance.mutant("what is wrong") is one; where nothing is marked,
    every function with an operator in its name is. One that survives has no bug that a caller could see, or the suite
    has a hole; the command exits with 1.

    \b
    Examples:
      conformance mutants --category layout
      conformance mutants --kinds --name 'conv2d__k3x3_p1x1__*'
      conformance mutants --target path/to/mutants.py --json mutants.json
    """
    began, options = time.monotonic(), make_options((), profile, seed, time_limit)
    if kinds and target is not None:
        raise UsageError("--kinds are of the suite's own, --target of yours", hint="leave one of them out")
    mutants = _chosen(find_kinds() if kinds else find_mutants(target or BUILT_IN), categories, patterns)
    console = make_console(stderr=json == "-")
    results: list[MutantResult] = []
    with contextlib.suppress(KeyboardInterrupt), MutantProgress(console, len(mutants)) as progress:
        for result in run_mutants(mutants, options, jobs):
            results.append(result)
            progress.came(result)
    report = MutationReport(
        command=joined(["conformance", *sys.argv[1:]]),
        started=now(),
        seconds=time.monotonic() - began,
        seed=seed,
        profile=profile,
        interrupted=len(results) < len(mutants),
        expected=len(mutants),
        environment=environment(),
        mutants=tuple(in_order(results, mutants)),
    )
    print_mutation(console, report)
    _write(report, json, markdown, html)
    return exit_code(report)


def in_order(results: Sequence[MutantResult], mutants: Sequence[Broken]) -> list[MutantResult]:
    """As they are defined, whichever was done first."""
    place = {(mutant.target, mutant.operators): number for number, mutant in enumerate(mutants)}
    return sorted(results, key=lambda result: place[result.target, result.operators])


def exit_code(report: MutationReport) -> int:
    """1 if one survives, 3 if none was run or not all were, else 0."""
    if with_fate(report.mutants, "survived"):
        return Exit.FINDINGS
    if report.interrupted or not with_fate(report.mutants, "killed"):
        return Exit.NOTHING_VERIFIED
    return Exit.CONFORMANT


def _chosen(mutants: Sequence[Broken], categories: Sequence[str], patterns: Sequence[str]) -> list[Broken]:
    known = list(dict.fromkeys(one.category for one in mutants))
    for category in categories:
        if category not in known:
            raise UsageError(f"the category {category!r} is not known", hint=f"known are {', '.join(known)}")
    chosen = [one for one in mutants if not categories or one.category in categories]
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(one.name, pattern) for one in chosen):
            raise UsageError(f"no name matches {pattern!r}", hint=f"names are such as {', '.join(m.name for m in chosen[:4])}")
    return [one for one in chosen if not patterns or any(fnmatch.fnmatchcase(one.name, pattern) for pattern in patterns)]


def _write(report: MutationReport, json: str | None, markdown: Path | None, html: Path | None) -> None:
    from conformance.report.mutation_pages import render_html, render_markdown
    from conformance.report.write import write_text

    if json and json != "-":
        write_text(Path(json), report.model_dump_json(indent=1))
    if markdown:
        write_text(markdown, render_markdown(report))
    if html:
        write_text(html, render_html(report))
    if json == "-":
        click.echo(report.model_dump_json(indent=1))
