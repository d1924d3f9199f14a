"""What is made of the covering set's problems for a round of a check, so that every tensor, type and layout has its turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.cases.space import WIDER
from conformance.checks import Check
from conformance.plugin.claims import Claims
from conformance.problem import Family, Problem, Window
from conformance.problem.validity import is_valid

_ONE_PLACE: dict[str, dict[str, Any]] = {
    "sliding": {"kernel": 1, "dilation": 1, "pad_begin": 0, "pad_end": 0},
    "transposed": {"pad_begin": 0, "pad_end": 0},
    "adaptive": {"output": 1},
}
"""Changes of a window that make it one of an axis of one element."""
Change = Callable[[Problem, Claims], Problem]


def changes(check: Check, repeat: int, dtypes: Sequence[str]) -> Iterator[Change]:
    """What is made of the covering set's problems for a round of a check: in the first, all tensors that there can be.

    Special values, roundings and orders of sums are each data type's own, so every type has its turn; for accuracy there
    are rounds of dense kernels of 3 and of single products.
    """
    if check.name.partition(".")[0] not in ("special", "accuracy") and check.name != "state.repeat":
        layout = check.name.startswith("layout.") and check.name != "layout.broadcast"
        yield _biased if repeat == 0 else _unbatched if repeat == 1 and layout else _as_it_is
        if repeat == 2 and layout:
            yield from (_flat, _one_channel)
        return
    shape = (_biased, _usual, _single)[repeat % 3] if check.name == "accuracy" else _as_it_is
    for dtype in dtypes:

        def change(problem: Problem, claims: Claims, dtype: str = dtype) -> Problem:
            return shape(_of_type(problem, claims, dtype), claims)

        yield change


def _as_it_is(problem: Problem, claims: Claims) -> Problem:
    return problem


def _biased(problem: Problem, claims: Claims) -> Problem:
    """The same with a bias if it may have one: the first round of each check tries every tensor that there can be."""
    biased = problem.replace(bias=True) if problem.op.traits.weights and problem.op.forward else problem
    return problem if not is_valid(biased) or claims.refusal(biased) else biased


def _of_type(problem: Problem, claims: Claims, dtype: str) -> Problem:
    typed = problem.replace(dtype=dtype or problem.dtype)
    if problem.result and problem.op.family is Family.CONV:
        typed = typed.replace(result=WIDER.get(typed.dtype, ""))
    return problem if claims.refusal(typed) or not is_valid(typed) else typed


def _single(problem: Problem, claims: Claims) -> Problem:
    """The same with one term in every sum: what is left is the rounding of products and results."""
    plain = problem.replace(batch=1, auto_pad="", groups=1, bias=False)
    channels = {"channels": 1, "out_channels": 1} if problem.op.is_pool else {"channels": 1}
    windows = tuple(Window(max(4, w.size), 1) if isinstance(w, Window) else w for w in problem.windows)
    single = plain.replace(windows=windows, **channels)
    return single if is_valid(single) and not claims.refusal(single) else problem


def _unbatched(problem: Problem, claims: Claims) -> Problem:
    unbatched = problem.replace(batch=1, unbatched=True)
    return unbatched if is_valid(unbatched) and not claims.refusal(unbatched) else problem


def _flat(problem: Problem, claims: Claims) -> Problem:
    """The same with one element in its first axis, and several planes: the stride of such an axis says nothing."""
    first = problem.windows[0]
    windows = (dataclasses.replace(first, size=1, **_ONE_PLACE[problem.op.traits.window]), *problem.windows[1:])
    flat = problem.replace(windows=windows, batch=max(2, problem.batch), unbatched=False)
    return flat if problem.op.ndim > 1 and is_valid(flat) and not claims.refusal(flat) else problem


def _one_channel(problem: Problem, claims: Claims) -> Problem:
    """The same with one channel going in, whose stride says nothing either, and several items."""
    out = 1 if problem.op.is_pool else max(2, problem.out_channels)
    single = problem.replace(batch=max(2, problem.batch), unbatched=False, channels=1, groups=1, out_channels=out)
    return single if is_valid(single) and not claims.refusal(single) else problem


def _usual(problem: Problem, claims: Claims) -> Problem:
    """The same with a dense kernel of 3 wherever it is larger than 1: what transform methods are made for."""
    windows = tuple(
        Window(max(w.size, 7), 3, pad_begin=_one(w.pad_begin), pad_end=_one(w.pad_end), ceil=w.ceil, mode=w.mode)
        if isinstance(w, Window) and w.kernel > 1
        else w
        for w in problem.windows
    )
    usual = problem.replace(windows=windows, auto_pad="")
    return usual if is_valid(usual) else problem


def _one(padding: int) -> int:
    return min(max(padding, 0), 1)
