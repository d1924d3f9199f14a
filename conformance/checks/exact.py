"""Class E: on integers whose sums the format holds, every output is right to the last bit, or it is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Failure, Judgement, OfAll, difference, excess_of, first_trouble, is_right
from conformance.checks.judged import judged
from conformance.checks.likeness import class_reached, looks_like
from conformance.checks.power import blind_outputs
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Family, Format, Problem
from conformance.problem.accuracy import accuracy_named
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Truth

_NEARLY = "; near enough for real values, but a direct sum is exact here: behaves like a transform method, or rounds constants"


class Exact(OfAll):
    """One call on integers, zero tolerance."""

    name = "exact"
    about = "integers, every output exactly right"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        return (Call(case.problem, case.arrays()),)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies)


def judge_integers(claims: Claims, calls: Sequence[Call], replies: Sequence[Reply], notes: Sequence[str] = ()) -> Judgement:
    """Every reply against the truth on integer data; ``notes`` say what is special about each call."""
    trouble = first_trouble(calls, replies)
    elements, blind, missed = 0, 0, 0.0
    truths: dict[tuple[int, Problem], Truth] = {}  # calls may share their tensors, which lie in memory otherwise
    for number, (call, reply) in enumerate(zip(calls, replies, strict=False)):
        if trouble is not None and number >= trouble.call:
            break
        note, key = notes[number] if notes else "", (id(call.arrays), call.problem)
        compared = judged(claims, call, reply, truths.get(key))
        truths[key] = compared.truth
        elements, missed = elements + compared.outputs[0].size, max(missed, compared.missed)
        blind += blind_outputs(call.problem, call.arrays, compared.truth)
        failure = compare_integers(claims, call, compared.outputs, compared.truth, number, note)
        if failure:
            return Judgement(compared.placed(failure), elements, blind, missed=missed)
    return Judgement(trouble, elements, blind, missed=missed)


def compare_integers(
    claims: Claims, call: Call, outputs: Sequence[np.ndarray], truth: Truth, number: int, note: str
) -> Failure | None:
    """The outputs of one call against the truth on integer data (perhaps with NaN or Inf planted)."""
    failure = _wrong_value(claims, call, outputs[0], truth, number, note)
    if failure or not call.problem.indices:
        return failure
    assert truth.indices is not None
    wrong = excess_of(outputs[1], truth.indices, truth.indices, truth.indices)
    return difference(outputs[1], truth.indices, wrong, kind="wrong index", call=number, note=note)


def _wrong_value(claims: Claims, call: Call, actual: np.ndarray, truth: Truth, number: int, note: str) -> Failure | None:
    y = overflowed(truth.y, call.problem.result_format)
    if not truth.low.any() and is_right(actual, y):
        return None
    excess = excess_of(actual, y, truth.low, tolerance_on_integers(claims, call, truth).tolerance)
    if (excess > 1).any() and call.problem.format.kind == "float":
        reached = class_reached(call, actual, truth, claims.accuracy)
        note += _NEARLY if reached == "componentwise" else looks_like(reached)
    return difference(actual, y, excess, call=number, note=note)


def overflowed(y: np.ndarray, result: Format) -> np.ndarray:
    """``y`` with Inf where it is beyond the largest number of a floating-point format (IEEE 754, section 7.4)."""
    if result.kind != "float":
        return y
    return np.where(np.abs(y) >= 2 * result.largest_power, np.copysign(np.inf, y), y)


def tolerance_on_integers(claims: Claims, call: Call, truth: Truth) -> bounds.Bound:
    """Zero for direct sums. A declared transform or reduced method is held to its own bound, which is near zero here."""
    accuracy = accuracy_named(claims.accuracy)
    if accuracy.kind == "componentwise":
        return bounds.exact_on_integers(call.problem, truth)
    return bounds.admissible(call.problem, truth, call.arrays, accuracy)


def allowed_on_integers(claims: Claims, call: Call) -> np.ndarray:
    """That tolerance for every result of a call, or a single zero where it is zero for all: then no truth is needed."""
    direct = accuracy_named(claims.accuracy).kind == "componentwise"
    if direct and call.problem.op.family in (Family.CONV, Family.CONV_TRANSPOSE):
        return np.zeros(1)
    return tolerance_on_integers(claims, call, solve(call.problem, call.arrays)).tolerance


CHECKS: tuple[Check, ...] = (Exact(),)
