"""``conformance list``: which implementations there are, what they claim, and what to install for the others; or what is
covered of the operators."""

from __future__ import annotations

import json as jsonlib
from concurrent.futures import ThreadPoolExecutor

import click
from rich.table import Table
from rich.text import Text

from conformance.cases.coverage import markdown
from conformance.errors import UsageError
from conformance.plugin.registry import not_used, registered_names
from conformance.plugin.target import Target
from conformance.problem.operators import in_short
from conformance.report.terminal import make_console
from conformance.running.session import Session, WorkerLost
from conformance.running.worker import Description


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--coverage", is_flag=True, help="Show instead which operators, passes and types are covered, as Markdown.")
def command(as_json: bool, coverage: bool) -> int:
    """Show which implementations there are, what each claims, and for an absent one what to install.

    \b
    Examples:
      conformance list
      conformance list --coverage
    """
    if coverage:
        click.echo(markdown(), nl=False)
        return 0
    names = registered_names()
    with ThreadPoolExecutor(2) as pool:  # each asks a worker of its own, and frameworks are slow to import
        described = dict(zip(names, pool.map(_describe, names), strict=True))
    for line in (line for name in names for line in not_used(name)):
        click.secho(f"note: {line}", fg="yellow", err=True)
    if as_json:
        click.echo(jsonlib.dumps({name: _as_data(found) for name, found in described.items()}, indent=2))
        return 0
    console = make_console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("name", "here", "operators", "data types", "accuracy"):
        table.add_column(column, no_wrap=column == "name")
    for name, found in described.items():
        table.add_row(*_row(name, found))
    console.print(table)
    for name, found in described.items():
        if isinstance(found, UsageError):
            console.print(Text(f"\n✗ {found.message}", "red"))
            console.print(Text(f"  {found.hint}", "dim"))
            continue
        if found.unavailable:
            continue
        console.print(Text.assemble("\n", (name, "bold"), f": {found.summary}"))
        console.print(Text("  " + ", ".join(f"{key} {value}" for key, value in found.versions), "dim"))
        for line in found.not_claimed:
            console.print(Text(f"  not claimed: {line}", "dim"))
    return 0


def _describe(name: str) -> Description | UsageError:
    """What an implementation says of itself, or why it cannot be loaded."""
    try:
        with Session(Target(name)) as session:
            return session.describe()
    except UsageError as error:
        return error
    except WorkerLost as lost:
        return UsageError(f"{name} {lost}", hint=lost.printed.text)


def _row(name: str, found: Description | UsageError) -> tuple[str | Text, ...]:
    if isinstance(found, UsageError):
        return name, Text("✗ broken, see below", "red"), "", "", ""
    here = Text("yes", "green") if not found.unavailable else Text(f"no: {found.unavailable}", "yellow")
    claims = found.claims.values()
    dtypes = dict.fromkeys(dtype for claimed in claims for dtype in claimed.dtypes)
    return name, here, in_short(found.claims), ", ".join(dtypes), ", ".join({c.accuracy for c in claims})


def _as_data(found: Description | UsageError) -> dict[str, object]:
    if isinstance(found, UsageError):
        return {"available": False, "reason": str(found)}
    return {
        "available": not found.unavailable,
        "reason": found.unavailable,
        "summary": found.summary,
        "versions": dict(found.versions),
        "claims": {
            operator: {"dtypes": claimed.dtypes, "options": sorted(claimed.options), "accuracy": claimed.accuracy}
            for operator, claimed in found.claims.items()
        },
    }
