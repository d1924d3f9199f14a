"""A first xfail file covers everything that failed, as little else as a few words can tell, and is read back."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.schema import Finding
from conformance.running.expected import Expected, unmet
from conformance.running.xfail import covers_words
from conformance.running.xfail_draft import BROAD, Ledger, draft
from conformance.running.xfail_file import parse_xfail
from conformance.running.xfail_words import Drafted, Example, patterns_of
from tests.running.outcomes import outcome


def example(words: str, check: str = "exact") -> Example:
    return Example(check, f"conv2d {words}")


def drafted(failing: list[Example], passing: list[Example]) -> list[tuple[str, str, int]]:
    return [(one.pattern.check, one.pattern.case, one.passing) for one in patterns_of(failing, passing)]


def test_what_all_failing_cases_have_in_common_is_one_pattern() -> None:
    failing = [example("f16 n1 s2x1 reflect"), example("f16 n2 reflect", "layout.strided"), example("f16 n1 p1 reflect")]
    passing = [example("f16 n1 s2x1"), example("f32 n1 reflect")]
    assert drafted(failing, passing) == [("*", "* f16 * reflect *", 0)]


def test_a_size_of_any_kind_stands_for_all_where_passing_cases_have_none() -> None:
    failing = [example("f32 i5x5 s2x1"), example("f64 i6x4 s1x3 bias")]
    assert drafted(failing, [example("f32 i7x7"), example("f64 i5x5 bias")]) == [("exact", "* s* *", 0)]


def test_one_failing_case_is_told_by_its_whole_text() -> None:
    assert drafted([example("f32 n1")], [example("f32 n2")]) == [("exact", "conv2d f32 n1", 0)]


def test_where_nothing_passes_no_word_is_needed_but_those_in_common() -> None:
    assert drafted([example("f32 n1"), example("f64 n2")], []) == [("exact", "*", 0)]


def test_two_bugs_have_a_pattern_each() -> None:
    failing = [example(f"f16 n{n} reflect") for n in (1, 2, 3)] + [example(f"f32 n{n} g3") for n in (1, 2, 3)]
    passing = [example(f"{words} n{n}") for n in (1, 2, 3) for words in ("f16", "f32")]
    passing += [example("f32 n1 reflect"), example("f16 n3 g3")]
    assert sorted(drafted(failing, passing)) == [("exact", "* f16 * reflect *", 0), ("exact", "* f32 * g3 *", 0)]


def test_words_that_many_cases_prove_hold_for_a_check_with_only_one() -> None:
    failing = [example(f"f64 n{n} g3 o{n}") for n in range(6)] + [example("f64 n9 g3 o9", "algebra.batch")]
    passing = [example("f64 n1"), example("f32 n1 g3"), example("f64 n4 g3 o4", "algebra.groups")]
    assert drafted(failing, passing) == [("exact", "* f64 * g3 *", 0), ("algebra.batch", "* f64 * g3 *", 0)]


def test_what_would_take_many_patterns_is_one_that_says_how_many_passing_cases_it_covers() -> None:
    failing = [example(f"f32 n{n} c{n} s2") for n in range(20)]
    passing = [example(f"f32 n{n} c{n + 1} s2") for n in range(20)] + [example("f32 n1 c1")]
    assert drafted(failing, passing) == [("exact", "* f32 * s2 *", 20)]


WORDS = st.tuples(
    st.sampled_from(["f16", "f32"]), st.sampled_from(["n1", "n2"]), st.sampled_from(["", "s2x1", "s1x2"]),
    st.sampled_from(["", "reflect", "bias"]), st.sampled_from(["values=ones:0", "values=integers:1"]),
).map(lambda words: " ".join(filter(None, words)))  # fmt: skip
EXAMPLES = st.builds(example, WORDS, st.sampled_from(["exact", "special.nan", "special.lowest", "layout.strided"]))


@given(st.sets(EXAMPLES, min_size=1, max_size=12), st.sets(EXAMPLES, max_size=12))
def test_patterns_cover_all_that_fails_and_say_what_passes(failing: set[Example], passing: set[Example]) -> None:
    right = sorted(passing - failing, key=str)
    made = patterns_of(sorted(failing, key=str), right)
    assert {one for each in made for one in each.failing} == failing

    def covered(pattern: Drafted, one: Example) -> bool:
        return fnmatchcase(one.check, pattern.pattern.check) and covers_words(pattern.pattern.case, one.case)

    for each in made:
        assert all(covered(each, one) for one in each.failing)
        assert sum(covered(each, one) for one in right) == each.passing


FINDING = Finding(operator="conv2d", check="exact", kind="raised", message="the call raised", case="…", command="…")


def kept(*statuses: tuple[str, str]) -> Ledger:
    ledger = Ledger()
    for number, (status, kind) in enumerate(statuses):
        ledger.came(outcome(status, kind, text=f"conv2d f32 n{number + 1} c1 i3x3 o1 k2x2 values=ones:0"))  # type: ignore[arg-type]
    return ledger


@pytest.mark.parametrize(
    ("changes", "reason", "link"),
    [
        ({}, "TODO: the call raised", ""),
        ({"diagnosis": ("It is flipped (explains 3 of 3 failing cases)", "more")}, "TODO: It is flipped", ""),
        ({"known": "views are not understood"}, "views are not understood", ""),
        ({"known": "of views (owner/repo#7)"}, "of views", "https://github.com/owner/repo/issues/7"),
        ({"operator": "conv3d"}, "TODO: raised: message", ""),
        ({"kind": "crashed"}, "TODO: raised: message", ""),
        ({"message": 'a\n"b" \\ \x1b[2J\x7f' + "c" * 500}, 'TODO: a "b" \\ [2J' + "c" * (300 - 18) + "…", ""),
    ],
)
def test_the_reason_is_what_is_known_of_a_finding(changes: dict[str, object], reason: str, link: str) -> None:
    (text,) = draft(kept(("failed", "raised"), ("passed", "")), [FINDING.model_copy(update=changes)])
    (read,) = parse_xfail(text, "x.toml").entries
    assert (read.reason, read.link) == (reason, link)
    assert (read.operator, read.check, read.kind) == ("conv2d", "exact", "raised")
    assert read.case == "conv2d f32 n1 c1 i3x3 o1 k2x2 values=ones:0"


def test_what_is_expected_or_skipped_is_not_written_again() -> None:
    assert draft(kept(("xfailed", "raised"), ("skipped", ""), ("passed", "")), []) == []


def test_every_kind_of_failure_has_its_entry_with_the_implementation_and_the_profile_that_are_needed() -> None:
    text = "\n".join(draft(kept(("failed", "raised"), ("failed", "crashed")), [], "[a]*.py:conv2d", "standard"))
    entries = parse_xfail(text, "x.toml").entries
    assert [(one.kind, one.profile) for one in entries] == [("raised", "standard"), ("crashed", "standard")]
    assert all(one.about("[a]*.py:conv2d") and not one.about("a.py:conv2d") for one in entries)


@pytest.mark.parametrize("count", [1, 2])
def test_an_entry_that_covers_passing_cases_says_so(count: int) -> None:
    failing = [("failed", "raised"), *[("passed", "")] * count, *[("failed", "raised"), ("passed", "")] * 9]
    (text,) = draft(kept(*failing), [])
    assert f"10 failing cases, and {count + 9} that pass: {BROAD}" in text


def test_a_ledger_that_saw_a_case_fail_once_and_pass_once_writes_an_entry_that_is_met() -> None:
    ledger = Ledger()
    for status, kind in (("failed", "raised"), ("passed", "")):
        ledger.came(outcome(status, kind))  # type: ignore[arg-type]
    file = parse_xfail("\n".join(draft(ledger, [])), "x.toml")
    expected = Expected(file)
    assert len(file.entries) == 1
    assert [one.stale for one in unmet(file, [expected])] == [False]
