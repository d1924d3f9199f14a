"""However a run ends, nothing of it is left: no process, no temporary file, no segment of shared memory."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from conformance.plugin.target import Target
from conformance.running import processes
from conformance.running.session import Session
from tests.conftest import TARGETS
from tests.leftovers import Traces, eventually

ROOT = Path(__file__).parents[2]
MISBEHAVING = TARGETS / "misbehaving.py"
HANGS = (f"{MISBEHAVING}:hangs_conv2d", "--time-limit", "600", "--claims", "namesake")
CONFORMANCE, PYTEST = ("-m", "conformance"), ("-m", "pytest", "-p", "no:cacheprovider", "-v")
CHECK = (*CONFORMANCE, "check", "--profile", "brief")

_ROOM = 400_000
_OF_MUTANTS = 9
"""Processes while two are run: the harness, multiprocessing's two helpers, and for each a process, its helper and its worker."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is left is looked for in Linux's ways")


@pytest.fixture
def traces() -> Iterator[Traces]:
    """Afterwards nothing may be left of what was started."""
    with tempfile.TemporaryDirectory() as folder:  # of a short name: a socket's must fit
        traces = Traces(Path(folder))
        try:
            yield traces
            assert traces.are_gone(), traces.all()
        finally:
            traces.end()


@pytest.fixture
def killed() -> Iterator[Traces]:
    """Of a harness that was killed: only the folder of what its workers printed may stay."""
    with tempfile.TemporaryDirectory() as folder:
        traces = Traces(Path(folder))
        try:
            yield traces
            assert eventually(lambda: not traces.processes() and not traces.segments()), traces.all()
        finally:
            traces.end()


def started(traces: Traces, *words: str, **options: object) -> subprocess.Popen[str]:
    """A command in a group of its own, as in a terminal."""
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, **traces.environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, *words], env=environment, text=True, start_new_session=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},  # type: ignore[call-overload]
    )  # fmt: skip


def under_way(process: subprocess.Popen[str], word: str) -> None:
    """Return when a line with the word has been printed."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            return
    raise AssertionError("".join(lines))


def at_work(process: subprocess.Popen[str], traces: Traces, number: int) -> None:
    """Return when there are so many processes."""
    assert eventually(lambda: process.poll() is not None or len(traces.processes()) >= number), traces.processes()
    assert process.poll() is None, process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what was printed since the last look."""
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def to_process(number: signal.Signals) -> Callable[[int], None]:
    return lambda pid: os.kill(pid, number)


def to_group(number: signal.Signals) -> Callable[[int], None]:
    return lambda pid: os.killpg(pid, number)


def twice(number: signal.Signals) -> Callable[[int], None]:
    """To the process and, at the same time, to its group: GNU timeout does so."""

    def send(pid: int) -> None:
        os.kill(pid, number)
        os.killpg(pid, number)

    return send


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (str(TARGETS / "two_functions.py"), 0),
        (f"{MISBEHAVING}:nan_conv2d", 1),
        (f"{MISBEHAVING}:kills_conv2d", 1),
        (f"{MISBEHAVING}:hangs_at_once_conv2d", 1),
        (f"{MISBEHAVING}:no_such_thing", 2),
        ("tests.targets.faults.starting:loads_and_crashes", 2),
    ],
)
def test_a_run_that_comes_to_its_end_leaves_nothing_behind(traces: Traces, target: str, code: int) -> None:
    process = started(traces, *CHECK, "--time-limit", "0.5", target)
    found, said = ended(process)
    assert found == code, said


INTERRUPTS = {
    "Ctrl-C": to_group(signal.SIGINT),
    "SIGINT": to_process(signal.SIGINT),
    "SIGINT twice": twice(signal.SIGINT),
    "SIGTERM": to_process(signal.SIGTERM),
    "SIGTERM to the group": to_group(signal.SIGTERM),
    "SIGHUP": to_group(signal.SIGHUP),
}


@pytest.mark.parametrize("how", INTERRUPTS)
def test_an_interrupt_keeps_what_was_measured_and_leaves_nothing_behind(traces: Traces, tmp_path: Path, how: str) -> None:
    process = started(traces, *CHECK, str(TARGETS / "two_functions.py"), *HANGS, "--json", str(tmp_path / "report.json"))
    under_way(process, "hangs_conv2d")
    INTERRUPTS[how](process.pid)
    code, said = ended(process)
    assert "interrupted: the above is what was seen until then" in said
    assert "Traceback" not in said
    assert code == 3, said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"]
    assert [one["status"] for one in report["implementations"]] == ["conformant", report["implementations"][1]["status"]]


def test_whoever_interrupts_again_later_has_the_end_at_once(traces: Traces, tmp_path: Path) -> None:
    """The first finds a harness that is busy for long: it looks nowhere, and must be ended all the same."""
    busy = "import time; from conformance.running.interrupts import as_one\n"
    busy += "from conformance.running.session import Session; from conformance.plugin.target import Target\n"
    busy += "with as_one():\n  session = Session(Target('numpy-gemm')); session.__enter__(); session.describe()\n"
    busy += "  try:\n    print('ready'); time.sleep(600)\n  except KeyboardInterrupt:\n    print('once'); time.sleep(600)\n"
    process = started(traces, "-c", busy)
    under_way(process, "ready")
    os.killpg(process.pid, signal.SIGINT)
    under_way(process, "once")
    time.sleep(1.2)  # what comes within a second is the same interrupt
    os.killpg(process.pid, signal.SIGINT)
    assert ended(process)[0] == 3


