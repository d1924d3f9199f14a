"""Each fault is one outcome of its case that says what happened; the cases after it are judged rightly, and nothing stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from conformance.cases.case import parse_case
from conformance.checks import CHECKS
from conformance.errors import UsageError
from conformance.plugin.target import Target
from conformance.running import session as sessions
from conformance.running.launch import copied
from conformance.running.outcome import Outcome
from conformance.running.printed import MOST
from conformance.running.session import Session
from conformance.running.trial import make_trial
from conformance.running.trials import run_trial
from tests.conftest import Check
from tests.leftovers import MARK, Traces, eventually
from tests.targets.faults import STRIKES, Fault, every
from tests.targets.native import build

ROOT = Path(__file__).parents[2]
FAULTS = every()
SOURCES = ROOT / "tests" / "targets" / "faults"
AT_START = [name for name in FAULTS if name.startswith("starting:")]
IN_A_CALL = [name for name in FAULTS if name not in AT_START]
BEFORE, AFTER = ("conv1d f32 n1 c1 i7 o1 k2",), ("conv1d f32 n2 c1 i9 o1 k3", "conv1d f32 n1 c1 i7 o1 k2")
MEMORY = 2**29

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are faults on Linux")


@pytest.fixture(autouse=True)
def traces(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """Afterwards nothing may be left of what was started."""
    resource_tracker.ensure_running()  # multiprocessing's own helpers, which stay
    copied().Process(target=int).start()
    traces = Traces(tmp_path_factory.mktemp("left"))
    monkeypatch.setenv(MARK, traces.mark)
    monkeypatch.setattr("tempfile.tempdir", str(traces.folder))
    yield traces
    assert traces.are_gone(), traces.all()


def target_of(fault: Fault, folder: Path) -> Target:
    if fault.module.endswith(".c"):
        return Target(build(SOURCES / fault.module, folder, f"-D{fault.name.upper()}", "-O0", name=fault.name))
    return Target(fault.target, operators=("conv1d",))


def outcomes(target: Target, *cases: str, time_limit: float = 20.0) -> list[Outcome]:
    """What comes of cases one after the other in one session."""
    with Session(target, time_limit, memory_limit=MEMORY) as session:
        description = session.describe()
        made = [make_trial(CHECKS["exact"], parse_case(case), description.claims) for case in cases]
        return [run_trial(session, trial, description.claims) for trial in made if trial]


@pytest.mark.parametrize("name", IN_A_CALL)
def test_a_fault_is_one_outcome_and_the_cases_around_it_are_judged_rightly(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    limit = 1.0 if fault.kind == "hung" else 30.0
    first, struck, *others = outcomes(target_of(fault, tmp_path), *BEFORE, STRIKES, *AFTER, time_limit=limit)
    assert [one.status for one in (first, *others)] == ["passed"] * 3, [one.failure for one in (first, *others)]
    assert (struck.failure.kind if struck.failure else "") == fault.kind, struck.failure
    assert struck.status == {"": "passed", "left its process changed": "failed"}.get(fault.kind, "errored")
    if struck.failure:
        assert fault.says in struck.failure.message
        assert fault.stdout in struck.output
        assert fault.stderr in struck.error_output


@pytest.mark.parametrize("name", AT_START)
def test_a_target_that_cannot_be_loaded_is_told_with_what_it_printed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LOAD_LIMIT", 2.0)
    with Session(Target(FAULTS[name].target, operators=("conv1d",))) as session, pytest.raises(UsageError) as told:
        session.describe()
    assert FAULTS[name].says in str(told.value)


def test_each_fault_has_a_row_in_the_table_with_its_test() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip().strip("`"): row for row in page.splitlines() if re.match(r"\| `\w+:\w+` ", row)}
    assert rows.keys() == FAULTS.keys()
    for name, row in rows.items():
        assert f"| {FAULTS[name].does} | {FAULTS[name].happens}" in row
    for test in re.findall(r"`(test_\w+)`", page):
        assert any(f"def {test}(" in file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")), test
    assert len(FAULTS) >= 60


NO_MORE_PROCESSES = """
import encodings.ascii, encodings.idna, multiprocessing.popen_spawn_posix, multiprocessing.resource_sharer
import os, resource, sys, tempfile
from conformance.running import session
from conformance.plugin.target import Target

session.keep_helpers(), session.fresh()
if os.getuid() == 0:  # whom no limit on processes stops
    os.chmod(tempfile.gettempdir(), 0o777)
    os.setgid(65534), os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    with session.Session(Target("numpy-gemm")) as one:
        one.describe()
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


def run_python(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_worker_that_cannot_be_started_for_want_of_processes_is_told() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # where another user may go
        done = run_python(NO_MORE_PROCESSES, TMPDIR=folder)
    assert "UsageError: loading numpy-gemm found no process, as none could be started: Resource" in done.stdout, done.stderr


def test_a_worker_that_cannot_be_started_for_want_of_an_interpreter_is_told() -> None:
    code = "import multiprocessing; multiprocessing.set_executable('/no/python'); from conformance.cli import main; main()"
    done = run_python(code, "check", "numpy-gemm")
    assert done.returncode == 2
    assert "no worker can be started: there is no Python at '/no/python'" in done.stderr


def test_after_crashes_one_after_the_other_the_rest_is_cut_short_and_says_so(check: Check, misbehaving: str) -> None:
    result = check(f"{misbehaving}:aborts_conv2d")
    assert [skip.reason for skip in result.skips] == ["cut short after 3 crashes or hangs"]
    assert sum(tally.errored for tally in result.tallies) <= 10  # those that were under way


LOADS_ONCE = """
import os, pathlib
if pathlib.Path({mark!r}).exists():
    os._exit(6)
pathlib.Path({mark!r}).touch()
from tests.targets.faults.deaths import exit_3 as conv1d
"""


def test_a_target_that_cannot_be_loaded_again_after_a_crash_is_lost_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "loads_once.py").write_text(LOADS_ONCE.format(mark=str(tmp_path / "mark")), encoding="utf-8")
    first, *lost = outcomes(Target(f"{tmp_path / 'loads_once.py'}:conv1d"), *BEFORE, STRIKES, *AFTER)
    assert first.status == "passed"
    assert [one.failure.message for one in lost if one.failure] == [
        "ended its process (exit code 3)",
        *["ended its process (exit code 6)"] * len(AFTER),
    ]


def test_what_is_printed_without_end_does_not_fill_the_disk(traces: Traces) -> None:
    with Session(Target(FAULTS["printing:megabytes"].target, operators=("conv1d",)), 30.0) as session:
        description = session.describe()
        trial = make_trial(CHECKS["exact"], parse_case(STRIKES), description.claims)
        assert trial
        run_trial(session, trial, description.claims)

        def on_disk() -> int:
            return sum(path.stat().st_size for path in traces.folder.rglob("*") if path.is_file())

        assert eventually(lambda: on_disk() <= 2 * MOST)
        assert on_disk() > 0


def test_the_kernel_is_told_to_end_a_worker_before_the_harness() -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    with Session(Target("tests.running.test_faults:reads_its_score", operators=("conv1d",))) as session:
        description = session.describe()
        trial = make_trial(CHECKS["exact"], parse_case(STRIKES), description.claims)
        assert trial
        outcome = run_trial(session, trial, description.claims)
    assert outcome.failure
    assert int(outcome.failure.message.split("score ")[1].split()[0]) > own


def reads_its_score(input, weight):  # type: ignore[no-untyped-def]
    raise ValueError(f"score {Path('/proc/self/oom_score_adj').read_text().strip()} of this process")
