"""A run that goes on ends as if it had not stopped, wherever it stopped; what is not its own journal is refused."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance.checks.base import Failure, Judgement
from conformance.errors import UsageError
from conformance.report.schema import Implementation
from conformance.running.expected import Expected
from conformance.running.journal import resume_journal
from conformance.running.journal_file import contents_of, read_journal
from conformance.running.journal_lines import AnyLine, Came, Described, Done, Footer, Found, Header, TargetBegins
from conformance.running.journal_values import Array, Failed, NotALine
from conformance.running.outcome import Outcome, Silence
from conformance.running.resume import options_of, recalled
from conformance.running.worker import Description
from tests.running import journals
from tests.running.journals import (
    LOGGED,
    check_called,
    cut,
    lines,
    logged,
    planned,
    recorded,
    resumed,
    sealed,
    what_was_found,
    without_times,
)  # fmt: skip

Whole = Callable[[str], tuple[Path, Implementation]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The journal of a whole run of a target in logged.py, and its result; made once for each."""
    made: dict[str, tuple[Path, Implementation]] = {}

    def of(name: str) -> tuple[Path, Implementation]:
        if name not in made:
            path = tmp_path_factory.mktemp(name) / "run.jsonl"
            made[name] = path, recorded(path, journals.settings(f"{LOGGED}:{name}", 0.5 if name == "Crashes" else 10.0))
        return made[name]

    return of


def place_of(path: Path, wanted: Callable[[AnyLine], bool]) -> int:
    """How many lines there are up to the last of these."""
    return max(number for number, line in enumerate(lines(path), 1) if wanted(line))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.95])
