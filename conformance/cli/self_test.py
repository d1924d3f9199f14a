"""``conformance gate --self-test`` and ``bench --self-test``: how often both err on this machine, and other rules beside
them on the same samples."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from conformance.errors import Exit
from conformance.plugin.target import Target
from conformance.report.environment import environment
from conformance.report.terminal import make_console
from conformance.report.write import write_text
from conformance.timing.handicap import CASE
from conformance.timing.race import together
from conformance.timing.self_test import NAMES, PLAIN, Rate, Trial, judged

_HOME = "conformance.timing.handicap"
TARGETS = {
    name: Target(f"{_HOME}:{which}", probe="")
    for name, which in zip(NAMES, ("ItemByItem", "ItemByItem", "Slower5", "Slower10", "Slower20"), strict=True)
}
SECONDS = 20.0
"""Of a trial: all five in three sets of processes. Where others disturb, that is fewer rounds than a problem of a gate has."""


def self_test_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a self-test, for every command that has one."""
    options = (
        click.option("--self-test", is_flag=True, help="Measure how often verdicts err on this machine; needs no TARGET."),
        click.option("--trials", default=12, show_default=True, type=click.IntRange(2, 10_000), help="Of the self-test."),
        click.option(
            "--load",
            "busy",
            default=0,
            show_default=True,
            type=click.IntRange(0, 64),
            metavar="N",
            help="Processes that keep a core busy during the self-test.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def run_self_test(trials: int, load: int, file: str | None, seed: int, margin: float) -> int:
    """Make the trials and print the table. ``file`` gets all samples too, so that they can be judged again."""
    console, rng, began = make_console(stderr=file == "-"), random.Random(seed), time.monotonic()
    done: list[Trial] = []
    failed = ""
    with contextlib.suppress(KeyboardInterrupt), kept_busy(load):
        while len(done) <= trials:  # one more, as each is compared with the one before
            legs, failed = _legs(rng, margin)
            if failed:  # as a gate does, which says only what comes twice
                console.print(f"measuring again: {failed}", highlight=False)
                legs, failed = _legs(rng, margin)
            if failed:
                break
            done.append(Trial(*legs))
            console.print(f"trial {len(done)} of {trials + 1}, {time.monotonic() - began:.0f} s", highlight=False)
    if failed:
        console.print(f"the self-test cannot be made: {failed}", highlight=False)
    if len(done) < 2:
        return Exit.NOTHING_VERIFIED
    table = judged(done, margin)
    console.print(_table(table, margin, load))
    if file:
        text = json.dumps(_data(done, table, load, seed, margin))
        click.echo(text) if file == "-" else write_text(Path(file), text)
    return Exit.CONFORMANT if len(done) == trials + 1 else Exit.NOTHING_VERIFIED


def _legs(rng: random.Random, margin: float) -> tuple[list[dict[str, tuple[float, ...]]], str]:
    """Two legs of all contestants, or the reason why there are none."""
    legs = []
    for measurement in together(CASE, TARGETS, PLAIN, SECONDS, margin, rng):
        reasons = [f"{name}: {one.reason}" for name, one in measurement.series.items() if one.reason]
        if reasons:
            return [], reasons[0]
        legs.append({name: one.times for name, one in measurement.series.items()})
    return legs, ""


@contextlib.contextmanager
def kept_busy(cores: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """While it lasts, so many processes compute without end."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield busy
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _table(judged: dict[str, dict[str, Rate]], margin: float, load: int) -> Table:
    beside = f", {load} other process{'es' * (load != 1)} computing" if load else ""
    title = f"taken for slower by more than {100 * margin:.3g} %{beside} (95 % interval)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for column in ("rule", "the same: false alarms", *(f"{name} work: found" for name in NAMES[2:])):
        table.add_column(column)
    for rule, rates in judged.items():
        table.add_row(rule, *(str(rates[name]) for name in NAMES[1:]))
    return table


def _data(trials: list[Trial], table: dict[str, dict[str, Rate]], load: int, seed: int, margin: float) -> dict[str, object]:
    return {
        "environment": environment().model_dump(),
        "seed": seed,
        "load": load,
        "margin": margin,
        "case": str(CASE),
        "judged": {rule: {name: [rate.count, rate.trials] for name, rate in rates.items()} for rule, rates in table.items()},
        "trials": [{"first": one.first, "second": one.second} for one in trials],
    }
