"""The power curve of broken implementations: what is killed within so many seconds, and so many cases."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from conformance.report.environment import environment
from conformance.report.mutation import MutantResult, MutationReport, power_curve
from conformance.report.mutation_pages import render_html, render_markdown
from conformance.report.mutation_terminal import power_lines


def mutant(fate: Literal["killed", "survived", "not run"], cases: int, seconds: float) -> MutantResult:
    return MutantResult(
        name="m", target="file.py:conv1d", operators=("conv1d",), category="index", bug="a bug", fate=fate, cases=cases,
        seconds=seconds,
    )  # fmt: skip


def report_of(mutants: tuple[MutantResult, ...]) -> MutationReport:
    return MutationReport(
        command="conformance mutants", started="2026-01-01", seconds=1.0, seed=0, profile="quick", expected=len(mutants),
        environment=environment(), mutants=mutants,
    )  # fmt: skip


RESULTS = st.lists(
    st.builds(
        mutant, st.sampled_from(["killed", "survived", "not run"]), st.integers(1, 9_999), st.floats(0.001, 59.0)
    ),
    max_size=30,
)  # fmt: skip


@given(results=RESULTS)
def test_it_rises_to_the_share_that_is_killed_of_those_that_ran(results: list[MutantResult]) -> None:
    run = sum(result.fate != "not run" for result in results)
    killed = [result for result in results if result.fate == "killed"]
    for curve, value in zip(power_curve(results), ("seconds", "cases"), strict=True):
        if not run:
            assert curve == []
            continue
        assert [point.killed for point in curve] == sorted(point.killed for point in curve)
        assert curve[-1].share == len(killed) / run
        for point in curve:
            assert point.killed == sum(getattr(result, value) <= point.within for result in killed)


THREE_OF_FOUR = (
    mutant("killed", 7, 0.04), mutant("killed", 90, 0.7), mutant("killed", 2_000, 4.0), mutant("survived", 2_500, 9.0),
)  # fmt: skip


def test_it_is_printed_in_words() -> None:
    seconds, cases = power_lines(report_of(THREE_OF_FOUR))
    assert seconds.startswith("killed by time: 25.0% in 50")
    assert seconds.endswith("75.0% in 5 s")
    assert cases == (
        "killed by cases: 25.0% in 10 cases, 25.0% in 30 cases, 50.0% in 100 cases, 50.0% in 300 cases, "
        "50.0% in 1,000 cases, 75.0% in 3,000 cases"
    )


def test_pages_have_it_in_words_and_as_a_plot() -> None:
    page = render_html(report_of(THREE_OF_FOUR))
    assert "cases (log scale)" in page
    assert "seconds of checking (log scale)" in page
    assert "75.0% in 3,000 cases" in page
    assert "75.0% in 3,000 cases" in render_markdown(report_of(THREE_OF_FOUR))


def test_nothing_is_drawn_where_nothing_ran() -> None:
    page = render_html(report_of((mutant("not run", 0, 0.0),)))
    assert "log scale" not in page
    assert power_lines(report_of(())) == []
