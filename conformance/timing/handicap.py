"""Implementations that are slower by a known share, through real work: what a gate's self-test must find out, or not.

The batch is computed item by item, and the slower ones compute some of the items a second time. Twenty items make a share of
5 % exact whatever the machine, its caches and its clock do; waiting or counting would not be slowed by what slows the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from conformance.cases.case import Case, parse_case
from conformance.plugin import Claims, Implementation
from conformance.plugin.registry import registered
from conformance.problem import Problem

ITEMS = 20
CASE: Case = parse_case(f"conv2d f32 n{ITEMS} c8 i14x14 o8 k3x3 p1x1 values=wide:0")
"""A call of about two milliseconds, several of which make a block."""


class ItemByItem(Implementation):
    """numpy-gemm on one item after the other; ``again`` of them are computed twice."""

    name = "item by item"
    summary = "numpy-gemm on one item of the batch after the other"
    again = 0

    def __init__(self) -> None:
        self.inner = registered("numpy-gemm")

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {"conv2d": self.inner.claims["conv2d"].without("unbatched", "empty_batch")}

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], object]:
        single = problem.replace(batch=1)
        calls = [
            self.inner.prepare(single, {name: x[i : i + 1] if name == "x" else x for name, x in arrays.items()})
            for i in range(problem.batch)
        ]
        calls += calls[: self.again * problem.batch // ITEMS]

        def call() -> object:
            y = np.empty(problem.result_shape, problem.result_format.numpy)
            for number, one in enumerate(calls):
                y[number % problem.batch] = one()  # type: ignore[call-overload]
            return y

        return call


class Slower5(ItemByItem):
    name, again = "slower by 5 %", 1


class Slower10(ItemByItem):
    name, again = "slower by 10 %", 2


class Slower20(ItemByItem):
    name, again = "slower by 20 %", 4
