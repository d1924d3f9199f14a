"""What the page and the Markdown summary say, computed once: verdict, matrix, accuracy by implementation, words for numbers."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.diagnosis.receptive_field import LEGEND
from conformance.problem import OPERATORS
from conformance.problem.dialect import DIALECT
from conformance.report import xfail
from conformance.report.schema import Accuracy, DialectAnswer, ExpectedFailure, Gated, Implementation, ReceptiveField, Report
from conformance.report.times import Timing

_LATER = ("tf32", "bfloat16", "fft", "none")  # classes of accuracy, each weaker than those before


@dataclass(frozen=True, slots=True)
class Cell:
    """One implementation on one operator: a symbol, a word for its style, and the counts."""

    symbol: str
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class AccuracyLine:
    """One implementation and data type over all its cases of real values."""

    implementation: str
    dtype: str
    declared: str
    cases: int
    rho: float
    rho_median: float
    share_of_n: float
    used: float
    ulp: float | None
    bias: float
    reached: str


def verdict(report: Report) -> str:
    """The run in one sentence."""
    available = here(report)
    right = [one for one in available if one.status == "conformant"]
    absent = len(report.implementations) - len(available)
    sentence = f"{len(right)} of {len(available)} implementation{'s' * (len(available) != 1)} conformant"
    findings = sum(len(one.findings) for one in available)
    if findings:
        sentence += f", {findings} finding{'s' * (findings != 1)}"
    if known := xfail.known_failures(available):
        sentence += f", {known}" if findings else f" but for {known}"
    if old := xfail.stale_entries(report):
        sentence += f", {old}"
    if absent:
        sentence += f"; {absent} not available here"
    return sentence + ("; interrupted before the end." if report.interrupted else ".")


def gate_verdict(gated: Gated) -> str:
    """What a gate says, in one sentence."""
    _, word, rest = gate_sentence(gated)
    return f"{word}{rest}."


def gate_sentence(gated: Gated) -> tuple[bool, str, str]:
    """Whether all is well, the verdict, and the rest of its sentence."""
    counts = Counter(change.kind for change in gated.regressions)
    better = len(gated.changes) - len(gated.regressions)
    also = f"; {better} better" if better else ""
    told = ", ".join(f"{counts[kind]} of {kind}" for kind in ("correctness", "accuracy", "speed") if counts[kind])
    if gated.updated:
        before = f"{told} worse than before and agreed to{also}" if told else f"nothing worse than before{also}"
        return True, "WRITTEN", f": {gated.baseline}: {gated.compared}; {'commit it' if gated.new else before}"
    if told:
        return False, "WORSE", f" than {gated.baseline}: {told}{also} ({gated.compared})"
    return True, "NOT WORSE", f" than {gated.baseline}: {gated.compared}{also}"


def operators(report: Report) -> list[str]:
    """The forward operators that anything was compared for, whichever pass, in the usual order."""
    seen = {OPERATORS[tally.operator].base for one in report.implementations for tally in one.tallies}
    return [name for name in OPERATORS if name in seen]


def passes(report: Report, operator: str) -> list[str]:
    """The passes of a forward operator that anything was compared for: the operators that share its row."""
    seen = {tally.operator for one in report.implementations for tally in one.tallies}
    return [name for name in OPERATORS if name in seen and OPERATORS[name].base == operator]


def here(report: Report) -> list[Implementation]:
    return [one for one in report.implementations if one.status != "unavailable"]


def known(report: Report) -> list[tuple[Implementation, ExpectedFailure]]:
    """Every entry of the xfail file that was met, with the implementation that failed as it says."""
    return [(one, entry) for one in report.implementations for entry in one.expected]


def too_slow_for_dialects(report: Report) -> list[str]:
    """For each implementation that was not asked everything, how much it was not asked."""
    return [words for one in here(report) if (words := left_out_words(one.name, one.dialect))]


def left_out_words(name: str, answers: Sequence[DialectAnswer]) -> str:
    """What an implementation was too slow to be asked; nothing of one that was asked everything."""
    count = sum(one.left_out for one in answers)
    return f"{name}: {count:,} questions with many channels are left out, as it is too slow for them" if count else ""


def dialects(report: Report) -> list[tuple[str, str, list[DialectAnswer | None]]]:
    """For each option of the dialect its words, its name, and what every implementation that is here answers."""
    answers = [{one.option: one for one in each.dialect} for each in here(report)]
    return [
        (asked.about, option, [given.get(option) for given in answers])
        for option, asked in DIALECT.items()
        if any(option in given for given in answers)
    ]


def cell(one: Implementation, operator: str) -> Cell:
    """What the matrix shows for ``one`` and all passes of a forward operator."""
    tallies = [tally for tally in one.tallies if OPERATORS[tally.operator].base == operator]
    passed = sum(t.passed for t in tallies)
    bad, known = sum(t.failed + t.errored for t in tallies), sum(t.xfailed for t in tallies)
    beside = f", {known:,} known" if known else ""
    if bad:
        return Cell("✗", "bad", f"{bad:,} of {passed + bad + known:,} failed{beside}")
    if passed:
        return Cell("✓", "good", f"{passed:,}{beside}")
    if known:
        return Cell("✗", "known", f"{known:,} known")
    if one.status == "unavailable":
        return Cell("·", "none", "not here")
    return Cell("–", "none", "not claimed" if operator not in {OPERATORS[name].base for name in one.operators} else "not run")


def elements(one: Implementation) -> int:
    return sum(tally.elements for tally in one.tallies)


def share(part: int, whole: int) -> str:
    """A share in per cent, 100 % for all alone; a dash where there is nothing to have a share of."""
    if not whole:
        return "–"
    return f"{100.0 if part == whole else min(100 * part / whole, 99.99):.4g} %"


def accuracy_lines(report: Report) -> list[AccuracyLine]:
    """One line for each implementation and data type, in the order of the report."""
    lines = []
    for one in report.implementations:
        for dtype in dict.fromkeys(row.dtype for row in one.accuracy):
            lines.append(_line(one, dtype, [row for row in one.accuracy if row.dtype == dtype]))
    return lines


def _line(one: Implementation, dtype: str, rows: list[Accuracy]) -> AccuracyLine:
    order = {name: at for at, name in reversed([*enumerate(("exact", "componentwise", one.accuracy_declared, *_LATER))])}
    return AccuracyLine(
        implementation=one.name,
        dtype=dtype,
        declared=one.accuracy_declared,
        cases=len(rows),
        rho=max(row.rho for row in rows),
        rho_median=statistics.median(row.rho for row in rows),
        share_of_n=max(row.rho / max(1, row.n) for row in rows),
        used=max(row.used for row in rows),
        ulp=max((row.ulp for row in rows if row.ulp is not None), default=None),
        bias=sum(row.mean_signed for row in rows) / len(rows),  # also of infinite ones
        reached=max((row.reached for row in rows), key=lambda name: order.get(name, len(order) + 1)),
    )


def timing_rows(report: Report) -> tuple[list[str], list[tuple[str, str, dict[str, Timing]]]]:
    """The implementations that were timed, and for each workload its name, problem and timings by implementation."""
    names = list(dict.fromkeys(timing.implementation for timing in report.timings))
    rows: dict[str, tuple[str, str, dict[str, Timing]]] = {}
    for timing in report.timings:
        rows.setdefault(timing.workload, (timing.workload, timing.problem, {}))[2][timing.implementation] = timing
    return names, list(rows.values())


def field_lines(field: ReceptiveField) -> list[str]:
    """A receptive field as lines of text, each plane's rows, and what the marks in it mean."""
    rows = [" ".join(row) for number, plane in enumerate(field.planes) for row in ([""] if number else []) + list(plane)]
    return [
        f"by output {list(field.output)} of input channel {field.channel}:",
        *rows,
        "; ".join(f"{mark} {words}" for mark, words in field_legend(field)),
    ]


def field_legend(field: ReceptiveField) -> list[tuple[str, str]]:
    """The marks that a receptive field shows, and what they mean."""
    shown = {mark for plane in field.planes for row in plane for mark in row}
    return [(mark, words) for mark, words in LEGEND.items() if mark in shown]


def field_word(mark: str) -> str:
    """The word by which a page styles a mark."""
    return {"#": "read", "~": "other", "+": "more", "-": "less"}.get(mark, "none")


def duration(value: float | None) -> str:
    """Seconds in the unit that people read."""
    if value is None:
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def number(value: float | None) -> str:
    """Three significant digits, or a dash."""
    return "–" if value is None else f"{value:.3g}"


def mebibytes(value: int | None) -> str:
    """Bytes in MiB, or a dash."""
    return "–" if value is None else f"{value / 2**20:.3g} MiB"
