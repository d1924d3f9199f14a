"""``conformance fingerprint TARGET…``: how many bits an implementation computes with, how it rounds, in which order it sums."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.cli.options import WithTarget, make_target, target_options
from conformance.diagnosis.fingerprint import Facts, Fingerprint, Order, fingerprint
from conformance.diagnosis.numerics import partial_sums
from conformance.errors import Exit
from conformance.plugin.job import Call, Job, Reply
from conformance.plugin.target import Target
from conformance.problem.operators import operator_named
from conformance.report.environment import environment
from conformance.report.terminal import Terminal, make_console
from conformance.report.write import write_text
from conformance.running.session import Session, WorkerLost

_COLUMNS = {
    "bits": "of input, weight and result, the leading one counted (float64 53, float32 24, float16 and TF32 11, bfloat16 8)",
    "partial sums": "bits of the sums on the way, and the format that has as many",
    "multiply-add": "fused: the product is not rounded before it is added; exact products: partial sums hold any product, "
    "so it cannot be told",
    "rounding": "what becomes of a sum that lies between two numbers",
    "subnormals": "whether numbers below the smallest normal one count or are taken as zero (flushed)",
    "order": "which terms are added first: in (0+1)+2 the first two; terms are channels, or taps of the kernel row by row",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found out about one implementation."""

    name: str
    versions: dict[str, str]
    fingerprints: list[Fingerprint]


@click.command("fingerprint", cls=WithTarget)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--operator", "operators", multiple=True, metavar="NAME",
              help="This operator, e.g. conv3d or conv2d_weight_grad; may be given several times "
                   "(default: one convolution and one average pooling).")  # fmt: skip
