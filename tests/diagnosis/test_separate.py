"""A condition separates failing rows from passing ones exactly, and the simplest one comes first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conformance.diagnosis.separate import Column, Table, conditions

SIZE, BATCH = Column("size"), Column("batch")
GROUPED = Column("with groups", "without groups")
DTYPE = Column("for {}")


def table(rows: list[tuple[int, int, bool, str]]) -> Table:
    columns = (SIZE, BATCH, GROUPED, DTYPE)
    return {column: np.array([row[i] for row in rows]) for i, column in enumerate(columns)}


def words(failing: list[tuple[int, int, bool, str]], passing: list[tuple[int, int, bool, str]]) -> list[str]:
    return [str(condition) for condition in conditions(table(failing), table(passing))]


def test_a_threshold_is_the_smallest_that_fails() -> None:
    failing, passing = [(17, 1, True, "float32"), (40, 2, False, "float64")], [(16, 1, True, "float32"), (3, 2, False, "float64")]
    assert words(failing, passing)[0] == "where size ≥ 17"


def test_a_remainder_is_found() -> None:
    failing, passing = [(n, 1, False, "float32") for n in (1, 6, 7, 13)], [(n, 1, False, "float32") for n in (4, 8, 12)]
    assert words(failing, passing)[0] == "where size is not a multiple of 4"


def test_a_data_type_comes_before_a_threshold() -> None:
    failing, passing = [(9, 1, False, "bfloat16"), (12, 4, True, "bfloat16")], [(8, 1, False, "float32"), (2, 4, True, "float64")]
    assert words(failing, passing)[:2] == ["for bfloat16", "where size ≥ 9"]


def test_two_conditions_are_joined_where_one_does_not_do() -> None:
    failing = [(9, 1, True, "float32"), (12, 3, True, "float64")]
    passing = [(12, 1, False, "float32"), (4, 3, True, "float64"), (2, 1, False, "float64")]
    assert words(failing, passing)[0] == "with groups and where size ≥ 9"


def test_what_does_not_separate_is_not_said() -> None:
    row = (5, 2, True, "float32")
    assert words([row], [row]) == []


rows = st.lists(
    st.tuples(st.integers(1, 20), st.integers(1, 4), st.booleans(), st.sampled_from(["float32", "bfloat16"])), min_size=1
)


@given(rows, rows)
def test_every_condition_holds_for_all_failing_rows_and_no_passing_one(
    failing: list[tuple[int, int, bool, str]], passing: list[tuple[int, int, bool, str]]
) -> None:
    for condition in conditions(table(failing), table(passing)):
        assert condition.holds(table(failing)).all()
        assert not condition.holds(table(passing)).any()
