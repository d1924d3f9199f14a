"""How fast a target is, and what it is asked for accordingly: the same kinds of problems always, smaller ones of a slow one.

The first calls of an operator tell. What is compared is not what a gate compares: it decides between sizes that differ by
factors, so it needs no more than an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from conformance.cases.kinds.cases import Reach
from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem, parse_problem
from conformance.problem.validity import is_valid

_OF_A_KIND: Mapping[float, float] = {2**18: 12e6, 2**16: 2e6, 2**14: 5e5, 2**12: 1.5e5}
"""Multiply-adds of a call at most -> those of all calls of one kind of layer, counted over the kinds of conv2d."""
_STEPS_OF_A_KIND: Mapping[int, Mapping[float, float]] = {
    1: {math.inf: 12e3, 2**10: 8e3, 2**8: 7e3, 2**6: 6.6e3},
    2: {math.inf: 11e3, 2**10: 7e3, 2**8: 5e3, 2**6: 4e3},
    3: {math.inf: 105e3, 2**10: 31e3, 2**8: 28e3, 2**6: 27e3},
}
"""Taps of all groups of a call at most -> those of all calls of one kind of layer, counted over the kinds of conv1d to conv3d."""
_SECONDS_OF_STEPS = 4.0  # times the seconds for multiply-adds
_LEAST_KINDS = 20
OF_PACE = "the pace of the target"
"""Origin of the cases that tell it. Others are quick for reasons of their own, such as few outputs of a loop over outputs."""
REPEATED = ("first", "second", "third")
"""Seeds of the calls that tell it: the first may be slow, and so may any on a busy machine."""
_LEAST_STEPS = 64  # of calls that tell what a step costs


@dataclass(frozen=True, slots=True)
class Seen:
    """A trial that was made: multiply-adds (elements that a pooling reads), taps of all groups, and seconds of its calls."""

    work: int
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """``rate``: multiply-adds a second, or elements that a pooling reads. Infinite where nothing is known. ``step``: seconds
    for a tap of a group, which is a call of the interpreter where an implementation loops over them."""

    rate: float = float("inf")
    step: float = 0.0

    def seconds(self, problem: Problem) -> float:
        """How long a call of ``problem`` takes, about."""
        return max(problem.work / self.rate, problem.steps * self.step)

    def reach(self, ndim: int, kinds: int, seconds: float, rounds: int) -> Reach:
        """How large the problems of so many kinds of layers may be, if all of them are to take no more than ``seconds``."""
        each = seconds / max(_LEAST_KINDS, kinds)
        work = _largest(_OF_A_KIND, each * self.rate)
        steps = _largest(_STEPS_OF_A_KIND[ndim], each * _SECONDS_OF_STEPS / self.step if self.step else math.inf)
        return Reach(int(work), rounds, steps)


def _largest(in_all: Mapping[float, float], allowed: float) -> float:
    """Of limits of one call, the largest with which all calls together come to no more than is allowed; else the smallest."""
    return next((limit for limit, together in in_all.items() if together <= allowed), min(in_all))


def pace_of(seen: Sequence[Seen]) -> Pace:
    """The pace of which calls tell: that of the quickest."""
    timed = [one for one in seen if one.seconds > 0]
    rate = max((one.work / one.seconds for one in timed), default=math.inf)
    step = min((one.seconds / one.steps for one in timed if one.steps >= _LEAST_STEPS), default=0.0)
    return Pace(rate, step)


def measured(operator: Operator, claims: Claims) -> Iterator[Problem]:
    """Problems whose time tells the pace: one so large that a call's own cost is small beside it, unless the target is fast,
    and one of many groups."""
    ndim = operator.ndim
    sizes = "x".join([str({1: 64, 2: 16, 3: 8}[ndim])] * ndim)
    window = "to3" if operator.traits.window == "adaptive" else "k3 s3" if operator.is_pool else "k3"
    depthwise = ["n1 c16 o16 g16"] if operator.traits.weights else []
    for alternatives in (["n1 c16 o16", "n1 c1 o1"], depthwise):
        problems = (
            parse_problem(f"{operator.name} {channels} i{sizes} {kernel}").replace(dtype=claims.dtypes[0])
            for channels in (text if operator.traits.weights else text.partition(" o")[0] for text in alternatives)
            for kernel in (window, window.replace("3", "1"))
        )
        known = claims.dtypes[0] in operator.traits.dtypes
        yield from islice((one for one in problems if known and is_valid(one) and not claims.refusal(one)), 1)
