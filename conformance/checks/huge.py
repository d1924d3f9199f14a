"""Flat indices beyond 2^31: tensors so large that they are made in the worker alone, and judged in parts.

The tensors repeat a period of a prime length, so any part of them is known without the rest, and what is read 2^31 or
2^32 elements away is another number. A part of a row of outputs is the whole result of a small problem on a part of the
inputs, which is what the oracle solves.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.cases.periodic import cut, one_period
from conformance.checks.base import Check, Failure, Judgement, OfAll, difference, excess_of
from conformance.checks.exact import tolerance_on_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Problem, Window
from conformance.reference.oracle import solve

_PART = 64  # outputs that are looked at in a place
_EVERY = 257  # places in all


class Huge(OfAll):
    """One call on a row, without padding; outputs are compared at its ends, around every power of two, and in between."""

    name = "huge"
    about = "indices beyond 31 bits"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        if case.kind != "periodic":
            return ()
        return (Call(case.problem, one_period(case.problem, case.seed), repeated=True, parts=parts_of(case.problem)),)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        (call,), (reply,) = calls, replies
        trouble = _trouble(call, reply)
        if trouble:
            return Judgement(trouble)
        start, elements = 0, sum(end - first for first, end in call.parts)
        for first, end in call.parts:
            part, start = slice(start, start + end - first), start + end - first
            failure = _compare(claims, call, first, [output[part] for output in reply.outputs], end - first)
            if failure:
                return Judgement(failure, elements)
        return Judgement(None, elements)


def parts_of(problem: Problem) -> tuple[tuple[int, int], ...]:
    """Ranges of the flat result, each within one row, that hold every place where a counter of some bits would end."""
    row, size = problem.output_shape[-1], math.prod(problem.output_shape)
    stride, length = problem.stride[-1], problem.windows[-1].size
    powers = [2**bits for bits in range(8, 40)]
    wanted = {0, size - _PART, *(at - _PART // 2 for at in powers)}  # counters of results
    wanted |= {at // length * row + at % length // stride - _PART // 2 for at in powers}  # and of inputs
    wanted |= set(np.linspace(0, size - _PART, _EVERY).astype(np.int64).tolist())
    starts = sorted(_within_row(at, row) for at in wanted if 0 <= at < size)
    return tuple((at, min(at + _PART, at // row * row + row)) for at in dict.fromkeys(starts))


def _within_row(at: int, row: int) -> int:
    """``at`` moved to the left where its range would reach over the end of its row."""
    return min(at, at // row * row + max(0, row - _PART))


def _trouble(call: Call, reply: Reply) -> Failure | None:
    """What is wrong before any number is compared."""
    if reply.error:
        return Failure(reply.error_kind, reply.error)
    if reply.trouble:
        return Failure(*reply.trouble[0])
    wanted = 2 if call.problem.indices else 1
    if len(reply.outputs) != wanted:
        return Failure("wrong result", f"returned {len(reply.outputs)} arrays, expected {wanted}")
    for shape in reply.whole:
        if shape != call.problem.result_shape:
            return Failure("wrong shape", f"output of shape {shape}, expected {call.problem.result_shape}")
    if reply.outputs[0].dtype != call.problem.result_format.numpy:
        return Failure("wrong dtype", f"returned {reply.outputs[0].dtype.name} for {call.problem.dtype} inputs")
    return None


def _compare(claims: Claims, call: Call, first: int, outputs: list[np.ndarray], count: int) -> Failure | None:
    """A range of outputs from the flat place ``first`` on against the truth of the small problem that it is."""
    small, offset = small_call(call, first, count)
    truth = solve(small.problem, small.arrays)
    y, low = truth.y.reshape(-1), truth.low.reshape(-1)
    excess = excess_of(outputs[0], y, low, tolerance_on_integers(claims, small, truth).tolerance.reshape(-1))
    note = f" of those from flat index {first:,} on"
    failure = difference(outputs[0], y, excess, note=note)
    if failure is None and call.problem.indices:
        assert truth.indices is not None
        expected = truth.indices.reshape(-1) + offset
        wrong = excess_of(outputs[1], expected, expected, expected)
        failure = difference(outputs[1], expected, wrong, kind="wrong index", note=note)
    if failure is None or failure.index is None:
        return failure
    at = np.unravel_index(first + failure.index[0], call.problem.result_shape)
    return dataclasses.replace(failure, index=tuple(int(i) for i in at))


def small_call(call: Call, first: int, count: int) -> tuple[Call, int]:
    """The call of which ``count`` outputs from flat place ``first`` on are all, and the input place at which it begins."""
    problem, row = call.problem, call.problem.output_shape[-1]
    channel, place = divmod(first, row)  # one item, and all axes but the last have one place
    window = problem.windows[-1]
    assert isinstance(window, Window)
    begin, size = place * window.stride, (count - 1) * window.stride + window.extent
    channels = range(problem.channels) if not problem.op.is_pool else (channel,)
    x = [cut(call.arrays["x"], c * window.size + begin, size) for c in channels]
    small = problem.with_axis(problem.op.ndim - 1, size=size).replace(channels=len(channels), out_channels=1)
    arrays = {"x": np.stack(x).reshape(small.input_shape)}
    if not problem.op.is_pool:
        taps = math.prod(problem.weight_shape[1:])
        arrays["w"] = cut(call.arrays["w"], channel * taps, taps).reshape(small.weight_shape)
    return Call(small, arrays), begin


CHECKS: tuple[Check, ...] = (Huge(),)
