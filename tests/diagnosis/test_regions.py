"""A failing region is told by its cases and its elements, exactly at its edges, and not where it only seems so."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from patient import Bug, right, run, run_all

from conformance.cases.case import parse_case
from conformance.diagnosis.regions import Region, region
from conformance.diagnosis.samples import Samples
from conformance.problem import Problem

Arrays = dict[str, np.ndarray]
SECONDS = 30.0


def told(bug: Bug, *texts: str) -> Region | None:
    samples = Samples("wrong value", run_all(bug), time.perf_counter() + SECONDS)
    samples.add([run(bug, case) for case in map(parse_case, texts)])
    assert samples.failing
    return region(samples, ("float32", "float64"), SECONDS)


def changed(change: Callable[[Problem, np.ndarray], None]) -> Bug:
    """The right result, changed in place, seen with a batch axis."""

    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        change(p, y[None] if p.unbatched else y)
        return y

    return bug


def of_elements(index: tuple[slice | int, ...]) -> Bug:
    def change(p: Problem, y: np.ndarray) -> None:
        y[index] += 1

    return changed(change)


def where_inputs(holds: str) -> Bug:
    """Wrong in all elements where a condition on a problem ``p`` holds."""

    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return right(p, a) + 1 if eval(holds, {"p": p, "max": max, "min": min}) else right(p, a)

    return bug


ANY = slice(None)


@pytest.mark.parametrize(
    ("index", "text", "words"),
    [
        ((slice(4, None),), "conv2d f64 n5 c1 i1x1 o1 k1x1", "in items ≥ 4 (from 0)"),
        ((ANY, slice(32, None)), "conv1d f32 n1 c1 i2 o33 k1", "in channels ≥ 32 (from 0)"),
        ((ANY, ANY, ANY, slice(16, None)), "avg_pool2d f32 n1 c1 i1x17 k1x1", "in columns ≥ 16 (from 0)"),
        ((ANY, ANY, -1), "max_pool2d f32 n1 c2 i4x3 k2x2", "in the last row"),
        ((ANY, ANY, 0, 0), "conv2d f32 n1 c1 i4x3 o2 k2x2", "in the first place of a plane"),
    ],
)
def test_the_wrong_part_of_results_is_told(index: tuple[slice | int, ...], text: str, words: str) -> None:
    found = told(of_elements(index), text)
    assert found is not None
    assert found.sentence == f"The result is wrong only {words}"


@pytest.mark.parametrize(
    ("holds", "text", "words"),
    [
        ("p.batch >= 5", "conv2d f64 n6 c1 i1x1 o1 k1x1", "where batch ≥ 5"),
        ("p.channels > 16", "conv1d f32 n1 c17 i1 o1 k1", "where channels ≥ 17"),
        ("p.channels // p.groups > 16", "conv1d f32 n1 c17 i1 o1 k1", "where channels per group ≥ 17"),
        (
            "p.channels > 4 and p.channels % 4",
            "max_pool2d f32 n1 c5 i2x2 k1x1",
            "where channels is over 4 and not a multiple of 4",
        ),
        ("max(p.stride) == 1 and max(p.kernel) > 2 and p.batch > 1", "avg_pool1d f32 n2 c1 i4 k3", None),
    ],
)
def test_the_failing_cases_are_told(holds: str, text: str, words: str | None) -> None:
    found = told(where_inputs(holds), text)
    assert found is not None
    assert found.elements is None
    assert found.cases is not None
    if words is None:
        assert {test.column.noun for test in found.cases.tests} >= {"batch"}
        assert len(found.cases.tests) == 3
    else:
        assert str(found.cases) == words


def test_the_rest_behind_full_blocks_is_told_by_its_width() -> None:
    def change(p: Problem, y: np.ndarray) -> None:
        full = y.shape[-1] // 8 * 8
        y[..., full or y.shape[-1] :] += 1

    found = told(changed(change), "conv1d f32 n1 c1 i9 o1 k1")
    assert found is not None
    assert found.sentence == "The result is wrong only in a position behind the last full block of 8"


def test_elements_are_told_where_only_some_cases_show_them() -> None:
    def change(p: Problem, y: np.ndarray) -> None:
        if p.windows[0].padded % 2 and p.windows[0].stride == 2:
            y[:, :, -1] += 1

    found = told(changed(change), "max_pool1d f32 n1 c1 i9 k2 s2")
    assert found is not None
    assert "in the last position" in found.sentence
    assert found.sentence.startswith("It fails only ")


def test_elements_that_come_out_right_by_chance_hide_no_region() -> None:
    """Planes are copied among ties, where the copies are right as often as not."""

    def change(p: Problem, y: np.ndarray) -> None:
        y[:, 4:] = y[:, 3:4]

    found = told(changed(change), "max_pool2d f32 n1 c9 i6x6 k2x2 values=ties:1")
    assert found is not None
    assert found.sentence == "The result is wrong only in channels ≥ 4 (from 0)"


def test_nothing_is_told_of_what_goes_by_the_values() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        return right(p, a) + (int(np.abs(a["x"]).sum()) % 3 == 0)

    texts = [f"conv2d f32 n2 c2 i5x5 o2 k2x2 values=integers:{seed}" for seed in range(12)]
    assert told(bug, *texts) is None


def test_cases_whose_values_are_their_own_are_left_alone() -> None:
    samples = Samples("wrong value", run_all(of_elements((0,))), time.perf_counter() + 5)
    samples.add([run(of_elements((0,)), parse_case("conv2d f32 n1 c1 i6x8 o1 k1x2 values=known:edges"))])
    assert region(samples, ("float32",), 5) is None
