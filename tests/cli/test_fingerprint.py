"""``conformance fingerprint`` as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TARGETS

HONEST = Path(__file__).parents[1] / "suite" / "honest_functions.py"


def fingerprint(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", "fingerprint", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_facts_and_orders_are_shown() -> None:
    done = fingerprint(f"{TARGETS / 'base.py'}:conv2d")
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if "24, 24, 24" in line]
    assert "float32" in row
    assert "24 (float32)" in row
    assert "nearest, ties to even" in row
    assert "order of 16 channels" in done.stdout
    assert "skipped: not claimed" in done.stdout


@pytest.fixture(scope="module")
def honest() -> dict[str, dict[str, Any]]:
    """The facts in float32 of functions that sum in unusual ways, by name."""
    names = ("conv2d_reversed_order", "conv1d_fused", "conv2d_long_accumulator", "conv2d_random_order", "conv2d_winograd_4_3")
    targets = [f"{HONEST}:{name}" for name in names]
    done = fingerprint(*targets, "--no-claim", "float64", "--claim", "accuracy=componentwise", "--json", "-")
    assert done.returncode == 0, done.stderr
    return {
        one["name"].rpartition(":")[2]: next(row["facts"] for row in one["fingerprints"] if row["facts"])
        for one in json.loads(done.stdout)["implementations"]
    }


def test_a_reversed_sum_is_drawn_last_to_first(honest: dict[str, Any]) -> None:
    order = honest["conv2d_reversed_order"]["orders"][1]
    assert order["words"] == "sequential, last to first"
    assert order["brackets"] == "0+(1+(2+(3+(4+(5+(6+7))))))"


def test_a_fused_multiply_add_and_a_long_accumulator_are_seen(honest: dict[str, Any]) -> None:
    assert honest["conv1d_fused"]["multiply_add"] == "fused"
    assert honest["conv1d_fused"]["accumulator"] == [24]
    assert honest["conv2d_long_accumulator"]["accumulator"] == [53]
    assert honest["conv2d_long_accumulator"]["multiply_add"] == "exact products"


def test_no_order_is_drawn_where_there_is_none(honest: dict[str, Any]) -> None:
    assert {order["words"] for order in honest["conv2d_random_order"]["orders"]} == {"changes from call to call"}
    assert honest["conv2d_random_order"]["accumulator"] == [24]
    channels, _, taps = honest["conv2d_winograd_4_3"]["orders"]
    assert channels["words"] == "sequential, first to last"
    assert taps["brackets"] == ""
    assert taps["words"].startswith(("not a direct sum", "fits no tree"))


def test_json_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    done = fingerprint(f"{TARGETS / 'textbook.py'}:pool2d", "--json", str(file))
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(file.read_text())["implementations"]
    facts = {row["dtype"]: row["facts"] for row in one["fingerprints"] if row["facts"]}
    assert facts["float32"]["input_bits"] == 24
    assert facts["float64"]["accumulator"] == [53]
    assert "avg_pool2d" in done.stdout


def test_a_transform_that_says_so_and_what_only_selects_have_no_fingerprint() -> None:
    pytest.importorskip("scipy")
    done = fingerprint("scipy-fft")
    assert done.returncode == 3
    assert "not a direct sum" in done.stdout
    assert fingerprint(f"{TARGETS / 'two_functions.py'}", "--operator", "max_pool1d").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-thing"], "neither a registered name nor a module"),
        (["naive", "--operator", "conv9d"], "conv9d"),
        ([], "Missing argument"),
    ],
)
def test_a_wrong_command_exits_with_2_and_says_what_to_type(arguments: list[str], words: str) -> None:
    done = fingerprint(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_control_c_keeps_what_was_found_out() -> None:
    command = [sys.executable, "-m", "conformance", "fingerprint", "numpy-gemm", "naive"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "probing numpy-gemm\n"
    assert running.stdout.readline() == "probing naive\n"  # which takes some seconds
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "interrupted" in output
    assert "order of 16 channels" in output


def test_the_help_has_an_example() -> None:
    assert "conformance fingerprint torch-cpu" in fingerprint("--help").stdout
