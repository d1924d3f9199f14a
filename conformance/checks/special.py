"""Special values: every NaN and Inf of the output is one that the definition has, and the other way round.

They are planted in the input alone: an infinite weight over padding, or an infinite input under a zero weight, is where
frameworks legitimately differ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.checks.base import Check, Judgement, OneThing
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import FORMATS, Family, Operator, Problem
from conformance.problem.accuracy import accuracy_named
from conformance.problem.dialect import DIALECT
from conformance.problem.operators import BIAS_GRAD, FORWARD, INPUT_GRAD, PASSES, WEIGHT_GRAD

_SUMS = (Family.CONV, Family.CONV_TRANSPOSE, Family.AVG_POOL, Family.ADAPTIVE_AVG_POOL, Family.MAX_UNPOOL)
_OPTIONS = {
    "nan": ("nan_in_max_pool",),
    "infinities": ("infinity",),
    "lowest": ("minus_infinity", "infinity"),
    "subnormal": ("subnormals",),
    "overflow": ("infinity",),
}
"""Options of the dialect that each check is about."""
_MAXIMA = (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL)


class Special(OneThing):
    """One call on integers with special inputs; of subnormals one with such weights. Transform methods are excused: they spread
    what is not finite over the signal.
    """

    concurrent = False
    optional_calls = False

    def __init__(self, kind: str, about: str, families: tuple[Family, ...], *passes: str) -> None:
        self.name, self.kind, self.about, self.families = f"special.{kind}", kind, about, families
        self.passes = passes or PASSES

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return operator.family in self.families and operator.pass_name in self.passes and (dtype == "" or self._holds(dtype))

    def _holds(self, dtype: str) -> bool:
        """Integers have no NaN and no Inf, but a lowest value; with an Inf complex products are frameworks' own."""
        if self.kind == "overflow" and dtype == "float64":
            return False  # the oracle's own sums would overflow
        kind = FORMATS[dtype].kind
        return kind == "float" or (kind == "int" and self.kind == "lowest" and FORMATS[dtype].signed)

    def _is_defined(self, problem: Problem) -> bool:
        if (
            self.kind in ("nan", "infinities")
            and problem.operator.startswith("conv_transpose")
            and problem.op.pass_name == WEIGHT_GRAD
            and any(map(any, problem.padding))
        ):
            return False  # there padding is the other factor, and whether Inf or NaN times it is NaN is frameworks' own
        return not (self.kind == "overflow" and problem.result)  # a wider result does not overflow

    def _options(self, problem: Problem) -> list[str]:
        """Options of the dialect that excuse, where another answer is declared."""
        return [option for option in _OPTIONS[self.kind] if problem.op.family in DIALECT[option].families]

    def calls(self, case: Case) -> tuple[Call, ...]:
        if not self.applies(case.problem.op, case.problem.dtype) or not self._is_defined(case.problem):
            return ()
        # With two NaNs in one window frameworks differ in whose index they give, so then indices are not asked for.
        problem = case.problem if self.kind == "lowest" else case.problem.replace(indices=False)
        kinds = [self.kind]
        if self.kind == "subnormal" and problem.op.traits.weights and problem.op.pass_name != BIAS_GRAD:
            kinds.append("subnormal_factor")
        return tuple(Call(problem, dataclasses.replace(case, problem=problem, kind=kind).arrays()) for kind in kinds)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        if accuracy_named(claims.accuracy).kind == "normwise":
            return Judgement()
        if any(claims.differs(option, case.problem.dtype) for option in self._options(case.problem)):
            return Judgement()
        return judge_integers(claims, calls, replies, [f" ({self.about})", " (all weights are subnormal)"][: len(calls)])


CHECKS: tuple[Check, ...] = (
    Special("nan", "some inputs are NaN", _SUMS + _MAXIMA),
    Special("infinities", "some inputs are +Inf or -Inf", _SUMS + _MAXIMA),
    Special("lowest", "nothing but the lowest numbers", _MAXIMA, FORWARD, INPUT_GRAD),
    Special("subnormal", "all inputs are subnormal", _SUMS),
    Special("overflow", "sums beyond the largest number", (Family.CONV, Family.CONV_TRANSPOSE)),
)