@click.option("--json", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write the facts as JSON; - for standard output.")  # fmt: skip
@click.option("--time-limit", default=10.0, show_default=True, metavar="SECONDS", type=click.FloatRange(0.1, 3600),
              help="For some twenty calls; what takes longer is stopped.")  # fmt: skip
@target_options
def command(
    targets: tuple[str, ...], operators: tuple[str, ...], json: str | None, time_limit: float,
    arrays: str | None, claim: tuple[str, ...], no_claim: tuple[str, ...],
) -> int:  # fmt: skip
    """Find out by probes how implementations compute: bits of inputs and partial sums, fused multiply-add, rounding,
    subnormals, and the order of summation as a tree.

    These are facts, not verdicts, about small problems on this machine: another size or another processor may take
    another path.

    \b
    Examples:
      conformance fingerprint torch-cpu
      conformance fingerprint path/to/file.py:conv2d --json -
    """
    names = tuple(operator_named(name).name for name in operators)
    console = make_console(stderr=json == "-")
    found: list[_Found] = []
    interrupted = False
    with Terminal(console) as terminal:
        try:
            for text in targets:
                _examine(make_target(text, names, arrays, claim, no_claim), names, time_limit, terminal, found)
        except KeyboardInterrupt:
            interrupted = True
    if json:
        data = {"environment": environment().model_dump(), "implementations": [dataclasses.asdict(one) for one in found]}
        _write(json, jsonlib.dumps(data, indent=1))
    if found:
        _show(console, found)
    if interrupted:
        console.print("interrupted: the above is what was found out until then; run the same command to see the rest")
        return Exit.NOTHING_VERIFIED
    if not any(each.facts for one in found for each in one.fingerprints):
        console.print("nothing was found out: no convolution or average pooling could be probed")
        return Exit.NOTHING_VERIFIED
    return Exit.CONFORMANT


def _examine(target: Target, operators: Sequence[str], time_limit: float, terminal: Terminal, found: list[_Found]) -> None:
    """Probe one target and add what is found to ``found`` bit by bit, so that it is there if the user interrupts."""
    with Session(target, time_limit) as session:
        described = session.describe()
        if described.unavailable:
            terminal.say(f"{described.name} is not available here: {described.unavailable}")
            return

        def send(calls: tuple[Call, ...]) -> Sequence[Reply]:
            try:
                return session.submit(Job(calls)).result()
            except WorkerLost as lost:
                return (Reply(error=lost.message, error_kind=lost.kind),)

        if not terminal.console.is_terminal:
            terminal.say(f"probing {described.name}")
        one = _Found(described.name, dict(described.versions), [])
        found.append(one)
        task = terminal.progress.add_task(described.name, total=None, failed="")
        for each in fingerprint(send, described.claims, operators):
            one.fingerprints.append(each)
            terminal.progress.update(task, advance=1)
        terminal.progress.remove_task(task)


def _write(place: str, text: str) -> None:
    if place == "-":
        click.echo(text)
    else:
        write_text(Path(place), text + "\n")


def _show(console: Console, found: Sequence[_Found]) -> None:
    if any(each.facts for one in found for each in one.fingerprints):
        console.print(_legend())
    for one in found:
        console.print(Text.assemble("\n", (one.name, "bold")))
        if any(each.facts for each in one.fingerprints):
            console.print(_table(one.fingerprints))
            console.print(_orders(one.fingerprints), soft_wrap=True)
        for line in _remarks(one.fingerprints):
            console.print(line, soft_wrap=True)


def _legend() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, meaning in _COLUMNS.items():
        table.add_row(Text(name), Text(meaning, "dim"))
    return table


def _table(fingerprints: Sequence[Fingerprint]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("operator", "type", *list(_COLUMNS)[:-1]):
        table.add_column(column, no_wrap=True)
    above = ""
    for each in fingerprints:
        if each.facts is not None:
            table.add_row("" if each.operator == above else each.operator, each.dtype, *_cells(each.facts))
            above = each.operator
    return table


def _cells(facts: Facts) -> tuple[str, ...]:
    weights = "–" if facts.weight_bits is None else facts.weight_bits
    return (
        f"{facts.input_bits}, {weights}, {facts.result_bits}",
        partial_sums(facts.accumulator) or f"{facts.accumulator_seen} or more",
        facts.multiply_add,
        facts.rounding,
        facts.subnormals,
    )


def _orders(fingerprints: Sequence[Fingerprint]) -> Text:
    """Each sum with its orders, and the data types that are summed in each. Lines are left as long as they are."""
    alike: dict[tuple[str, str], dict[tuple[str, str], list[Fingerprint]]] = {}
    problems: dict[tuple[str, str], str] = {}
    for each in fingerprints:
        for order in each.facts.orders if each.facts else ():
            where = (each.operator, order.terms)
            problems.setdefault(where, " ".join(order.problem.split()[2:]))
            alike.setdefault(where, {}).setdefault((_words(each, order), order.brackets), []).append(each)
    text = Text()
    for (operator, terms), orders in alike.items():
        text.append_text(Text.assemble("\n", f"{operator}: order of {terms}  ", (problems[operator, terms], "dim")))
        for (words, drawn), same in orders.items():
            text.append(f"\n  {' '.join(each.dtype for each in same):<35}{words}")
            text.append(f"\n  {'':<35}{drawn}" if drawn else "", "dim")
    return text


def _words(each: Fingerprint, order: Order) -> str:
    """The order's name, with what else is remarkable about this sum."""
    words = [order.words]
    if order.uneven:
        words.append("(of the first element of the result; others differ)")
    if each.facts and order.accumulator and order.accumulator != each.facts.accumulator:
        words.append(f"(partial sums: {partial_sums(order.accumulator)})")
    return " ".join(words)


def _remarks(fingerprints: Sequence[Fingerprint]) -> list[Text]:
    """Notes, and what was skipped, with the data types that share each."""
    said: dict[tuple[str, str], list[str]] = {}
    for each in fingerprints:
        for note in each.facts.notes if each.facts else (f"skipped: {each.reason}",):
            said.setdefault((each.operator, note), []).append(each.dtype)
    return [Text(f"* {' '.join(filter(None, [operator, *dtypes]))}: {note}", "dim") for (operator, note), dtypes in said.items()]
