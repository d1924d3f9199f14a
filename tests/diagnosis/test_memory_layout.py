"""The tensor that must lie in memory in a certain way is found by laying out one at a time."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from patient import Bug, right, run_all

from conformance.cases.case import Case, parse_case
from conformance.checks.layout import Layout
from conformance.diagnosis.memory_layout import Laid, laid_out, varied
from conformance.diagnosis.samples import Samples
from conformance.plugin.layouts import lay_out
from conformance.problem import Problem

Arrays = dict[str, np.ndarray]
TEXTS = ("conv2d f32 n2 c3 i4x5 o3 k2x3", "conv2d f64 n1 c2 i3x4 o4 k2x2", "conv2d f32 n3 c2 i5x5 o2 k3x3 p1x1")
CASES = [parse_case(f"{text} values=integers:{seed}") for seed, text in enumerate(TEXTS)]


def found(bug: Bug, layout: str, cases: list[Case] = CASES) -> Laid | None:
    samples = Samples("wrong value", run_all(bug, Layout(layout, [layout])), time.perf_counter() + 20)
    return laid_out(samples, cases)


def test_weights_in_fortran_order_are_told_from_an_input_in_fortran_order() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return right(p, a) + (not a["w"].flags.c_contiguous and a["w"].flags.f_contiguous)

    assert str(found(bug, "fortran")) == "where the weights are in Fortran order in memory"


def test_all_layouts_that_fail_are_told() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return right(p, a) + (min(a["x"].strides) < 0 or a["x"].strides[0] == 0)

    assert str(found(bug, "reversed")) == "where the input is stored backwards or broadcast in memory"


def test_nothing_is_told_where_contiguous_tensors_fail_too() -> None:
    assert found(lambda p, a: right(p, a) + 1, "fortran") is None


def test_nothing_is_told_where_no_one_tensor_is_enough() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return right(p, a) + all(not array.flags.c_contiguous for array in a.values())

    assert found(bug, "fortran") is None


def test_one_tensor_is_laid_out_and_the_others_stay() -> None:
    arrays = CASES[0].arrays()
    laid = lay_out(arrays, "fortran:w")
    assert laid["w"].flags.f_contiguous
    assert not laid["w"].flags.c_contiguous
    assert laid["x"] is arrays["x"]
    assert (laid["w"] == arrays["w"]).all()


def test_cases_are_taken_from_both_ends_and_each_problem_once() -> None:
    made = varied([*CASES, *CASES])
    assert len(made) == len(CASES)
    assert made[0].problem == CASES[2].problem
