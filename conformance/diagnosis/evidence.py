"""What a diagnosis goes by: cases that failed, with what came out, and cases that passed, made again from their texts.

Memory is bounded: small failing results are kept as they are, and of passing cases no more than the case itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check
from conformance.diagnosis.prediction import Prediction, predicted
from conformance.plugin.job import Call
from conformance.plugin.layouts import lay_out
from conformance.problem import Problem
from conformance.reference.truth import Arrays

MOST_ELEMENTS = 100_000
"""Of a result that is kept, and of the tensors of a case that is looked at again."""
MOST_WORK = 2_000_000
_MOST_FAILING, _MOST_PASSING, _MOST_EARLIER = 60, 240, 12


@dataclass(frozen=True, eq=False)
class Observation:
    """One call of a case under a check, and what came of it: ``kind`` is "" where it passed, ``outputs`` empty where unknown.

    ``before`` are the calls made before it in the same trial. What is derived from the problem is computed once.
    """

    check: str
    case: Case
    call: Call
    kind: str = ""
    outputs: tuple[np.ndarray, ...] = ()
    before: tuple[Call, ...] = ()

    @property
    def failed(self) -> bool:
        return bool(self.kind)

    @cached_property
    def problem(self) -> Problem:
        return self.call.problem.replace(unbatched=False)

    @cached_property
    def arrays(self) -> Arrays:
        """The tensors with a batch axis, as they lie in memory."""
        laid = lay_out(self.call.arrays, self.call.layout)
        return {name: array.reshape(self.problem.array_shapes[name]) for name, array in laid.items()}

    @cached_property
    def truth(self) -> Prediction:
        return predicted(self.problem, self.arrays)

    @cached_property
    def actual(self) -> np.ndarray | None:
        """What came out, with the batch axis that an unbatched result lacks."""
        if not self.outputs:
            return None
        return self._batched(self.outputs[0])

    @cached_property
    def indices(self) -> np.ndarray | None:
        return self._batched(self.outputs[1]) if len(self.outputs) > 1 else None

    def _batched(self, array: np.ndarray) -> np.ndarray:
        return array[None] if len(self.problem.result_shape) > len(self.call.problem.result_shape) else array


_SAY_NOTHING = ("rejection", "huge")
"""Checks whose passing cases have no results to compare with."""


def is_small(call: Call) -> bool:
    """Whether a call can be looked at again for as good as nothing; not one of which nothing may be derived."""
    if call.invalid or call.repeated:
        return False
    return call.problem.work <= MOST_WORK and sum(array.size for array in call.arrays.values()) <= MOST_ELEMENTS


@dataclass
class Evidence:
    """What was seen of one operator."""

    failing: list[Observation] = field(default_factory=list)
    passing: dict[tuple[str, str], tuple[Check, Case]] = field(default_factory=dict)

    def failed(self, observation: Observation) -> None:
        of_kind = sum(one.kind == observation.kind for one in self.failing)
        if of_kind < _MOST_FAILING and is_small(observation.call) and not any(_same(observation, one) for one in self.failing):
            self.failing.append(observation)

    def passed(self, check: Check, case: Case) -> None:
        explains = check.name not in _SAY_NOTHING
        if explains and len(self.passing) < _MOST_PASSING and case.problem.work <= MOST_WORK:
            self.passing.setdefault((check.name, str(case)), (check, case))

    def like(self, check: str, kind: str) -> list[Observation]:
        """The failures that are taken for one bug: of one group of checks, and of one kind."""
        group = check.partition(".")[0]
        return [one for one in self.failing if one.kind == kind and one.check.partition(".")[0] == group]

    def earlier(self, seen: Observation) -> tuple[Call, ...]:
        """Calls of other cases whose result has the same shape and type: what may have been remembered."""
        wanted, dtype = seen.call.problem.result_shape, seen.call.problem.dtype
        others = [(check, case) for check, case in self.passing.values() if case != seen.case]
        same = [(check, case) for check, case in others if (case.problem.result_shape, case.problem.dtype) == (wanted, dtype)]
        calls = [call for check, case in same[:_MOST_EARLIER] for call in check.calls(case) if is_small(call)]
        return (*calls, *(one.call for one in self.failing if one.case != seen.case and one.call.problem.result_shape == wanted))

    def right(self, check: str) -> list[Observation]:
        """Passing calls of plain integers and of the same group of checks."""
        group, made = check.partition(".")[0], []
        for one, case in self.passing.values():
            if one.name == "exact" or one.name.partition(".")[0] == group:
                calls = one.calls(case)
                if len(calls) == 1 and is_small(calls[0]):
                    made.append(Observation(one.name, case, calls[0]))
        return made


def _same(one: Observation, other: Observation) -> bool:
    return one.case == other.case and one.check == other.check and one.kind == other.kind


def counted(observations: Sequence[Observation]) -> int:
    """How many of them have a result that a hypothesis can be compared with."""
    return sum(bool(one.outputs) for one in observations)
