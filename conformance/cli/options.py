"""Options that several commands share, and what they become."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from conformance.errors import UsageError
from conformance.plain import joined
from conformance.plugin.target import Target, command_text
from conformance.problem.operators import operator_named
from conformance.report.environment import environment, now
from conformance.report.schema import Implementation, Report
from conformance.report.times import Timing
from conformance.running.memory import read_size
from conformance.running.profile import PROFILES, profile_named
from conformance.running.run import Options

Command = Callable[..., Any]


_ARRAYS = (
    "Arrays that functions take: numpy, torch, jax, array_api_strict or cupy (default: found out); onnx for a function of "
    "a model and its inputs."
)


class WithTarget(click.Command):
    """A command whose target, or last target, may be a command of the user's own behind ``--``: it arrives as one word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = _with_claims(args)
        if "--" in args:
            place = args.index("--")
            own, word = args[:place], command_text(args[place + 1 :])
            one = next((option for option in self.params if option.name == "target_text"), None)
            if one is not None and any(each.partition("=")[0] in one.opts for each in own):
                raise click.UsageError(f"{one.opts[0]} and -- name two targets, but it is one that a case is run on", ctx)
            args = [*own, *((one.opts[0], word) if one is not None else ("--", word))]
        return super().parse_args(ctx, args)


def _with_claims(args: list[str]) -> list[str]:
    """``--claims namesake`` as the word that takes back what is only found to be accepted; behind ``--`` nothing is ours."""
    words: list[str] = []
    own = args.index("--") if "--" in args else len(args)
    for word in args[:own]:
        if words and words[-1] == "--claims":
            word = f"{words.pop()}={word}"
        words += {"--claims=namesake": ["--no-claim", "accepted"], "--claims=accepted": []}.get(word, [word])
    return words + args[own:]


def target_options(command: Command) -> Command:
    """How a target is loaded and called."""
    for option in (
        click.option("--no-claim", multiple=True, metavar="WORD", help="Take a claim back, e.g. groups or float64."),
        click.option("--claims", expose_value=False, type=click.Choice(["accepted", "namesake"]), default="accepted",
                     show_default=True, help="Of a function: all that it is found to accept, or only what its namesake does."),
        click.option("--claim", multiple=True, metavar="WORD", help="Claim more, e.g. asymmetric_padding or accuracy=fft."),
        click.option("--arrays", metavar="LIBRARY", help=_ARRAYS),
    ):  # fmt: skip
        command = option(command)
    return command


def size_typed(text: str | None) -> int | None:
    """A number of bytes as it is typed; None if nothing is."""
    try:
        return None if text is None else read_size(text)
    except ValueError:
        raise UsageError(f"{text!r} is no size of memory", hint="type one such as 4GiB or 500MB, or none for no limit") from None


class Duration(click.ParamType):
    """A time such as 90, 90s, 2m or 1h, as seconds; with limits no other than from ``least`` to ``most``."""

    name = "duration"

    def __init__(self, least: float = 0.0, most: float = math.inf) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h|min)?", str(value).strip())
        seconds = float(found[1]) * {"m": 60, "min": 60, "h": 3600}.get(found[2] or "s", 1) if found else math.nan
        if math.isfinite(self.most) and not self.least <= seconds <= self.most:
            self.fail(f"{value!r} is no time from {self.least:g}s to {self.most:g}s", param, ctx)
        if not found:
            self.fail(f"{value!r} is no duration: write for example 90s, 2m or 1h", param, ctx)
        return seconds


source_option = click.option(
    "--source", "sources", multiple=True, metavar="FILE", type=click.Path(dir_okay=False),
    help="Source of what is no Python: numbers that it names are tried as sizes (default: a file of the same name beside it).",
)  # fmt: skip
memory_option = click.option(
    "--memory-limit", metavar="SIZE", callback=lambda context, option, text: size_typed(text),
    help="Memory that a worker may take, e.g. 4GiB; none for no limit (default: 80 % of what is free).",
)  # fmt: skip


def run_options(command: Command, profile: str) -> Command:
    """How much is run (``profile`` if the user does not say), and where the report goes."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--verbose", is_flag=True, help="Also print notes, skips, and where the time went."),
        click.option("--html", type=file, metavar="FILE", help="Write the report as one HTML page."),
        click.option("--junit", type=file, metavar="FILE", help="Write the results as JUnit XML."),
        click.option("--json", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
                     help="Write the results as JSON; - for standard output."),
        click.option("--time-limit", default=10.0, show_default=True, metavar="SECONDS", type=click.FloatRange(0.1, 3600),
                     help="For each case; a call that takes longer is stopped."),
        memory_option,
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Other seeds draw other cases."),
        click.option("--profile", default=profile, show_default=True, type=click.Choice(list(PROFILES)), help="How much."),
        click.option("--operator", "operators", multiple=True, metavar="NAME",
                     help="Only this operator, e.g. conv2d; may be given several times."),
    ):  # fmt: skip
        command = option(command)
    return command


def make_options(
    operators: Sequence[str], profile: str, seed: int, time_limit: float, memory_limit: int | None = None, huge: bool = False
) -> Options:
    chosen = dataclasses.replace(profile_named(profile), huge=huge)
    return Options(chosen, tuple(operator_named(name).name for name in operators), seed, time_limit, memory_limit)


def make_target(
    text: str, operators: Sequence[str], arrays: str | None, claim: Sequence[str], no_claim: Sequence[str],
    sources: Sequence[str | Path] = (),
) -> Target:  # fmt: skip
    """The target of a command's words; what is misspelt is told before anything starts."""
    from conformance.plugin.arrays import require_arrays
    from conformance.plugin.claims import Claims
    from conformance.plugin.registry import not_used

    if arrays:
        require_arrays(arrays)
    Claims().changed(claim, no_claim)
    for source in sources:
        if not Path(source).is_file():
            raise UsageError(f"the source {str(source)!r} is no file", hint="name the file that the target was built from")
    for line in not_used(text):
        click.secho(f"note: {line}", fg="yellow", err=True)
    return Target(text, tuple(operators), arrays, tuple(claim), tuple(no_claim), tuple(map(str, sources)))


def make_report(
    title: str,
    implementations: Sequence[Implementation],
    options: Options,
    began: float,
    interrupted: bool,
    timings: Sequence[Timing] = (),
    **more: Any,
) -> Report:
    """The report of what a command checked. ``began`` is its time.monotonic() at the start."""
    return begun_report(
        began, title=title, seed=options.seed, profile=options.profile.name, interrupted=interrupted,
        implementations=tuple(implementations), timings=tuple(timings), **more,
    )  # fmt: skip


def begun_report(began: float, **measured: Any) -> Report:
    """The report of the command that is run, with when and where that is."""
    return Report(
        command=joined(["conformance", *sys.argv[1:]]),
        started=now(),
        seconds=time.monotonic() - began,
        environment=environment(),
        **measured,
    )


def write_files(report: Report, *, html: Path | None, junit: Path | None, json: str | None, markdown: Path | None = None) -> None:
    """Write each file that was asked for; JSON may go to standard output."""
    from conformance.report.jsonfile import to_json
    from conformance.report.write import write_report

    write_report(report, html=html, markdown=markdown, json=Path(json) if json and json != "-" else None, junit=junit)
    if json == "-":
        click.echo(to_json(report))


def common(profile: str = "quick") -> Callable[[Command], Command]:
    """Both groups of options."""
    return lambda command: run_options(target_options(command), profile)
