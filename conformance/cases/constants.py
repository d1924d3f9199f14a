"""Sizes that a target's source names: c - 1, c, c + 1 and multiples of c, for every size of a problem.

Each alone as on the ladders of :mod:`conformance.cases.ladders`, and as channels and sizes of the commonest kinds of layers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from conformance.cases.case import Case
from conformance.cases.kinds import kinds_of, sized
from conformance.cases.ladders import BITS, first_type, sizes_of, together
from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem
from conformance.problem.validity import is_valid

_KINDS = 6  # of layers, the commonest, that have a constant for their channels
_WORK = 2**22


def constant_cases(operator: Operator, claims: Claims, constants: Sequence[int], seed: int) -> Iterator[Case]:
    """Every size at every constant's neighbours and multiples; then the commonest kinds of layers with them for channels."""
    if not constants:
        return
    dtype = first_type(operator, claims)
    left = {size: [v for v in around(constants) if v <= 2 ** BITS[size.field] + 1] for size in sizes_of(operator, claims)}
    rng = random.Random(f"{operator.name}:{seed}")
    yield from together(operator, claims, left, dtype, rng, "a number in its source")
    for constant in constants:
        for kind in kinds_of(operator.family, operator.ndim)[:_KINDS]:
            yield from _of_kind(sized(kind), operator, claims, constant, dtype)


def around(constants: Sequence[int]) -> list[int]:
    """The numbers that are tried because of these, the largest first."""
    found = {near for c in constants for near in (c - 1, c, c + 1, 2 * c - 1, 2 * c, 2 * c + 1, 3 * c, 4 * c)}
    return sorted((value for value in found if value > 1), reverse=True)


def _of_kind(problem: Problem, operator: Operator, claims: Claims, constant: int, dtype: str) -> Iterator[Case]:
    """One kind with a constant, and one more, for its channels; and with an output of the constant's size in the last axis."""
    problem, able = problem.as_pass(operator.pass_name).replace(dtype=dtype), claims.options
    wanted = list[Problem]()
    for channels in (constant, constant + 1):
        if problem.op.is_pool:
            wanted.append(problem.replace(channels=channels, out_channels=channels))
        elif problem.groups == 1:
            wanted += [problem.replace(channels=channels, out_channels=3), problem.replace(channels=3, out_channels=channels)]
        else:
            each = problem.out_channels // problem.channels
            wanted.append(problem.replace(channels=channels, out_channels=channels * max(1, each), groups=channels))
    last = operator.ndim - 1
    wanted.append(problem.with_axis(last, size=problem.windows[last].size + (constant - 1) * problem.windows[last].stride))
    for one in wanted:
        one = one.replace(batch=2 if "batch" in able else 1)
        if is_valid(one) and not claims.refusal(one) and one.work <= _WORK:
            yield Case(one, "integers", "constant", f"a number in its source: {constant}")