def test_a_run_cut_anywhere_goes_on_to_the_same_result_and_calls_nothing_twice(
    whole: Whole, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, right = whole("Logged")
    trials = planned()
    outcomes = round(share * len(trials))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    result = resumed(cut(path, tmp_path / "cut.jsonl", 2 + outcomes, torn=50))
    assert without_times(result) == without_times(right)
    check_called(logged(tmp_path / "calls"), trials[outcomes:])


@pytest.mark.parametrize(
    ("left", "exact"),
    [
        ("in the plan", False),
        ("before the plain calls", False),
        ("between two findings", False),
        ("before the operator is done", True),
        ("before the end of the target", True),
        ("before the footer", True),
    ],
)
def test_findings_that_were_made_are_taken_as_they_are(
    whole: Whole, left: str, exact: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, right = whole("Wrong")
    made = lines(path)
    places = {
        "in the plan": 12,
        "before the plain calls": place_of(path, lambda line: isinstance(line, Came) and line.stage == "plan"),
        "between two findings": next(number for number, line in enumerate(made, 1) if isinstance(line, Found)),
        "before the operator is done": place_of(path, lambda line: isinstance(line, Found)),
        "before the end of the target": place_of(path, lambda line: isinstance(line, Done)),
        "before the footer": len(made) - 1,
    }
    assert isinstance(made[-1], Footer)
    assert len(right.findings) == 2
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    copy = cut(path, tmp_path / "cut.jsonl", places[left])
    begun = [line.finding for line in lines(copy) if isinstance(line, Found)]
    result = resumed(copy)
    assert result.findings[: len(begun)] == right.findings[: len(begun)]
    assert list(map(what_was_found, result.findings)) == list(map(what_was_found, right.findings))
    assert (result.tallies, result.skips, result.power) == (right.tallies, right.skips, right.power)
    if exact:
        assert without_times(result) == without_times(right)
        assert not logged(tmp_path / "calls")


@pytest.mark.parametrize("outcomes", [4, 9])
def test_crashes_and_hangs_are_kept_and_count_when_the_run_goes_on(whole: Whole, outcomes: int, tmp_path: Path) -> None:
    path, right = whole("Crashes")
    kinds = {line.failure.kind for line in lines(path)[: 2 + outcomes] if isinstance(line, Came) and line.failure}
    assert kinds == {"hung", "crashed"}
    result = resumed(cut(path, tmp_path / "cut.jsonl", 2 + outcomes))
    assert (result.tallies, result.skips) == (right.tallies, right.skips)
    assert list(map(what_was_found, result.findings)) == list(map(what_was_found, right.findings))
    assert any("crashes or hangs" in skip.reason for skip in result.skips)


@pytest.mark.parametrize("torn", [0, 9])
def test_a_run_that_was_killed_before_the_last_line_has_a_last_line_that_fits(whole: Whole, torn: int, tmp_path: Path) -> None:
    path, right = whole("Logged")
    copy = cut(path, tmp_path / "cut.jsonl", len(lines(path)) - 1, torn=torn)
    assert resumed(copy).tallies == right.tallies
    contents = read_journal(copy)
    assert contents.trouble == ""
    assert contents.footer is not None


@pytest.mark.parametrize("name", ["Logged", "Wrong", "Crashes"])
def test_a_finished_journal_gives_the_result_again_and_runs_nothing(
    whole: Whole, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, right = whole(name)
    before = path.read_bytes()
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    result = resumed(path)
    assert result.model_dump(exclude={"seconds_inside"}) == right.model_copy(
        update={"seconds_to_first_finding": result.seconds_to_first_finding}
    ).model_dump(exclude={"seconds_inside"})
    assert result.seconds_inside == pytest.approx(right.seconds_inside)
    assert not (tmp_path / "calls").exists()
    assert path.read_bytes() == before


def test_what_was_measured_until_a_run_stopped_is_reported_without_running_anything(whole: Whole, tmp_path: Path) -> None:
    path, right = whole("Wrong")
    contents = read_journal(cut(path, tmp_path / "cut.jsonl", 20))
    run, result = recalled(contents, contents.parts[0], options_of(contents), Silence(), Expected())
    assert run.interrupted
    assert sum(tally.passed + tally.failed for tally in result.tallies) == 18
    assert {finding.kind for finding in result.findings} == {"wrong shape", "wrong value"}
    assert sum(finding.failing_cases for finding in result.findings) == sum(tally.failed for tally in result.tallies)
    assert all(finding.case == finding.found_as for finding in result.findings)  # nothing was tried to find smaller ones
    assert result.status == right.status == "nonconformant"


def test_what_goes_on_keeps_the_time_that_was_spent_before(whole: Whole, tmp_path: Path) -> None:
    path, _ = whole("Logged")
    made = lines(path)
    slow = [line.model_copy(update={"at": line.at + 1000}) if isinstance(line, Came) else line for line in made[:30]]
    copy = tmp_path / "slow.jsonl"
    copy.write_bytes(sealed(slow))
    assert 1000 < resumed(copy).seconds < 1500


# What is wrong is refused, with the reason and what can be saved.


def edited(path: Path, copy: Path, change: Callable[[list[AnyLine]], list[AnyLine]], count: int = 20) -> Path:
    """The first lines of a journal, changed by one who knows how lines are sealed."""
    copy.write_bytes(sealed(change(lines(path)[:count])))
    return copy


def in_header(**fields: object) -> Callable[[list[AnyLine]], list[AnyLine]]:
    return lambda made: [made[0].model_copy(update=fields), *made[1:]]


def in_target(**fields: object) -> Callable[[list[AnyLine]], list[AnyLine]]:
    return lambda made: [made[0], made[1].model_copy(update=fields), *made[2:]]


def in_packages(made: list[AnyLine]) -> list[AnyLine]:
    assert isinstance(made[0], Header)
    packages = {**made[0].environment.packages, "numpy": "1.0"}
    return [made[0].model_copy(update={"environment": made[0].environment.model_copy(update={"packages": packages})}), *made[1:]]


def in_case(made: list[AnyLine]) -> list[AnyLine]:
    other = "conv1d f32 n1 c1 i4 o1 k2 values=integers:0"
    return [*made[:9], made[9].model_copy(update={"case": other}), *made[10:]]


def in_versions(made: list[AnyLine]) -> list[AnyLine]:
    assert isinstance(made[1], TargetBegins)
    described = made[1].described.model_copy(update={"versions": (("numpy", "1.0"),)})
    return in_target(described=described)(made)


@pytest.mark.parametrize(
    ("change", "words", "saved"),
    [
        (in_header(suite="0123456789abcdef"), "is of another suite: 0123456789abcdef", "18 outcomes of logged"),
        (in_header(schema_version=2), "has schema version 2, and this is version 1", "nothing of it can be saved"),
        (in_header(format="diary"), "does not begin with the header", "nothing of it can be saved"),
        (in_header(command="compare"), "is the journal of conformance compare", "conformance compare --resume"),
        (in_packages, "was measured with numpy 1.0, and here is numpy", "18 outcomes of logged"),
        (in_target(sha256={"logged.py": "0" * 64}), "logged.py of the target .* was changed since", "18 outcomes of logged"),
        (in_target(text="no-such-file.py:conv1d"), "no-such-file.py:conv1d", "18 outcomes of logged"),
        (in_versions, "is another one now: versions changed", "18 outcomes of logged"),
        (in_case, "does not fit this suite: it has exact on conv1d f32 n1 c1 i4 o1 k2", "18 outcomes of logged"),
        (lambda made: [*made, made[-1]], "does not fit this suite", "19 outcomes of logged"),
        (lambda made: [*made[:5], *made[6:]], "does not fit this suite", "17 outcomes of logged"),
        (lambda made: [*made[:5], made[6], made[5], *made[7:]], "does not fit this suite", "18 outcomes of logged"),
        (lambda made: [*made, made[0]], "line 21: a second header", "the 20 lines before it are whole: 18 outcomes"),
        (lambda made: [made[0], *made[2:]], "line 2: it belongs to no target", "the 1 lines before it are whole"),
        (lambda made: [*made, Footer(lines=21, outcomes=18, verdicts=())], "line 21: it does not fit", "18 outcomes"),
        (lambda made: [*made, made[1]], "line 21: a target begins before the one before it ended", "18 outcomes"),
    ],
)  # fmt: skip
def test_a_journal_of_something_else_is_refused_and_left_as_it_is(
    whole: Whole, change: Callable[[list[AnyLine]], list[AnyLine]], words: str, saved: str, tmp_path: Path
) -> None:
    copy = edited(whole("Logged")[0], tmp_path / "copy.jsonl", change)
    before = copy.read_bytes()
    with pytest.raises(UsageError) as refused:
        resumed(copy)
    assert re.search(words, refused.value.message), refused.value.message
    assert saved in refused.value.hint
    assert copy.read_bytes() == before


def test_the_reason_and_the_rest_are_told_of_a_line_that_was_altered(whole: Whole, tmp_path: Path) -> None:
    path, _ = whole("Logged")
    copy = tmp_path / "copy.jsonl"
    text = path.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join([*text[:29], text[29].replace(b'"passed"', b'"failed"'), *text[30:]]))
    with pytest.raises(UsageError, match="line 30: its checksum does not fit") as refused:
        resume_journal(copy, "check")
    assert "the 29 lines before it are whole: 27 outcomes of logged" in refused.value.hint
    assert f"conformance journal {copy} --save {tmp_path / 'copy-saved.jsonl'}" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is empty"),
        (b"{}", "does not begin with the header"),
        (b"# Notes\n\nNothing.\n", "does not begin with the header"),
        (b"\x80\x04\x95" * 100, "does not begin with the header"),
        (b'{"n":1,"kind":"header","format":"conformance journal","schema_version":1,', "has no whole header"),
        (b'{"n":1,"kind":"header","format":"conformance journal","schema_version":1,"crc":"00000000"}\n', "is damaged: line 1"),
        (b'{"n":1,"kind":"header","format":"conformance journal","schema_version":1,' + b"x" * 2**24, "longer than"),
    ],
)
def test_what_is_no_journal_is_refused(text: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "copy.jsonl"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=words):
        resume_journal(path, "check")


