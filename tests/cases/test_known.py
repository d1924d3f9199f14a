"""The textbook's answers are those of the definition, and each can be run as a case."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases.case import parse_case
from conformance.cases.known import OUTPUT_SIZES, KnownAnswer, known_answers, known_cases
from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.problem import parse_problem
from conformance.reference.oracle import solve


@pytest.mark.parametrize("answer", known_answers().values(), ids=lambda answer: answer.name)
def test_the_book_and_the_definition_agree(answer: KnownAnswer) -> None:
    case = parse_case(f"{answer.problem} values=known:{answer.name}")
    y = solve(case.problem, case.arrays()).y
    assert y.shape == np.shape(answer.y)
    assert (y == np.asarray(answer.y)).all()


@pytest.mark.parametrize(("text", "sizes"), OUTPUT_SIZES.items())
def test_the_book_s_output_sizes_follow(text: str, sizes: tuple[int, int]) -> None:
    assert parse_problem(text).output_shape[2:] == sizes


def test_an_unknown_answer_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="corr2d"):
        parse_case("conv2d i3x3 k2x2 values=known:nonsense")


def test_only_what_is_claimed_is_asked() -> None:
    plain = Claims(options=frozenset({"kernel"}))
    assert {case.seed for case in known_cases("conv2d", plain) if case.kind == "known"} == {"corr2d", "edges", "edges-transposed"}
