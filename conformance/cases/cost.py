"""What a case costs the harness, from its text alone: whoever writes one must not be able to take all memory, or days.

Tensors are made and judged in wider types than their own. Of what is very large a sample of results is judged, so that its
memory alone counts; what is timed, again and again, has a limit of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.errors import UsageError
from conformance.problem import Problem
from conformance.reference.sample import is_sampled, judged_planes

MOST_READS = 2**32
"""Elements that are read through windows in one call that is timed: minutes."""
MOST_PRODUCTS = 2**38
"""Multiply-adds of one call that is timed: minutes."""
MOST_TAPS = 2**22
"""Elements that one window may read in a case that is judged in parts (``values=periodic``)."""
_BYTES = 64  # of an element of any tensor, with what is made of it; 22 to 40 were seen
_GATHERED_BYTES = 24  # of an element that a pooling reads through a window
_SAMPLED_BYTES = 40  # where most results are not made in another type; 8 to 17 were seen here, and the worker has its own
_TERM_BYTES = 160  # of a term of a convolution's result
_TABLE_BYTES = 48  # of a place and a tap of one axis


class TooLarge(UsageError):
    """A case that would cost more than is computed here."""


def require_judgeable(case: Case) -> Case:
    """Return ``case``; raise :class:`TooLarge` where one window alone is too large to be judged, in parts, in its time."""
    if case.kind == "periodic":
        _require((("elements read by one window", math.prod(case.problem.kernel) * case.problem.channels, MOST_TAPS),))
    return case


def require_affordable(case: Case) -> Case:
    """Return ``case``, which is to be timed, or raise :class:`TooLarge` with what it would cost and what is allowed."""
    require_judgeable(case)
    if case.kind != "periodic":
        problem = case.problem
        _require((("elements read through windows", reads(problem), MOST_READS), ("multiply-adds", problem.work, MOST_PRODUCTS)))
    return case


def _require(counts: Sequence[tuple[str, int, int]]) -> None:
    for what, count, most in counts:
        if count > most:
            raise TooLarge(f"the case is too large: {count:,} {what}, more than the {most:,} that are computed here",
                           hint="take smaller sizes, fewer channels or a smaller kernel")  # fmt: skip


def reads(problem: Problem) -> int:
    """Elements that a direct loop would read through all windows, and write: at least those of the tensors themselves."""
    gathered = problem.batch * problem.channels * math.prod(problem.places) * math.prod(problem.kernel)
    return max(gathered, _table_entries(problem), _elements(problem))


def memory(case: Case) -> int:
    """About how many bytes the harness and the worker need for a case beyond what any case needs; 0 of a periodic one."""
    if case.kind == "periodic":
        return 0
    problem = case.problem
    if problem.op.is_pool:  # maxima are not made in blocks
        judged = math.ceil(_GATHERED_BYTES * reads(problem) * judged_planes(problem))
    else:  # sums are, and of a sample those of one result at a time
        judged = _TERM_BYTES * problem.max_terms
    each = _SAMPLED_BYTES if is_sampled(problem) and not problem.op.is_pool else _BYTES
    return each * _elements(problem) + _TABLE_BYTES * _table_entries(problem) + judged


def _elements(problem: Problem) -> int:
    return sum(map(math.prod, problem.array_shapes.values())) + math.prod(problem.result_shape)


def _table_entries(problem: Problem) -> int:
    """Of the tables of all axes."""
    return sum(places * window.kernel for places, window in zip(problem.places, problem.windows, strict=True))
