"""Of results too large to be computed often one look tells the index from which on they are wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from patient import Bug, right, run, run_all

from conformance.cases.case import parse_case
from conformance.diagnosis.glance import glance, too_large
from conformance.problem import Problem

Arrays = dict[str, np.ndarray]


def told(bug: Bug, text: str) -> str:
    many = run_all(bug)
    return str(glance(run(bug, parse_case(text)), lambda cases: many(cases, None)))


def emptied(axis: int, first: int) -> Bug:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[(slice(None),) * axis + (slice(first, None),)] = 0
        return y

    return bug


@pytest.mark.parametrize(
    ("axis", "text", "words"),
    [
        (0, "conv2d f32 n65538 c1 i1x1 o1 k1x1", "in items ≥ 65535 (from 0)"),
        (2, "max_pool1d f32 n1 c1 i65537 k2", "in positions ≥ 65535 (from 0)"),
        (1, "avg_pool1d f32 n1 c65536 i1 k1", "in channels ≥ 65535 (from 0)"),
    ],
)
def test_the_first_wrong_index_is_told(axis: int, text: str, words: str) -> None:
    assert told(emptied(axis, 65535), text) == words


def test_the_last_item_of_every_batch_is_no_threshold() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[-1] += 1
        return y

    assert told(bug, "conv2d f32 n40000 c1 i1x1 o1 k1x1") == "None"


def test_a_case_is_large_by_its_tensors() -> None:
    small, large = (run(right, parse_case(f"max_pool1d f32 n1 c1 i{size} k1")) for size in (40, 65536))
    assert (too_large(small), too_large(large)) == (False, True)
