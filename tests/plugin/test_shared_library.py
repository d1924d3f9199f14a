"""A file that is no library of the interface is told with what it is and what to type."""

from __future__ import annotations

import shutil
import struct
import sys
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.plugin.library import Library
from conformance.plugin.shared_library import is_library
from conformance.plugin.target import Target
from tests.conftest import Check
from tests.targets.native import HERE, build


@pytest.mark.parametrize("place", ["libconv.so", "./a/libconv.so.1.2", "conv.dll", "conv.DLL", "libconv.dylib"])
def test_a_library_is_known_by_its_suffix(place: str) -> None:
    assert is_library(place)


@pytest.mark.parametrize("place", ["torch-cpu", "conv.py", "also", "package.so_called", "libconv.so.py"])
def test_other_targets_are_no_libraries(place: str) -> None:
    assert not is_library(place)


def refusal(path: str) -> str:
    with pytest.raises(UsageError) as caught:
        Library(path, path, "", Target(path))
    return str(caught.value)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("WRONG_ABI", "was built for version 7.3 of the interface, but this is version 1.0"),
        ("NO_VERSION", 'CONFORMANCE_LIBRARY("conv2d; float32; stride padding")'),
        ("MISSPELT", "it has conformance_conv_2d: did you mean conformance_conv2d?"),
        ("NOT_EXPORTED", "is in it, but not exported: write CONFORMANCE_EXPORT"),
        ("NEEDS_MISSING", "it needs nowhere_defined, which no library that it was linked with has"),
    ],
)
def test_a_library_that_cannot_be_used_is_told_with_what_to_type(tmp_path: Path, how: str, words: str) -> None:
    assert words in refusal(build(HERE / "broken.c", tmp_path, f"-D{how}", "-DCLAIMS=0"))


def test_a_library_that_claims_what_it_does_not_export_is_told_so(tmp_path: Path) -> None:
    path = build(HERE / "broken.c", tmp_path, '-DCLAIMS="conv2d conv2d_input_grad"')
    assert "does not export conformance_conv2d_input_grad" in refusal(path)


def test_names_as_cplusplus_writes_them_are_told(tmp_path: Path) -> None:
    source = tmp_path / "names.cpp"
    source.write_text(
        "#include <conformance.h>\nCONFORMANCE_LIBRARY(nullptr)\n"
        "int32_t conformance_conv2d(const conformance_call *) { return CONFORMANCE_OK; }\n"
    )
    assert 'conformance_conv2d has a C++ name: write CONFORMANCE_EXPORT (or extern "C") in front of it' in refusal(
        build(source, tmp_path)
    )


def test_a_version_with_a_cplusplus_name_is_told(tmp_path: Path) -> None:
    source = tmp_path / "version.cpp"
    source.write_text("unsigned conformance_abi() { return 1 << 16; }\n")
    assert "conformance_abi has a C++ name" in refusal(build(source, tmp_path))


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"no library\n", "is no shared library")])
def test_a_file_that_is_no_library_is_told_so(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "libconv.so"
    path.write_bytes(content)
    message = refusal(str(path))
    assert words in message
    assert "cc -O2 -fPIC -shared -I" in message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ELF is Linux's")
@pytest.mark.parametrize(("machine", "name"), [(0xF3, "RISC-V"), (0x15, "PowerPC"), (0x1234, "machine 4660")])
def test_a_library_of_another_machine_is_told_so(tmp_path: Path, machine: int, name: str) -> None:
    content = bytearray(Path(build(HERE / "plain.c", tmp_path)).read_bytes())
    struct.pack_into("<H", content, 18, machine)
    path = tmp_path / "libother.so"
    path.write_bytes(content)
    assert f"is for {name}, but this Python is for" in refusal(str(path))


def test_half_a_library_is_told_in_the_loader_s_words(tmp_path: Path) -> None:
    content = Path(build(HERE / "plain.c", tmp_path)).read_bytes()
    path = tmp_path / "libhalf.so"
    path.write_bytes(content[:80])
    assert "cannot be loaded" in refusal(str(path))


def test_a_file_that_does_not_exist_is_told_with_one_that_does(tmp_path: Path) -> None:
    shutil.copy(build(HERE / "plain.c", tmp_path), tmp_path / "libconv2d.so")
    assert "did you mean" in refusal(str(tmp_path / "libconv2.so"))
    assert "libconv2d.so?" in refusal(str(tmp_path / "libconv2.so"))


def test_an_extension_module_of_python_is_told_to_be_one() -> None:
    import _ctypes

    if not getattr(_ctypes, "__file__", None):
        pytest.skip("_ctypes is built into this Python")
    assert "is an extension module of Python's" in refusal(_ctypes.__file__)


def test_it_is_an_error_of_usage_through_a_worker_too(check: Check, tmp_path: Path) -> None:
    path = build(HERE / "broken.c", tmp_path, "-DWRONG_ABI", "-DCLAIMS=0")
    with pytest.raises(UsageError, match=r"version 7\.3"):
        check(path)


def test_a_library_that_dies_when_it_is_loaded_is_told_so(check: Check, tmp_path: Path) -> None:
    source = tmp_path / "dies.c"
    source.write_text("#include <stdlib.h>\n__attribute__((constructor)) static void die(void) { abort(); }\n")
    with pytest.raises(UsageError, match="SIGABRT"):
        check(build(source, tmp_path))


@pytest.mark.parametrize("version", ["1u << 16", "1u << 16 | 9"])
def test_libraries_of_the_same_major_version_are_loaded(tmp_path: Path, version: str) -> None:
    source = tmp_path / "version.c"
    source.write_text(
        f"#include <conformance.h>\nuint32_t conformance_abi(void) {{ return {version}; }}\n"
        "int32_t conformance_conv1d(const conformance_call *call) { (void)call; return CONFORMANCE_FAILED; }\n"
    )
    path = build(source, tmp_path)
    assert list(Library(path, path, "", Target(path)).claims) == ["conv1d"]
