"""What a target's own source tells: sizes that it names are tried, branches that never ran are looked for, and told."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

from rich.console import Console

from conformance.plugin.target import Target
from conformance.report.schema import Implementation
from conformance.report.terminal import summary
from conformance.running.run import Options, Run
from tests.conftest import SMALL, TARGETS

SEARCHING = dataclasses.replace(SMALL, covering=5, each=0, random=0, search=20)
BRANCHES = TARGETS / "branches.py"


def checked(name: str, sources: tuple[str, ...] = (), **changes: object) -> Implementation:
    profile = dataclasses.replace(SEARCHING, **changes)
    target = Target(f"{BRANCHES}:{name}", no_claim=("accepted",), sources=sources)
    return Run(target, Options(profile, (), 0, 10.0)).execute()


def test_sizes_that_a_source_names_are_tried() -> None:
    result = checked("named_sizes_conv1d", search=0, kinds=1, seconds=2)
    (finding,) = result.findings
    assert {"c41", "o20"} <= set(finding.case.split())


def test_sizes_of_a_source_that_is_given_are_tried(tmp_path: Path) -> None:
    (tmp_path / "kernel.cu").write_text("if (channels == 43) return fast_path(x); // not 47", encoding="utf-8")
    found = checked("hidden_size_conv1d", (str(tmp_path / "kernel.cu"),), search=0, kinds=1, seconds=2)
    assert {"c43"} <= set(found.findings[0].case.split())


def test_a_branch_is_searched_for_by_how_near_calls_come_to_it() -> None:
    missed = checked("equation_conv1d", search=0)
    assert missed.status == "conformant"
    assert any("length == 5 * batch + 2 * channels" in line for line in missed.unvisited)
    found = checked("equation_conv1d")
    assert found.status == "nonconformant"
    assert not found.unvisited
    assert found.findings[0].case.startswith("conv1d")


def test_a_search_that_reaches_all_finds_nothing_wrong_in_what_is_right() -> None:
    result = checked("plain_conv1d")
    assert result.status == "conformant"
    assert not result.unvisited


def test_what_never_ran_is_told_beside_the_verdict() -> None:
    result = checked("unreachable_conv1d", search=1)
    assert result.status == "conformant"
    refusal, wrong = result.unvisited
    assert "weight.ndim != 3" in refusal
    assert "--claim rejects" in refusal
    assert wrong.endswith("if y.shape[2] > input.shape[2] is never true")
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(summary(result, verbose=False))
    assert "2 branches of its source never taken" in console.export_text()
