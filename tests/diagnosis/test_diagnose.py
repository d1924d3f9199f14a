"""A bug is named, its region told and confirmed, and of what is not known nothing is said."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from patient import examined, right, run

from conformance.cases.case import Case
from conformance.diagnosis.diagnose import Diagnosis, diagnose
from conformance.problem import Problem, parse_problem

Arrays = dict[str, np.ndarray]
TEXTS = (
    "conv2d f32 n1 c2 i5x5 o2 k3x3 p1x1",
    "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias",
    "conv2d f64 n3 c3 i6x8 o3 k1x3 g3",
    "conv2d f32 n6 c2 i7x7 o4 k2x2 s2x2 bias",
    "conv2d f32 n1 c1 i4x20 o1 k1x3 p0x1",
    "conv2d f64 n2 c2 i5x9 o2 k2x2 d2x1",
)
CASES = [Case(parse_problem(text), "integers", str(seed)) for text in TEXTS for seed in range(3)]


def flipped(problem: Problem, arrays: Arrays) -> np.ndarray:
    return right(problem, {**arrays, "w": arrays["w"][..., ::-1, ::-1]})


def test_a_flipped_kernel_is_named_first_and_counts_its_cases() -> None:
    found = examined(flipped, CASES)
    assert found.hypothesis == "kernel-flipped"
    assert found.words[0].startswith("This is convolution, not cross-correlation: the kernel is flipped (explains ")
    assert found.explains == found.of > 10
    assert found.where == ""


def test_a_rule_that_holds_in_one_region_is_told_with_it() -> None:
    found = examined(lambda p, a: flipped(p, a) if p.batch >= 5 else right(p, a), CASES)
    assert (found.hypothesis, found.where) == ("kernel-flipped", "where batch ≥ 5")


def test_a_missing_bias_in_groups_is_told_with_the_groups() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return right(p, {**a, "b": a["b"] * 0} if "b" in a and p.groups > 1 else a)

    found = examined(bug, CASES)
    assert (found.hypothesis, found.where) == ("bias-missing", "with groups")


def noise(problem: Problem, arrays: Arrays) -> np.ndarray:
    """Wrong in a way that no rule explains."""
    y = right(problem, arrays)
    return y + 7 * np.arange(1, 1 + y.size).reshape(y.shape).astype(y.dtype) ** 2


def test_a_region_is_told_where_no_rule_is_known() -> None:
    assert examined(lambda p, a: noise(p, a) if p.dtype == "float64" else right(p, a), CASES).words == (
        "It fails only for float64",
    )
    found = examined(lambda p, a: noise(p, a) if p.channels // p.groups % 2 else right(p, a), CASES)
    assert found.where == "where channels per group is not a multiple of 2"


def test_elements_are_told_where_cases_do_not_differ() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[..., -1, :] = noise(p, a)[..., -1, :]
        return y

    found = examined(bug, CASES)
    assert found.words == ("The result is wrong only in the last row",)


def test_columns_that_are_not_written_are_told() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[..., 16:] = 0
        return y

    found = examined(bug, CASES)
    assert (found.hypothesis, found.where) == ("zeros", "in columns ≥ 16 (from 0)")


def test_nothing_is_said_of_what_is_wrong_without_rule_and_region() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return noise(p, a) if int(np.abs(a["x"]).sum()) % 3 else right(p, a)

    assert examined(bug, CASES) == Diagnosis()


def test_a_region_is_not_claimed_without_cases_to_confirm_it() -> None:
    seen = [run(lambda p, a: noise(p, a) if p.batch >= 5 else right(p, a), case) for case in CASES]
    failing, passing = [one for one in seen if one.failed], [one for one in seen if not one.failed]
    assert diagnose(failing, passing) == Diagnosis()


def test_a_rule_that_one_failing_case_does_not_follow_is_not_told() -> None:
    seen = [run(flipped, case) for case in CASES[:-1]] + [run(noise, CASES[-1])]
    failing, passing = [one for one in seen if one.failed], [one for one in seen if not one.failed]
    assert diagnose(failing, passing).hypothesis == ""


def test_a_crash_has_no_diagnosis() -> None:
    seen = run(noise, CASES[0])
    object.__setattr__(seen, "kind", "crashed")
    assert diagnose([seen], []) == Diagnosis()
    assert diagnose([], []) == Diagnosis()
