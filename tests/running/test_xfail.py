"""Entries of an xfail file: what they cover, how a file of them is read, and what is said of one that is wrong."""

from __future__ import annotations

import contextlib
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.running.xfail import Entry, covers_words
from conformance.running.xfail_file import XfailFile, parse_xfail, read_xfail

CASE = "conv2d f16 n1 c1 i3x3 o1 k2x2 s2x1 p1x1 reflect values=integers:7"
ENTRY = '[[xfail]]\noperator = "conv2d"\nreason = "why"\n'


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("*", True),
        (CASE, True),
        ("conv2d *", True),
        ("* values=integers:7", True),
        ("* f16 * reflect *", True),
        ("* f16 * n1 *", True),  # words next to each other
        ("* conv2d * values=integers:7 *", True),  # the first and the last word
        ("*reflect*", True),
        ("* s* * p* *", True),
        ("* s[12]x? *", True),
        ("* reflect * f16 *", False),
        ("* 16 *", False),
        ("* f1 *", False),
        ("f16", False),
        ("* f32 *", False),
        ("* d* *", False),
        (f"{CASE}0", False),
    ],
)
def test_a_glob_covers_a_case_word_by_word(pattern: str, covered: bool) -> None:
    assert covers_words(pattern, CASE) is covered


WORDS = st.lists(st.text("ab1*?", min_size=1, max_size=3), min_size=1, max_size=5).map(" ".join)


@given(WORDS, st.lists(st.sampled_from(["a", "b", "a1", "ab"]), min_size=1, max_size=5).map(" ".join))
def test_what_fnmatch_covers_is_covered(pattern: str, text: str) -> None:
    if fnmatchcase(text, pattern):
        assert covers_words(pattern, text)


@given(st.lists(st.sampled_from(["f16", "n1", "c2", "s2x1", "bias"]), max_size=5, unique=True), st.data())
def test_words_in_their_order_cover_the_text_whatever_is_between(words: list[str], data: st.DataObject) -> None:
    some = [word for word in words if data.draw(st.booleans())]
    assert covers_words(" ".join(["*", *(part for word in some for part in (word, "*"))]), " ".join(words))


@pytest.mark.parametrize(
    ("operator", "check", "kind", "case"),
    [
        ("conv3d", "special.nan", "wrong value", CASE),
        ("conv2d", "exact", "wrong value", CASE),
        ("conv2d", "special.nan", "raised", CASE),
        ("conv2d", "special.nan", "wrong value", CASE.replace("f16", "bf16")),
    ],
)
def test_another_operator_check_kind_or_case_is_not_covered(operator: str, check: str, kind: str, case: str) -> None:
    entry = Entry("why", 1, 1, "conv2d*", "special.*", "wrong value", "* f16 *")
    assert entry.covers("conv2d_input_grad", "special.nan", "wrong value", CASE)
    assert not entry.covers(operator, check, kind, case)


def test_an_entry_is_read_with_all_its_keys_and_its_lines() -> None:
    text = """# conformance xfail, version 1
version = 1

[[xfail]]
operator = "conv2d*"
check = "special.*"
kind = "wrong value"
case = "* f16 *"
implementation = "torch-cpu"
profile = "standard"
link = "https://example.org/issues/7#top"
reason = \"\"\"
summed in float16;
mended in 2.4\"\"\"

# about the next
[[ xfail ]]  # [[xfail]]
reason = "[[xfail]]"
operator = 'max_pool2d'
"""
    first, second = parse_xfail(text, "x.toml").entries
    assert first == Entry(
        "summed in float16; mended in 2.4", 4, 14, "conv2d*", "special.*", "wrong value", "* f16 *", "torch-cpu",
        "https://example.org/issues/7#top", "standard",
    )  # fmt: skip
    assert first.words == (
        'operator = "conv2d*", check = "special.*", kind = "wrong value", case = "* f16 *", implementation = "torch-cpu"'
    )
    assert (second.first, second.last, second.reason) == (17, 19, "[[xfail]]")


@pytest.mark.parametrize("inside", ["'''\n[[xfail]]\n'''", '"""\n[[xfail]] \\""\\" \n[[xfail]]\n"""', '"""\n# [[xfail]]\n"""""'])
def test_lines_are_those_of_the_file_whatever_a_string_holds(inside: str) -> None:
    lines = inside.count("\n")
    first, second = parse_xfail(f'[[xfail]]\noperator = "conv2d"\nreason = {inside}\n\n{ENTRY}', "x.toml").entries
    assert (first.first, first.last) == (1, 3 + lines)
    assert (second.first, second.last) == (5 + lines, 7 + lines)


@given(st.lists(st.sampled_from(["", "# [[xfail]]", "#"]), max_size=4), st.integers(0, 5), st.sampled_from(["\n", "\r\n"]))
def test_every_entry_is_told_by_the_lines_that_it_stands_in(between: list[str], count: int, newline: str) -> None:
    text = newline.join(between + (ENTRY.splitlines() + between) * count)
    entries = parse_xfail(text, "x.toml").entries
    assert [(entry.first, entry.last) for entry in entries] == [
        (first, first + 2) for first in (len(between) + 1 + place * (3 + len(between)) for place in range(count))
    ]


