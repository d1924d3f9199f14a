"""A baseline with something of everything, and results that differ from it."""

from __future__ import annotations

from conformance.report.baseline import Baseline, Choices, Claimed, KnownFailing, Speed, Spread
from conformance.report.environment import environment
from conformance.report.regression import Seen
from conformance.report.schema import Accuracy

OPERATOR = "conv2d"


def row(
    rho: float, *, reached: str = "componentwise", dtype: str = "float32", problem: str = "conv2d f32 n1 c4 i9x9 o4 k3x3"
) -> Accuracy:
    """One case of 196 outputs."""
    return Accuracy(
        operator=OPERATOR, problem=problem, dtype=dtype, values="wide", origin="covering set", n=36, rho=rho, rho_p50=rho / 4,
        rho_p90=rho / 2, rho_p99=rho, rms=rho / 3, mean_signed=0.0, ulp=None, used=rho / 36, reached=reached,
    )  # fmt: skip


def claimed(
    options: str = "stride groups", dtypes: str = "float32 float64", passed: int = 100, operator: str = OPERATOR
) -> Claimed:
    return Claimed(operator=operator, dtypes=dtypes, options=options, passed=passed)


def failing(count: int, check: str = "exact", kind: str = "wrong value") -> KnownFailing:
    return KnownFailing(
        operator=OPERATOR, check=check, kind=kind, count=count, case="conv2d f32 n1 c1 i1x2 o1 k1x1 values=ones:0"
    )


def seen(
    *, claims: tuple[Claimed, ...] = (claimed(),), fails: tuple[KnownFailing, ...] = (), rho: tuple[float, ...] = ()
) -> Seen:
    return Seen(claims, fails, (), tuple(map(row, rho)))


def baseline(**changes: object) -> Baseline:
    made = Baseline(
        suite="0123456789abcdef",
        target="file.py:conv2d",
        options=Choices(),
        environment=environment(),
        claims=(claimed(),),
        failing=(failing(3),),
        accuracy=(
            Spread(operator=OPERATOR, dtype="float32", reached="componentwise", cases=15, outputs=2940, p25=0.9, p50=1.2, p75=2.1,
                   p90=3.4, worst=4.2),
        ),
        speed=(Speed(case="conv2d f32 n1 c4 i9x9 o4 k3x3 values=wide:0", reference="numpy-gemm", ratio=1.5, low=1.4, high=1.6),),
    )  # fmt: skip
    return made.model_copy(update=changes)
