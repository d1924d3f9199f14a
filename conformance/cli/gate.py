"""``conformance gate TARGET --baseline FILE``: is it worse than it was: less right, less accurate, or slower."""

from __future__ import annotations

import dataclasses
import os
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance.cli.gate_speed import Pace, Race, asked_for, pace
from conformance.cli.options import (
    Duration,
    WithTarget,
    make_options,
    make_report,
    make_target,
    source_option,
    target_options,
    write_files,
)
from conformance.cli.self_test import run_self_test, self_test_options
from conformance.cli.xfail import Known, xfail_option
from conformance.errors import Exit, UsageError
from conformance.plain import quoted
from conformance.plugin.target import Target
from conformance.problem.operators import operator_named
from conformance.report.baseline import Baseline, Choices, read_baseline, to_text
from conformance.report.environment import environment
from conformance.report.gate_terminal import github_lines, print_gate
from conformance.report.gating import compared, differing, next_baseline
from conformance.report.regression import changes, seen
from conformance.report.schema import Gated, Implementation, UnmetEntry
from conformance.report.terminal import Terminal, make_console, summary
from conformance.report.write import write_text
from conformance.running.failing import Failing
from conformance.running.previous import version_of
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from conformance.running.suite import suite_digest
from conformance.timing.witness import MARGIN

_FILE = click.Path(dir_okay=False, path_type=Path)
_VERIFIED = ("conformant", "nonconformant")


class _Seed(click.ParamType):
    """A number, or a new one each time."""

    name = "N|random"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "random":
            return secrets.randbelow(2**31)
        try:
            seed = int(value)
        except ValueError:
            seed = -1
        if seed < 0:
            self.fail(f"{value!r} is neither a number from 0 on nor random", param, ctx)
        return seed


@click.command("gate", cls=WithTarget)
@click.argument("targets", nargs=-1, metavar="TARGET")
@click.option("--baseline", type=_FILE, metavar="FILE", help="What it must not be worse than; a file to be committed.")
@click.option("--update", is_flag=True, help="Agree to what is found: write it to the baseline.")
@click.option("--against", metavar="OTHER",
              help="Time it beside another version: rev:REVISION, wheel:FILE.whl, or any target.")  # fmt: skip
@click.option("--speed/--no-speed", default=True, show_default=True, help="Whether anything is timed.")
@click.option("--margin", default=100 * MARGIN, show_default=True, type=click.FloatRange(1, 100), metavar="PERCENT",
              help="A slowdown by so much is allowed.")  # fmt: skip
@click.option("--budget", default="60s", show_default=True, type=Duration(10, 3600), metavar="SECONDS", help="For all timing.")
@click.option("--workload", "workloads", multiple=True, metavar="WORKLOAD",
              help="Time these: the layers of a network, or a problem's text (default: up to six small problems).")  # fmt: skip
@click.option("--operator", "operators", multiple=True, metavar="NAME", help="Only this operator, e.g. conv2d.")
@click.option("--profile", type=click.Choice(list(PROFILES)), help="How much (default: as in the baseline, quick in a new one).")
@click.option("--seed", type=_Seed(), help="Other seeds draw other cases; random is another each time (default: the baseline's).")
@click.option("--time-limit", default=10.0, show_default=True, metavar="SECONDS", type=click.FloatRange(0.1, 3600),
              help="For each case; a call that takes longer is stopped.")  # fmt: skip
