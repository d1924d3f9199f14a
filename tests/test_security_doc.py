"""docs/security.md says what the code does: each number of its table is the code's own."""

from __future__ import annotations

import ast
import re

import pytest

from conformance import plain, reading
from conformance.cases import cost
from conformance.plugin import library, said, wire
from conformance.problem import text, validity
from conformance.running import heard, seen
from tests.fuzz import atheris_run
from tests.fuzz.entries import ENTRIES
from tests.typed import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
(TABLE,) = re.findall(r"<!-- limits -->\n(.*?)<!-- end of limits -->", TEXT, re.DOTALL)
ROWS = {cells[0]: cells[1] for row in TABLE.splitlines()[2:] if (cells := [cell.strip() for cell in row.strip("|").split("|")])}
LIMITS: dict[str, tuple[int, ...]] = {
    "text of a problem or case, benchdnn descriptor": (text.MOST_TEXT,),
    "number in a text": (text.MAX_DIGITS,),
    "tensor of a problem": (validity.MAX_ELEMENTS,),
    "`conformance case`: elements read through windows": (cost.MOST_READS,),
    "`conformance case`: multiply-adds": (cost.MOST_PRODUCTS,),
    "`conformance case`: memory": (),
    "report that is read back": (reading.MOST_BYTES,),
    "values in a JSON file": (reading.MOST_VALUES,),
    "keys of a JSON object": (reading.MOST_KEYS,),
    "line of the process protocol": (wire.MOST_LINE,),
    "outputs of an answer of a program": (wire._MORE, 2 * wire._MORE, wire.LEAST_LIMIT),
    "results of a call": (wire._MORE, 2 * wire._MORE, seen.LEAST_RESULT),
    "claims of a library": (said.MOST_LINES, said.MOST_LINE),
    "workspace of a library": (library.MOST_WORKSPACE,),
    "name of a target": (plain.MOST_OF_NAME,),
    "message, reason or note of a target": (plain.MOST_OF_WORDS,),
    "notes, and versions, of a target": (heard.MOST_NOTES,),
    "versions that a program names": (wire.MOST_VERSIONS,),
    "what a target prints in a job": (heard.MOST_PRINTED,),
    "field of a report": (plain.MOST_OF_LINE, plain.MOST_OF_LINES),
    "words of an error of use": (plain.MOST_OF_LINE,),
}


def test_every_row_of_the_table_is_checked() -> None:
    assert ROWS.keys() == LIMITS.keys()


@pytest.mark.parametrize("reader", LIMITS)
def test_a_number_of_the_table_is_the_code_s(reader: str) -> None:
    assert tuple(int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", ROWS[reader])) == LIMITS[reader]


def test_the_limits_of_fuzzing_are_those_of_the_harness() -> None:
    seconds, mebibytes = (re.search(rf"-{name}=(\d+)", " ".join(atheris_run.LIMITS)) for name in ("timeout", "malloc_limit_mb"))
    assert seconds
    assert mebibytes
    assert f"may take {seconds[1]} seconds and allocate {mebibytes[1]} MiB at once" in TEXT
    for name in re.findall(r"atheris_run (\w+)", TEXT):
        assert name in ENTRIES


EVALUATES = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "marshal", "shelve", "dill", "yaml", "cloudpickle"}


def test_nothing_of_the_harness_evaluates_text_or_unpickles_files() -> None:
    for file in sorted((ROOT / "conformance").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in EVALUATES, f"{file}:{node.lineno}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in ("system", "popen", "loads_pickle"), f"{file}:{node.lineno}"
                assert not any(key.arg in ("allow_pickle", "shell") for key in node.keywords), f"{file}:{node.lineno}"
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            where = file.relative_to(ROOT / "conformance").parts[0]
            assert where == "running" or not UNPICKLES & {name.partition(".")[0] for name in names}, f"{file}:{node.lineno}"
