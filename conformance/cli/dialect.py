"""``conformance dialect``: where frameworks legitimately differ, which way an implementation goes."""

from __future__ import annotations

import json as jsonlib

import click
from rich.table import Table
from rich.text import Text

from conformance.cli.options import WithTarget, make_target, target_options
from conformance.dialect.interview import interview
from conformance.errors import Exit, UsageError
from conformance.plugin.registry import registered_names
from conformance.problem.dialect import DIALECT
from conformance.report.schema import DialectAnswer
from conformance.report.terminal import Terminal, make_console
from conformance.report.view import left_out_words
from conformance.running.session import Session

Dialects = dict[str, tuple[DialectAnswer, ...]]


@click.command("dialect", cls=WithTarget)
@click.argument("targets", nargs=-1, metavar="[TARGET...]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@target_options
def command(
    targets: tuple[str, ...], as_json: bool, arrays: str | None, claim: tuple[str, ...], no_claim: tuple[str, ...]
) -> int:
    """Find out by probes which options of the dialect an implementation follows: those given, or all registered ones.

    What depends on the position in a tensor or on its size is no dialect but a finding, and ends with exit code 1.

    \b
    Examples:
      conformance dialect torch-cpu numpy-gemm
      conformance dialect path/to/file.py:max_pool2d
    """
    console = make_console(stderr=as_json)
    dialects: Dialects = {}
    with Terminal(console) as terminal:
        for text in targets or registered_names():
            with Session(make_target(text, (), arrays, claim, no_claim)) as session:
                try:
                    described = session.describe()
                except UsageError as error:
                    if targets:
                        raise
                    terminal.say(f"{text} is left out: {error.message}")
                    continue
                if described.unavailable:
                    terminal.say(f"{described.name} is not available here: {described.unavailable}")
                else:
                    dialects[described.name] = interview(session, described.claims)
    if not any(dialects.values()):
        console.print("nothing was asked: no operator that frameworks differ in is claimed")
        return Exit.NOTHING_VERIFIED
    if as_json:
        click.echo(jsonlib.dumps({name: [one.model_dump() for one in given] for name, given in dialects.items()}, indent=2))
    else:
        console.print(_table(dialects))
        for line in _remarks(dialects):
            console.print(line)
    return Exit.FINDINGS if any(one.finding for given in dialects.values() for one in given) else Exit.CONFORMANT


def _table(dialects: Dialects) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("where frameworks differ")
    for name in dialects:
        table.add_column(name)
    for option, asked in DIALECT.items():
        by_name = {name: one for name, given in dialects.items() for one in given if one.option == option}
        if by_name:
            table.add_row(Text.assemble(f"{asked.about}\n", (option, "dim")), *(_cell(by_name.get(name)) for name in dialects))
    return table


def _cell(one: DialectAnswer | None) -> Text:
    if one is None:
        return Text("–", "dim")
    if one.finding:
        return Text("✗ depends on the place", "red")
    return Text(one.words + (" *" if one.exceptions else ""), "" if one.usual else "yellow")


def _remarks(dialects: Dialects) -> list[Text]:
    lines = []
    for name, given in dialects.items():
        for one in given:
            lines += [Text(f"✗ {name}: {one.about}: {one.finding}", "red")] if one.finding else []
            lines += [Text(f"* {name}: {one.about}: {exception}", "dim") for exception in one.exceptions]
        if words := left_out_words(name, given):
            lines.append(Text(f"* {words}", "dim"))
    return lines
