"""No false alarms: honest functions are found conformant, however unusual the way in which they compute."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from conformance.plugin.target import Target
from conformance.report.schema import Implementation
from conformance.running.profile import PROFILES, Profile
from conformance.running.run import Options, Run

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from honest_functions import HONEST  # noqa: E402 - the folder must be on the path first

OPERATORS = [f"{family}{ndim}d" for family in ("conv", "max_pool", "avg_pool") for ndim in (1, 2, 3)]


QUICK = PROFILES["quick"]
# Functions that make every product, or loop over tiles in Python, take minutes for kinds of layers, ladders and real layers.
OF_SLOW_ONES = dataclasses.replace(QUICK, kinds=0, layers="", seconds=0, search=0)


def checked(text: str, *claim: str, profile: Profile = QUICK, no_claim: tuple[str, ...] = ()) -> Implementation:
    # A busy machine must not make a slow function one that hangs.
    return Run(Target(text, claim=claim, no_claim=no_claim), Options(profile, time_limit=20)).execute()


@pytest.mark.parametrize("operator", OPERATORS)
def test_what_the_broken_functions_are_made_from_is_conformant(operator: str) -> None:
    result = checked(f"implementations.broken.functions.reference:{operator}")
    assert result.status == "conformant", result.findings


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_function_is_conformant(name: str) -> None:
    if HONEST[name].requires:
        pytest.importorskip(HONEST[name].requires)
    # Some compute integers in floating point: what they accept without claiming it is rightly found wrong.
    result = checked(f"{FOLDER / 'honest_functions.py'}:{name}", profile=OF_SLOW_ONES, no_claim=("accepted",))
    assert result.status == "conformant", result.findings


@pytest.mark.parametrize("name", ["conv2d_fft", "conv2d_winograd_4_3"])
def test_a_transform_that_claims_to_be_direct_is_not_conformant(name: str) -> None:
    result = checked(f"{FOLDER / 'honest_functions.py'}:{name}", "accuracy=componentwise")
    assert result.status == "nonconformant"
    assert any("transform method" in finding.message for finding in result.findings)