def test_what_is_too_large_for_a_journal_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # it takes no room on the disk
    with pytest.raises(UsageError, match="too large for a journal"):
        read_journal(path)
    with pytest.raises(UsageError, match="cannot be"):
        read_journal(tmp_path)


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """A journal with one thing wrong: bytes flipped, cut, swapped, repeated or put in, or whole lines."""
    rows = text.splitlines(keepends=True)
    place, other = draw(st.integers(0, len(text) - 1)), draw(st.integers(0, len(text) - 1))
    row, second = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(rows) - 1))
    first, last = sorted((place, other))
    rest = rows[:row] + rows[row + 1 :]
    kinds: dict[str, Callable[[], bytes]] = {
        "flip": lambda: text[:place] + bytes([text[place] ^ draw(st.integers(1, 255))]) + text[place + 1 :],
        "cut": lambda: text[:place],
        "take out": lambda: text[:first] + text[last:],
        "repeat": lambda: text[:last] + text[first:],
        "put in": lambda: text[:place] + draw(st.binary(max_size=40)) + text[place:],
        "swap lines": lambda: b"".join(
            [rows[second] if n == row else rows[row] if n == second else line for n, line in enumerate(rows)]
        ),
        "repeat a line": lambda: b"".join([*rows[: row + 1], *rows[row:]]),
        "lose a line": lambda: b"".join([*rows[:row], *rows[row + 1 :]]),
        "move a line": lambda: b"".join([*rest[:second], rows[row], *rest[second:]]),
    }  # fmt: skip
    return kinds[draw(st.sampled_from(sorted(kinds)))]()


