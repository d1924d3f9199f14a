"""Text from outside becomes text: nothing in it steers a terminal, and a word is read back by a shell as it was."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.plain import INSTEAD, end_of, joined, line, lines, quoted
from tests.targets.hostile_names import ALL, LONG

TEXTS = st.text() | st.text(alphabet="\x1b[]\n\r\t\u202e\ud800a'\"\\$` ", max_size=20)
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of Unicode: control characters, invisible ones such as marks of direction, half characters, ends of lines."""


def steers(text: str) -> bool:
    return any(unicodedata.category(letter) in STEERING for letter in text)


@given(TEXTS, st.integers(1, 30))
def test_a_line_is_short_and_steers_nothing(text: str, most: int) -> None:
    made = line(text, most)
    assert len(made) <= most
    assert not steers(made)
    assert line(made, most) == made


@given(TEXTS, st.integers(1, 30))
def test_lines_are_short_and_each_steers_nothing(text: str, most: int) -> None:
    for made in (lines(text, most), end_of(text, most)):
        assert len(made) <= most
        assert not any(map(steers, made.split("\n")))


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=100))
def test_what_is_plain_already_stays_as_it_is(text: str) -> None:
    assert line(text) == lines(text) == end_of(text, 100) == text


def test_what_steers_is_seen_to_have_been_there() -> None:
    assert line("a\x1b[2Jb\u202ec\ud800") == f"a{INSTEAD}[2Jb{INSTEAD}c{INSTEAD}"
    assert line("one\ntwo\r\nthree\tfour") == "one two three four"
    assert lines("one\r\n\ttwo\rthree") == f"one\n    two{INSTEAD}three"
    assert line("abcdef", 4) == "abc…"
    assert end_of("abcdef", 4) == "…def"


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no")


class Changing(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "\x1b[2J"


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (None, "None"), (Unspeakable(), "a Unspeakable"), (Changing("mine"), "mine"), (10**5000, "a int")],
    ids=["number", "None", "unspeakable", "changing", "large"],
)
def test_what_is_no_text_becomes_one(value: object, text: str) -> None:
    assert line(value) == text
    assert type(line(value)) is str


def test_an_error_of_use_can_be_shown_whatever_was_given() -> None:
    error = UsageError(LONG, hint=LONG)
    assert len(str(error)) < 10_000
    assert not any(map(steers, str(error).split("\n")))


WORDS = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | st.text(
    alphabet="\x1b\n\t\udcff\u202e'\"\\$`!#~ a*é", max_size=12
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_a_shell_reads_a_quoted_word_back() -> None:
    seen = []

    @given(st.lists(WORDS, min_size=1, max_size=30))
    def collect(words: list[str]) -> None:
        seen.extend(words)

    collect()
    command = f"printf '%s\\0' {joined([*seen, ALL.replace(chr(0), '')[:2000].encode('utf-8', 'replace').decode()])}"
    done = subprocess.run(["bash"], input=command.encode("utf-8", "surrogateescape"), capture_output=True, check=True)
    *read, _ = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    assert read[: len(seen)] == seen


@given(WORDS)
def test_a_quoted_word_steers_no_terminal(word: str) -> None:
    written = quoted(word)
    assert not any(map(steers, written.replace("\t", " ").split("\n")))
    if word.replace("\t", "").replace("\n", "").isprintable():
        assert shlex.split(written) == [word]
