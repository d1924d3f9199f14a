"""``conformance check TARGET…``: is it right, how accurate is it, and if not, what is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from conformance.cli.options import WithTarget, common, make_options, make_report, make_target, source_option, write_files
from conformance.cli.recording import go_on, journal_options, recording, say_what_is_there
from conformance.cli.xfail import Known, write_xfail_option, xfail_option
from conformance.errors import Exit
from conformance.report.schema import Implementation, UnmetEntry
from conformance.report.terminal import Terminal, make_console, summary, time_spent
from conformance.running.resume import run_recorded


@click.command("check", cls=WithTarget)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@common()
@xfail_option
@write_xfail_option
@journal_options
@source_option
@click.option("--huge", is_flag=True, help="Also flat indices beyond 2^31, where there is memory: about 5 to 20 GiB.")
@click.pass_context
def command(
    context: click.Context, /, json: str | None, junit: Path | None, html: Path | None, verbose: bool,
    journal: Path | None, resume: Path | None, write_xfail: Path | None, **asked_for: object,
) -> int:  # fmt: skip
    """Check implementations of convolution or pooling.

    TARGET is a registered name (see conformance list), path/to/file.py:function, module:function, a whole module or
    file, module:Class for an Implementation, a layer class, a shared library, or -- and any command that speaks the
    process protocol (docs/protocol.md). Loading a target runs its code.

    \b
    Examples:
      conformance check path/to/file.py:conv2d
      conformance check torch-cpu --operator conv2d --html report.html
      conformance check ./libconv.so
      conformance check -- node conv.js
      conformance check ./libconv.so --write-xfail xfail.toml
      conformance check ./libconv.so --xfail xfail.toml
      conformance check path/to/file.py --profile thorough --journal run.jsonl
      conformance check --resume run.jsonl
    """
    began = time.monotonic()
    with recording(context, journal, resume) as (record, asked):
        options = make_options(asked.operators, asked.profile, asked.seed, asked.time_limit, asked.memory_limit, asked.huge)
        known = Known.asked_for(asked, options, write_xfail)
        options = known.options
        console = make_console(stderr=json == "-")
        results: list[Implementation] = []
        interrupted = False
        say_what_is_there(record, console)
        waiting = list(asked.targets)
        while waiting:
            text = waiting.pop(0)
            target = make_target(text, asked.operators, asked.arrays, asked.claim, asked.no_claim, asked.sources)
            with Terminal(console) as terminal:
                listener = known.listening(terminal.listener())
                run, result = run_recorded(record, target, options, listener, known.expected())
            results.append(result)
            known.came(listener, result)
            if run.description:  # a module's other functions for the same operators are checked one by one
                waiting = [f"{text}:{name}" for name in run.description.others] + waiting
            console.print(summary(result, verbose))
            if verbose:
                console.print(time_spent(result))
            if run.interrupted:
                interrupted = True
                console.print(f"interrupted: the above is what was seen until then; {go_on(record, 'check')}", soft_wrap=True)
                break
        if record is not None and not interrupted:
            record.finish(results)
    unmet = known.unmet(interrupted)
    known.say(console, unmet, interrupted)
    if html or junit or json:
        report = make_report("Conformance check", results, options, began, interrupted, unmet=unmet)
        write_files(report, html=html, junit=junit, json=json)
    if html:
        console.print(f"report: {html}")
    return exit_code(results, interrupted, unmet)


def exit_code(results: list[Implementation], interrupted: bool, unmet: Sequence[UnmetEntry] = ()) -> int:
    """3 if the harness itself failed, 1 if there is a finding or a stale entry, 3 if nothing was verified, else 0."""
    if any(result.harness_failures for result in results):
        return Exit.NOTHING_VERIFIED
    if any(entry.stale for entry in unmet) or any(result.status == "nonconformant" for result in results):
        return Exit.FINDINGS
    if interrupted or any(result.status != "conformant" for result in results):
        return Exit.NOTHING_VERIFIED
    return Exit.CONFORMANT