@pytest.mark.parametrize("target", ["hangs_conv2d", "holds_the_gil_conv2d", "leaves_a_child_conv2d"])
def test_workers_end_with_a_harness_that_was_killed(killed: Traces, target: str) -> None:
    process = started(killed, *CHECK, f"{MISBEHAVING}:{target}", "--time-limit", "600", "--claims", "namesake")
    under_way(process, target)
    at_work(process, killed, 3)  # the harness, a helper of multiprocessing's and the worker
    time.sleep(0.5)
    process.kill()
    ended(process)


HANGING = """
import time

def conv1d_{name}(input, weight):
    print("called")
    time.sleep(600)
"""


@pytest.fixture
def hanging(tmp_path: Path) -> str:
    """A file of broken implementations, all of which hang."""
    (tmp_path / "hanging.py").write_text("".join(HANGING.format(name=name) for name in "abcd"), encoding="utf-8")
    return str(tmp_path / "hanging.py")


def mutants(file: str) -> tuple[str, ...]:
    return (*CONFORMANCE, "mutants", "--target", file, "--jobs", "2", "--time-limit", "600", "--json", "mutants.json")


def pytest_of(target: str) -> tuple[str, ...]:
    plugin = () if entry_points(group="pytest11", name="conformance") else ("-p", "conformance.pytest_plugin")
    return (*PYTEST, *plugin, "--implementation", target, "--conformance-time-limit", "600", "--conformance-claims", "namesake")


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGTERM to the group"])
def test_a_comparison_that_is_interrupted_leaves_its_report_and_nothing_else(traces: Traces, tmp_path: Path, how: str) -> None:
    process = started(traces, *CONFORMANCE, "compare", "--no-speed", "--output", "reports", *HANGS, cwd=tmp_path)
    under_way(process, "hangs_conv2d")
    INTERRUPTS[how](process.pid)
    code, said = ended(process)
    assert code == 3, said
    assert json.loads((tmp_path / "reports" / "comparison.json").read_text())["interrupted"]
    assert len(list((tmp_path / "reports").iterdir())) == 3


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGTERM to the group"])
def test_mutants_that_are_interrupted_are_given_up_at_once(traces: Traces, tmp_path: Path, hanging: str, how: str) -> None:
    process = started(traces, *mutants(hanging), cwd=tmp_path)
    at_work(process, traces, _OF_MUTANTS)
    INTERRUPTS[how](process.pid)
    code, said = ended(process)
    assert code == 3, said
    assert "Traceback" not in said
    assert json.loads((tmp_path / "mutants.json").read_text())["interrupted"]


def test_mutants_that_are_killed_leave_no_process(killed: Traces, tmp_path: Path, hanging: str) -> None:
    process = started(killed, *mutants(hanging), cwd=tmp_path)
    at_work(process, killed, _OF_MUTANTS)
    process.kill()
    ended(process)


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_pytest_that_is_interrupted_leaves_nothing_behind(traces: Traces, tmp_path: Path, how: str) -> None:
    process = started(traces, *pytest_of(HANGS[0]), cwd=tmp_path)
    under_way(process, "items")
    INTERRUPTS[how](process.pid)
    code, said = ended(process)
    assert code == 2, said
    assert "KeyboardInterrupt" in said


def small_files() -> None:
    """As on a full disk: no file of this process or of its children may have more bytes. A page has more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, _ROOM))


def test_a_report_that_finds_no_room_is_told_and_nothing_of_it_is_left(traces: Traces, tmp_path: Path) -> None:
    file = tmp_path / "reports" / "page.html"
    words = (*CHECK, str(TARGETS / "two_functions.py"), "--operator", "max_pool1d", "--html", str(file))
    code, said = ended(started(traces, *words, preexec_fn=small_files))
    assert code == 2, said
    assert "CONFORMANT" in said
    assert f"{file} cannot be written: File too large" in said
    assert list(file.parent.iterdir()) == []


def test_a_full_device_is_told_and_stays_a_device(traces: Traces) -> None:
    code, said = ended(started(traces, *CHECK, str(TARGETS / "two_functions.py"), "--json", "/dev/full"))
    assert code == 2
    assert "/dev/full cannot be written: No space left on device" in said
    assert Path("/dev/full").is_char_device()


def test_a_full_standard_output_is_told(traces: Traces) -> None:
    with open("/dev/full", "w") as full:
        process = started(traces, *CHECK, str(TARGETS / "two_functions.py"), stdout=full, stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "no room to write: No space left on device" in said
    assert "Traceback" not in said


def test_no_place_for_temporary_files_is_told_with_what_to_type(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = "import tempfile; tempfile.tempdir = '/proc/self'\nfrom conformance.cli import main; main()"
    command = [sys.executable, "-c", code, "check", "numpy-gemm"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "there is no place for temporary files" in done.stderr
    assert "TMPDIR=" in done.stderr


def test_sessions_leave_no_file_open_in_the_harness() -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    def one_session() -> None:
        with Session(Target("numpy-gemm")) as session:
            session.describe()

    one_session()  # multiprocessing's own helpers stay
    before = open_files()
    for _ in range(3):
        one_session()
    assert eventually(lambda: open_files() <= before)


def test_an_interrupt_while_a_worker_is_being_ended_does_not_leave_it_stopped_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped before it is killed: where nobody came back to it, the end of the harness waited for it and never came."""

    def interrupted(leader: int) -> list[int]:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with Session(Target("numpy-gemm")) as session:
        session.describe()
        number = session.call(_own_number, limit=20)
        assert Path(f"/proc/{number}").exists()
        monkeypatch.setattr(processes, "members", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.close()
    assert not Path(f"/proc/{number}").exists()


def _own_number(target: Target) -> int:
    return os.getpid()
