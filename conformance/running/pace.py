"""How fast a target is, and what it is asked for accordingly: the same kinds of problems always, smaller ones of a slow one.

The first calls of an operator tell. What is compared is not what a gate compares: it decides between sizes that differ by
factors, so it needs no more than an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.cases.kinds.cases import Reach
from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem, parse_problem
from conformance.problem.validity import is_valid

_OF_A_KIND = {2**18: 12e6, 2**16: 2e6, 2**14: 5e5, 2**12: 1.5e5}
"""Multiply-adds of a call at most -> those of all calls of one kind of layer, counted over the kinds of conv2d."""
_LEAST_KINDS = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """``rate``: multiply-adds a second, or elements that a pooling reads. Infinite where nothing is known."""

    rate: float = float("inf")

    def seconds(self, problem: Problem) -> float:
        """How long a call of ``problem`` takes, about."""
        return problem.work / self.rate

    def reach(self, kinds: int, seconds: float, rounds: int) -> Reach:
        """How large the problems of so many kinds of layers may be, if all of them are to take no more than ``seconds``."""
        allowed = seconds * self.rate / max(_LEAST_KINDS, kinds)
        work = next((work for work, in_all in _OF_A_KIND.items() if in_all <= allowed), min(_OF_A_KIND))
        return Reach(work, rounds)


def pace_of(seen: Sequence[tuple[int, float]]) -> Pace:
    """The pace of which calls tell, each with its multiply-adds and its seconds: that of the quickest."""
    return Pace(max((work / seconds for work, seconds in seen if seconds > 0), default=float("inf")))


def measured(operator: Operator, claims: Claims) -> Problem | None:
    """A problem whose time tells the pace: so large that a call's own cost is small beside it, unless the target is fast."""
    ndim = operator.ndim
    sizes = "x".join([str({1: 64, 2: 16, 3: 8}[ndim])] * ndim)
    window = "to3" if operator.traits.window == "adaptive" else "k3 s3" if operator.is_pool else "k3"
    for channels in ("n1 c16", "n1 c1"):
        for kernel in (window, window.replace("3", "1")):
            out = f" o{channels.split('c')[1]}" if operator.traits.weights else ""
            problem = parse_problem(f"{operator.name} {channels} i{sizes}{out} {kernel}").replace(dtype=claims.dtypes[0])
            if claims.dtypes[0] in operator.traits.dtypes and is_valid(problem) and not claims.refusal(problem):
                return problem
    return None
