"""Windows whose kernel is alike in every axis, as in nearly all networks, with strides and dilations that are alike or not.

A covering set varies the axes one by one, so that what needs four parameters at once, such as a large kernel with stride 1 in
both axes, is left to chance there; and fast paths are written for just that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Operator, Problem
from conformance.problem.text import parse_problem
from conformance.problem.validity import is_valid

_KERNELS = {2: (2, 3, 5, 7), 3: (2, 3, 5)}  # those of three axes are as expensive as they are rare
_STRIDES = (1, 2)
_UNLIKE = (2, 3)  # kernels that are tried with strides and dilations that differ by axis


def uniform_cases(operator: str, claims: Claims) -> Iterator[Case]:
    """One problem for each kernel, stride and padding that is claimed; for a single axis the covering set has them all."""
    op = OPERATORS[operator]
    if op.ndim == 1 or op.traits.window == "adaptive":
        return
    for kernel, stride, half in product(_KERNELS[op.ndim], _STRIDES, (False, True)):
        padding = f" p{kernel // 2}" if half else ""
        size = kernel + 2 if op.traits.window == "sliding" else 3
        problem = parse_problem(f"{operator} i{size} k{kernel} s{stride}{padding}").replace(dtype=claims.dtypes[0])
        if _is_one(problem, op, claims):
            yield Case(problem, "integers", f"{kernel}-{stride}-{half}", "windows alike in every axis")


def unlike_cases(operator: Operator, claims: Claims, dtypes: tuple[str, ...]) -> Iterator[Case]:
    """Small kernels with strides and dilations that are 1, 2, or 2 in one axis alone, with and without padding."""
    if operator.traits.window == "adaptive" or "per_axis" not in claims.options:
        return
    steps = ["x".join(["1"] * operator.ndim), "x".join(["2"] * operator.ndim)]
    if operator.ndim > 1:
        steps += ["x".join("2" if axis == odd else "1" for axis in range(operator.ndim)) for odd in range(operator.ndim)]
    dilations = steps if "dilation" in claims.options else steps[:1]
    channels = "c2" if operator.is_pool else "c2 o3"
    for dtype in dtypes:
        for kernel, stride, dilation, padding in product(_UNLIKE, steps, dilations, (0, 1)):
            size = 2 * kernel + 2 if operator.traits.window == "sliding" else 3
            text = f"{operator.name} n2 {channels} i{size} k{kernel} s{stride} p{padding} d{dilation}"
            problem = parse_problem(text).replace(dtype=dtype)
            if _is_one(problem, operator, claims):
                yield Case(problem, "integers", f"{kernel}-{stride}-{padding}", "small windows, alike or not by axis")


def _is_one(problem: Problem, operator: Operator, claims: Claims) -> bool:
    return problem.dtype in operator.traits.dtypes and is_valid(problem) and not claims.refusal(problem)
