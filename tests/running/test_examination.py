"""Trials whose calls make one job come out as trials one by one, and an error among them costs no other."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "diagnosis"))

from inside import Inside

from conformance.cases.case import parse_case
from conformance.checks import CHECKS
from conformance.plugin.target import Target
from conformance.running.examination import run_together
from conformance.running.trial import Trial, make_trial
from conformance.running.trials import run_trial
from implementations.broken.base import every


def test_an_error_costs_no_other_trial() -> None:
    mutant = next(one for name, one in every().items() if name.endswith("kernel_not_square"))
    session = Inside(Target(mutant.target, operators=mutant.operators), 10.0)
    claims = session.describe().claims
    texts = [f"{mutant.operators[0]} f32 n{n} c2 i5x5 o2 k{kernel}" for n in range(1, 25) for kernel in ("2x2", "2x3")]
    made = [make_trial(CHECKS["exact"], parse_case(text), claims) for text in texts]
    trials: list[Trial] = [one for one in made if one is not None]
    together = run_together(trials, session, claims)  # type: ignore[arg-type]
    alone = [run_trial(session, one, claims) for one in trials]  # type: ignore[arg-type]
    assert len(together) == len(trials) == 48
    by_case = {str(one.trial.case): one.failure.kind if one.failure else "" for one in together}
    assert by_case == {str(one.trial.case): one.failure.kind if one.failure else "" for one in alone}
    assert set(by_case.values()) == {"", "raised"}
