"""From a run and its baseline to what a gate says: what is compared, what cannot be, and the next baseline. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conformance.report.baseline import Baseline, Choices, Speed
from conformance.report.regression import Seen
from conformance.report.schema import Change, Environment
from conformance.report.spread import spreads
from conformance.timing.slowdown import Verdict
from conformance.timing.statistics import Ratio, pooled

_PACKAGES = {"numpy": "numpy", "scipy": "scipy", "torch": "torch"}
"""The package that makes a built-in implementation as fast as it is, by how its name begins."""


def not_comparable(then: Environment, now: Environment, reference: str) -> str:
    """Why a ratio from then says nothing now, or nothing: another machine, or another reference than it was."""
    for name in ("cpu", "cores"):
        before, here = getattr(then, name), getattr(now, name)
        if before != here:
            return f"the baseline's ratios are of {before}{' cores' * (name == 'cores')}, and here it is {here}"
    package = next((one for start, one in _PACKAGES.items() if reference.startswith(start)), "numpy")
    before, here = then.packages.get(package, "none"), now.packages.get(package, "none")
    if before != here:
        return f"{reference} was that of {package} {before}, and is that of {package} {here}"
    return ""


def speed_changes(verdicts: Sequence[tuple[str, str, Verdict]], direct: bool) -> Iterator[Change]:
    """Of (problem, reference, verdict), what became slower or faster. ``direct``: the reference is the version before."""
    for problem, reference, verdict in verdicts:
        if not verdict.slower and not verdict.faster:
            continue
        was = f"1× {reference}" if direct else f"{_interval(verdict.then)} {reference}"
        now = f"{_interval(verdict.last)} {reference}"
        change = verdict.change
        words = f"{_percent(change.value)} ({_percent(change.low)} to {_percent(change.high)}) of its time"
        words += ", measured twice" if verdict.slower else ""
        yield Change(kind="speed", worse=verdict.slower, where=problem, was=was, now=now, words=words)


def uncertain(verdicts: Sequence[Verdict], margin: float) -> Iterator[str]:
    """A note on problems of which it is not known whether they became slower: noise must not look like a proof."""
    open_ = [one.change for one in verdicts if not one.slower and one.change.high > 1 + margin]
    if open_:
        widest = max(one.half_width for one in open_)
        yield (
            f"a slowdown by more than {100 * margin:.3g} % cannot be excluded for {len(open_)} of {len(verdicts)} problems: "
            f"ratios are known to ±{100 * widest:.2g} % at worst; a larger --budget or a quieter machine makes that less"
        )


def compared(seen: Seen, timed: int, against: str) -> str:
    """How much a gate looked at, in words."""
    cases, failing = sum(one.passed for one in seen.claims), sum(one.count for one in seen.failing)
    words = [f"{cases:,} cases pass" + (f" and {failing:,} fail" if failing else "")]
    if groups := len(spreads(seen.accuracy)):
        words.append(f"accuracy of {groups} operator{'s' * (groups != 1)} and type{'s' * (groups != 1)}")
    beside = f" beside {against}" if against else ""
    words.append(f"speed of {timed} problem{'s' * (timed != 1)}{beside}" if timed else "speed not judged")
    return ", ".join(words)


def _interval(ratio: Ratio) -> str:
    return f"{ratio.value:.3g}× ({ratio.low:.3g} to {ratio.high:.3g})"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"


def speed_rows(legs: Sequence[tuple[str, str, Sequence[Ratio]]]) -> tuple[Speed, ...]:
    """The baseline's rows of (case, reference, the ratios of all legs)."""
    made = [(case, reference, pooled(ratios)) for case, reference, ratios in legs if ratios]
    return tuple(
        Speed(case=case, reference=reference, ratio=one.value, low=one.low, high=one.high) for case, reference, one in made
    )


def next_baseline(
    seen: Seen, suite: str, target: str, options: Choices, environment: Environment, speed: Sequence[Speed]
) -> Baseline:
    """What is agreed to with ``--update``."""
    return Baseline(
        suite=suite, target=target, options=options, environment=environment, claims=seen.claims, failing=seen.failing,
        accuracy=spreads(seen.accuracy), speed=tuple(speed),
    )  # fmt: skip


def differing(options: Choices, typed: Mapping[str, object]) -> str:
    """The first option that is typed and is not what the baseline was made with, as it is typed; else nothing."""
    for name, value in typed.items():
        then = getattr(options, name)
        if value not in (None, ()) and value != then:
            return f"--{name.replace('_', '-').removesuffix('s')} {_said(then)}, and {_said(value)} is given"
    return ""


def _said(value: object) -> str:
    return " ".join(map(str, value)) or "nothing" if isinstance(value, tuple) else str(value or "nothing")
