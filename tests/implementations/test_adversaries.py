"""Every adversary is rejected, in the check and in the timing, and leaves nothing behind. One that is not is a hole."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from conformance.cases.case import Case
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target
from conformance.problem import parse_problem
from conformance.report.times import Timing
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from conformance.timing.compare import Workload, compare
from conformance.timing.measure import Aim
from implementations.adversaries.base import Cheater, every
from implementations.adversaries.escapes import REPORT

ROOT = Path(__file__).parents[2]
ADVERSARIES = every()
HONEST = ROOT / "tests" / "suite" / "honest_functions.py"
BRIEF = dataclasses.replace(PROFILES["brief"], most_failures=1)
SMALL = Workload("small", Case(parse_problem("conv2d f32 n4 c4 i16x16 o8 k3x3 p1x1"), "wide", "0", "test"))
WRITERS = [name for name, one in ADVERSARIES.items() if "report" in one.cheat]


class Control(Cheater):
    """Does the honest work: what the adversaries are made with is not what is rejected."""

    entry = dataclasses.replace(next(iter(ADVERSARIES.values())), name="Control", module=__name__)
    body = staticmethod(lambda problem, arrays, honest: honest())


@pytest.fixture(autouse=True)
def marked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Runs in a folder of its own; afterwards no process may be left of those that were started."""
    resource_tracker.ensure_running()  # multiprocessing's own helper, which stays
    mark = uuid.uuid4().hex
    monkeypatch.setenv("CONFORMANCE_TEST_MARK", mark)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.chdir(tmp_path)
    yield
    assert survivors(mark) == []


def survivors(mark: str) -> list[str]:
    """The processes with ``mark`` in the environment that they were started with, zombies left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and "State:\tZ" not in (folder / "status").read_text():
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue  # it has just ended, or is another user's
    return found


def timed(aim: Aim | None = None, **targets: Target) -> dict[str, Timing]:
    (measured,) = compare({"honest": Target("numpy-gemm"), **targets}, [SMALL], "honest", lambda line: None, aim=aim)
    return {name: one.timing for name, one in measured.items()}


def test_what_does_not_cheat_is_conformant_and_gets_a_time() -> None:
    target = Target(f"{__file__}:Control")
    assert Run(target, Options(PROFILES["brief"])).execute().status == "conformant"
    assert timed(control=target)["control"].seconds


@pytest.mark.parametrize("name", [name for name, one in ADVERSARIES.items() if one.check])
def test_an_adversary_is_not_conformant(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run(Target(ADVERSARIES[name].target), Options(BRIEF, time_limit=2.0))
    assert run.execute().status == "nonconformant", ADVERSARIES[name].cheat
    assert not run.interrupted
    assert "CONFORMANT" not in capfd.readouterr().out


@pytest.mark.parametrize("name", [name for name, one in ADVERSARIES.items() if one.timing == "none"])
def test_an_adversary_gets_no_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.timing.measure.LIMIT", 5.0)
    monkeypatch.setattr("conformance.timing.witness.LIMIT", 5.0)
    measured = timed(Aim(most=Aim().least), cheat=Target(ADVERSARIES[name].target))  # to be found out takes no more rounds
    assert measured["cheat"].seconds is None, ADVERSARIES[name].cheat
    assert measured["cheat"].reason
    assert measured["honest"].seconds, measured["honest"].reason


@pytest.mark.parametrize("name", [name for name, one in ADVERSARIES.items() if one.timing == "no gain"])
def test_an_adversary_gains_nothing(name: str) -> None:
    measured = timed(cheat=Target(ADVERSARIES[name].target))
    assert measured["cheat"].verdict != "FASTER", measured["cheat"]
    assert measured["honest"].seconds, measured["honest"].reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("caches:by_address", "wrong when timed"),
        ("caches:right_ten_times", "wrong when timed"),
        ("tampering:changes_its_input_unseen", "numpy.ascontiguousarray was replaced"),
        ("tampering:puts_the_clock_back", "the clock was changed"),
        ("escapes:done_when_fetched", "until the result was there"),
        ("escapes:threads_that_go_on", "goes on working"),
        ("escapes:exits_with_0", "exit code 0"),
    ],
)
def test_the_reason_says_what_was_seen(name: str, words: str) -> None:
    assert words in timed(cheat=Target(ADVERSARIES[name].target))["cheat"].reason


@pytest.mark.parametrize("name", WRITERS)
def test_a_report_is_the_harness_s_own(name: str) -> None:
    command = [sys.executable, "-m", "conformance", "check", ADVERSARIES[name].target, "--profile", "brief", "--json", REPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT CONFORMANT" in done.stdout + done.stderr
    written = Path(REPORT).read_bytes()
    assert json.loads(written)["implementations"][0]["status"] == "nonconformant"
    time.sleep(0.3)  # what is left behind writes every 0.05 s
    assert Path(REPORT).read_bytes() == written


def test_honest_implementations_get_their_times() -> None:
    for required in ("torch", "scipy"):
        pytest.importorskip(required)
    measured = timed(**{name.replace("-", "_"): Target(name) for name in ("torch-cpu", "torch-native", "scipy-direct")})
    assert {name: one.reason for name, one in measured.items() if one.seconds is None} == {}


def test_honest_functions_get_their_times_with_threads_and_packed_weights_too() -> None:
    names = ("threaded", "packed_weights", "random_order", "sliced_result", "fft", "tiled")
    measured = timed(**{name: Target(f"{HONEST}:conv2d_{name}") for name in names})
    assert {name: one.reason for name, one in measured.items() if one.seconds is None} == {}


def test_each_is_in_the_table_of_the_page_on_isolation_with_a_test() -> None:
    page = (ROOT / "docs" / "isolation.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip().strip("`"): row for row in page.splitlines() if row.startswith("| `")}
    assert rows.keys() == ADVERSARIES.keys()
    for name, row in rows.items():
        assert ADVERSARIES[name].cheat in row
        assert ADVERSARIES[name].rejected_by in row
        (test,) = [part.strip().strip("`") for part in row.split("|") if part.strip().startswith("`test_")]
        assert callable(globals()[test])


def test_each_cheats_in_a_way_of_its_own_and_is_rejected_somewhere() -> None:
    assert len({one.cheat for one in ADVERSARIES.values()}) == len(ADVERSARIES) >= 30
    assert all(one.rejected_by and one.timing in ("none", "no gain") for one in ADVERSARIES.values())


def test_they_are_no_backends() -> None:
    assert not [name for name in registered_names() if "adversar" in name]
