"""Every profile ends with a verdict on every built-in backend: with few cases of each sort, but some of every sort."""

from __future__ import annotations

import dataclasses

import pytest

from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run

ASKED = ("conv1d", "conv_transpose2d", "max_pool2d", "adaptive_avg_pool1d")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", registered_names())
def test_a_profile_ends_with_a_verdict(name: str, profile: str) -> None:
    whole = PROFILES[profile]
    few = dataclasses.replace(whole, covering=10, gradients=5, each=1, random=5, seconds=min(whole.seconds, 0.5), search=0.0)
    result = Run(Target(name), Options(few, ASKED, time_limit=2)).execute()
    assert result.status in ("conformant", "nonconformant", "unavailable"), result.reason
    assert not result.harness_failures
    if result.status != "unavailable":
        judged = {tally.operator for tally in result.tallies if tally.passed}
        assert judged == set(ASKED) & set(result.operators)
