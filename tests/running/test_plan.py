"""What a plan has of real networks."""

from __future__ import annotations

import dataclasses

from conformance.cases.networks import layers
from conformance.plugin.claims import Claims
from conformance.running.plan import plan
from conformance.running.profile import profile_named

BARE = dataclasses.replace(profile_named("standard"), covering=0, each=0, random=0, long=False)


def test_the_standard_profile_judges_each_layer_of_seven_networks_twice() -> None:
    """Others are for timing: they would make a run of it several times as long."""
    claims = {"conv1d": Claims()}
    trials = [trial for trial in plan("conv1d", claims, BARE, 0) if " " in trial.case.origin and "wavenet" in trial.case.origin]
    assert [trial.case.problem for trial in trials[::2]] == [layer.problem for layer in layers("wavenet")]
    assert {trial.check.name for trial in trials} == {"exact", "accuracy"}
    judged = {
        trial.case.origin.split()[0] for trial in plan("conv2d", {"conv2d": Claims()}, BARE, 0) if trial.check.name == "accuracy"
    }
    assert judged == {"resnet-50", "vgg-16", "mobilenet-v2", "unet", "vit"}
