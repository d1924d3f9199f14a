"""A report as a comparison makes it, with everything that a page has to show."""

from __future__ import annotations

from conformance.report.environment import environment
from conformance.report.schema import Accuracy, Finding, Implementation, Power, ReceptiveField, Report, Skip, Tally
from conformance.report.times import Timing

NASTY = "<script>alert(1)</script>|`x`"


def accuracy(name: str, n: int, rho: float) -> Accuracy:
    return Accuracy(
        operator="conv2d", problem="conv2d f32 n1 c1 i5x5 o1 k3x3", dtype="float32", values="wide", origin="covering set", n=n,
        rho=rho, rho_p50=rho / 4, rho_p90=rho / 2, rho_p99=rho, rms=rho / 3, mean_signed=0.01, ulp=None, used=rho / max(1, n),
        reached="componentwise",
    )  # fmt: skip


def report() -> Report:
    finding = Finding(
        operator="conv2d", check="exact", kind="wrong value", message=f"1 of 2 elements wrong {NASTY}",
        case="conv2d f32 n1 c1 i1x2 o1 k1x1 values=ones:0", command=f"conformance case '…' --on {NASTY}", index=(0, 0, 0, 1),
        expected="1", actual="2", wrong=1, elements=2, error_over_tolerance=float("inf"), inputs={"x": "[[1. 1.]]"},
        expected_grid="[[1. 1.]]", actual_grid="[[1. 2.]]", output=f"noise {NASTY}", found_as="conv2d …", failing_cases=3,
        known=f"seen before {NASTY}",
        diagnosis=(f"The kernel is flipped {NASTY} (explains 3 of 3 failing cases)",), hypothesis="kernel-flipped",
        field=ReceptiveField(output=(0, 0, 1, 1), channel=2, planes=(("#+.", "~-."),)),
    )  # fmt: skip
    right = Implementation(
        name="naive", summary="loops", status="conformant", accuracy_declared="componentwise", dtypes=("float32",),
        operators=("conv2d", "max_pool2d"), seconds=1.5, seconds_inside=1.0,
        tallies=(
            Tally(operator="conv2d", check="exact", passed=100, elements=12345),
            Tally(operator="max_pool2d", check="exact", passed=7, elements=70),
        ),
        power=(
            Power(operator="conv2d", cases=100, elements=12345, blind=1, pairs=30, pairs_possible=40, triples=5,
                  triples_possible=5, slips=0.25, slips_median=0.000488, sparse=3),
        ),
        skips=(Skip(operator="conv2d", reason="too large", count=2, example="conv2d i9x9 k3x3"),),
        accuracy=(accuracy("naive", 9, 2.0), accuracy("naive", 0, 0.0)),
    )  # fmt: skip
    wrong = Implementation(
        name=NASTY, summary="wrong", status="nonconformant", operators=("conv2d",), findings=(finding,), seconds=0.5,
        tallies=(Tally(operator="conv2d", check="exact", passed=1, failed=2, errored=1, elements=10),),
    )  # fmt: skip
    absent = Implementation(name="torch-cuda", summary="", status="unavailable", reason="no CUDA device found")
    common = {"problem": "conv2d i9x9 k3x3", "workload": "resnet-50 conv1", "reference": "naive", "work": 1000}
    timings = (
        Timing(**common, implementation="naive", seconds=0.002, ratio=1.0, ratio_low=1.0, ratio_high=1.0, verdict="REFERENCE"),
        Timing(**common, implementation=NASTY, seconds=0.001, ratio=0.5, ratio_low=0.4, ratio_high=0.6, verdict="FASTER"),
        Timing(**common, implementation="slow", reason="would take about 44 s a call (limit 2 s)"),
    )
    return Report(
        title="Comparison", command="conformance compare", started="2026-01-01T00:00:00+00:00", seconds=12.3, seed=0,
        profile="brief", environment=environment(), implementations=(right, wrong, absent), timings=timings, margin=0.05,
        threads=2,
    )  # fmt: skip
