"""The same values in another memory layout: views, strides, orders and alignments change nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Judgement, OfAll
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.plugin.layouts import LAYOUTS, lay_out
from conformance.problem import Family, Problem


class Layout(OfAll):
    """One call on integers whose tensors, or ``only`` one of them, lie in memory in an unusual way."""

    concurrent = False
    optional_calls = False

    def __init__(self, layout: str, only: str = "") -> None:
        self.layout, self.only = layout, only
        self.name, self.about = f"layout.{layout}", f"tensors {layout.replace('_', ' ')} in memory"

    def calls(self, case: Case) -> tuple[Call, ...]:
        if _roundings(case.problem) * case.problem.format.unit_roundoff > 0.1:
            return ()  # the bound of so many roundings is as large as the result: nothing could fail
        arrays = case.arrays()
        if self.layout == "broadcast":  # a stride of zero repeats the first item of the batch
            if case.problem.unbatched:
                return ()
            first = next(iter(arrays))
            arrays[first] = np.ascontiguousarray(np.broadcast_to(arrays[first][:1], arrays[first].shape))
        main, layout = self.only or next(iter(arrays)), f"{self.layout}:{self.only}" if self.only else self.layout
        if main not in arrays or _lies_alike(arrays[main], lay_out(arrays, layout)[main]):
            return ()  # too small for this layout to be another
        return (Call(case.problem, arrays, layout),)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies, [f" ({self.about})"])


def _roundings(problem: Problem) -> float:
    """How many roundings the bound of a pooling's result counts; none where integers are exact."""
    if not (problem.op.is_pool and problem.op.rounds) or math.isinf(problem.norm):
        return 0
    if problem.op.family is Family.LP_POOL and not problem.op.forward:  # the norm's own error, taken p + 1 times
        return (problem.norm + 1) * math.prod(problem.kernel)
    return problem.max_terms


def _lies_alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of one shape lie in memory alike: the same strides wherever these matter, the same alignment."""
    where = [(a, b) for size, a, b in zip(one.shape, one.strides, other.strides, strict=True) if size > 1]
    return all(a == b for a, b in where) and one.ctypes.data % 16 == other.ctypes.data % 16


CHECKS: tuple[Check, ...] = tuple(Layout(layout) for layout in LAYOUTS)
