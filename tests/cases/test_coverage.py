"""The table of what is covered: made from the code, and shown by the README as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cases.coverage import Cell, cells, markdown, rows
from conformance.cli.list import command
from conformance.problem import OPERATORS, Family
from conformance.problem.operators import PASSES, name_of

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- coverage: conformance list --coverage -->\n", "<!-- end of coverage -->"


def test_the_readme_shows_the_table_that_the_command_prints() -> None:
    printed = CliRunner().invoke(command, ["--coverage"]).output
    text = README.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    assert text.partition(BEGIN)[2].partition(END)[0] == printed == markdown()


def test_the_table_has_a_cell_for_every_operator_and_for_nothing_else() -> None:
    dtypes = {
        name_of(row.family, ndim, pass_name): found
        for row in rows()
        for pass_name, found in zip(PASSES, row.dtypes, strict=True)
        for ndim in (1, 2, 3)
        if found
    }
    assert dtypes == {name: operator.traits.dtypes for name, operator in OPERATORS.items()}


def test_the_table_has_one_line_for_each_family_and_a_dash_where_there_is_no_such_pass() -> None:
    lines = [line for line in markdown().splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == list(Family)
    entries = [line.strip("| ").split(" | ") for line in lines]
    assert all(len(found) == 1 + len(PASSES) for found in entries)
    assert sum(entry == "–" for found in entries for entry in found) == len(Family) * len(PASSES) - len(OPERATORS) // 3


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_cells_of_an_operator_are_its_types_the_layouts_and_its_options_each_once(operator: str) -> None:
    found = list(cells(OPERATORS[operator]))
    assert len(found) == len(set(found))
    assert {cell.aspect for cell in found} == {"type", "layout", "option"}
    assert Cell(operator, "type", "float32") in found or OPERATORS[operator].family is Family.CONV_INTEGER
