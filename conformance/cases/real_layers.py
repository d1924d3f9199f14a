"""The layers of real networks, in every pass: what is run is judged as it is run, however large it is.

Very large results are compared on a sample (:mod:`conformance.reference.sample`), so a layer costs what the implementation
needs for it. One of each kind is the smallest layer with this window and grouping.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache

from conformance.cases.case import Case
from conformance.cases.networks import NETWORKS
from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem
from conformance.problem.window import AnyWindow


def layer_cases(operator: Operator, claims: Claims, each: bool) -> Iterator[Case]:
    """Layers that are claimed, the least work first, on integers: ``each`` of all networks, or one of each kind."""
    for name, problem in _layers(operator.base) if each else _one_of_each(operator.base):
        typed = problem.as_pass(operator.pass_name).replace(dtype=_first(claims, problem), bias=problem.bias and operator.forward)
        if not claims.refusal(typed):
            yield Case(typed, "integers", "layer", name)


def _first(claims: Claims, problem: Problem) -> str:
    return problem.dtype if problem.dtype in claims.dtypes else claims.dtypes[0]


@cache
def _layers(base: str) -> tuple[tuple[str, Problem], ...]:
    """All layers of an operator, each problem once, with the network and the label that it has there first."""
    found: dict[Problem, str] = {}
    for network in NETWORKS.values():
        for layer in network.layers:
            if layer.problem.operator == base:
                found.setdefault(layer.problem, f"{network.name} {layer.label}")
    return tuple((name, problem) for problem, name in sorted(found.items(), key=lambda item: item[0].work))


@cache
def _one_of_each(base: str) -> tuple[tuple[str, Problem], ...]:
    kinds: dict[tuple[object, ...], tuple[str, Problem]] = {}
    for name, problem in _layers(base):
        kinds.setdefault((*map(_without_size, problem.windows), _grouping(problem)), (name, problem))
    return tuple(kinds.values())


def _without_size(window: AnyWindow) -> AnyWindow:
    return dataclasses.replace(window, size=0)


def _grouping(problem: Problem) -> str:
    if problem.groups == 1:
        return "dense"
    return "groups" if problem.groups < problem.channels else "depthwise"
