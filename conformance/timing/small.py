"""A few small problems that an implementation claims, to notice within a minute when it becomes slower.

Each is of another kind: a dense kernel, a 1x1, a depthwise one, a stride, then other operators and passes. They take about a
millisecond in a good library; one that is too slow for them gets smaller ones of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Operator, Problem, parse_problem
from conformance.problem.validity import is_valid
from conformance.timing.block import smaller

FEW = 6
SIZES = (30_000_000, 600_000, 30_000)
"""Multiply-adds of the problems, and of smaller ones for an implementation that is too slow."""
_INPUT = {1: "i1024", 2: "i28x28", 3: "i8x14x14"}
_WEIGHTED = (
    "n1 c64 {i} o64 k{3} p{1}",
    "n1 c128 {i} o64 k{1}",
    "n1 c64 {i} o64 k{3} p{1} g64",
    "n1 c64 {i} o64 k{3} s{2} p{1}",
    "n4 c3 {i} o8 k{3}",
    "n1 c16 {i} o16 k{3}",
    "n1 c1 {i} o1 k{3}",
)
_POOLING = (
    "n1 c64 {i} k{3} s{2} p{1}",
    "n1 c64 {i} k{2} s{2}",
    "n1 c64 {i} to{4}",
    "n1 c16 {i} k{3}",
    "n1 c1 {i} k{2}",
)
"""Texts with the numbers of one axis in braces; those that an operator does not know, or that are not claimed, are left out."""


def small_cases(claims: Mapping[str, Claims], most: int = FEW) -> list[Case]:
    """At most so many problems, the operators in turn: first those of forward passes, each in the first type it claims."""
    forward = [_of(name, claims[name]) for name in OPERATORS if name in claims and OPERATORS[name].forward]
    others = [_of(name, claims[name]) for name in OPERATORS if name in claims and not OPERATORS[name].forward]
    found: list[Case] = []
    for problem in chain(*zip_longest(*forward), *zip_longest(*others)):
        if problem is not None and len(found) < most:
            kind = "integers" if problem.format.kind == "int" or not problem.op.rounds else "wide"
            found.append(Case(problem, kind, "0", "gate"))
    return found


def reduced(case: Case, size: int) -> Case:
    """A problem of the same kind with about so many multiply-adds."""
    return Case(smaller(case.problem, size), case.kind, case.seed, case.origin)


def _of(operator: str, claims: Claims) -> Iterator[Problem]:
    """The problems of one operator, each no more than once."""
    op, done = OPERATORS[operator], set[Problem]()
    for dtype in sorted(claims.dtypes, key=lambda name: name != "float32")[:1]:
        for shape in _WEIGHTED if op.traits.weights else _POOLING:
            problem = _parsed(op, dtype, shape)
            if problem is None or problem in done or claims.refusal(problem) is not None:
                continue
            problem = smaller(problem, SIZES[0])
            if problem not in done and is_valid(problem) and claims.refusal(problem) is None:
                done.add(problem)
                yield problem


def _parsed(op: Operator, dtype: str, shape: str) -> Problem | None:
    text = shape.replace("{i}", _INPUT[op.ndim])
    for number in "1234":
        text = text.replace(f"{{{number}}}", "x".join([number] * op.ndim))
    try:
        problem = parse_problem(f"{op.name} {dtype} {text}")
    except ValueError:
        return None
    return problem if is_valid(problem) else None
