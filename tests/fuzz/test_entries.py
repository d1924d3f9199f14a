"""Whatever is written into a text, a file or an answer is read as what it says, or refused in words."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.changes import inputs
from tests.fuzz.entries import ENTRIES, REGRESSIONS, Entry

_EXAMPLES = {"report": 40, "mutation report": 60, "pipe": 150, "journal": 100}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_a_seed_is_read(entry: Entry) -> None:
    read = [entry.try_one(seed) for seed in entry.seeds]
    assert any(read)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_what_once_went_wrong_is_read_or_refused(entry: Entry) -> None:
    for data in entry.regressions:
        entry.try_one(data)


def test_every_regression_is_of_an_entry() -> None:
    assert {folder.name for folder in REGRESSIONS.iterdir()} <= ENTRIES.keys()


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_whatever_is_given_is_read_or_refused_in_words(entry: Entry) -> None:
    @settings(
        max_examples=_EXAMPLES.get(entry.name, 300), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        entry.try_one(data.draw(inputs(entry)))

    check()