@given(data=st.data())
@settings(max_examples=500)
def test_damage_is_refused_or_at_the_end_cut_off_and_nothing_wrong_is_taken(whole: Whole, data: st.DataObject) -> None:
    path, _ = whole("Wrong")
    text = path.read_bytes()
    changed = data.draw(damaged(text))
    copy = path.with_name("damaged.jsonl")
    copy.write_bytes(changed)
    try:
        contents = read_journal(copy)
    except UsageError:
        return
    assert changed[: contents.end] == text[: contents.end]  # what is taken for whole is as it was written
    assert contents.trouble or contents.end + contents.torn == len(changed)
    if contents.footer is not None:
        assert contents.trouble or changed == text
    if contents.trouble:
        with pytest.raises(UsageError, match="is damaged: line"):
            resume_journal(copy, "check")


_SIMPLE = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
_JSON = _SIMPLE | st.lists(_SIMPLE, max_size=3) | st.dictionaries(st.text(max_size=4), _SIMPLE, max_size=2)


@given(data=st.data())
@settings(max_examples=200)
def test_a_forged_line_is_refused_or_read_and_does_nothing_else(whole: Whole, data: st.DataObject) -> None:
    path, _ = whole("Wrong")
    made = lines(path)
    number = data.draw(st.integers(0, len(made) - 1))
    line = json.loads(made[number].model_dump_json(exclude_defaults=True))
    inside: Any = line
    while True:
        key = (
            data.draw(st.sampled_from(sorted(inside))) if isinstance(inside, dict) else data.draw(st.integers(0, len(inside) - 1))
        )
        if not isinstance(inside[key], dict | list) or not inside[key] or data.draw(st.booleans()):
            break
        inside = inside[key]
    inside[key] = data.draw(_JSON | st.sampled_from([[], {}, "conv1d", 10**6, "wrong value", 7]))
    fake = _Fake(made[number].KIND, json.dumps(line))
    copy = path.with_name("forged.jsonl")
    copy.write_bytes(sealed([*made[:number], fake, *made[number + 1 :]]))  # type: ignore[list-item]
    try:
        contents = read_journal(copy)
        for part in contents.parts:
            recalled(contents, part, options_of(contents), Silence(), Expected())
    except UsageError:
        return


