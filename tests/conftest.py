"""What the tests share: running a target in a real worker, and where the example targets are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from conformance.plugin.target import Target
from conformance.report.schema import Implementation
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run

settings.register_profile("conformance", deadline=None)  # a loaded machine must not fail a test
settings.load_profile("conformance")

TARGETS = Path(__file__).parent / "targets"
SMALL = dataclasses.replace(
    PROFILES["quick"], covering=30, gradients=12, each=1, random=5, kinds=0, layers="", seconds=0, search=0
)  # a quick run without kinds of layers, ladders and real layers
Check = Callable[..., Implementation]


@pytest.fixture(scope="session")
def check() -> Check:
    """Runs a small set of checks on a target and returns its result."""

    def run(text: str, *, time_limit: float = 10.0, profile: str = "", **target: object) -> Implementation:
        options = Options(PROFILES[profile] if profile else SMALL, tuple(target.get("operators", ())), 0, time_limit)  # type: ignore[arg-type]
        return Run(Target(text, **target), options).execute()  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def misbehaving() -> str:
    return str(TARGETS / "misbehaving.py")
