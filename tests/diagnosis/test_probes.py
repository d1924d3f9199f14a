"""Sums of known arithmetic, computed exactly and rounded as they say, are told for what they are."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings

from conformance.diagnosis import probes
from conformance.diagnosis.probes import Summation, Terms
from conformance.diagnosis.summation import Tree, in_words, leaves
from conformance.problem import FORMATS
from tests.diagnosis.test_summation import in_order, trees

Mode = Literal["even", "zero", "away"]


def rounded(value: Fraction, bits: int | None, mode: Mode = "even") -> Fraction:
    """``value`` with a significand of ``bits`` and any exponent; None: as it is."""
    if bits is None or not value:
        return value
    exponent = math.frexp(float(abs(value)))[1]  # float() may round up to the next power of two: see below
    exponent -= abs(value) < Fraction(2) ** (exponent - 1)
    ulp = Fraction(2) ** (exponent - bits)
    units = abs(value) / ulp
    whole = math.floor(units)
    up = {"even": units - whole > Fraction(1, 2) or (units - whole == Fraction(1, 2) and whole % 2), "zero": False,
          "away": units > whole}[mode]  # fmt: skip
    return (whole + bool(up)) * ulp * (1 if value > 0 else -1)


def forward(size: int) -> Tree:
    tree: Tree = 0
    for leaf in range(1, size):
        tree = (tree, leaf)
    return tree


def pairwise(first: int, size: int) -> Tree:
    return first if size == 1 else (pairwise(first, size // 2), pairwise(first + size // 2, size - size // 2))


def lanes(count: int, size: int) -> Tree:
    """Every lane first to last, then the lanes first to last."""
    total: Tree | None = None
    for lane in range(count):
        tree: Tree = lane
        for leaf in range(lane + count, size, count):
            tree = (tree, leaf)
        total = tree if total is None else (total, tree)
    assert total is not None
    return total


def mirrored(tree: Tree, size: int) -> Tree:
    return size - 1 - tree if isinstance(tree, int) else tuple(mirrored(child, size) for child in tree)


@dataclass(frozen=True)
class Arithmetic:
    """How a sum is computed. ``None`` bits: exactly. ``fused``: a product that joins a sum is not rounded before."""

    tree: Tree
    size: int = 16
    dtype: str = "float32"
    inputs: int | None = None
    weights: int | None = None
    partial: int | None = 24
    fused: bool = False
    mode: Mode = "even"
    last_mode: Mode = "even"

    @property
    def summation(self) -> Summation:
        return Summation(self.size, FORMATS[self.dtype], lambda questions: [self(terms) for terms in questions])

    def __call__(self, terms: Terms) -> float:
        products = [
            rounded(Fraction(x), self.inputs) * rounded(Fraction(w), self.weights) if x and w else Fraction(0) for x, w in terms
        ]
        total = self.value(self.tree, products, joins=False)
        return float(rounded(total, FORMATS[self.dtype].significand, self.last_mode))

    def value(self, tree: Tree, products: Sequence[Fraction], joins: bool) -> Fraction:
        if isinstance(tree, int):
            return products[tree] if self.fused and joins else rounded(products[tree], self.partial, self.mode)
        first, *rest = tree
        parts = [self.value(first, products, joins=False), *(self.value(child, products, joins=True) for child in rest)]
        if len(parts) > 2:  # fused: aligned to the largest, what is below its last bit is cut off
            assert self.partial is not None
            unit = Fraction(2) ** (math.frexp(float(max(map(abs, parts))))[1] - self.partial)
            return rounded(sum((int(part / unit) * unit for part in parts), Fraction(0)), self.partial)
        return rounded(sum(parts, Fraction(0)), self.partial, self.mode)


PLAIN = Arithmetic(forward(16))


def test_rounding_of_this_test_is_that_of_the_machine() -> None:
    values = np.random.default_rng(0).standard_normal(200)
    for bits, kind in ((24, np.float32), (11, np.float16)):
        assert [float(rounded(Fraction(v), bits)) for v in values if abs(v) > 1e-3] == [
            float(kind(v)) for v in values if abs(v) > 1e-3
        ]


@pytest.mark.parametrize(
    ("arithmetic", "inputs", "weights"),
    [
        (PLAIN, 24, 24),
        (replace(PLAIN, inputs=11, weights=11), 11, 11),
        (replace(PLAIN, weights=8), 24, 8),
        (replace(PLAIN, inputs=11, partial=53), 11, 24),
        (replace(PLAIN, dtype="bfloat16"), 8, 8),
        (replace(PLAIN, dtype="float64", partial=53), 53, 53),
        (replace(PLAIN, dtype="float64", partial=24), 24, 24),
    ],
)
def test_bits_of_inputs_and_weights_are_those_that_arrive(arithmetic: Arithmetic, inputs: int, weights: int) -> None:
    assert probes.factor_bits(arithmetic.summation) == inputs
    assert probes.factor_bits(arithmetic.summation, weights=True) == weights


@pytest.mark.parametrize(
    ("arithmetic", "bits"),
    [
        (PLAIN, 24),
        (replace(PLAIN, inputs=11, weights=11), 24),
        (replace(PLAIN, partial=11), 11),
        (replace(PLAIN, partial=53), 24),
        (replace(PLAIN, dtype="bfloat16"), 8),
        (replace(PLAIN, dtype="float64", partial=24), 24),
    ],
)
def test_bits_of_the_result_are_told_from_those_of_the_inputs(arithmetic: Arithmetic, bits: int) -> None:
    assert probes.result_bits(arithmetic.summation) == bits


ORDERS = [forward(16), mirrored(forward(16), 16), pairwise(0, 16), lanes(8, 16), lanes(4, 16)]


@pytest.mark.parametrize("tree", ORDERS)
@pytest.mark.parametrize(
    ("dtype", "partial"),
    [
        ("float32", 24), ("float32", 53), ("float32", 11), ("float32", 8), ("float32", 64), ("float16", 11), ("float16", 24),
        ("float16", 53), ("bfloat16", 8), ("bfloat16", 24), ("bfloat16", 53), ("float64", 53), ("float64", 64), ("float64", 24),
    ],
)  # fmt: skip
def test_bits_of_partial_sums_are_found_in_any_order(tree: Tree, dtype: str, partial: int) -> None:
    found = probes.accumulator(Arithmetic(tree, dtype=dtype, partial=partial).summation)
    assert found.widths == (partial,)


def test_a_sum_that_loses_nothing_has_no_width_of_partial_sums() -> None:
    exact = replace(PLAIN, partial=None).summation
    assert probes.accumulator(exact) == probes.Accumulator((), 121)
    assert probes.order(exact, ()) == (None, "nothing is lost in any order")


def test_partial_sums_of_two_formats_are_mixed() -> None:
    """Blocks of 4 in float16, their sums in float32."""

    def blocked(terms: Terms) -> float:
        parts = [np.float16(0)] * 4
        with np.errstate(all="ignore"):
            for at, (x, w) in enumerate(terms):
                parts[at // 4] = parts[at // 4] + np.float16(x) * np.float16(w)
            return float(sum(map(np.float32, parts), np.float32(0)))

    assert probes.accumulator(box(blocked)).widths == (11, 24)


def box(function: Callable[[Terms], float], size: int = 16, dtype: str = "float32") -> Summation:
    return Summation(size, FORMATS[dtype], lambda questions: [function(terms) for terms in questions])


def of_type(kind: type[np.floating], tree: Tree) -> Callable[[Terms], float]:
    """Real arithmetic of a type, its range too."""

    def value(node: Tree, products: list[np.floating]) -> np.floating:
        if isinstance(node, int):
            return products[node]
        first, second = node
        return value(first, products) + value(second, products)  # type: ignore[no-any-return]

    def function(terms: Terms) -> float:
        with np.errstate(all="ignore"):
            return float(value(tree, [kind(x) * kind(w) for x, w in terms]))

    return function


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("tree", ORDERS)
def test_a_float16_accumulator_is_told_although_it_overflows(dtype: str, tree: Tree) -> None:
    summation = box(of_type(np.float16, tree), dtype=dtype)
    assert probes.accumulator(summation).widths == (11,)
    assert probes.order(summation, (11,)) == (in_order(tree), "")


@pytest.mark.parametrize(
    ("arithmetic", "answer"),
    [
        (PLAIN, "not fused"),
        (replace(PLAIN, fused=True), "fused"),
        (replace(PLAIN, partial=53, fused=True), "exact products"),
        (replace(PLAIN, partial=53), "exact products"),
        (replace(PLAIN, tree=lanes(8, 16), fused=True), "fused"),
        (replace(PLAIN, tree=lanes(8, 16)), "not fused"),
        (replace(PLAIN, tree=pairwise(0, 16), fused=True), "fused"),
        (replace(PLAIN, dtype="bfloat16"), "exact products"),
        (replace(PLAIN, dtype="bfloat16", partial=8, fused=True), "fused"),
        (replace(PLAIN, dtype="bfloat16", partial=8), "not fused"),
        (replace(PLAIN, dtype="float64", partial=53, fused=True), "fused"),
    ],
)
def test_a_fused_multiply_add_is_told_from_one_that_rounds_twice(arithmetic: Arithmetic, answer: str) -> None:
    summation = arithmetic.summation
    widths, factor = probes.accumulator(summation).widths, probes.factor_bits(summation)
    tree, reason = probes.order(summation, widths)
    assert probes.multiply_add(summation, factor, widths, tree) == answer, reason
    assert probes.multiply_add(summation, factor, widths, None) == answer


def test_a_multiply_add_that_is_fused_in_some_places_is_mixed() -> None:
    def tail(terms: Terms) -> float:
        """The first twelve terms are fused, the rest is not."""
        total = Fraction(0)
        for at, (x, w) in enumerate(terms):
            product = Fraction(x) * Fraction(w)
            total = rounded(total + (product if at < 12 else rounded(product, 24)), 24)
        return float(total)

    assert probes.multiply_add(box(tail), 24, (24,), forward(16)) == "mixed"


@pytest.mark.parametrize(
    ("arithmetic", "answer"),
    [
        (PLAIN, "nearest, ties to even"),
        (replace(PLAIN, mode="zero"), "towards zero"),
        (replace(PLAIN, mode="away"), "away from zero"),
        (replace(PLAIN, dtype="bfloat16", last_mode="zero"), "towards zero"),
        (replace(PLAIN, dtype="bfloat16"), "nearest, ties to even"),
        (replace(PLAIN, inputs=11), "cannot tell"),
        (replace(PLAIN, inputs=11, partial=11, mode="zero"), "towards zero"),
        (replace(PLAIN, partial=53, last_mode="away"), "away from zero"),
    ],
)
def test_the_direction_of_rounding_is_told(arithmetic: Arithmetic, answer: str) -> None:
    summation = arithmetic.summation
    assert probes.rounding(summation, probes.factor_bits(summation)) == answer


@pytest.mark.parametrize("ties", ["up", "away"])
def test_ties_that_are_not_rounded_to_even_are_told(ties: str) -> None:
    def biased(terms: Terms) -> float:
        units = sum(Fraction(x) * Fraction(w) for x, w in terms) * 2**7  # all sums of the probe are between 1 and 2
        up = math.floor(abs(units) + Fraction(1, 2)) * (1 if units > 0 else -1)
        return float(Fraction(math.floor(units + Fraction(1, 2)) if ties == "up" else up, 2**7))

    answer = probes.rounding(box(biased, dtype="bfloat16"), 8)
    assert answer == ("nearest, ties away" if ties == "away" else "by no known rule")


def test_subnormals_are_kept_or_flushed() -> None:
    def plain(terms: Terms) -> float:
        return float(np.float32(sum(x * w for x, w in terms)))

    def flushing(terms: Terms, inputs: bool) -> float:
        normal = [(x * (abs(x) >= 2.0**-126), w * (abs(w) >= 2.0**-126)) if inputs else (x, w) for x, w in terms]
        y = plain(normal)
        return y if abs(y) >= 2.0**-126 or inputs else 0.0

    assert probes.subnormals(box(plain)) == "kept"
    assert probes.subnormals(box(lambda terms: flushing(terms, inputs=True))) == "inputs and weights flushed"
    assert probes.subnormals(box(lambda terms: flushing(terms, inputs=False))) == "flushed"


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (forward(16), "sequential, first to last"),
        (mirrored(forward(16), 16), "sequential, last to first"),
        (pairwise(0, 16), "pairwise"),
        (lanes(8, 16), "8 lanes of every 8th term; their sums sequential, first to last"),
        (lanes(4, 16), "4 lanes of every 4th term, each sequential, first to last; their sums likewise"),
        ((((((0, 1, 2, 3), 4, 5, 6, 7), 8, 9, 10, 11), 12, 13, 14, 15)), "sequential, first to last, 4 at once (fused)"),
        (tuple(range(16)), "all 16 at once (fused)"),
    ],
)
@pytest.mark.parametrize(("dtype", "partial"), [("float32", 24), ("float32", 53), ("float16", 24), ("bfloat16", 24)])
def test_the_order_of_summation_is_rebuilt_and_named(tree: Tree, words: str, dtype: str, partial: int) -> None:
    summation = Arithmetic(tree, dtype=dtype, partial=partial).summation
    found, reason = probes.order(summation, probes.accumulator(summation).widths)
    assert found == in_order(tree), reason
    assert in_words(found) == words


@settings(max_examples=40)
@given(trees(most_leaves=12))
def test_any_order_of_additions_is_rebuilt(tree: Tree) -> None:
    size = len(leaves(tree))
    summation = box(of_type(np.float32, tree), size=size)
    assert probes.order(summation, (24,)) == (in_order(tree), "")


def test_an_order_that_changes_is_said_to_change() -> None:
    draw = random.Random(0)

    def shuffled(terms: Terms) -> float:
        total = np.float32(0)
        for x, w in draw.sample(list(terms), len(terms)):
            total = total + np.float32(x) * np.float32(w)
        return float(total)

    assert probes.order(box(shuffled), (24,)) == (None, "changes from call to call")
    assert probes.accumulator(box(shuffled)) == probes.Accumulator((24,), 121, steady=False)


def test_no_tree_is_drawn_of_what_is_no_sum_that_rounds_to_nearest() -> None:
    truncating = replace(PLAIN, mode="zero").summation
    assert probes.order(truncating, (24,)) == (None, "fits no tree: no sum that rounds to nearest")


def test_numbers_that_do_not_reach_far_enough_are_said_to() -> None:
    def wide(terms: Terms) -> float:
        with np.errstate(all="ignore"):
            return float(np.float16(sum(float(np.float16(x)) * float(np.float16(w)) for x, w in terms)))

    tree, reason = probes.order(box(wide, dtype="float16"), (53,))
    assert tree is None
    assert reason == "numbers of float16 do not reach far enough for 53 bits"