@dataclasses.dataclass
class _Fake:
    """A line whose fields are any JSON."""

    KIND: str
    text: str

    def model_dump_json(self, **options: object) -> str:
        return self.text


def test_a_forged_case_of_any_size_is_refused_before_it_is_made(whole: Whole, tmp_path: Path) -> None:
    def huge(made: list[AnyLine]) -> list[AnyLine]:
        number = next(n for n, line in enumerate(made) if isinstance(line, Came) and line.failure)
        fake = made[number].model_copy(update={"case": "conv1d f32 n1000 c1000 i1000 o1 k1 values=integers:0"})
        return [*made[:number], fake, *made[number + 1 :]]

    contents = read_journal(edited(whole("Wrong")[0], tmp_path / "copy.jsonl", huge))
    with pytest.raises(UsageError, match="is larger than any case"):
        recalled(contents, contents.parts[0], options_of(contents), Silence(), Expected())


def test_a_file_that_is_changed_while_it_is_read_is_refused(whole: Whole, tmp_path: Path) -> None:
    path, _ = whole("Wrong")
    copy = cut(path, tmp_path / "copy.jsonl", 1000)
    contents = read_journal(copy)
    copy.write_bytes(copy.read_bytes().replace(b'"passed"', b'"failed"'))
    with pytest.raises(UsageError, match="was changed meanwhile"):
        recalled(contents, contents.parts[0], options_of(contents), Silence(), Expected())


# Values come back as they were.

_TYPES = st.sampled_from([np.dtype(kind) for kind in ("f2", "f4", "f8", "c8", "c16", "i1", "u2", "i4", "i8", "u8", "?")])


@given(array=hnp.arrays(_TYPES, hnp.array_shapes(min_dims=0, min_side=0)))
def test_arrays_come_back_bit_for_bit(array: np.ndarray) -> None:
    back = Array.model_validate_json(Array.of(array).model_dump_json()).array()
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": "object", "shape": (1,), "data": "gASVAAAAAAAAAAA="},
        {"dtype": "float32", "shape": (2**40, 2**40), "data": ""},
        {"dtype": "float32", "shape": (100_001,), "data": ""},
        {"dtype": "float32", "shape": (2,), "data": "AAAA"},
        {"dtype": "float32", "shape": (0,), "data": "AAAA"},
        {"dtype": "uint8", "shape": (2,), "data": "AAAA"},
        {"dtype": "uint8", "shape": (3,), "data": "A\nAA"},
    ],
)
def test_an_array_that_is_not_what_it_says_is_refused_before_it_is_made(fields: dict[str, object]) -> None:
    with pytest.raises(NotALine):
        Array.model_validate(fields).array()


@given(number=st.floats() | st.complex_numbers() | st.integers(-(2**63), 2**64) | st.none())
def test_numbers_of_a_failure_come_back_with_their_type(number: complex | None) -> None:
    failure = Failure("wrong value", "some", (1, 2), number, number, 3, 4, float("inf"), 0)
    back = Failed.model_validate_json(Failed.of(failure).model_dump_json()).failure()
    assert repr(back) == repr(failure)


def test_what_cannot_be_said_in_utf_8_is_replaced() -> None:
    assert Failed.of(Failure("raised", "half of \ud83d a sign")).message == "half of ? a sign"


def test_every_field_of_an_outcome_is_written() -> None:
    def names(kind: Any) -> set[str]:
        return {field.name for field in dataclasses.fields(kind)}

    assert names(Failure) == set(Failed.model_fields)
    assert names(Judgement) | names(Outcome) - {"trial", "judgement"} <= set(Came.model_fields)
    assert names(Description) - set(Described.model_fields) == {"first_calls"}  # made again in every process


def test_contents_are_read_from_an_open_file_too(whole: Whole) -> None:
    path, _ = whole("Logged")
    with path.open("rb") as file:
        assert contents_of(path, file) == read_journal(path)
