"""A run counts what its cases could show."""

from __future__ import annotations

from tests.conftest import TARGETS, Check


def test_a_run_says_how_much_was_seen_covered_and_left_to_chance(check: Check) -> None:
    result = check(f"{TARGETS / 'two_functions.py'}", profile="quick")
    power = {one.operator: one for one in result.power}
    conv, pool = power["conv1d"], power["max_pool1d"]
    assert conv.elements > conv.cases > 50
    assert conv.blind < 0.01 * conv.elements
    assert (conv.pairs, conv.triples) == (conv.pairs_possible, conv.triples_possible)  # the covering set is whole
    assert conv.slips is not None
    assert conv.slips_median is not None
    assert conv.slips_median <= conv.slips <= 1
    assert pool.slips is None
    assert pool.blind == 0
