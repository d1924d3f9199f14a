"""What came of problems, each under one draw of values or several: of every problem, which elements can come out wrong.

An element that is computed wrongly may be right by chance under one draw; under another it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from conformance.cases.case import Case
from conformance.checks import Check
from conformance.diagnosis.clock import now
from conformance.diagnosis.elements import NOTHING_THERE, of_places
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.match import wrong_elements
from conformance.diagnosis.separate import Table
from conformance.problem import Problem

TryAll = Callable[[Sequence[Case], Check | None], list[Observation]]
"""Run cases under the finding's check, or another one; what cannot be run is left out."""
_AT_FIRST, _AT_ONCE = 16, 64
_SHARE_OF_TIME = 0.5  # of what is left, that the next cases may take


@dataclass(eq=False)
class Sample:
    """One problem, and the calls of it that were made: failing ones first."""

    calls: list[Observation]

    @property
    def seen(self) -> Observation:
        return self.calls[0]

    @property
    def failed(self) -> bool:
        return self.seen.failed

    @property
    def problem(self) -> Problem:
        return self.seen.call.problem

    @cached_property
    def places(self) -> Table:
        return of_places(self.seen)

    @property
    def counts(self) -> np.ndarray:
        """Which elements could be wrong, flat: not those that nothing is added up for, unless one of them is wrong."""
        blind = [values for column, values in self.places.items() if column in NOTHING_THERE]
        wrong = self.wrong
        return np.asarray(~blind[0] | (wrong.ravel() if wrong is not None else False)) if blind else np.ones(1, bool)

    @cached_property
    def _masks(self) -> dict[int, np.ndarray | None]:
        return {}

    @property
    def wrong(self) -> np.ndarray | None:
        """The elements that came out wrong in any of the calls; None where that cannot be told."""
        made = None
        for at, one in enumerate(self.calls):
            if not one.failed:
                break
            if at not in self._masks:
                self._masks[at] = wrong_elements(one)
            mask = self._masks[at]
            if mask is None:
                return None
            made = mask if made is None else made | mask
        return np.zeros(self.seen.problem.result_shape, bool) if made is None else made


@dataclass
class Samples:
    """Everything that was tried, by problem, and the means to try more until the clock passes ``end``."""

    kind: str
    run: TryAll
    end: float
    check: Check | None = None
    by_problem: dict[tuple[Problem, str], Sample] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return now() > self.end

    @property
    def failing(self) -> list[Sample]:
        return [one for one in self.by_problem.values() if one.failed]

    @property
    def passing(self) -> list[Sample]:
        return [one for one in self.by_problem.values() if not one.failed]

    def add(self, observations: Iterable[Observation]) -> list[Sample]:
        """The samples of what was seen, new or known."""
        made = {}
        for one in observations:
            if one.failed and one.kind != self.kind:
                continue
            key = (one.call.problem, one.call.layout)
            known = self.by_problem.get(key)
            if known is None:
                known = Sample([one])
            elif one.failed and known.failed:
                known.calls.append(one)
            elif one.failed:
                known = Sample([one])
            self.by_problem[key] = made[key] = known
        return list(made.values())

    def tried(self, cases: Sequence[Case], until: float | None = None) -> list[Sample]:
        """Run cases, as many as there is time for."""
        made: list[Sample] = []
        end, first, amount = until or self.end, 0, _AT_FIRST
        while first < len(cases) and (left := end - now()) > 0:
            began = now()
            made += self.add(self.run(cases[first : first + amount], self.check))
            first += amount
            each = (now() - began) / amount
            amount = max(1, min(_AT_ONCE, int(_SHARE_OF_TIME * left / each))) if each else _AT_ONCE
        return list(dict.fromkeys(made))
