"""How much memory there is, as Linux and its control groups tell it, and how a limit is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli.options import size_typed
from conformance.errors import UsageError
from conformance.running.memory import NO_LIMIT, _of_container, available, limit_of, read_size, size_words

MIB = 2**20


def group(folder: Path, **files: object) -> Path:
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n", encoding="ascii")
    return folder


def test_what_is_left_in_a_container_of_version_2_is_its_limit_without_what_is_used_and_not_cache(tmp_path: Path) -> None:
    folder = group(tmp_path, memory__max=512 * MIB, memory__current=200 * MIB, memory__stat=f"anon 1\ninactive_file {50 * MIB}")
    assert _of_container(folder) == 362 * MIB


def test_what_is_left_in_a_container_of_version_1(tmp_path: Path) -> None:
    stat = f"inactive_file 1\ntotal_inactive_file {10 * MIB}"
    folder = group(tmp_path, memory__limit_in_bytes=100 * MIB, memory__usage_in_bytes=150 * MIB, memory__stat=stat)
    assert _of_container(folder) == 0


@pytest.mark.parametrize("limit", ["max", 9223372036854771712])
def test_a_control_group_without_a_limit_says_nothing(tmp_path: Path, limit: object) -> None:
    name = "memory__max" if limit == "max" else "memory__limit_in_bytes"
    used = "memory__current" if limit == "max" else "memory__usage_in_bytes"
    assert _of_container(group(tmp_path, **{name: limit, used: 5, "memory__stat": ""})) is None


def test_the_smallest_of_what_is_left_counts(tmp_path: Path) -> None:
    meminfo = group(tmp_path, meminfo="MemAvailable:    2048 kB") / "meminfo"
    assert available(meminfo, tmp_path) == 2 * MIB
    assert available(tmp_path / "none", tmp_path) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 2**32), ("500 MB", 500_000_000), ("2g", 2_000_000_000), ("1.5Ki", 1536), ("4096", 4096), ("None", NO_LIMIT)],
)
def test_a_size_is_read_as_it_is_typed(text: str, size: int) -> None:
    assert read_size(text) == size == limit_of(size)


@pytest.mark.parametrize("text", ["", "4 apples", "-1GB", "0", "GiB", "1e9"])
def test_what_is_no_size_is_told_with_what_to_type(text: str) -> None:
    with pytest.raises(UsageError, match="type one such as 4GiB"):
        size_typed(text)


@pytest.mark.parametrize("size", [1, 1023, 2**10, 5 * MIB, 3 * 2**30])
def test_a_size_in_words_reads_back_as_nearly_the_same(size: int) -> None:
    assert read_size(size_words(size).replace("bytes", "")) == pytest.approx(size, rel=0.01)
