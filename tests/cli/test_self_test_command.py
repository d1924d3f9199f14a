"""The self-test of the gate, run for real but briefly: what it prints and keeps, and that nothing of it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.cli.self_test import kept_busy, run_self_test
from conformance.timing.self_test import NAMES, RULES, Trial, judged


def test_it_says_what_each_rule_found_and_keeps_samples_that_give_the_same_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "samples.json"
    assert run_self_test(1, 0, str(file), 0, 0.05, seconds=0.0) == 0
    printed = capsys.readouterr().out
    assert all(rule.partition(",")[0] in printed for rule in RULES)
    assert "of 1 (" in printed
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
