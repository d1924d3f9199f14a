"""Sizes at which counters of 16, 24 and 31 bits end: rows and batches beyond 2^16, flat indices beyond 2^24 and 2^31."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Family, Problem
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from conformance.problem.text import parse_problem
from conformance.problem.validity import is_valid

_LONG = 2**16 + 3
_LARGE = 2**24 + 5
"""More elements than a float32 counts by ones."""
_STRIDE = 64  # so that of inputs and outputs only one is large
_SMALLEST = ("uint8", "int8", "float16", "bfloat16", "float32", "float64")


def long_cases(operator: str, claims: Claims, large: bool) -> Iterator[Case]:
    """One row, and all the axes before it of size 1; ``large`` adds one whose flat indices, where there are any, pass 2^24.

    And a batch of as many items of one element: a launch grid of a GPU ends at 65,535 in all axes but the first.
    """
    op = OPERATORS[operator]
    indexed = op.forward and op.family in (Family.MAX_POOL, Family.MAX_UNPOOL)
    for size in (_LONG, _LARGE) if large and indexed else (_LONG,):
        problem = _row(operator, size, claims)
        if problem is not None:
            yield Case(problem, "digits", "0", f"a row of {size:,}")
    items = _items(operator, claims)
    if items is not None:
        yield Case(items, "digits", "0", f"a batch of {_LONG:,}")


def _items(operator: str, claims: Claims) -> Problem | None:
    op, dtype = OPERATORS[operator], _dtype(operator, claims)
    if not dtype or op.pass_name in (BIAS_GRAD, WEIGHT_GRAD) or "batch" not in claims.options:  # sums of a whole batch, as below
        return None
    ones = "x".join("1" * op.ndim)
    window = f"to{ones}" if op.traits.window == "adaptive" else f"k{ones}"
    problem = parse_problem(f"{operator} n{_LONG} i{ones} {window}").replace(dtype=dtype)
    return problem if is_valid(problem) and not claims.refusal(problem) else None


def _dtype(operator: str, claims: Claims) -> str:
    known = OPERATORS[operator].traits.dtypes
    return next((name for name in ("float32", "uint8", *claims.dtypes) if name in claims.dtypes and name in known), "")


def huge_cases(operator: str, claims: Claims, beyond: int = 2**31) -> Iterator[Case]:
    """A row of inputs with flat indices over ``beyond``; of a convolution also many channels of outputs that have them.

    In the smallest data type that is claimed, since even so it takes gigabytes.
    """
    op = OPERATORS[operator]
    dtype = next((name for name in _SMALLEST if name in claims.dtypes and name in op.traits.dtypes), "")
    if not dtype or not op.forward or op.family not in (Family.CONV, Family.MAX_POOL, Family.AVG_POOL):
        return
    ones = "1x" * (op.ndim - 1)
    indices = " indices" if "indices" in claims.options and op.traits.selects else ""
    texts = [f"i{ones}{beyond + 67} k{ones}{_STRIDE if op.is_pool else 2} s{ones}{_STRIDE}{indices}"]
    texts += [] if op.is_pool else [f"i{ones}{beyond // _STRIDE + 3} o{_STRIDE} k{ones}1"]
    for text in texts:
        problem = parse_problem(f"{operator} {dtype} {text}")
        if not claims.refusal(problem):
            yield Case(problem, "periodic", "0", f"flat indices beyond {beyond:,}")


def _row(operator: str, size: int, claims: Claims) -> Problem | None:
    op, dtype = OPERATORS[operator], _dtype(operator, claims)
    if not dtype or op.pass_name == BIAS_GRAD:  # which sums a whole row: a case of its own bound, not of indices
        return None
    kernel, ones = 2 if "kernel" in claims.options else 1, "1x" * (op.ndim - 1)
    if op.traits.window == "adaptive":
        window = f"i{ones}{size} to{ones}{size - 2}"
    elif op.family == "max_unpool":
        window = f"i{ones}{size // 2 * 2} k{ones}2 s{ones}2"
    else:
        window = f"i{ones}{size} k{ones}{kernel}"
    indices = " indices" if "indices" in claims.options and op.traits.selects and op.forward else ""
    problem = parse_problem(f"{operator} {window}{indices}").replace(dtype=dtype)
    return problem if is_valid(problem) and not claims.refusal(problem) else None