def test_a_file_without_entries_expects_nothing() -> None:
    assert parse_xfail("", "x.toml") == parse_xfail("# nothing\nversion = 1\n", "x.toml") == XfailFile("x.toml")


def test_a_reason_that_is_still_to_be_written_is_accepted_and_known() -> None:
    file = parse_xfail(ENTRY + ENTRY.replace("why", "TODO: look into it"), "x.toml")
    assert [entry.first for entry in file.unfinished] == [4]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[[xfail]\n", "x.toml is not TOML: .*at line 1", "write .*xfail"),
        ('[[xfail]]\nreason = "a\n', "at line 2", ""),
        ("a = " + "[" * 100_000, "is not TOML", ""),
        ("a = " + "9" * 10_000, "is not TOML", ""),
        ('[tool.ruff]\nline-length = 3\n', "is no xfail file: 'tool' is not known", "tables"),
        ('[[xfails]]\nreason = "a"\n', "'xfails' is not known", "did you mean 'xfail'"),
        ("version = 2\n", "version 2, and this reads version 1", ""),
        ("version = true\n", "version True", ""),
        ('xfail = [{operator = "conv2d", reason = "why"}]\n', "tables of their own", r"below a line \[\[xfail\]\]"),
        ('xfail = "conv2d"\n', "tables of their own", ""),
        ('[xfail]\noperator = "conv2d"\nreason = "why"\n', "tables of their own", ""),
        ('[[xfail]]\noperator = "conv2d"\n', "x.toml:1: an entry has no reason", "write reason"),
        (ENTRY + '\n[[xfail]]\noperator = "conv2d"\nreason = " "\n', "x.toml:5: reason is empty", "write reason"),
        ('[[xfail]]\noperator = ""\nreason = "why"\n', "operator is empty", "leave operator out"),
        ('[[xfail]]\nreason = "why"\n', "covers every failure", "operator, check, kind, case"),
        ('[[xfail]]\noperator = "*"\ncase = "* *"\nreason = "why"\n', "covers every failure", ""),
        ('[[xfail]]\noperators = "conv2d"\nreason = "why"\n', "'operators' is not known", "did you mean 'operator'"),
        ('[[xfail]]\nfirst = "3"\nreason = "why"\n', "'first' is not known", "known are"),
        ('[[xfail]]\noperator = ["conv2d"]\nreason = "why"\n', "operator is not text", 'write operator = "…"'),
        ('[[xfail]]\noperator = "conv2"\nreason = "why"\n', "no operator is called 'conv2'", "did you mean 'conv"),
        ('[[xfail]]\ncheck = "special"\nreason = "why"\n', "no check is called 'special'", r"did you mean 'special\.\*'"),
        ('[[xfail]]\ncheck = "exakt"\nreason = "why"\n', "no check is called 'exakt'", "did you mean 'exact'"),
        (ENTRY + 'profile = "nightly"\n', "no profile is called 'nightly'", "known are brief, quick"),
        (ENTRY + 'link = "javascript:alert(1)"\n', "'javascript:alert\\(1\\)' is no link", "https"),
        (ENTRY + 'link = "https://"\n', "no link", ""),
        (ENTRY + 'link = "ftp://a/b"\n', "no link", ""),
        (ENTRY + 'link = "https://a b"\n', "no link", ""),
        (ENTRY + 'kind = "\\u001b[2J"\n', "cannot be printed", ""),
        (ENTRY + f'kind = "{"a" * 3000}"\n', "3,000 characters", "at most"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_told_with_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parse_xfail(text, "x.toml")
    assert re.search(hint, error.value.hint)


@pytest.mark.parametrize(
    ("data", "message"),
    [(None, "cannot be read: No such file"), (b"\xff\xfe", "not text in UTF-8"), (b"#" * (2**20 + 1), "too large")],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, data: bytes | None, message: str) -> None:
    file = tmp_path / "x.toml"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_xfail(file)


def test_a_file_of_an_editor_that_marks_utf_8_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbf" + ENTRY.encode())
    assert len(read_xfail(tmp_path / "x.toml").entries) == 1


KEYS = st.sampled_from(["operator", "check", "kind", "case", "reason", "link", "profile", "version", "xfail", "x"])
VALUES = st.one_of(
    st.sampled_from(['"conv2d"', '"*"', '"exact"', '"https://a"', "1", "[]", "{}", '"""', "'''", "2020-01-01"]),
    st.text(max_size=8),
)
LINES = st.one_of(
    st.sampled_from(["[[xfail]]", "[xfail]", "[[xfail.x]]", "# c", "", '"""']),
    st.builds("{} = {}".format, KEYS, VALUES),
    st.text(),
)


@given(st.one_of(st.text(), st.lists(LINES, max_size=8).map("\n".join)))
def test_any_text_is_entries_or_an_error_of_usage(text: str) -> None:
    with contextlib.suppress(UsageError):
        for entry in parse_xfail(text, "x.toml").entries:
            assert 1 <= entry.first <= entry.last <= text.count("\n") + 1
            assert entry.reason
