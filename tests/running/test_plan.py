"""What a plan has of real networks."""

from __future__ import annotations

import dataclasses

from conformance.cases.networks import NETWORKS, layers
from conformance.plugin.claims import Claims
from conformance.running.plan import plan
from conformance.running.profile import profile_named

BARE = dataclasses.replace(profile_named("standard"), covering=0, each=0, random=0, long=False)


def test_the_standard_profile_judges_each_layer_of_every_network_twice() -> None:
    trials = [trial for trial in plan("conv1d", {"conv1d": Claims()}, BARE, 0) if trial.case.origin.startswith("wavenet ")]
    of_network = {layer.problem for layer in layers("wavenet")}
    for check in ("exact", "accuracy"):
        judged = [trial.case.problem for trial in trials if trial.check.name == check]
        assert len(judged) == len(set(judged))
        assert set(judged) == of_network
    planned = [trial.case for trial in plan("conv2d", {"conv2d": Claims()}, BARE, 0) if trial.check.name == "accuracy"]
    judged_networks = {case.origin.split()[0] for case in planned if case.seed == "layer"}
    assert judged_networks == {one.name for one in NETWORKS.values() if any(p.problem.operator == "conv2d" for p in one.layers)}
