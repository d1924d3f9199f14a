"""Class C, N and R: on real-valued data, every output within the bound of the accuracy that is declared.

The bounds are derived (METHOD sections 3 to 5), so an honest implementation never fails them; the data has the power to
show transform methods, shortened inputs and short accumulators, and a failure says which of them it looks like.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import AccuracyFigures, Check, Judgement, difference, excess_of, first_trouble
from conformance.checks.judged import judged
from conformance.checks.likeness import class_reached, looks_like
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import FORMATS, Family, Operator
from conformance.problem.accuracy import accuracy_named
from conformance.reference import bounds
from conformance.reference.truth import Truth

_RESULTS = 2**14  # which are measured one by one: what is inaccurate is so in many of them


class Accuracy:
    """One call on real-valued data, or one for each of some ``kinds`` of it."""

    concurrent = False
    optional_calls = False

    def __init__(self, name: str = "", kinds: Sequence[str] = ()) -> None:
        self.name = f"accuracy.{name}" if name else "accuracy"
        self.about = "real values, every output within its error bound"
        self.kinds = tuple(kinds)

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        """What rounds nothing is exact."""
        of_integers = operator.family is Family.CONV_INTEGER or (dtype != "" and FORMATS[dtype].kind == "int")
        return operator.rounds and not of_integers

    def calls(self, case: Case) -> tuple[Call, ...]:
        problem = case.problem
        if not self.applies(problem.op, problem.dtype):
            return ()
        return tuple(Call(problem, dataclasses.replace(case, kind=kind).arrays()) for kind in self.kinds or (case.kind,))

    def narrowed(self, case: Case, call: Call, number: int) -> tuple[str, Case] | None:
        """The check that makes one of its calls alone, with its case; None if it is that already."""
        return ("accuracy", dataclasses.replace(case, kind=self.kinds[number])) if self.kinds else None

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies)
        elements, worst = 0, Judgement()
        for number, (call, reply) in enumerate(zip(calls, replies, strict=False)):
            if trouble is not None and number >= trouble.call:
                break
            one = self._judge(claims, call, reply, number)
            elements += one.elements
            if one.failure:
                return dataclasses.replace(one, elements=elements)
            worst = max(worst, one, key=lambda judged: judged.accuracy.used if judged.accuracy else -1.0)
        return dataclasses.replace(worst, failure=trouble, elements=elements)

    def _judge(self, claims: Claims, call: Call, reply: Reply, number: int) -> Judgement:
        """One reply; the figures are of it."""
        compared = judged(claims, call, reply, results=_RESULTS)
        truth, actual = compared.truth, compared.outputs[0]
        bound = bounds.admissible(call.problem, truth, call.arrays, accuracy_named(claims.accuracy))
        excess = excess_of(actual, truth.y, truth.low, bound.tolerance)
        figures = measure(call, actual, truth, excess, claims.accuracy)
        note = looks_like(figures.reached)
        failure = difference(actual, truth.y, excess, kind="inaccurate", call=number, note=note)
        return Judgement(compared.placed(failure), actual.size, accuracy=figures, missed=compared.missed)


def measure(call: Call, actual: np.ndarray, truth: Truth, excess: np.ndarray, declared: str) -> AccuracyFigures:
    """How accurate ``actual`` is: errors in units of u S, of the last place, and the class that they reach."""
    u = call.problem.result_format.unit_roundoff
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = (actual.astype(truth.y.dtype) - truth.y) - truth.low
        if error.dtype.kind == "c":
            error = np.abs(error)  # in modulus, so without a sign
        relative = np.where(truth.S > 0, error / (u * truth.S), 0.0)
    rho = np.abs(relative)
    p50, p90, p99 = (float(q) for q in np.quantile(rho, [0.5, 0.9, 0.99]))
    plain = (2 * np.abs(truth.y) >= truth.S) & (truth.y != 0)
    ulp = None
    if plain.any() and call.problem.format.kind == "float":
        _, exponent = np.frexp(truth.y[plain])
        unit = np.ldexp(
            1.0, np.maximum(exponent, call.problem.result_format.min_exponent + 1) - call.problem.result_format.significand
        )
        ulp = float((np.abs(error[plain]) / unit).max())
    return AccuracyFigures(
        n=int(truth.n.max()),
        rho=float(rho.max()),
        rho_p50=p50,
        rho_p90=p90,
        rho_p99=p99,
        rms=float(np.sqrt((rho**2).mean())),
        mean_signed=float(relative.mean()),
        ulp=ulp,
        used=float(excess.max()),
        reached=class_reached(call, actual, truth, declared),
        accumulator=_short_accumulator(call, actual, truth),
    )


def _short_accumulator(call: Call, actual: np.ndarray, truth: Truth) -> str:
    """The result's own type, if it is so short that libraries sum in a longer one, and an error is beyond what that allows."""
    problem = call.problem
    if problem.result_format.name not in ("float16", "bfloat16") or not problem.op.traits.weights:
        return ""
    bound = bounds.componentwise(problem, truth, FORMATS["float32"])
    return problem.result_format.name if (excess_of(actual, truth.y, truth.low, bound.tolerance) > 1).any() else ""


CHECKS: tuple[Check, ...] = (Accuracy(),)
ALL_KINDS = Accuracy("all", ("wide", "spikes", "cancellation"))
"""What shows shortened inputs, short accumulators and transform methods, in one trial."""
