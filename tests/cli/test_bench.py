"""``conformance bench`` as a user types it: what is timed and what is not, exit codes, and what is kept when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.report.environment import available_cores
from conformance.report.jsonfile import read_json
from tests.cli.test_commands import ROOT, conformance
from tests.conftest import TARGETS

SMALL = "conv2d c4 i12x12 o4 k3x3"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "1s"], "give at least 5s"),
        (["--budget", "soon"], "write for example 90s, 2m or 1h"),
        (["--threads", "1,many"], "write for example 1 or 1,2"),
        (["--threads", str(available_cores() + 1)], "may be used here"),
        (["--workload", "resnet51"], "resnet-50"),
        (["--workload", SMALL, "--operator", "conv3d"], "no problem is left"),
        (["--workload", SMALL, "--reference", "nobody"], "the reference 'nobody' is not among those measured"),
    ],
)
def test_what_is_wrong_with_a_command_is_said_and_exits_with_2(arguments: list[str], words: str) -> None:
    done = conformance("bench", "numpy-gemm", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_right_gets_a_time_and_what_is_wrong_is_shown_as_failed(tmp_path: Path) -> None:
    wrong, files = f"{TARGETS / 'misbehaving.py'}:nan_conv2d", (str(tmp_path / "b.json"), str(tmp_path / "b.html"))
    done = conformance(
        "bench", "numpy-gemm", "numpy-gemm", wrong, "--workload", SMALL, "--workload", "max_pool2d c4 i12x12 k2x2",
        "--budget", "20s", "--threads", "1", "--json", files[0], "--html", files[1],
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    report = read_json(Path(files[0]))
    rows = {(one.problem.split()[0], one.implementation): one for one in report.timings}
    for operator in ("conv2d", "max_pool2d"):
        assert rows[operator, "numpy-gemm"].verdict == "REFERENCE"
        assert rows[operator, "numpy-gemm #2"].ratio  # the same against itself shows the noise
    right, failed = rows["conv2d", "numpy-gemm"], rows["conv2d", wrong]
    assert right.share is not None
    assert right.share > 0
    assert right.first_call
    assert (failed.failed, failed.seconds) == (True, None)
    assert not rows["max_pool2d", wrong].failed  # it does not claim to pool
    assert "max_pool2d is not claimed" in done.stdout
    assert "roofline of this machine with 1 thread" in done.stdout
    assert report.rooflines
    page = Path(files[1]).read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert failed.reason.split(":")[0] in page


def test_nothing_to_time_exits_with_3() -> None:
    done = conformance("bench", "scipy-fft", "--workload", "max_pool2d c4 i12x12 k2x2", "--budget", "15s", "--threads", "1")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "max_pool2d is not claimed" in done.stdout
    assert "nothing was timed" in done.stdout


def test_how_time_grows_is_fitted(tmp_path: Path) -> None:
    file = str(tmp_path / "b.json")
    done = conformance("bench", "numpy-gemm", "--workload", SMALL, "--scale", "batch", "--budget", "20s", "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    (growth,) = read_json(Path(file)).growth
    assert growth.dimension == "batch"
    assert len(growth.factors) == len(growth.seconds) >= 3
    assert growth.exponent is not None
    assert "grows as" in done.stdout


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    command = [
        sys.executable,
        "-m",
        "conformance",
        "bench",
        "numpy-gemm",
        "--budget",
        "300s",
        "--threads",
        "1",
        "--json",
        str(file),
    ]
    process = subprocess.Popen(
        [*command, "--workload", SMALL, "--workload", "conv2d c64 i64x64 o64 k3x3"],
        stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("timing 2 of 6"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 3
    assert "interrupted: the above is what was measured until then" in rest
    report = read_json(file)
    assert report.interrupted
    assert any(one.seconds for one in report.timings)


BRIEFLY = ("bench", "numpy-gemm", "scipy-direct", "--workload", SMALL, "--budget", "20s")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process be kept to one core")
def test_on_one_core_it_says_what_to_expect_and_measures_all_the_same() -> None:
    one = min(os.sched_getaffinity(0))
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *BRIEFLY], cwd=ROOT, capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one core only: everything else that runs here disturbs the times" in done.stdout
    assert "REFERENCE" in done.stdout


def test_where_workers_may_not_be_pinned_they_are_timed_and_it_is_said() -> None:
    launcher = str(TARGETS / "programs" / "refuse_pinning.py")
    done = subprocess.run(
        [sys.executable, launcher, "-m", "conformance", *BRIEFLY, "--threads", "1"], cwd=ROOT, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("this kernel takes no filter of system calls")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "numpy-gemm: not pinned to cores: Operation not permitted" in " ".join(done.stdout.split())
    assert "REFERENCE" in done.stdout
