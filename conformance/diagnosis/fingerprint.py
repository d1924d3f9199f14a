"""The numerical fingerprint of an implementation: how many bits it computes with, how it rounds, in which order it sums.

These are facts about one operator and data type on this machine, at the sizes that were asked; another size may take
another path. They are found from the results of calls alone (:mod:`conformance.diagnosis.probes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.diagnosis import probes
from conformance.diagnosis.probes import Summation, Terms
from conformance.diagnosis.sites import Site, concerns, long_site, sites_of
from conformance.diagnosis.summation import Tree, brackets, in_words
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Family
from conformance.problem.accuracy import accuracy_named
from conformance.problem.formats import FLOATS
from conformance.problem.operators import name_of
from conformance.reference.oracle import solve

Send = Callable[[tuple[Call, ...]], Sequence[Reply]]
"""Makes calls, one after the other, and returns the replies, perhaps fewer after one that failed."""
_PREFERRED_AXES = (2, 1, 3)
_CALLS_AT_ONCE = 24  # a worker looks at every earlier result of a job again


class NoAnswer(Exception):
    """A probe's call failed; ``str()`` says how."""


@dataclass(frozen=True, slots=True)
class Order:
    """The order of summation over ``terms`` (``16 channels``) in one problem: brackets and their name, or why there are none.

    ``accumulator`` holds the significands of this sum's partial sums. ``uneven``: elements of one result are not summed
    alike; this is the order of the first.
    """

    terms: str
    problem: str
    accumulator: tuple[int, ...]
    brackets: str
    words: str
    uneven: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """``accumulator``: the significands of partial sums that were seen, none if nothing was lost in ``accumulator_seen``
    bits. ``weight_bits`` is None for an operator without weights."""

    input_bits: int
    weight_bits: int | None
    result_bits: int
    accumulator: tuple[int, ...]
    accumulator_seen: int
    multiply_add: str
    rounding: str
    subnormals: str
    orders: tuple[Order, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What was found out for one operator and data type with ``problem``, or the ``reason`` why nothing was."""

    operator: str
    dtype: str
    problem: str = ""
    facts: Facts | None = None
    reason: str = ""


def fingerprint(send: Send, claims: Mapping[str, Claims], operators: Sequence[str] = ()) -> Iterator[Fingerprint]:
    """One fingerprint for each operator and floating-point type; without ``operators`` of those that are worth asking."""
    for operator in operators or default_operators(claims):
        claimed = claims.get(operator)
        if reason := "not claimed" if claimed is None else concerns(operator):
            yield Fingerprint(operator, "", reason=reason)
            continue
        assert claimed is not None
        for dtype in FLOATS:
            yield fingerprint_of(send, claimed, operator, dtype)


def default_operators(claims: Mapping[str, Claims]) -> list[str]:
    """Of convolution and average pooling the one of two axes, or what there is; of transposed convolution failing that."""
    found = [_preferred(claims, family) for family in (Family.CONV, Family.AVG_POOL)]
    if found[0] is None:
        found.insert(0, _preferred(claims, Family.CONV_TRANSPOSE))
    return [name for name in found if name is not None]


def _preferred(claims: Mapping[str, Claims], family: Family) -> str | None:
    return next((name for name in (name_of(family, ndim) for ndim in _PREFERRED_AXES) if name in claims), None)


def fingerprint_of(send: Send, claimed: Claims, operator: str, dtype: str, orders: int = 3) -> Fingerprint:
    """The fingerprint for one operator and data type, with at most so many ``orders`` of summation."""
    if reason := concerns(operator):
        return Fingerprint(operator, dtype, reason=reason)
    if dtype not in claimed.dtypes:
        return Fingerprint(operator, dtype, reason="not claimed")
    if accuracy_named(claimed.accuracy).kind == "normwise":
        return Fingerprint(operator, dtype, reason=f"not a direct sum: it declares the accuracy {claimed.accuracy}")
    others = {"others": 1} if "out_channels" not in claimed.options else {}
    sites = list(sites_of(operator, dtype, **others))
    by_words = {site.words: site for site in reversed(sites) if not claimed.refusal(site.problem)}
    usable = [site for site in reversed(by_words.values()) if site.size != 4] or list(by_words.values())
    if not usable:
        return Fingerprint(operator, dtype, reason=str(claimed.refusal(sites[0].problem)))
    long = long_site(operator, dtype, **others)
    long = None if long is None or claimed.refusal(long.problem) else long
    problem = str(usable[0].problem)
    try:
        found = _facts(send, usable[:orders], long)
    except NoAnswer as failed:
        return Fingerprint(operator, dtype, problem, reason=str(failed))
    if isinstance(found, str):
        return Fingerprint(operator, dtype, problem, reason=found)
    return Fingerprint(operator, dtype, problem, found)


def _facts(send: Send, sites: Sequence[Site], long: Site | None) -> Facts | str:
    """The facts of the first site, with the orders of all; or why it is no direct sum."""
    caller = _Caller(sites[0], send)
    summation = caller.summation
    if wrong := caller.wrong_integers():
        return wrong
    bits = probes.factor_bits(summation)
    weight_bits = probes.factor_bits(summation, weights=True) if summation.weighted else None
    held, result_bits = probes.accumulator(summation), probes.result_bits(summation)
    tree, order = _order(_Caller(sites[0], send), held.widths)
    factor = min(bits, weight_bits or bits)
    fused, remark = _multiply_add(send, summation, long, factor, held.widths, tree)
    rounded, small = probes.rounding(summation, factor), probes.subnormals(summation)
    uneven = "elements of one result are computed in different ways: the facts are those of the first"
    uneven = uneven if caller.uneven and not order.uneven else ""
    unsteady = "" if held.steady else "the same call gives other results when it is repeated"
    return Facts(
        bits,
        weight_bits,
        result_bits,
        held.widths,
        held.seen,
        fused,
        rounded,
        small,
        (order, *(_order_elsewhere(_Caller(site, send)) for site in sites[1:])),
        tuple(note for note in (remark, _hidden(summation, factor, result_bits), uneven, unsteady) if note),
    )


def _multiply_add(
    send: Send, summation: Summation, long: Site | None, factor: int, widths: Sequence[int], tree: Tree | None
) -> tuple[str, str]:
    """Whether it is fused, and a remark if that shows only in a longer sum, where a lane has more than one term."""
    if not summation.weighted:
        return "no products", ""
    answer = probes.multiply_add(summation, factor, widths, tree)
    if answer == "not fused" and long is not None:
        try:
            again = probes.multiply_add(_Caller(long, send).summation, factor, widths, None)
        except NoAnswer:
            return answer, ""
        if again == "fused":
            return again, f"the multiply-add is fused in a sum of {long.words}, but does not show in one of {summation.size}"
    return answer, ""


def _order_elsewhere(caller: _Caller) -> Order:
    """The order of another sum, which may be summed by other means: a kernel of 3x3 by Winograd, for example."""
    site, summation = caller.site, caller.summation
    try:
        if wrong := caller.wrong_integers():
            return Order(site.words, str(site.problem), (), "", wrong)
        return _order(caller, probes.accumulator(summation).widths)[1]
    except NoAnswer as failed:
        return Order(site.words, str(site.problem), (), "", str(failed))


def _order(caller: _Caller, widths: tuple[int, ...]) -> tuple[Tree | None, Order]:
    tree, reason = probes.order(caller.summation, widths)
    drawn, words = ("", reason) if tree is None else (brackets(tree), in_words(tree))
    return tree, Order(caller.site.words, str(caller.site.problem), widths, drawn, words, caller.uneven)


def _hidden(summation: Summation, factor: int, result: int) -> str:
    if factor == result < summation.format.significand:
        return f"inputs may have more than {factor} bits: a result of {result} hides them"
    return ""


class _Caller:
    """A site as a :class:`Summation`: makes its calls and reads their results, and remembers if places of one differed."""

    def __init__(self, site: Site, send: Send) -> None:
        self.site, self.send = site, send
        self.uneven = False

    @property
    def summation(self) -> Summation:
        return Summation(self.site.size, self.site.problem.format, self._ask, self.site.weighted)

    def _ask(self, questions: Sequence[Terms]) -> list[float]:
        answers: list[float] = []
        for start in range(0, len(questions), _CALLS_AT_ONCE):
            calls = tuple(self.site.call(terms) for terms in questions[start : start + _CALLS_AT_ONCE])
            replies = self.send(calls)
            answers += [self._read(reply) for reply in replies]
            if len(replies) < len(calls):
                raise NoAnswer("a call got no reply")
        return answers

    def _read(self, reply: Reply) -> float:
        result = self._result(reply).reshape(-1)
        self.uneven |= bool((result != result[0]).any() and not np.isnan(result).all())
        return float(result[0]) * self.site.divisor

    def _result(self, reply: Reply) -> np.ndarray:
        if reply.error:
            raise NoAnswer(reply.error)
        result, shape = reply.outputs[0], self.site.problem.result_shape
        if result.shape != shape:
            raise NoAnswer(f"a result of shape {result.shape}, not {shape}")
        return result.astype(np.float64)

    def wrong_integers(self) -> str:
        """What a direct sum cannot do: small integers that do not come out exactly. Empty if all do.

        They are asked for again behind another call, which must leave nothing behind.
        """
        plain, beside, again = (self._error(call) for call in (self.site.integers(), self.site.spiked(), self.site.integers()))
        if error := plain or again:
            difference, instead = error
            if difference < 0.5:
                return f"not a direct sum: integers are not exact ({instead})"
            return f"wrong on integers ({instead}): conformance check tells more"
        if beside:
            return f"not a direct sum: integers are not exact beside a large number that they do not see ({beside[1]})"
        return ""

    def _error(self, call: Call) -> tuple[float, str] | None:
        """The largest error in elements that do not see a spike, if there is one, and that element in words."""
        result, truth = self._result(self.send((call,))[0]), solve(call.problem, call.arrays)
        limit = self.site.spike / self.site.divisor / 2
        with np.errstate(invalid="ignore"):  # elements that see the spike may be infinite
            error = np.where(np.less(truth.S, limit), np.nan_to_num(abs(result - truth.y), nan=np.inf), 0.0)
        if not error.any():
            return None
        at = np.unravel_index(int(np.argmax(error)), error.shape)
        return float(error[at]), f"{float(result[at])!r} for {truth.y[at]:g}"
