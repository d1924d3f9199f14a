"""Every profile ends with a verdict on every built-in backend: with few cases of each sort, but some of every sort."""

from __future__ import annotations

import dataclasses

import pytest

from conformance.plugin.registry import registered, registered_names
from conformance.plugin.target import Target
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run

ASKED = ("max_pool2d", "conv1d")  # the first that is claimed: with its gradients it has checks, layers and kinds of every sort


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", registered_names())
def test_a_profile_ends_with_a_verdict(name: str, profile: str) -> None:
    whole = PROFILES[profile]
    few = dataclasses.replace(
        whole, covering=5, gradients=3, each=1, random=3, kinds=min(whole.kinds, 1), seconds=0.1, search=0.0
    )
    claims = registered(name).claims
    asked = next(operator for operator in ASKED if operator in claims)
    result = Run(Target(name), Options(few, (asked,), time_limit=2)).execute()
    assert result.status in ("conformant", "nonconformant", "unavailable"), result.reason
    assert not result.harness_failures
    if result.status != "unavailable":
        assert asked in {tally.operator for tally in result.tallies if tally.passed}
