"""``conformance case "TEXT" --on TARGET``: one case, what goes in, what comes out, and what every check says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
from rich.console import Console
from rich.text import Text

from conformance.cases.case import Case, parse_case
from conformance.cases.cost import memory, require_judgeable
from conformance.cases.values import REAL
from conformance.checks import CHECKS, ROUNDS, Check
from conformance.checks.judged import FRACTION
from conformance.cli.options import WithTarget, make_target, memory_option, target_options
from conformance.errors import Exit, UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.known import KnownFailure
from conformance.plugin.target import Target
from conformance.report.terminal import make_console, print_finding
from conformance.running.findings import Group, describe
from conformance.running.memory import too_large
from conformance.running.outcome import Outcome
from conformance.running.session import Session
from conformance.running.trial import Trial, make_trial
from conformance.running.trials import run_trial

_LIMIT, _SLOW = 10.0, 1e9  # seconds, and multiply-adds a second of an implementation that is none of the fastest


@click.command("case", cls=WithTarget)
@click.argument("text")
@click.option("--on", "target_text", required=True, metavar="TARGET", help="The implementation to run it on.")
@click.option("--check", "check_name", metavar="NAME", help="Only this check, e.g. layout.strided (default: all that apply).")
@click.option(
    "--time-limit",
    type=float,
    metavar="SECONDS",
    help="For each check  [default: 10, and more where a call of 10^9 multiply-adds a second would take longer].",
)
@memory_option
@target_options
def command(
    text: str, target_text: str, check_name: str | None, time_limit: float | None, memory_limit: int | None,
    arrays: str | None, claim: tuple[str, ...], no_claim: tuple[str, ...],
) -> int:  # fmt: skip
    """Run one case, given as text, on one implementation.

    TEXT is a problem (n batch, c channels, i input, o output channels, k kernel, s stride, p padding, d dilation,
    g groups), perhaps with values=KIND:SEED; or a benchdnn descriptor.

    \b
    Examples:
      conformance case "conv2d f32 n1 c2 i5x4 o3 k3x2 p1x0" --on torch-cpu
      conformance case mb1ic3ih227oc96oh55kh11sh4ph0 --on torch-cpu --check exact
      conformance case "conv2d i5x4 k3x2" -- node conv.js
    """
    case = require_judgeable(parse_case(text))
    if check_name is not None and check_name not in CHECKS:
        raise UsageError(f"the check {check_name!r} is not known", hint=f"known are {', '.join(check.name for check in ROUNDS)}")
    console = make_console()
    target = make_target(target_text, [case.problem.operator], arrays, claim, no_claim)
    limit = time_limit or max(_LIMIT, case.problem.work / _SLOW)
    with Session(target, limit, memory_limit=memory_limit) as session:
        description = session.describe()
        if description.unavailable:
            raise UsageError(f"{target_text}: {description.unavailable}")
        claims = description.claims.get(case.problem.operator)
        reason = claims.refusal(case.problem) if claims else f"{case.problem.operator} is not claimed"
        reason = reason or too_large(memory(case))
        if reason:
            console.print(f"skipped: {reason}")
            return Exit.NOTHING_VERIFIED
        said_kind = "values=" in text
        outcomes = [
            _outcome(session, trial, description.claims)
            for check in ([CHECKS[check_name]] if check_name else ROUNDS)
            for one in _cases(case, check, said_kind or check_name is not None)
            if (trial := make_trial(check, one, description.claims)) is not None
        ]
    if not outcomes:
        console.print(f"skipped: {f'the check {check_name} asks' if check_name else 'the checks ask'} nothing of this case")
    if check_name and outcomes and outcomes[0].failure is None:
        _show_inputs(console, outcomes[0].trial)
    for outcome in outcomes:
        _show(console, outcome, target, description.known_failures)
    if any(outcome.failure for outcome in outcomes):
        return Exit.FINDINGS
    return Exit.CONFORMANT if any(outcome.status == "passed" for outcome in outcomes) else Exit.NOTHING_VERIFIED


def _outcome(session: Session, trial: Trial, claims: Mapping[str, Claims]) -> Outcome:
    reason = too_large(trial.memory)
    return Outcome(trial, "skipped", reason=reason) if reason else run_trial(session, trial, claims)


def _cases(case: Case, check: Check, said_kind: bool) -> list[Case]:
    """The case as it was given; without values said, accuracy gets each kind of real ones."""
    if (case.kind == "periodic") != (check.name == "huge"):  # whose tensors no other check could hold
        return []
    if not case.problem.batch and check.name != "exact":  # of no items nothing but their shape is judged
        return []
    if case.kind == "known" and check.name != "exact":  # the others change numbers or sizes, of which nothing is known
        return [Case(case.problem, "integers", "0", case.origin)]
    if said_kind:
        real = case.kind in REAL
        return [case] if check.name != "exact" or not real else []
    if check.name != "accuracy":
        return [case]
    return [Case(case.problem, kind, case.seed, case.origin) for kind in REAL]


def _show_inputs(console: Console, trial: Trial) -> None:
    for name, array in trial.calls[0].arrays.items():
        console.print(Text(f"{name} {array.shape} {array.dtype.name}" + (f"\n{array}" if array.size <= 80 else "")))


def _show(console: Console, outcome: Outcome, target: Target, known: Sequence[KnownFailure]) -> None:
    name, judgement = outcome.trial.check.name, outcome.judgement
    if outcome.failure is not None:
        print_finding(console, describe(outcome, Group(outcome), target, known=known))
    elif outcome.status == "skipped":
        console.print(Text(f"– {name}: skipped: {outcome.reason}", "dim"))
    else:
        figures = judgement.accuracy
        more = f", {outcome.trial.case.kind}: {figures.reached}, error {figures.used:.1%} of its bound" if figures else ""
        if judgement.missed:
            more += f", a sample: it misses {FRACTION:.0%} of wrong results with a chance of {judgement.missed:.2g} at most"
        console.print(Text.assemble(("✓ ", "green"), f"{name}: {judgement.elements} elements{more}"))
