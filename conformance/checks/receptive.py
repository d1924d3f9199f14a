"""Receptive field: changing one input changes no bit of an output whose window does not hold it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Judgement, OneThing, difference
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import FORMATS, Family, Operator, Problem
from conformance.problem.accuracy import accuracy_named

_KNOWN = (Family.CONV, Family.MAX_POOL, Family.AVG_POOL, Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL)


class Receptive(OneThing):
    """Two calls whose inputs differ in one element. On integers, where an honest result has the same bits on any path."""

    name = "receptive"
    about = "outputs that do not see a changed input stay as they were"
    concurrent = False
    optional_calls = False

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return operator.forward and operator.family in _KNOWN and (dtype == "" or FORMATS[dtype].signed)

    def calls(self, case: Case) -> tuple[Call, ...]:
        if not self.applies(case.problem.op, case.problem.dtype) or not case.problem.batch:
            return ()
        arrays = case.arrays()
        changed = arrays["x"].copy()
        changed.reshape(_batched(case.problem).input_shape)[_changed_at(case)] *= -1
        return Call(case.problem, arrays), Call(case.problem, {**arrays, "x": changed}, same_address=True)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        judged = judge_integers(claims, calls, replies, ["", f" (one element changed, the input's {_changed_at(case)})"])
        if judged.failure or accuracy_named(claims.accuracy).kind == "normwise":  # a transform sees everything
            return judged
        before, after = (reply.outputs[0] for reply in replies)
        blind = ~sees(_batched(case.problem), _changed_at(case)).reshape(before.shape)
        excess = np.where(blind & (before != after), np.inf, 0.0)
        note = f" (input {_changed_at(case)} was changed, which they do not see)"
        return Judgement(difference(after, before, excess, kind="sees too much", call=1, note=note), judged.elements)


def _changed_at(case: Case) -> tuple[int, ...]:
    """An element that some output reads, in the middle of the tensor: what remembers inputs by their ends would miss it."""
    batch, channels, *_ = case.problem.input_shape
    position = []
    for window in case.problem.windows:
        read = np.unique(window.table()[window.inside()])
        position.append(int(read[np.abs(2 * read + 1 - window.size).argmin()]) if read.size else 0)
    return (batch // 2, channels // 2, *position)


def _batched(problem: Problem) -> Problem:
    return problem.replace(unbatched=False)


def sees(problem: Problem, at: tuple[int, ...]) -> np.ndarray:
    """Which outputs read the input element ``at`` (item, channel, *position), as booleans of the output's shape."""
    item, channel, *position = at
    result = np.zeros(problem.output_shape, dtype=bool)
    reads = np.ones((1,) * problem.op.ndim, dtype=bool)
    for axis, (window, i) in enumerate(zip(problem.windows, position, strict=True)):
        shape = [1] * problem.op.ndim
        shape[axis] = -1
        reads = reads & (window.table() == i).any(axis=1).reshape(shape)
    if problem.op.is_pool:
        result[item, channel] = reads
    else:
        size = problem.out_channels // problem.groups
        group = channel // (problem.channels // problem.groups)
        result[item, group * size : (group + 1) * size] = reads
    return result


CHECKS: tuple[Check, ...] = (Receptive(),)
