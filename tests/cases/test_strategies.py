"""Random problems are valid and claimed, and shrink to ones that a person reads."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from conformance.cases.strategies import cases, draw_cases, problems
from conformance.plugin.claims import OPTIONS, Claims, options_of
from conformance.problem import OPERATORS, Problem, reasons_invalid

_QUIET = settings(max_examples=2000, database=None, derandomize=True)


@given(problem=problems())
def test_every_problem_is_valid(problem: Problem) -> None:
    assert reasons_invalid(problem) == []


@given(data=st.data(), operator=st.sampled_from(sorted(OPERATORS)), options=st.frozensets(st.sampled_from(sorted(OPTIONS))))
@settings(max_examples=200)
def test_every_problem_is_within_the_claims(data: st.DataObject, operator: str, options: frozenset[str]) -> None:
    claims = Claims(OPERATORS[operator].traits.dtypes, options & options_of(OPERATORS[operator]))
    assert claims.refusal(data.draw(problems(operator, claims))) is None


@pytest.mark.parametrize(
    ("fails", "most"),
    [
        (lambda p: p.groups > 1, 8),
        (lambda p: p.stride[0] != p.stride[1], 8),
        (lambda p: p.windows[1].output > 8, 24),
    ],
)
def test_a_failure_shrinks_to_a_small_problem(fails, most: int) -> None:  # type: ignore[no-untyped-def]
    problem = find(problems("conv2d"), fails, settings=_QUIET)
    assert problem.batch == 1
    assert not problem.bias
    assert problem.work <= most, str(problem)


def test_the_same_seed_draws_the_same_cases() -> None:
    claims = Claims(options=options_of(OPERATORS["conv2d"]))
    assert list(draw_cases("conv2d", claims, 10, 3)) == list(draw_cases("conv2d", claims, 10, 3))


def test_what_is_loaded_does_not_change_the_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn() -> list[str]:
        return list(map(str, draw_cases("max_pool1d", Claims(options=options_of(OPERATORS["max_pool1d"])), 300, 0)))

    before = drawn()
    (tmp_path / "full_of_numbers.py").write_text(f"NUMBERS = {list(range(201, 9999, 199))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("full_of_numbers")
    assert drawn() == before


@given(case=cases("max_pool2d"))
def test_pooling_is_tried_with_ties_too(case: object) -> None:
    assert case.kind in ("integers", "ties")  # type: ignore[attr-defined]
