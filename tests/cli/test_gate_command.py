"""The gate as a user types it: a function that becomes wrong, less accurate or claims less, and files that are no baseline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.cli.gate import exit_code
from conformance.report.baseline import read_baseline
from conformance.report.schema import Change, Gated, Implementation
from tests.cli.test_commands import conformance
from tests.conftest import TARGETS

TARGET = "ops.py:conv2d"
GATE = ("gate", TARGET, "--baseline", "conformance.json")
SUM = 'y[:, outputs] += np.einsum("nchw,oc->nohw", part, w[outputs, :, i, j])'
HALVES = SUM.replace("part,", "part.astype(np.float16),").replace("[outputs, :, i, j])", "[outputs, :, i, j].astype(np.float16))")


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a right function and its baseline, without speed."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(TARGETS / "base.py", folder / "ops.py")
    done = conformance(*GATE, "--update", "--no-speed", "--profile", "brief", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRITTEN: conformance.json: 153 cases pass" in done.stdout
    return folder


@pytest.fixture
def project(agreed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(agreed, tmp_path / "project")


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "ops.py").read_text(encoding="utf-8")
    assert old in text
    (folder / "ops.py").write_text(text.replace(old, new), encoding="utf-8")


def test_what_did_not_change_passes_with_the_baseline_s_own_options(agreed: Path) -> None:
    done = conformance(*GATE, "--no-speed", "--json", "-", cwd=agreed)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["profile"], report["gate"]["changes"]) == ("brief", [])
    assert "NOT WORSE than conformance.json: 153 cases pass" in done.stderr


def test_without_a_baseline_the_command_that_makes_one_is_said(tmp_path: Path) -> None:
    done = conformance("gate", "numpy-gemm", "--operator", "conv1d", "--baseline", "b c.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no baseline b c.json" in done.stderr
    assert "conformance gate --baseline 'b c.json' --update numpy-gemm --operator conv1d" in done.stderr


def test_what_became_wrong_is_told_and_agreed_to_and_so_is_its_mending(project: Path) -> None:
    edit(project, "sh * (rows - 1) + 1 : sh, left", "sh * (rows - 1) + 1 : sw, left")
    done = conformance(*GATE, "--no-speed", "--junit", "j.xml", "--html", "p.html", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "✗ correctness conv2d exact: raised" in done.stdout
    assert "WORSE than conformance.json" in done.stdout
    failures = ET.parse(project / "j.xml").findall(".//failure")
    assert any("conv2d f32" in (failure.text or "") for failure in failures)
    assert "What changed" in (project / "p.html").read_text(encoding="utf-8")
    assert conformance(*GATE, "--no-speed", "--update", cwd=project).returncode == 0
    known = read_baseline(project / "conformance.json").failing
    assert {"exact", "state.in_place", "state.parameters"} <= {one.check for one in known}
    edit(project, "sh * (rows - 1) + 1 : sw, left", "sh * (rows - 1) + 1 : sh, left")
    done = conformance(*GATE, "--no-speed", cwd=project)
    assert done.returncode == 0
    assert "+ correctness conv2d exact: raised" in done.stdout


def test_what_became_inaccurate_has_lost_its_class(project: Path) -> None:
    edit(project, SUM, HALVES)
    done = conformance(*GATE, "--no-speed", cwd=project)
    assert done.returncode == 1
    assert "✗ accuracy conv2d float32" in done.stdout
    assert "class componentwise" in done.stdout


def test_another_order_of_summation_is_not_worse(project: Path) -> None:
    edit(
        project,
        "for i in range(kh):\n            for j in range(kw):\n                top",
        "for i in reversed(range(kh)):\n            for j in reversed(range(kw)):\n                top",
    )
    edit(project, "    for g in range(groups):\n", "    for g in reversed(range(groups)):\n")
    done = conformance(*GATE, "--no-speed", cwd=project)
    assert done.returncode == 0, done.stdout


def test_what_is_not_claimed_any_more_does_not_pass_for_right(project: Path) -> None:
    edit(project, "dilation=1, groups=1):\n    (sh", "dilation=1):\n    groups = 1\n    (sh")
    done = conformance(*GATE, "--no-speed", cwd=project)
    assert done.returncode == 1
    assert "✗ correctness conv2d options\n    was         groups\n    is          not claimed" in done.stdout


def test_github_gets_annotations(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    edit(project, "dilation=1, groups=1):\n    (sh", "dilation=1):\n    groups = 1\n    (sh")
    done = conformance(*GATE, "--no-speed", cwd=project)
    assert "::error title=correctness%3A conv2d options::was groups, is not claimed. " in done.stdout


def test_another_seed_draws_other_cases_and_is_printed(agreed: Path) -> None:
    done = conformance(*GATE, "--no-speed", "--seed", "random", "--json", "out.json", cwd=agreed)
    assert done.returncode == 0, done.stdout
    seed = json.loads((agreed / "out.json").read_text(encoding="utf-8"))["seed"]
    assert f"seed {seed}: other cases than the baseline's" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"schema_version": 1', '"schema_version": 9', "version 9, and this is version 1"),
        ('"suite": "', '"suite": "other', "was made by conformance"),
        ('"passed": 153', '"passed": "all"', "claims.0.passed"),
        ("{", "", "is no baseline"),
        ('"profile": "brief"', '"profile": "short"', "short"),
    ],
)
def test_a_file_that_cannot_be_a_baseline_of_this_suite_is_refused(project: Path, old: str, new: str, words: str) -> None:
    file = project / "conformance.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = conformance(*GATE, "--no-speed", cwd=project)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text(encoding="utf-8") == text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gate",), "0 targets are given"),
        (("gate", "a.py", "b.py", "--baseline", "c.json"), "2 targets are given"),
        (("gate", "a.py"), "no baseline is given"),
        ((*GATE, "--seed", "-1"), "neither a number from 0 on nor random"),
        ((*GATE, "--budget", "1s"), "no time from 10s to 3600s"),
        ((*GATE, "--margin", "0"), "not in the range"),
        ((*GATE, "--profile", "quick"), "was made with --profile brief, and quick is given"),
        ((*GATE, "--operator", "conv1d"), "was made with --operator nothing, and conv1d is given"),
        ((*GATE, "--source", "none.cpp"), "the source 'none.cpp' is no file"),
        ((*GATE, "--against", "rev:HEAD"), "needs a git repository"),
        ((*GATE, "--against", "wheel:none.whl"), "there is no wheel none.whl"),
        ((*GATE, "--workload", "nonet"), "nonet"),
        ((*GATE, "--workload", "conv2d i3x3 k5x5"), "the kernel reaches over 5 elements"),
    ],
)
def test_a_wrong_command_is_refused_before_anything_runs(agreed: Path, arguments: tuple[str, ...], words: str) -> None:
    done = conformance(*arguments, cwd=agreed)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stdout == ""


def test_what_cannot_run_verifies_nothing_and_writes_nothing(project: Path) -> None:
    before = (project / "conformance.json").read_text(encoding="utf-8")
    edit(
        project,
        "(sh, sw), (ph, pw), (dh, dw) = two(stride), two(padding), two(dilation)\n    x, w",
        "from conformance.plugin.implementation import NotSupported; raise NotSupported('no')\n    x, w",
    )
    done = conformance(*GATE, "--no-speed", "--update", cwd=project)
    assert done.returncode == 3, done.stdout + done.stderr
    assert (project / "conformance.json").read_text(encoding="utf-8") == before


def test_speed_is_measured_beside_a_reference_kept_and_compared(project: Path) -> None:
    workload = ("--workload", "conv2d f32 n2 c32 i28x28 o32 k3x3 p1x1", "--budget", "10s", "--margin", "100")
    assert conformance(*GATE, "--update", *workload, cwd=project).returncode == 0
    (row,) = read_baseline(project / "conformance.json").speed
    assert (row.case, row.reference) == ("conv2d f32 n2 c32 i28x28 o32 k3x3 p1x1 values=wide:0", "numpy-gemm")
    done = conformance(*GATE, *workload[2:], "--json", "out.json", cwd=project)
    assert "speed of 1 problem" in done.stdout, done.stdout + done.stderr
    timings = json.loads((project / "out.json").read_text(encoding="utf-8"))["timings"]
    assert [one["implementation"] for one in timings] == [TARGET, "numpy-gemm"]
    assert timings[0]["ratio_low"] <= timings[0]["ratio"] <= timings[0]["ratio_high"]


def test_ratios_of_another_machine_or_of_what_a_file_would_load_are_left_alone(project: Path) -> None:
    file = project / "conformance.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    row = {"case": "conv2d f32 n1 c8 i14x14 o8 k3x3 values=wide:0", "reference": "numpy-gemm", "ratio": 1, "low": 1, "high": 1}
    for change, words in (
        (
            {"environment": {**data["environment"], "cpu": "Z80"}, "speed": [row]},
            "speed is not judged: the baseline's ratios are of Z80",
        ),
        ({"speed": [{**row, "reference": "evil.py:conv2d"}]}, "reference evil.py:conv2d is not known here"),
        ({}, "the baseline has no ratios"),
    ):
        file.write_text(json.dumps(data | change), encoding="utf-8")
        done = conformance(*GATE, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert words in done.stdout.replace("\n", " ")


def a_change(kind: str, worse: bool = True) -> Change:
    return Change(kind=kind, worse=worse, where="conv2d", was="a", now="b")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ((), 0),
        (("speed",), 4),
        (("accuracy",), 1),
        (("correctness",), 1),
        (("speed", "accuracy"), 1),
        (("speed", "correctness"), 1),
    ],
)
def test_what_is_wrong_or_inaccurate_goes_before_what_is_slow(kinds: tuple[str, ...], code: int) -> None:
    result = Implementation(name="x", summary="", status="conformant")
    gated = Gated(baseline="c.json", margin=0.05, changes=(a_change("speed", worse=False), *map(a_change, kinds)))
    assert exit_code(gated, result, interrupted=False) == code
    assert exit_code(gated.model_copy(update={"updated": True}), result, interrupted=False) == 0
    assert exit_code(gated, result, interrupted=True) == (1 if code == 1 else 3)
    assert exit_code(gated, result.model_copy(update={"status": "unavailable"}), interrupted=False) == 3
