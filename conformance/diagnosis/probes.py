"""The probes: sums of a few chosen terms whose results tell how an implementation computes.

All that a probe knows is a :class:`Summation`, which may be a call of a convolution in another process or a function of a
test's. Values are powers of two, or nearly: whatever else is rounded away cannot be mistaken for what is asked.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from conformance.diagnosis.summation import Tree, joins_as_term, rebuild
from conformance.problem.formats import Format

Term = tuple[float, float]
"""An input and the weight that it is multiplied by."""
Terms = Sequence[Term]
_MOST_BITS = 120  # twice float64 and more; a sum that loses nothing up to there is exact or compensated
_SCALES = (14, 7, 0)  # exponents of what is large in float16, and in what holds less
_PRODUCT = 29  # of what is large as a product of two float16


@dataclass(frozen=True, slots=True)
class Summation:
    """Something that adds up ``size`` products of numbers of ``format``; ``weighted``: with weights that are not 1.

    ``ask`` takes several lists of ``size`` terms and returns the sum of each.
    """

    size: int
    format: Format
    ask: Callable[[Sequence[Terms]], Sequence[float]]
    weighted: bool = True

    def sums(self, questions: Sequence[Mapping[int, float]], rest: float = 0.0) -> Sequence[float]:
        """The sum for each question, which says what is where; ``rest`` is everywhere else."""
        filler = self.product(rest)
        return self.ask(
            [[self.product(question[at]) if at in question else filler for at in range(self.size)] for question in questions]
        )

    def product(self, value: float) -> Term:
        """``value`` as one factor if the format holds it, else as two of about the same exponent."""
        lowest, largest = 2.0**self.format.min_exponent, 2 * self.format.largest_power
        if not self.weighted or not value or lowest <= abs(value) < largest:
            return value, 1.0
        weight = math.ldexp(1.0, math.frexp(value)[1] // 2)
        return value / weight, weight


def factor_bits(summation: Summation, weights: bool = False) -> int:
    """The significand of the inputs or the weights as they are multiplied: the largest t for which 1 + 2^-t arrives, plus 1."""

    def survives(at: int) -> Callable[[int], tuple[Terms, float]]:
        def question(t: int) -> tuple[Terms, float]:
            value = 1 + 2.0**-t
            terms = [(0.0, 1.0)] * summation.size
            terms[at] = (1.0, value) if weights else (value, 1.0)
            return terms, value

        return question

    places = (0, summation.size - 1)
    return 1 + min(_largest(summation, [survives(at) for at in places], summation.format.significand - 1))


@dataclass(frozen=True, slots=True)
class Accumulator:
    """The significands that were seen to lose bits; several if partial sums are kept in different formats.

    ``seen``: the most bits that could have been seen. No widths: nothing was lost up to there. Where it is not ``steady``,
    the same questions had other answers when they were asked again, and the narrowest is given.
    """

    widths: tuple[int, ...]
    seen: int
    steady: bool = True


def accumulator(summation: Summation) -> Accumulator:
    """Significands of the partial sums, from {S, 2^-t S, -S} in every order at several places.

    Where S and -S meet first, nothing is lost whatever the accumulator; where 2^-t meets one of them first, it is lost
    unless the accumulator holds both. Of three terms of a tree two always meet first, so some order tells. S is 1.5 times a
    power of two, because below a power of two numbers lie twice as close as above it, and either sign may be met.
    """
    scale = next((scale for scale in _SCALES if _cancels(summation, 1.5 * 2.0**scale)), None)
    if scale is None:
        return Accumulator((), 0)
    found = _widths(summation, scale)
    if not found.widths and found.seen < _MOST_BITS and _cancels(summation, 1.5 * 2.0**_PRODUCT):
        scale = _PRODUCT
        found = _widths(summation, scale)
    if len(found.widths) > 1:
        again = _widths(summation, scale)
        if again.widths != found.widths:
            return Accumulator((min(found.widths + again.widths),), found.seen, steady=False)
    return found


def _widths(summation: Summation, scale: int) -> Accumulator:
    large = 1.5 * 2.0**scale
    first = max(0, scale + summation.format.min_exponent)  # before it the small one would be larger than the format

    def asked(places: tuple[int, ...]) -> Callable[[int], tuple[Terms, float]]:
        def question(t: int) -> tuple[Terms, float]:
            small = math.ldexp(1.0, scale - t)
            values = dict(zip(places, (small, large, -large), strict=False))
            return [summation.product(values.get(at, 0.0)) for at in range(summation.size)], small

        return question

    (seen,) = _largest(summation, [asked((0,))], _MOST_BITS, first)
    orders = [order for places in _triples(summation.size) for order in itertools.permutations(places)]
    survived = _largest(summation, list(map(asked, orders)), seen, first)
    return Accumulator(tuple(sorted({1 + t for t in survived if t < seen})), 1 + seen)


def _triples(size: int) -> list[tuple[int, int, int]]:
    """Three places: neighbours, far apart, in one lane of 4, in one of 8."""
    wanted = [(0, 1, 2), (0, 1, size - 1), (0, size // 2, size - 1), (0, 4, 8), (0, 1, 8), (size - 3, size - 2, size - 1)]
    return sorted({places for places in wanted if len(set(places)) == 3 and min(places) >= 0 and max(places) < size})


def multiply_add(summation: Summation, factor: int, widths: Sequence[int], tree: Tree | None) -> str:
    """Whether products are rounded before they are added: ``fused``, ``not fused``, ``mixed``, or ``exact products``.

    a = 1 + 2^-h has ``factor`` bits at most, and a*a = 1 + 2^(1-h) + 2^-2h more than the accumulator's. 2^-2h is left of
    a*a - (1 + 2^(1-h)) if the product was not rounded: in one order of the two terms if the multiply-add is fused (the
    product that comes first is rounded alone), in both if the accumulator holds the product, which then says nothing of
    the instructions. Where the sums of two terms are added there is no product any more: ``tree`` tells those pairs apart.
    """
    h = min(max(widths, default=_MOST_BITS) // 2 + 1, factor - 1)
    if h < 2:
        return "cannot tell"
    scale = 2.0**7  # so that what is left is no subnormal float16
    a, other, left = scale * (1 + 2.0**-h), -(scale**2) * (1 + 2.0 ** (1 - h)), scale**2 * 2.0 ** (-2 * h)

    def terms(square: int, minus: int) -> Terms:
        given = [(0.0, 1.0)] * summation.size
        given[square], given[minus] = (a, a), (other, 1.0)
        return given

    pairs = sorted(joins_as_term(tree)) if tree is not None else _pairs(summation.size)
    answers = list(summation.ask([terms(*order) for i, j in pairs for order in ((i, j), (j, i))]))
    if not set(answers) <= {0.0, left}:
        return "cannot tell"
    seen = {sum(answer == left for answer in answers[at : at + 2]) for at in range(0, len(answers), 2)}
    if tree is None and len(seen) > 1:
        seen -= {0}  # they may meet only as sums
    return {0: "not fused", 1: "fused", 2: "exact products"}[seen.pop()] if len(seen) == 1 else "mixed"


def _pairs(size: int) -> list[tuple[int, int]]:
    """All pairs of a small sum, of a large one those that are a power of two apart from the first."""
    if size <= 16:
        return list(itertools.combinations(range(size), 2))
    return [(0, 2**n) for n in range(size.bit_length()) if 2**n < size]


def order(summation: Summation, widths: Sequence[int]) -> tuple[Tree | None, str]:
    """The tree of the summation, or None and the reason why it cannot be told.

    M = 1.5 * 2^e units absorbs ``size`` units of either sign in an accumulator of p bits if e = p + bits of ``size``.
    """
    size = summation.size
    if not widths:
        return None, "nothing is lost in any order"
    exponent = max(widths) + size.bit_length()
    scale = next((b for b in (exponent, _PRODUCT, *_SCALES) if b <= exponent and _counts(summation, b, exponent)), None)
    if scale is None:
        return None, f"numbers of {summation.format.name} do not reach far enough for {max(widths)} bits"
    large, unit = 1.5 * 2.0**scale, math.ldexp(1.0, scale - exponent)
    pairs = list(itertools.combinations(range(size), 2))

    def counted(sign: int) -> list[float]:
        return [y / unit for y in summation.sums([{i: sign * large, j: -sign * large} for i, j in pairs], rest=unit)]

    outside, mirrored = counted(1), counted(-1)
    if not all(0 <= count <= size - 2 and count == int(count) for count in [*outside, *mirrored]):
        return None, "fits no tree: no sum that rounds to nearest"
    if outside != mirrored:
        changes = outside != counted(1) or mirrored != counted(-1)
        return None, "changes from call to call" if changes else "fits no tree: it depends on the signs"
    tree = rebuild(size, {pair: size - int(count) for pair, count in zip(pairs, outside, strict=True)})
    return (tree, "") if tree is not None else (None, "fits no tree")


def _counts(summation: Summation, scale: int, exponent: int) -> bool:
    """Whether M cancels, and one unit as well as all arrive."""
    if not _cancels(summation, 1.5 * 2.0**scale):
        return False
    unit, size = math.ldexp(1.0, scale - exponent), summation.size
    return list(summation.sums([{0: unit}, dict.fromkeys(range(size), unit)])) == [unit, size * unit]


_ROUNDED = {
    (0, 2, 1, 0): "nearest, ties to even",
    (1, 2, 1, 0): "nearest, ties away",
    (0, 1, 1, 0): "nearest, ties to zero",
    (0, 1, 0, 0): "towards zero",
    (1, 2, 1, 1): "away from zero",
}


def result_bits(summation: Summation) -> int:
    """The significand of the result: of 1 + 2^-t from two terms the largest t that arrives, plus 1, where the most arrive."""
    last = summation.size - 1
    return 1 + max(_tails(summation, [(0, 1), (0, last // 2), (0, last)]))


def _tails(summation: Summation, places: Sequence[tuple[int, int]]) -> list[int]:
    def question(first: int, second: int, t: int) -> tuple[Terms, float]:
        values = {first: 1.0, second: 2.0**-t}
        return [summation.product(values.get(at, 0.0)) for at in range(summation.size)], 1 + 2.0**-t

    return _largest(summation, [partial(question, *pair) for pair in places], summation.format.significand - 1)


def rounding(summation: Summation, factor: int) -> str:
    """How the sum of the first two terms is rounded if it lies between two numbers: of the partial sums or of the result.

    In units of the last place above 1 the sums are 1/2, 1 + 1/2, 3/4 and 1/4, and the same below -1. Inputs must have the
    ``factor`` of bits that 1 and one such unit need.
    """
    bits = 1 + _tails(summation, [(0, 1)])[0]
    if factor < bits:
        return "cannot tell"
    ulp = 2.0 ** (1 - bits)
    sums = [(1.0, ulp / 2), (1 + ulp, ulp / 2), (1.0, 0.75 * ulp), (1.0, 0.25 * ulp)]
    answers = summation.sums([{0: sign * a, 1: sign * b} for sign in (1, -1) for a, b in sums])
    above, below = (tuple((sign * y - 1) / ulp for y in answers[at : at + 4]) for sign, at in ((1, 0), (-1, 4)))
    if above == below:
        return _ROUNDED.get(above, "by no known rule")  # type: ignore[arg-type]
    upwards = {("away from zero", "towards zero"): "upwards", ("towards zero", "away from zero"): "downwards"}
    return upwards.get((_ROUNDED.get(above, ""), _ROUNDED.get(below, "")), "by no known rule")  # type: ignore[arg-type]


def subnormals(summation: Summation) -> str:
    """Whether subnormal inputs, weights and results count: ``kept``, ``flushed``, or which of them are flushed.

    An average is asked for that is a subnormal itself.
    """
    tiny, normal = 3 * summation.format.smallest_subnormal, 2.0**summation.format.min_exponent
    tiny *= 1 if summation.weighted else summation.size
    asked = {"inputs": (tiny, 1.0)}
    if summation.weighted:
        asked |= {"weights": (1.0, tiny), "results": (normal, 0.5)}
    answers = summation.ask([[term] + [(0.0, 1.0)] * (summation.size - 1) for term in asked.values()])
    lost = [name for (name, (x, w)), y in zip(asked.items(), answers, strict=True) if y != x * w]
    return "kept" if not lost else "flushed" if len(lost) == len(asked) else f"{' and '.join(lost)} flushed"


def _cancels(summation: Summation, value: float) -> bool:
    return list(summation.sums([{0: value, 1: -value}])) == [0.0]


def _largest(
    summation: Summation, questions: Sequence[Callable[[int], tuple[Terms, float]]], upper: int, lower: int = 0
) -> list[int]:
    """For each question the largest t up to ``upper`` whose sum is the expected one, by bisection; all asked at once."""
    low, high = [lower] * len(questions), [upper] * len(questions)
    while unsure := [at for at in range(len(questions)) if low[at] < high[at]]:
        middle = {at: (low[at] + high[at] + 1) // 2 for at in unsure}
        asked = {at: questions[at](t) for at, t in middle.items()}
        answers = summation.ask([terms for terms, _ in asked.values()])
        for (at, (_, expected)), answer in zip(asked.items(), answers, strict=True):
            if answer == expected:
                low[at] = middle[at]
            else:
                high[at] = middle[at] - 1
    return low
