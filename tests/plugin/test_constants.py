"""The numbers that a source names are read off it without running it, the ones that are compared first."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.plugin.constants import MOST, of_callable, of_files, sources_beside

BLOCK = 48
TABLE = {"tile": 96, "sizes": (24, 56)}


def conv2d(input, weight, unroll=20):
    if input.shape[1] % 12 == 0 and BLOCK > 1:
        return helper(input, weight)
    return TABLE


def helper(input, weight):
    return input.shape[0] > 1 << 9


def of_closure():
    lanes = 28

    def conv2d(input, weight):
        return input[:lanes]

    return conv2d


def test_a_function_tells_its_literals_its_defaults_the_globals_that_it_reads_and_those_of_what_it_calls() -> None:
    assert {12, 48, 20, 96, 24, 56, 512} <= set(of_callable(conv2d))


def test_a_function_tells_what_its_closure_holds() -> None:
    assert 28 in of_callable(of_closure())
    assert 28 in of_callable(functools.wraps(of_closure())(of_closure()))


def test_a_class_and_an_object_tell_those_of_their_file() -> None:
    class Own:
        pass

    assert {12, 512} <= set(of_callable(Own))
    assert {12, 512} <= set(of_callable(Own()))


def test_what_has_no_source_tells_nothing() -> None:
    assert of_callable(len) == ()
    assert of_callable(eval("lambda x: x + 77")) == ()


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.c", "#define TILE 24\nif (c % 12u == 0 && n >= 0x40) { /* 999 */ } // 888\nchar *s = \"777\";", {24, 12, 64}),
        ("a.cu", "__shared__ float s[36]; if (threadIdx.x < 1 << 5) x = 5.25f; y = 100'000;", {36, 32}),
        ("a.cpp", "constexpr size_t lanes = 1'0; static_assert(n == 40ull);", {40}),
        ("a.rs", "const LANES: usize = 1_024; if c % 12usize == 0 { b\"31\"; } let o = 0o17; let b = 0b1100;", {1024, 12}),
        ("a.js", "const n = 44n; if (size >= 28) { s = `${99}`; t = '98'; }", {44, 28}),
        ("a.py", "TILE = 3 * 16\nif c % (1 << 6) == 0 or 2 ** 7 < n: pass\n", {48, 64, 128}),
        ("bad.py", "this is no Python 55", set()),
    ],
)  # fmt: skip
def test_the_literals_of_each_language_count_and_those_of_comments_and_strings_do_not(
    name: str, text: str, wanted: set[int], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = set(of_files([tmp_path / name]))
    assert wanted <= found
    assert not {999, 888, 777, 31, 99, 98, 55} & found


def test_compared_numbers_come_before_others_where_there_are_too_many(tmp_path: Path) -> None:
    many = "\n".join(f"x{n} = {n};" for n in range(100, 400))
    (tmp_path / "a.c").write_text(f"{many}\nif (c % 77 == 0 || n > 5000) return;", encoding="utf-8")
    found = of_files([tmp_path / "a.c"])
    assert len(found) == MOST
    assert {77, 5000} <= set(found)


def test_sources_beside_a_library_or_a_program_are_found(tmp_path: Path) -> None:
    for name in ("conv.c", "conv.h", "other.c"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert {path.name for path in sources_beside(str(tmp_path / "libconv.so"))} == {"conv.c", "conv.h"}
    assert [path.name for path in sources_beside(str(tmp_path / "other.c"))] == ["other.c"]
    assert sources_beside(str(tmp_path / "none.so")) == []


def test_a_file_that_is_not_there_or_not_text_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_bytes(bytes(range(256)))
    of_files([tmp_path / "a.c", tmp_path / "none.c"])


@given(st.binary(max_size=300), st.sampled_from([".c", ".py", ".rs", ".js"]))
def test_no_source_is_an_error(data: bytes, suffix: str) -> None:

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(data)
        assert all(3 <= value <= 2**20 for value in of_files([path]))
