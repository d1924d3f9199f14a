"""Every broken function is found out, for the reason that it is wrong. A survivor is a hole in the harness."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from pathlib import Path

import pytest

from conformance.plugin.target import Target
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from broken_functions import BROKEN  # noqa: E402 - the folder must be on the path first

# The quick profile, left after the first few failing cases: what comes later is only shrunk, and that takes time.
QUICK = dataclasses.replace(PROFILES["quick"], most_failures=2)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_function_is_not_conformant(name: str, record_property: pytest.RecordProperty) -> None:
    broken = BROKEN[name]
    if broken.arrays:
        pytest.importorskip(broken.arrays)
    target = Target(f"{FOLDER / 'broken_functions.py'}:{name}", operators=(broken.operator,), arrays=broken.arrays)
    result = Run(target, Options(QUICK)).execute()
    assert result.status == "nonconformant", f"{broken.operator}: {broken.bug}"
    assert result.findings
    groups = {finding.check.partition(".")[0] for finding in result.findings}
    kinds = {finding.kind for finding in result.findings}
    assert not broken.checks or groups & set(broken.checks), result.findings
    assert not broken.kinds or kinds & set(broken.kinds), result.findings
    record_property("seconds_to_first_finding", result.seconds_to_first_finding)
    print(f"{name}: first finding after {result.seconds_to_first_finding:.3f} s")  # noqa: T201 - shown with -s or -rP


def test_there_are_enough_of_every_kind() -> None:
    counts = Counter(broken.category for broken in BROKEN.values())
    named = ("index", "groups", "bias", "tails", "types", "special values", "strided views", "stale state", "precision")
    assert len(BROKEN) >= 44
    assert all(counts[category] >= 5 for category in named), counts
    assert len({broken.bug for broken in BROKEN.values()}) == len(BROKEN)
