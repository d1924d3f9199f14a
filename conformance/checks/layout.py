"""The same values in another memory layout: views, strides, orders and alignments change nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Judgement
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.plugin.layouts import LAYOUTS


class Layout:
    """One call on integers whose tensors lie in memory in an unusual way."""

    concurrent = False
    optional_calls = False

    def __init__(self, layout: str) -> None:
        self.layout = layout
        self.name, self.about = f"layout.{layout}", f"tensors {layout.replace('_', ' ')} in memory"

    def calls(self, case: Case) -> tuple[Call, ...]:
        arrays = case.arrays()
        if self.layout == "broadcast":  # a stride of zero repeats the first item
            arrays["x"] = np.ascontiguousarray(np.broadcast_to(arrays["x"][:1], arrays["x"].shape))
        return (Call(case.problem, arrays, self.layout),)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies, [f" ({self.about})"])


CHECKS: tuple[Check, ...] = tuple(Layout(layout) for layout in LAYOUTS)
