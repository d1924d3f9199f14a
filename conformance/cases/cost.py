"""What a case costs the harness, from its text alone: whoever writes one must not be able to take all memory, or days.

Tensors are made and judged in wider types than their own, and every window is gathered, so both grow with more than the
tensors' sizes.
"""

from __future__ import annotations

import math

from conformance.cases.case import Case
from conformance.errors import UsageError
from conformance.problem import Problem

MOST_READS = 2**32
"""Elements that are read through windows in one call: minutes."""
MOST_PRODUCTS = 2**38
"""Multiply-adds of one call: minutes."""
MOST_TAPS = 2**22
"""Elements that one window may read in a case that is judged in parts (``values=periodic``)."""
_BYTES = 64  # of an element of any tensor, with what is made of it; 22 to 40 were seen
_GATHERED_BYTES = 24  # of an element that a pooling reads through a window
_TABLE_BYTES = 48  # of a place and a tap of one axis


class TooLarge(UsageError):
    """A case that would cost more than is computed here."""


def require_affordable(case: Case) -> Case:
    """Return ``case``, or raise :class:`TooLarge` with what it would cost and what is allowed."""
    problem = case.problem
    if case.kind == "periodic":
        counts: tuple[tuple[str, int, int], ...] = (
            ("elements read by one window", math.prod(problem.kernel) * problem.channels, MOST_TAPS),
        )
    else:
        counts = (("elements read through windows", reads(problem), MOST_READS), ("multiply-adds", problem.work, MOST_PRODUCTS))
    for what, count, most in counts:
        if count > most:
            raise TooLarge(f"the case is too large: {count:,} {what}, more than the {most:,} that are computed here",
                           hint="take smaller sizes, fewer channels or a smaller kernel")  # fmt: skip
    return case


def reads(problem: Problem) -> int:
    """Elements that a direct loop would read through all windows, and write: at least those of the tensors themselves."""
    gathered = problem.batch * problem.channels * math.prod(problem.places) * math.prod(problem.kernel)
    return max(gathered, _table_entries(problem), _elements(problem))


def memory(case: Case) -> int:
    """About how many bytes the harness and the worker need for a case beyond what any case needs; 0 of a periodic one."""
    if case.kind == "periodic":
        return 0
    problem = case.problem
    gathered = _GATHERED_BYTES * reads(problem) if problem.op.is_pool else 0  # sums are made in blocks, maxima are not
    return _BYTES * _elements(problem) + _TABLE_BYTES * _table_entries(problem) + gathered


def _elements(problem: Problem) -> int:
    return sum(map(math.prod, problem.array_shapes.values())) + math.prod(problem.result_shape)


def _table_entries(problem: Problem) -> int:
    """Of the tables of all axes."""
    return sum(places * window.kernel for places, window in zip(problem.places, problem.windows, strict=True))
