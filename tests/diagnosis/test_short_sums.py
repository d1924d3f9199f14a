"""Sums of a shorter format are told by the bound and the grid that results lie on, whatever their order."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from patient import right, run

from conformance.cases.case import Case
from conformance.diagnosis.diagnose import diagnose
from conformance.problem import FORMATS, Problem, parse_problem
from conformance.reference.contraction import geometry_of, windows

Arrays = dict[str, np.ndarray]


def summed(problem: Problem, arrays: Arrays, short: str, backwards: bool) -> np.ndarray:
    """A convolution of one group whose products are added one by one in ``short``; the bias is added in the inputs' type."""
    kind = FORMATS[short].numpy
    columns = windows(geometry_of(problem), arrays["x"]).reshape(problem.batch, 1, -1, *problem.output_shape[2:])
    weights = arrays["w"].reshape(1, problem.out_channels, -1, *[1] * problem.op.ndim)
    total = np.zeros(problem.output_shape, kind)
    order = range(columns.shape[2])
    with np.errstate(over="ignore", invalid="ignore"):
        for i in reversed(order) if backwards else order:
            total = (total + (columns[:, :, i] * weights[:, :, i]).astype(kind)).astype(kind)
    y = total.astype(problem.format.numpy)
    return y + arrays["b"].reshape(-1, *[1] * problem.op.ndim) if problem.bias else y


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("short", ["float16", "bfloat16"])
def test_a_short_accumulator_is_named(short: str, backwards: bool) -> None:
    texts = ("conv1d f32 n1 c3 i9 o2 k3", "conv1d f32 n2 c4 i8 o3 k2 s2 bias", "conv1d f32 n1 c2 i12 o4 k3 d2 p1 bias")
    seen = [
        run(lambda p, a: summed(p, a, short, backwards), Case(parse_problem(text), "integers", str(n)))
        for n, text in enumerate(texts)
    ]
    assert all(one.failed for one in seen)
    assert diagnose(seen, []).hypothesis in (f"accumulator-{short}", f"computed-in-{short}")


def test_a_wrong_sum_of_the_right_format_is_no_short_accumulator() -> None:
    def bug(problem: Problem, arrays: Arrays) -> np.ndarray:
        y = right(problem, arrays)
        return y + np.arange(1, 1 + y.size).reshape(y.shape).astype(y.dtype) ** 2

    seen = [run(bug, Case(parse_problem("conv1d f32 n2 c4 i9 o3 k3 bias"), "integers", str(n))) for n in range(3)]
    assert diagnose(seen, []).hypothesis == ""
