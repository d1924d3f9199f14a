"""Error-free transformations lose nothing: checked with Fractions, which are exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.reference.floats import slices, two_prod, two_sum

ANY = st.floats(-(2.0**1000), 2.0**1000)


def signed(smallest: float, largest: float) -> st.SearchStrategy[float]:
    """Zero, or a number of either sign between the two."""
    positive = st.floats(smallest, largest)
    return st.one_of(st.just(0.0), positive, positive.map(lambda value: -value))


def fraction(value: np.ndarray | float) -> Fraction:
    return Fraction(float(value))


@given(ANY, ANY)
def test_the_two_parts_of_a_sum_are_the_sum(a: float, b: float) -> None:
    s, e = two_sum(np.array(a), np.array(b))
    assert s == a + b
    assert fraction(s) + fraction(e) == Fraction(a) + Fraction(b)


@given(a=signed(2.0**-400, 2.0**400), b=signed(2.0**-400, 2.0**400))
def test_the_two_parts_of_a_product_are_the_product(a: float, b: float) -> None:
    p, e = two_prod(np.array(a), np.array(b))
    assert p == a * b
    assert fraction(p) + fraction(e) == Fraction(a) * Fraction(b)


def test_both_work_on_arrays_element_by_element() -> None:
    a, b = np.array([1.0, 2.0**53, 0.1]), np.array([2.0**-60, 1.0, 0.1])
    assert two_sum(a, b)[1].tolist() == [2.0**-60, 1.0, 0.0]
    assert two_prod(a, b)[1][0] == 0
    assert two_prod(a, b)[1][2] != 0


VECTORS = st.lists(signed(2.0**-200, 2.0**200), min_size=1, max_size=8)


@given(VECTORS, st.integers(1, 26), st.integers(1, 8))
def test_slices_and_what_is_left_are_the_array(values: list[float], bits: int, at_most: int) -> None:
    parts, rest = slices(np.array(values), bits, at_most)
    assert 1 <= len(parts) <= at_most
    for at, value in enumerate(values):
        assert sum(fraction(part[at]) for part in parts) + fraction(rest[at]) == Fraction(value)


@given(VECTORS, st.integers(2, 26), st.integers(1, 8))
def test_a_slice_lies_on_a_grid_of_its_bits_and_leaves_less_than_a_step(values: list[float], bits: int, at_most: int) -> None:
    a = np.array(values)
    assume(a.any())
    parts, rest = slices(a, bits, at_most)
    top = Fraction(2) ** int(np.frexp(np.abs(a).max())[1])
    for number, part in enumerate(parts, start=1):
        step = top / 2 ** (bits * number)
        steps = [fraction(value) / step for value in part]
        assert all(count.denominator == 1 and abs(count) <= 2**bits for count in steps)
    assert all(abs(fraction(value)) <= step / 2 for value in rest)


@given(VECTORS, st.data())
def test_products_of_slices_sum_without_rounding_in_any_order(values: list[float], data: st.DataObject) -> None:
    other = data.draw(st.lists(signed(2.0**-200, 2.0**200), min_size=len(values), max_size=len(values)))
    bits = (53 - 3) // 2  # up to eight terms
    order = data.draw(st.permutations(range(len(values))))
    for x in slices(np.array(values), bits, 6)[0]:
        for w in slices(np.array(other), bits, 6)[0]:
            total = 0.0
            for at in order:
                total += float(x[at]) * float(w[at])
            assert Fraction(total) == sum(fraction(x[at]) * fraction(w[at]) for at in order)


def test_six_slices_of_twenty_bits_hold_a_range_of_two_to_the_sixty() -> None:
    rng = np.random.default_rng(0)
    a = rng.uniform(1, 2, 1000) * 2.0 ** rng.integers(-30, 30, 1000)
    parts, rest = slices(a, 20, 6)
    assert len(parts) == 6
    assert not rest.any()


def test_nothing_is_cut_where_there_is_nothing_to_cut() -> None:
    for a in (np.zeros(3), np.array([1.0, np.inf]), np.array([np.nan])):
        parts, rest = slices(a, 20, 6)
        np.testing.assert_array_equal(parts, [a])
        assert not rest.any()
