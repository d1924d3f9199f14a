"""Copies of what is beside them are told from other wrong elements."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from patient import Bug, right, run

from conformance.cases.case import parse_case
from conformance.diagnosis.repeats import repeated
from conformance.problem import Problem

Arrays = dict[str, np.ndarray]
TEXTS = [f"conv2d f32 n{n} c2 i4x5 o3 k2x2 values=integers:{n}" for n in range(5, 10)]


def told(bug: Bug) -> str:
    return repeated([run(bug, parse_case(text)) for text in TEXTS])


def test_the_item_before_is_told() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[4:] = y[3:-1].copy()
        return y

    assert told(bug) == "the item before"


def test_the_last_right_item_is_told() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[3:] = y[2] + 0
        return y

    assert told(bug) in ("the item before", "the last right item")


def test_the_channel_before_is_told_and_not_the_item() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[:, 1:] = y[:, :-1].copy()
        return y

    assert told(bug) == "the channel before"


def test_nothing_is_told_of_what_repeats_nothing() -> None:
    assert told(lambda p, a: right(p, a) + 1) == ""


def test_two_calls_are_too_few() -> None:
    def bug(p: Problem, a: Arrays) -> np.ndarray:
        y = right(p, a)
        y[1:] = y[:-1].copy()
        return y

    assert repeated([run(bug, parse_case(text)) for text in TEXTS[:2]]) == ""
