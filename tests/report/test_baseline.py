"""A baseline is read as it was written, a row a line; anything else is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.report.baseline import (
    Baseline,
    Choices,
    Claimed,
    KnownFailing,
    Speed,
    Spread,
    parse_baseline,
    read_baseline,
    to_text,
)
from conformance.report.environment import environment
from tests.report.baselines import baseline

WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20)
OPERATORS = st.sampled_from(["conv2d", "max_pool1d", "conv3d_weight_grad"])
COUNTS = st.integers(1, 10**6)
RHO = st.floats(0, 1e6)
KNOWN = st.builds(KnownFailing, operator=OPERATORS, check=WORDS, kind=WORDS, count=COUNTS, case=WORDS)


@st.composite
def spreads(draw: st.DrawFn) -> Spread:
    values = sorted(draw(st.lists(RHO, min_size=5, max_size=5)))
    names = dict(zip(("p25", "p50", "p75", "p90", "worst"), values, strict=True))
    return Spread(operator=draw(OPERATORS), dtype="float32", reached="fft", cases=draw(COUNTS), outputs=draw(COUNTS), **names)


@st.composite
def speeds(draw: st.DrawFn) -> Speed:
    low, ratio, high = sorted(draw(st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3)))
    return Speed(case=draw(WORDS), reference=draw(WORDS), ratio=ratio, low=low, high=high)


BASELINES = st.builds(
    Baseline,
    suite=WORDS,
    target=WORDS,
    options=st.builds(Choices, seed=st.integers(0, 2**40), claim=st.tuples(WORDS), arrays=st.none() | WORDS),
    environment=st.just(environment()),
    claims=st.tuples(st.builds(Claimed, operator=OPERATORS, dtypes=WORDS, options=WORDS, passed=COUNTS)),
    failing=st.lists(KNOWN, max_size=3).map(tuple),
    accuracy=st.lists(spreads(), max_size=3).map(tuple),
    speed=st.lists(speeds(), max_size=3).map(tuple),
)


@given(BASELINES)
def test_what_is_written_is_read_back_but_for_digits_that_say_nothing(made: Baseline) -> None:
    text = to_text(made)
    read = parse_baseline(text.encode(), "file")
    assert to_text(read) == text
    assert (read.failing, read.claims, read.options) == (made.failing, made.claims, made.options)
    for old, new in zip(made.accuracy, read.accuracy, strict=True):
        assert new.worst == pytest.approx(old.worst, rel=1e-3)
    for old, new in zip(made.speed, read.speed, strict=True):
        assert new.ratio == pytest.approx(old.ratio, rel=1e-3)


def test_a_change_of_one_row_is_a_change_of_one_line() -> None:
    before = to_text(baseline()).splitlines()
    changed = baseline(failing=(baseline().failing[0].model_copy(update={"count": 4}),))
    after = to_text(changed).splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@given(st.binary(max_size=200))
def test_bytes_that_are_no_baseline_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(UsageError, match="file"):
        parse_baseline(data, "file")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"kind": "conformance baseline"', '"kind": "report"', "does not say"),
        ('"schema_version": 1', '"schema_version": 7', "schema version 7, and this is version 1"),
        ('"count": 3', '"count": -3', "failing.0.count"),
        ('"operator": "conv2d", "check"', '"operator": "conv9d", "check"', "failing.0.operator"),
        ('"worst": 4.2', '"worst": 0.1', "must not fall"),
        ('"low": 1.4', '"low": 1.9', "between low and high"),
        ('"ratio": 1.5', '"ratio": 0', "speed.0.ratio"),
        ('"ratio": 1.5', '"ratio": 1.5, "seconds": 1', "speed.0.seconds"),
        ("\n}\n", "\n", "line"),
    ],
)
def test_an_error_says_where_and_what(old: str, new: str, words: str) -> None:
    text = to_text(baseline())
    assert old in text
    with pytest.raises(UsageError, match=r"^here is no baseline|^here has schema") as error:
        parse_baseline(text.replace(old, new).encode(), "here")
    assert words in error.value.message


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no baseline"):
        read_baseline(tmp_path / "none.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_baseline(tmp_path)
    (tmp_path / "large.json").write_bytes(b" " * (4 * 2**20 + 1))
    with pytest.raises(UsageError, match="too large"):
        read_baseline(tmp_path / "large.json")