@click.option("--json", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write the results as JSON; - for standard output.")  # fmt: skip
@click.option("--junit", type=_FILE, metavar="FILE", help="Write the results as JUnit XML.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write the report as one HTML page.")
@click.option("--verbose", is_flag=True, help="Also print all of the check.")
@self_test_options
@target_options
@source_option
@xfail_option
def command(
    targets: tuple[str, ...], baseline: Path | None, update: bool, against: str | None, speed: bool, margin: float,
    budget: float, workloads: tuple[str, ...], operators: tuple[str, ...], profile: str | None, seed: int | None,
    time_limit: float, json: str | None, junit: Path | None, html: Path | None, verbose: bool, self_test: bool, trials: int,
    busy: int, arrays: str | None, claim: tuple[str, ...], no_claim: tuple[str, ...], sources: tuple[str, ...],
    xfail: Path | None,
) -> int:  # fmt: skip
    """Fail if an implementation became worse than its baseline: less right, less accurate, or slower.

    The baseline is a readable JSON file beside the code. Speed is never a time of another day: it is the ratio to a
    reference that is measured beside, in the same run, or to another version of the target.

    \b
    Exit codes: 0 not worse, 1 a finding that is new or less accuracy, 2 wrong command or baseline,
    3 nothing verified, 4 slower.

    \b
    Examples:
      conformance gate path/to/file.py:conv2d --baseline conformance.json --update
      conformance gate path/to/file.py:conv2d --baseline conformance.json
      conformance gate mypkg.ops:conv2d --baseline conformance.json --against rev:HEAD~1
      conformance gate mypkg.ops:conv2d --baseline conformance.json --against wheel:dist/mypkg-1.0-py3-none-any.whl
      conformance gate --self-test --trials 20
    """
    if self_test:
        return run_self_test(trials, busy, json, 0 if seed is None else seed, margin / 100)
    if len(targets) != 1 or baseline is None:
        given = f"{len(targets)} targets are given" if len(targets) != 1 else "no baseline is given"
        raise UsageError(f"{given}, and a gate has one of each", hint="conformance gate TARGET --baseline conformance.json")
    began, operators = time.monotonic(), tuple(operator_named(name).name for name in operators)
    target = make_target(targets[0], operators, arrays, claim, no_claim, sources)
    typed = {"operators": operators, "profile": profile, "arrays": arrays, "claim": claim, "no_claim": no_claim}
    accept = accept_command(target, baseline, profile)
    old = _old(baseline, update, accept)
    if old is not None and not update and (words := differing(old.options, typed)):
        raise UsageError(f"{baseline} was made with {words}", hint="leave it out, or agree to it with --update")
    chosen = _choices(old, {**typed, "seed": seed})
    target = make_target(targets[0], chosen.operators, chosen.arrays, chosen.claim, chosen.no_claim, sources)
    options = _all_failures(make_options(chosen.operators, chosen.profile, chosen.seed, time_limit))
    known, console = Known.of(options, xfail), make_console(stderr=json == "-")
    if seed is not None:
        other = old is not None and chosen.seed != old.options.seed
        words = ": other cases than the baseline's, so that kinds of failures are compared, and spreads" if other else ""
        console.print(f"seed {chosen.seed}{words}", highlight=False)
    asked = asked_for(workloads)
    with ExitStack() as stack:
        version = stack.enter_context(version_of(target, against)) if against else None
        terminal = stack.enter_context(Terminal(console))
        listener, timed = Failing(terminal.listener(brief=True)), Pace()
        run = Run(target, options, listener, expected=known.expected())
        result = run.execute()
        claims = run.description.claims if run.description else {}
        if speed and not run.interrupted and result.status in _VERIFIED:
            race = Race(target, claims, old, version, against or "", update, margin / 100, budget, asked, chosen.seed)
            timed = pace(race, terminal.say)
    interrupted = run.interrupted or timed.interrupted
    console.print(summary(result, verbose))
    unmet = known.unmet(interrupted)
    known.say(console, unmet, interrupted)
    found = seen(result, claims, listener.cases)
    judge = old is not None and not run.interrupted and result.status in _VERIFIED
    worse = changes(old, found, chosen == old.options) if judge and old is not None else []
    gated = Gated(
        baseline=str(baseline), against=against or "", margin=margin / 100, new=old is None,
        updated=update and result.status in _VERIFIED and not interrupted,
        changes=(*worse, *timed.changes), notes=timed.notes, compared=compared(found, timed.judged, against or ""),
    )  # fmt: skip
    if gated.updated:
        rows = timed.rows if timed.rows is not None else old.speed if old is not None else ()
        write_text(baseline, to_text(next_baseline(found, suite_digest(), target.text, chosen, environment(), rows)))
    _say(console, gated, result, interrupted, accept, to_github=json != "-")
    report = make_report(
        "Conformance gate", [result], options, began, interrupted, timed.timings, unmet=unmet, margin=margin / 100,
        threads=1 if timed.timings else None, gate=gated,
    )  # fmt: skip
    if html or junit or json:
        write_files(report, html=html, junit=junit, json=json)
    return exit_code(gated, result, interrupted, unmet)


def _old(path: Path, update: bool, accept: str) -> Baseline | None:
    """The baseline that is there. With ``--update`` one that cannot be used is replaced, and it is said why.

    Raises :class:`UsageError` with ``accept``, the command that makes one.
    """
    try:
        old = read_baseline(path)
        if old.suite != suite_digest():
            made, here = f"{old.environment.conformance} ({old.suite})", f"{environment().conformance} ({suite_digest()})"
            raise UsageError(f"{path} was made by conformance {made}, and this is {here}: its cases are others")
    except UsageError as error:
        if not update:
            verb = "make anew" if path.exists() else "make one"
            raise UsageError(error.message, hint=f"{verb}, and commit it: {accept}") from error
        if path.exists():
            click.secho(f"note: {error.message}; it is made anew, and nothing is compared with it", fg="yellow", err=True)
        return None
    return old


def accept_command(target: Target, baseline: Path, profile: str | None = None) -> str:
    """What agrees to what is found. A target that is a command stands at the end."""
    chosen = f"--profile {profile} " if profile else ""
    return f"conformance gate --baseline {quoted(str(baseline))} --update {chosen}{target.command_options}"


def _choices(old: Baseline | None, typed: dict[str, Any]) -> Choices:
    """What is typed, else what the baseline was made with, else what is usual."""
    given = {name: value for name, value in typed.items() if value not in (None, ())}
    return (old.options if old is not None else Choices()).model_copy(update=given)


def _all_failures(options: Options) -> Options:
    """An operator is not left after some failing cases: what is known to fail is counted."""
    return dataclasses.replace(options, profile=dataclasses.replace(options.profile, most_failures=sys.maxsize))


def _say(console: Console, gated: Gated, result: Implementation, interrupted: bool, accept: str, to_github: bool) -> None:
    if interrupted:
        console.print("interrupted: nothing is written to the baseline; run the same command again", highlight=False)
    if result.status not in _VERIFIED:
        console.print(f"nothing was verified, so that nothing can be said of {gated.baseline}", highlight=False)
        return
    print_gate(console, gated, accept)
    if to_github and os.environ.get("GITHUB_ACTIONS") == "true" and not gated.updated:
        for line in github_lines(gated.changes):
            click.echo(line)


def exit_code(gated: Gated, result: Implementation, interrupted: bool, unmet: Sequence[UnmetEntry] = ()) -> int:
    """3 if nothing was verified, 1 if something is wrong that was not, or less accurate, 4 if it is only slower, else 0."""
    if result.status not in _VERIFIED:
        return Exit.NOTHING_VERIFIED
    if any(entry.stale for entry in unmet):
        return Exit.FINDINGS
    if gated.updated:
        return Exit.CONFORMANT
    kinds = {change.kind for change in gated.regressions}
    if kinds & {"correctness", "accuracy"}:
        return Exit.FINDINGS
    if interrupted:
        return Exit.NOTHING_VERIFIED
    return Exit.SLOWER if kinds else Exit.CONFORMANT
