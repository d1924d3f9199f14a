"""docs/protocol.md is what somebody has who writes a program: its commands run, its examples are what is really sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance.plugin import wire
from conformance.plugin.claims import OPTIONS
from conformance.plugin.pipe import HELLO_LIMIT
from conformance.plugin.program import LARGE
from conformance.problem import FORMATS, Family, parse_problem
from tests.conftest import TARGETS
from tests.test_readme import ROOT, run

TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def test_the_document_shows_commands() -> None:
    assert len(COMMANDS) >= 2


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_document_does_its_work(line: str, tmp_path: Path) -> None:
    done = run(line, tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_template_is_the_file_of_thirty_lines_that_is_checked() -> None:
    template = (TARGETS / "programs" / "template.py").read_text(encoding="utf-8")
    assert f"```python\n{template}```" in TEXT
    assert len(template.splitlines()) <= 30


def test_the_hellos_of_the_document_are_what_is_sent_and_read() -> None:
    ours, theirs, _ = EXAMPLES
    assert json.loads(wire.encode_hello(ours["memory"])) == ours
    assert json.loads(wire.encode_hello(None)) == {key: ours[key] for key in ours if key != "memory"}
    assert wire.decode_hello(json.dumps(theirs).encode()).name == "my-conv"


def test_the_request_of_the_document_is_what_is_sent() -> None:
    shown = EXAMPLES[2]
    problem = parse_problem(shown["text"])
    tensors = {one["name"]: wire.Tensor(one["dtype"], tuple(one["shape"])) for one in shown["tensors"]}
    sent = wire.numbered(shown["id"], wire.encode_request(problem, tensors, wire.limit_of(problem)))
    assert json.loads(sent) == shown
    assert f"{sum(tensor.nbytes for tensor in tensors.values())} bytes follow it" in TEXT


def test_every_answer_of_the_document_is_read_as_what_it_says() -> None:
    shown = re.findall(r"^\| `(\{\"id\".*?\})`", TEXT, re.MULTILINE)
    read = [wire.decode_answer(text.encode(), 1, wire.LEAST_LIMIT) for text in shown]
    assert [answer.refusal for answer in read] == ["", "unsupported", "invalid", "error"]
    assert read[0].outputs == (wire.Tensor("float32", (1, 3, 5, 3)),)


@pytest.mark.parametrize("word", [*OPTIONS, *FORMATS, *map(str, Family)])
def test_every_option_type_and_family_is_in_the_document(word: str) -> None:
    assert f"`{word}`" in TEXT


@pytest.mark.parametrize("text", ["conv2d i5 k3", "max_pool1d i5 k3", "adaptive_avg_pool3d i5 to2", "conv_transpose1d i5 k3"])
def test_every_field_of_a_problem_is_in_the_document(text: str) -> None:
    for field in wire.problem_fields(parse_problem(text)):
        assert f"`{field}`" in TEXT


def test_the_limits_of_the_document_are_those_of_the_program() -> None:
    assert f"within {HELLO_LIMIT:g} seconds" in TEXT
    assert f"from {LARGE >> 20} MiB on" in TEXT
    assert f"version {wire.VERSION}" in TEXT.splitlines()[0]
