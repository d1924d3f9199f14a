"""The layers of real networks are planned as they are: one of each kind, or all, in every pass."""

from __future__ import annotations

import dataclasses

import pytest

from conformance.cases.networks import NETWORKS
from conformance.cases.real_layers import layer_cases
from conformance.plugin.claims import Claims, options_of
from conformance.problem import OPERATORS, reasons_invalid
from conformance.running.plan import plan
from conformance.running.profile import PROFILES

LAYERS = {layer.problem for network in NETWORKS.values() for layer in network.layers}


@pytest.mark.parametrize("operator", sorted({problem.operator for problem in LAYERS}))
def test_each_means_every_layer_of_every_network(operator: str) -> None:
    claims = Claims(("float32", "float64", "int8", "uint8"), options_of(OPERATORS[operator]))
    made = {case.problem for case in layer_cases(OPERATORS[operator], claims, each=True)}
    assert made == {problem for problem in LAYERS if problem.operator == operator}


def test_one_means_one_of_each_window_and_grouping_the_smallest() -> None:
    operator, claims = OPERATORS["conv2d"], Claims(options=options_of(OPERATORS["conv2d"]))
    ones = [case.problem for case in layer_cases(operator, claims, each=False)]
    kinds = {(*(dataclasses.replace(w, size=0) for w in p.windows), p.groups == 1) for p in LAYERS if p.operator == "conv2d"}
    assert {(*(dataclasses.replace(w, size=0) for w in p.windows), p.groups == 1) for p in ones} == kinds
    assert len(ones) < sum(p.operator == "conv2d" for p in LAYERS) / 2
    assert [p.work for p in ones] == sorted(p.work for p in ones)


@pytest.mark.parametrize("operator", ["conv2d_input_grad", "conv2d_weight_grad", "max_pool2d_input_grad"])
def test_gradients_have_the_layers_of_their_forward_pass(operator: str) -> None:
    op = OPERATORS[operator]
    cases = list(layer_cases(op, Claims(options=options_of(op)), each=False))
    assert cases
    assert all(reasons_invalid(case.problem) == [] and case.problem.op is op for case in cases)


def test_what_lacks_an_option_has_no_layer_that_needs_it() -> None:
    claims = Claims(options=options_of(OPERATORS["conv2d"]) - {"groups"})
    assert {case.problem.groups for case in layer_cases(OPERATORS["conv2d"], claims, each=True)} == {1}


@pytest.mark.parametrize(("profile", "each"), [("quick", False), ("standard", True)])
def test_quick_takes_one_of_each_kind_and_standard_all(profile: str, each: bool) -> None:
    operator, claims = OPERATORS["max_pool2d"], {"max_pool2d": Claims(options=options_of(OPERATORS["max_pool2d"]))}
    wanted = {case.problem for case in layer_cases(operator, claims["max_pool2d"], each)}
    small = dataclasses.replace(PROFILES[profile], covering=5, each=1, random=0, long=False)
    planned = {trial.case.problem for trial in plan("max_pool2d", claims, small, 0) if trial.case.seed == "layer"}
    assert planned == wanted
