"""How broken implementations fared, as data: what the JSON file holds, and what is counted over all of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conformance.reading import parse_json, read_bytes
from conformance.report.jsonfile import validated
from conformance.report.schema import Environment
from conformance.report.values import Line, Lines, Value

MUTATION_SCHEMA_VERSION = 2
UNSORTED = "unsorted"
_WHAT, _HINT = "report of conformance mutants", "write one with conformance mutants --json FILE"

Fate = Literal["killed", "survived", "not run"]
Naming = Literal["rightly", "otherwise", "not named", ""]
"""Whether the diagnosis of a killed one names its cause; "" where none is declared, because the failure itself says it."""


class MutantResult(Value):
    """What came of one mutant. ``check``, ``kind`` and ``case`` are of its first finding.

    ``diagnosis`` is what that is taken for, in words, with the key of the ``hypothesis``, if one explains it; ``named`` says
    whether it names one of the declared ``causes``.

    ``cases`` and ``seconds`` count from the first case that was judged to the first failure; for a survivor they are all
    that was tried. ``in_all`` are the seconds with the rest of the checking and the shrinking of the case. ``missed`` are
    operators in which a survivor was found conformant, and ``reason`` is why one was not run.
    """

    name: Line
    target: Line
    operators: tuple[Line, ...]
    category: Line
    bug: Line
    shows: Line = ""
    source: Line = ""
    fate: Fate
    reason: Lines = ""
    missed: tuple[Line, ...] = ()
    check: Line = ""
    kind: Line = ""
    case: Line = ""
    diagnosis: Lines = ""
    hypothesis: Line = ""
    causes: tuple[Line, ...] = ()
    named: Naming = ""
    cases: int = 0
    seconds: float = 0.0
    in_all: float = 0.0


class MutationReport(Value):
    """Everything that one run of ``conformance mutants`` measured, in order of definition. ``expected`` were asked for."""

    schema_version: int = MUTATION_SCHEMA_VERSION
    command: Lines
    started: Line
    seconds: float
    seed: int
    profile: Line
    interrupted: bool = False
    expected: int
    environment: Environment
    mutants: tuple[MutantResult, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How many of a category were killed, of those that were run; seconds are those to the first failure of the killed.

    ``named`` of ``nameable`` killed ones have a diagnosis that names the cause.
    """

    category: str
    killed: int
    run: int
    median: float | None
    worst: float | None
    named: int = 0
    nameable: int = 0

    @property
    def percent(self) -> str:
        """Cut off, so that only all of them are 100 %."""
        return f"{100 * self.killed // self.run} %" if self.run else "–"


def scores(results: Sequence[MutantResult]) -> list[Score]:
    """The mutation score of each category, the largest category first; the last one, "all", is of everything."""
    categories: dict[str, list[MutantResult]] = {}
    for result in results:
        categories.setdefault(result.category, []).append(result)
    ordered = sorted(categories.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_score(name, members) for name, members in [*ordered, ("all", list(results))]]


def _score(category: str, results: Sequence[MutantResult]) -> Score:
    seconds = [result.seconds for result in results if result.fate == "killed"]
    run = sum(result.fate != "not run" for result in results)
    median, named = statistics.median(seconds) if seconds else None, [result.named for result in results if result.named]
    return Score(category, len(seconds), run, median, max(seconds, default=None), named.count("rightly"), len(named))


_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
_CASES = (10, 30, 100, 300, 1000, 3000, 10_000)


@dataclass(frozen=True, slots=True)
class Power:
    """How many of those that were run are killed within so many seconds of checking, or cases."""

    within: float
    killed: int
    run: int

    @property
    def share(self) -> float:
        return self.killed / self.run


def power_curve(results: Sequence[MutantResult]) -> tuple[list[Power], list[Power]]:
    """The share of the mutants that is killed against the seconds that are spent, and against the cases that are tried.

    It ends where all are killed that are.
    """
    run = sum(result.fate != "not run" for result in results)
    killed = [result for result in results if result.fate == "killed"]
    curves = []
    for values, steps in (([one.seconds for one in killed], _SECONDS), ([float(one.cases) for one in killed], _CASES)):
        points = [Power(step, sum(value <= step for value in values), run) for step in steps]
        ends = next((n for n, point in enumerate(points) if point.killed == len(killed)), len(points) - 1)
        curves.append(points[: ends + 1] if run else [])
    return curves[0], curves[1]


def with_fate(results: Sequence[MutantResult], fate: Fate) -> list[MutantResult]:
    """Those with this fate, sorted by the time that they took."""
    return sorted((result for result in results if result.fate == fate), key=lambda result: result.seconds)


def read_mutation(path: Path) -> MutationReport:
    """The report in the file ``path``. Raises :class:`UsageError` if there is none, or it is not one of this version."""
    return parse_mutation(read_bytes(path, _WHAT), str(path))


def parse_mutation(data: bytes, place: str) -> MutationReport:
    """The report that is written in ``data``; ``place`` is where that comes from. Raises :class:`UsageError`."""
    return validated(MutationReport, MUTATION_SCHEMA_VERSION, parse_json(data, place, _WHAT, _HINT), place, _WHAT, _HINT)
