"""Windows that are alike in every axis, as in nearly all networks: large kernels with one stride, padded by nothing or half.

A covering set varies the axes one by one, so that what needs four parameters at once, such as a large kernel with stride 1 in
both axes, is left to chance there; and fast paths are written for just that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS
from conformance.problem.text import parse_problem
from conformance.problem.validity import is_valid

_KERNELS = {2: (2, 3, 5, 7), 3: (2, 3, 5)}  # those of three axes are as expensive as they are rare
_STRIDES = (1, 2)


def uniform_cases(operator: str, claims: Claims) -> Iterator[Case]:
    """One problem for each kernel, stride and padding that is claimed; for a single axis the covering set has them all."""
    op = OPERATORS[operator]
    if op.ndim == 1 or op.traits.window == "adaptive":
        return
    for kernel, stride, half in product(_KERNELS[op.ndim], _STRIDES, (False, True)):
        padding = f" p{kernel // 2}" if half else ""
        size = kernel + 2 if op.traits.window == "sliding" else 3
        problem = parse_problem(f"{operator} i{size} k{kernel} s{stride}{padding}").replace(dtype=claims.dtypes[0])
        if claims.dtypes[0] in op.traits.dtypes and is_valid(problem) and not claims.refusal(problem):
            yield Case(problem, "integers", f"{kernel}-{stride}-{half}", "windows alike in every axis")
