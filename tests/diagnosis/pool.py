"""Cases of every operator on which hypotheses are tried: problems of the covering set with values of several kinds."""

from __future__ import annotations

import itertools
from functools import cache

from conformance.cases.case import Case, parse_case
from conformance.cases.covering import covering
from conformance.checks import CHECKS
from conformance.diagnosis.evidence import Observation, is_small
from conformance.diagnosis.prediction import Hypothesis
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS

_KINDS = ("exact", "exact", "layout.strided", "layout.reversed", "layout.fortran", "layout.channels_last", "layout.broadcast")
_MORE = {
    "conv1d": (
        "conv1d f32 n1 c2 i15 o2 k3 values=subnormal_factor:1",
        *(f"conv1d f32 n1 c2 i15 o2 k3 values=spikes:{seed}" for seed in range(8)),
    ),
    "avg_pool2d": ("avg_pool2d f32 n1 c2 i4x5 k2x3 s1x1 p1x1 exclude_pad values=integers:1",),  # as many rows as columns
    "lp_pool1d_input_grad": ("lp_pool1d_input_grad f32 n1 c2 i15 k2 s2 values=zeros:1",),  # windows of zeros
}
_SPECIAL = ("special.nan", "special.infinities", "special.lowest", "special.subnormal", "accuracy")


@cache
def pool(operator: str, amount: int = 60) -> tuple[Observation, ...]:
    """Observations of ``operator`` that are not run yet: no outputs, and no failure."""
    claims = Claims(OPERATORS[operator].traits.dtypes, options_of(OPERATORS[operator]))
    made = [Observation("exact", case, CHECKS["exact"].calls(case)[0]) for case in map(parse_case, _MORE.get(operator, ()))]
    for number, problem in enumerate(itertools.islice(covering(operator, claims, 0, amount), amount)):
        names = dict.fromkeys((_KINDS[number % len(_KINDS)], _SPECIAL[number % len(_SPECIAL)]))
        kinds = ["ties" if number % 3 == 0 and OPERATORS[operator].traits.selects else "integers"]
        for name in names:
            kind = "bits" if name == "accuracy" else kinds[0]
            case = Case(problem, kind if problem.op.family != "max_unpool" or name == "accuracy" else "integers", str(number))
            calls = CHECKS[name].calls(case)
            made += [Observation(name, case, calls[0])] if calls and is_small(calls[0]) else []
    return tuple(made)


def operators_of(hypothesis: Hypothesis) -> list[str]:
    return [
        name
        for name, operator in OPERATORS.items()
        if operator.family in hypothesis.families and operator.pass_name in hypothesis.passes
    ]
