"""What a numerical fingerprint says of a failure: the facts in one line, and in words what a computation in its type would
not do, such as inputs of too few bits, partial sums that are cut off, or no direct sum at all.

It speaks of failures that no changed rule explains, or that are of accuracy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.diagnosis.fingerprint import Facts, Fingerprint
from conformance.diagnosis.hypotheses import RESORT
from conformance.diagnosis.rules.numbers import KEPT
from conformance.problem.formats import format_named

FORMATS = {8: "bfloat16", 11: "float16", 24: "float32", 53: "float64", 64: "x87", 113: "float128"}
"""Formats by the bits of their significands, the leading one counted."""
_NOT_BIASED = ("nearest", "cannot tell", "by no known rule")
_NO_SUM = "not a direct sum"


@dataclass(frozen=True, slots=True)
class Numerics:
    """``line``: the facts, empty where there are none. ``key`` and ``words``: what is lacking, if anything is."""

    line: str = ""
    key: str = ""
    words: str = ""


def numerics(found: Fingerprint) -> Numerics:
    """What ``found`` says of a failure in its operator and type."""
    if found.facts is None:
        if found.reason.startswith(_NO_SUM):
            return Numerics(key=RESORT.key, words=f"This is {found.reason}")
        return Numerics()
    as_sum = found.facts.orders[0].brackets  # what fits no order of summation is no sum whose bits could be told
    key, words = _lacking(found.facts, format_named(found.dtype).significand) if as_sum else ("", "")
    return Numerics(_line(found), key, words)


def _lacking(facts: Facts, bits: int) -> tuple[str, str]:
    """What a computation with ``bits`` of significand throughout does not do, the cause before what follows from it."""
    weights = bits if facts.weight_bits is None else facts.weight_bits
    # Inputs seem to have no more bits than results that are cut off: then it is the sums that lack them.
    hidden = facts.result_bits if facts.result_bits < bits else 0
    if facts.input_bits < bits and weights < bits and facts.input_bits != hidden:
        return (
            f"inputs-of-{facts.input_bits}-bits",
            f"Inputs and weights are rounded to {_factors(facts.input_bits)}",
        )
    if facts.input_bits < bits and facts.input_bits != hidden:
        return (
            f"input-of-{facts.input_bits}-bits",
            f"Inputs are rounded to {_factors(facts.input_bits)}",
        )
    if weights < bits and weights != hidden:
        return f"weights-of-{weights}-bits", f"Weights are rounded to {_factors(weights)}"
    if not facts.rounding.startswith(_NOT_BIASED):
        kept = f" to {_named(facts.result_bits)}" if hidden else ""
        return "biased-rounding", f"Sums are rounded{kept} in a way of their own: {facts.rounding}"
    if facts.accumulator and min(facts.accumulator) < bits:
        least = min(facts.accumulator)
        return f"accumulator-{FORMATS.get(least, f'of-{least}-bits')}", f"Partial sums have {_named(least)} only"
    if hidden:
        return f"results-of-{hidden}-bits", f"Results are rounded to {_named(hidden)}"
    if facts.subnormals != "kept":
        return "subnormals-flushed", f"Numbers below the smallest normal one are taken as zero: {facts.subnormals}"
    return "", ""


def _named(bits: int) -> str:
    return f"{bits} bits ({FORMATS[bits]})" if bits in FORMATS else f"{bits} bits"


def _factors(bits: int) -> str:
    return KEPT.get(bits) or _named(bits)


def _line(found: Fingerprint) -> str:
    facts = found.facts
    assert facts is not None
    weights = "" if facts.weight_bits is None else f", weights {facts.weight_bits}"
    sums = partial_sums(facts.accumulator) or f"{facts.accumulator_seen} or more"
    told = [
        f"{found.operator} {found.dtype}: inputs of {facts.input_bits} bits{weights}, results {facts.result_bits}",
        f"partial sums {sums}",
        f"multiply-add {facts.multiply_add}",
        f"rounding {facts.rounding}",
        f"subnormals {facts.subnormals}",
    ]
    orders = [f"\n{order.terms}: {order.words}" + (f"\n{order.brackets}" if order.brackets else "") for order in facts.orders]
    return "; ".join(told) + "".join(orders)


def partial_sums(widths: tuple[int, ...]) -> str:
    """The bits of partial sums in words; empty where none were lost."""
    if len(widths) > 1:
        return f"mixed: {' and '.join(map(str, widths))}"
    return "".join(f"{bits} ({FORMATS[bits]})" if bits in FORMATS else f"{bits}" for bits in widths)
