"""Class C, N and R: on real-valued data, every output within the bound of the accuracy that is declared.

The bounds are derived (METHOD sections 3 to 5), so an honest implementation never fails them; the data has the power to
show transform methods, shortened inputs and short accumulators, and a failure says which of them it looks like.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import AccuracyFigures, Check, Judgement, difference, excess_of, first_trouble
from conformance.checks.likeness import class_reached, looks_like
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import FORMATS, Family, Operator
from conformance.problem.accuracy import accuracy_named
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Truth


class Accuracy:
    """One call on real-valued data."""

    name = "accuracy"
    about = "real values, every output within its error bound"
    concurrent = False
    optional_calls = False

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        """What rounds nothing is exact."""
        of_integers = operator.family is Family.CONV_INTEGER or (dtype != "" and FORMATS[dtype].kind == "int")
        return operator.rounds and not of_integers

    def calls(self, case: Case) -> tuple[Call, ...]:
        problem = case.problem
        return (Call(problem, case.arrays()),) if self.applies(problem.op, problem.dtype) else ()

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies)
        if trouble:
            return Judgement(trouble)
        call, actual = calls[0], replies[0].outputs[0]
        truth = solve(call.problem, call.arrays)
        bound = bounds.admissible(call.problem, truth, call.arrays, accuracy_named(claims.accuracy))
        excess = excess_of(actual, truth.y, truth.low, bound.tolerance)
        figures = measure(call, actual, truth, excess, claims.accuracy)
        failure = difference(actual, truth.y, excess, kind="inaccurate", note=looks_like(figures.reached))
        return Judgement(failure, actual.size, accuracy=figures)


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
    )


CHECKS: tuple[Check, ...] = (Accuracy(),)
