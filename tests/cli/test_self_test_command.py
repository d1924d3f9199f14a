"""The self-test of the gate, run for real but briefly: what it prints and keeps, and that nothing of it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli import bench, gate, self_test
from conformance.cli.self_test import kept_busy
from conformance.timing.self_test import NAMES, RULES, Trial, judged


@pytest.mark.parametrize("name", ["gate", "bench"])
def test_it_says_what_each_rule_found_and_keeps_samples_that_give_the_same_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "SECONDS", 0.0)  # the fewest rounds
    file = tmp_path / "samples.json"
    command = {"gate": gate.command, "bench": bench.command}[name]
    assert command.main(["--self-test", "--trials", "2", "--json", str(file)], standalone_mode=False) == 0
    printed = capsys.readouterr().out
    assert all(rule.partition(",")[0] in printed for rule in RULES)
    assert "of 2 (" in printed
    kept = json.loads(file.read_text(encoding="utf-8"))
    trials = [Trial(one["first"], one["second"]) for one in kept["trials"]]
    again = {
        rule: {name: [rate.count, rate.trials] for name, rate in rates.items()} for rule, rates in judged(trials, 0.05).items()
    }
    assert again == kept["judged"]
    for trial in trials:
        for leg in (trial.first, trial.second):
            assert leg.keys() == set(NAMES)
            assert len({len(times) for times in leg.values()}) == 1


def test_processes_that_keep_a_core_busy_end_with_it() -> None:
    with kept_busy(2) as busy:
        assert [process.poll() for process in busy] == [None, None]
    assert None not in [process.poll() for process in busy]
