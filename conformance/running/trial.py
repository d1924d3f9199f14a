"""A trial: a check on a case, with the calls that it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.checks import Check
from conformance.plain import of_error
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call
from conformance.problem import Problem

_MANY_ITEMS_LIMIT = 120.0  # seconds: a library that is called once for each of so many items takes a tenth of them
_HUGE_LIMIT = 900.0  # seconds for a call on tensors of gigabytes


@dataclass(frozen=True, slots=True)
class Trial:
    """A check on a case, with the calls that it needs.

    Where there is nothing to call, ``reason`` says why, or ``trouble`` what failed in the harness when it was made.
    """

    check: Check
    case: Case
    calls: tuple[Call, ...] = ()
    reason: str = ""
    trouble: str = ""

    @property
    def limit(self) -> float | None:
        """Seconds that it may take where the run's own limit is not meant for it."""
        if any(call.repeated for call in self.calls):
            return _HUGE_LIMIT
        return _MANY_ITEMS_LIMIT if any(call.problem.batch >= 2**16 for call in self.calls) else None

    @property
    def bytes(self) -> int:
        """Of the tensors that it hands over."""
        return sum(array.nbytes for call in self.calls for array in call.arrays.values())

    @property
    def memory(self) -> int:
        """About how many bytes its calls need at once beyond what any call needs: tensors, results and a copy of each."""
        return max((2 * bytes_of(call.problem) for call in self.calls if call.repeated), default=0)

    @property
    def work(self) -> int:
        """Multiply-adds of its calls, or elements that they read."""
        return sum(call.problem.work for call in self.calls if not call.invalid)

    @property
    def steps(self) -> int:
        """Taps of all groups of its calls."""
        return sum(call.problem.steps for call in self.calls if not call.invalid)


def bytes_of(problem: Problem) -> int:
    """Bytes of all tensors and results of a problem."""
    given = sum(math.prod(shape) * problem.dtype_of(name).itemsize for name, shape in problem.array_shapes.items())
    each = problem.result_format.numpy.itemsize + (8 if problem.indices else 0)
    return given + math.prod(problem.result_shape) * each


def make_trial(check: Check, case: Case, claims: Mapping[str, Claims]) -> Trial | None:
    """The trial of ``check`` on ``case``; None if it has nothing to say of it or needs what is not claimed."""
    try:
        calls = check.calls(case)
    except Exception as error:  # a bug of the harness's own, which must not end the run
        return Trial(check, case, trouble=of_error(error))

    def refused(call: Call) -> bool:
        claimed = claims.get(call.problem.operator)
        return claimed is None or claimed.refusal(call.problem) is not None

    if check.optional_calls:  # variations: what is not claimed is left out
        calls = tuple(call for call in calls if not refused(call))
        calls = calls if len({call.problem for call in calls}) > 1 else ()
    return Trial(check, case, calls) if calls and not any(map(refused, calls)) else None
