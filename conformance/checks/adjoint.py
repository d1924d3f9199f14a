"""Adjointness ties the passes of an operator together: the gradients must belong to the function that was computed.

Every operator here is homogeneous of degree 1 in each of its tensors, so by Euler's theorem its value is the sum of each
tensor times its gradient: <dy, f(x, w)> = <x, input_grad> = <w, weight_grad>, with ties or without. No oracle is needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Failure, Judgement, OneThing, first_trouble
from conformance.checks.exact import allowed_on_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Operator
from conformance.problem.operators import FORWARD, INPUT_GRAD, WEIGHT_GRAD
from conformance.problem.validity import is_valid

_FACTORS = {FORWARD: "dy", INPUT_GRAD: "x", WEIGHT_GRAD: "w"}
"""What the result of each pass is multiplied with."""
_DTYPES = ("float32", "float64")  # with small integers, sums of any length are exact there


class Adjoint(OneThing):
    """A call of each pass that is claimed, on the same tensors."""

    name = "algebra.adjoint"
    about = "<dy, f(x, w)> = <x, input gradient> = <w, weight gradient>"
    concurrent = False
    optional_calls = True

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return operator.forward and INPUT_GRAD in operator.traits.passes and dtype in ("", *_DTYPES)

    def calls(self, case: Case) -> tuple[Call, ...]:
        if not self.applies(case.problem.op, case.problem.dtype):
            return ()
        forward = case.problem.replace(bias=False, indices=False, result="")
        passes = [forward.as_pass(name) for name in _FACTORS if name in forward.op.traits.passes]
        problems = [problem for problem in passes if is_valid(problem)]  # the infinite norm has no gradient
        if len(problems) < 2:
            return ()
        tensors: dict[str, np.ndarray] = {}
        for problem in problems:  # the forward pass comes first: its tensors are those of all passes
            tensors = dataclasses.replace(case, problem=problem, kind="digits").arrays() | tensors
        return tuple(Call(problem, {name: tensors[name] for name in problem.array_shapes}) for problem in problems)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies)
        if trouble:
            return Judgement(trouble)
        tensors = {name: array for call in calls for name, array in call.arrays.items()}
        sums, words, allowed = [], [], 0.0
        for call, reply in zip(calls, replies, strict=True):
            name = _FACTORS[call.problem.op.pass_name]
            terms = tensors[name] * reply.outputs[0].astype(np.float64)
            sums.append(float(terms.sum()))
            words.append(f"<{name}, {call.problem.operator}> = {sums[-1]:.17g}")
            allowed += _summing(np.abs(terms))
        if max(sums) - min(sums) > allowed:  # of what is divided or rooted, or transformed
            factors = (np.abs(tensors[_FACTORS[call.problem.op.pass_name]]) for call in calls)
            allowed += sum(float(np.sum(f * allowed_on_integers(claims, call))) for f, call in zip(factors, calls, strict=True))
        if max(sums) - min(sums) <= allowed:  # a NaN compares as false
            return Judgement(elements=len(sums))
        failure = Failure("relation broken", f"{' and '.join(words)}, which must be equal", elements=len(sums))
        return Judgement(failure, len(sums))


def _summing(terms: np.ndarray) -> float:
    """The error of a float64 sum (Higham 2002, section 4.2); none where all are integers, which these small sums hold."""
    if (terms == np.rint(terms)).all():
        return 0.0
    return float(terms.size * 2.0**-53 * terms.sum())


CHECKS: tuple[Check, ...] = (Adjoint(),)
