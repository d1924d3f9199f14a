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
from conformance.plugin.layouts import LAYOUT_GROUPS, LAYOUTS, lay_out
from conformance.problem import Family, Problem


class Layout(OfAll):
    """Calls on integers whose tensors, or ``only`` one of them, lie in memory in unusual ways: one ``layouts`` after another."""

    concurrent = False
    optional_calls = False

    def __init__(self, name: str, layouts: Sequence[str], only: str = "") -> None:
        self.layouts, self.only = tuple(layouts), only
        self.name = f"layout.{name}" + (f"_of_{only}" if only else "")
        self.about = f"{f'the tensor {only}' if only else 'tensors'} {_words(self.layouts)} in memory"

    def calls(self, case: Case) -> tuple[Call, ...]:
        if _roundings(case.problem) * case.problem.format.unit_roundoff > 0.1:
            return ()  # the bound of so many roundings is as large as the result: nothing could fail
        arrays = case.arrays()
        return tuple(call for layout in self.layouts if (call := self._call(case.problem, arrays, layout)) is not None)

    def _call(self, problem: Problem, arrays: dict[str, np.ndarray], layout: str) -> Call | None:
        first = next(iter(arrays))
        if layout == "broadcast":  # a stride of zero repeats the first item of the batch
            if problem.unbatched or self.only not in ("", first):
                return None
            arrays = {**arrays, first: np.ascontiguousarray(np.broadcast_to(arrays[first][:1], arrays[first].shape))}
        main, name = self.only or first, f"{layout}:{self.only}" if self.only else layout
        if main not in arrays or _lies_alike(arrays[main], lay_out(arrays, name)[main]):
            return None  # too small for this layout to be another
        return Call(problem, arrays, name)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        of = f"the tensor {self.only}" if self.only else "tensors"
        notes = [f" ({of} {_words([call.layout.partition(':')[0]])} in memory)" for call in calls]
        return judge_integers(claims, calls, replies, notes)

    def narrowed(self, case: Case, call: Call, number: int) -> tuple[str, Case] | None:
        """The check that makes one of its calls alone, with its case; None if it is that already."""
        layout = call.layout.partition(":")[0]
        return (Layout(layout, [layout], self.only).name, case) if len(self.layouts) > 1 else None


def _words(layouts: Sequence[str]) -> str:
    return ", ".join(layouts).replace("_", " ")


def _roundings(problem: Problem) -> float:
    """How many roundings the bound of a pooling's result counts; none where integers are exact."""
    if not (problem.op.is_pool and problem.op.rounds) or math.isinf(problem.norm):
        return 0
    if problem.op.family is Family.LP_POOL and not problem.op.forward:  # the norm's own error, taken p + 1 times
        return (problem.norm + 1) * math.prod(problem.kernel)
    return problem.max_terms


def _lies_alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of one shape lie in memory alike: the same strides, also of axes of one element, which say nothing but
    may be read, the same alignment, and both at the beginning of their memory."""
    if other.base is not None and other.size and other.ctypes.data != other.base.ctypes.data:
        return False
    return (one.size <= 1 or one.strides == other.strides) and one.ctypes.data % 16 == other.ctypes.data % 16


CHECKS: tuple[Check, ...] = tuple(Layout(layout, [layout]) for layout in LAYOUTS)
GROUPS: tuple[Layout, ...] = tuple(Layout(group, layouts) for group, layouts in LAYOUT_GROUPS.items())
"""Several layouts in one trial, on the same numbers."""
OF_ONE_TENSOR: tuple[Layout, ...] = tuple(
    Layout(name, layouts, tensor)
    for tensor in ("x", "w", "b", "dy", "ddx", "indices")
    for name, layouts in (*LAYOUT_GROUPS.items(), *((layout, (layout,)) for layout in LAYOUTS))
)
"""The same for one tensor alone, while the others lie as usual."""
