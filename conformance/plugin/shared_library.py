"""Opens a shared library and finds its functions, or says what is wrong with the file, and what to type instead.

The system's loader says little ("invalid ELF header"), so the file itself is looked at when it fails.
"""

from __future__ import annotations

import ctypes
import difflib
import re
import sys
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.plugin.abi import MAJOR, MINOR
from conformance.problem import OPERATORS

_SUFFIX = re.compile(r"\.(so|dylib|dll)(\.\d+)*$", re.IGNORECASE)
_PREFIX = "conformance_"
_OWN = ("conformance_abi", "conformance_claims", "conformance_workspace", "conformance_say")
_MACHINES = {0x03: "x86 (32 bit)", 0x28: "ARM (32 bit)", 0x3E: "x86-64", 0xB7: "AArch64", 0xF3: "RISC-V", 0x15: "PowerPC"}
_MAGIC = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_BUILD = 'cc -O2 -fPIC -shared -I"$(conformance include-dir)" -o libconv.so conv.c'
_DECLARE = 'write CONFORMANCE_LIBRARY("conv2d; float32; stride padding") in one of its source files'
_LARGEST = 2**28  # bytes of a file that is searched for names


def is_library(place: str) -> bool:
    """Whether a target's file is a shared library, by its name: ``libconv.so``, ``libconv.so.1``, ``conv.dll``."""
    return _SUFFIX.search(place) is not None


def open_library(place: str) -> ctypes.CDLL:
    """The library at the path ``place``, of a version that is understood here. Its initialisers run."""
    path = Path(place)
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*") if is_library(p.name)], n=1)
        raise UsageError(f"there is no file {place}", hint=f"did you mean {path.with_name(near[0])}?" if near else "")
    try:
        library = ctypes.CDLL(str(path.resolve()))  # a bare name would be searched for in the system's folders
    except OSError as error:
        raise _why_not(path, str(error)) from error
    version = find(library, "conformance_abi")
    if version is None:
        raise _undeclared(path)
    version.restype, version.argtypes = ctypes.c_uint32, []
    major, minor = divmod(version(), 1 << 16)
    if major != MAJOR:
        raise UsageError(
            f"{path.name} was built for version {major}.{minor} of the interface, but this is version {MAJOR}.{MINOR}",
            hint=f"build it again with the header that is here: {_BUILD}",
        )
    return library


def operators_in(library: ctypes.CDLL, place: str) -> list[str]:
    """The operators that it has a function for."""
    found = [name for name in OPERATORS if find(library, _PREFIX + name) is not None]
    if not found:
        raise UsageError(f"{Path(place).name} exports no operator's function, such as conformance_conv2d", hint=_names(place))
    return found


def operator_function(library: ctypes.CDLL, place: str, symbol: str) -> Any:
    """The function called ``symbol``, or ``conformance_`` and it, ready to be called."""
    function = find(library, _PREFIX + symbol) or find(library, symbol)
    if function is None:
        own = f"{_PREFIX}{symbol}" if symbol in OPERATORS else symbol
        raise UsageError(f"{Path(place).name} does not export {own}", hint=_names(place, own))
    function.restype, function.argtypes = ctypes.c_int32, [ctypes.c_void_p]
    return function


def find(library: ctypes.CDLL, symbol: str) -> Any:
    """An exported function, or None."""
    try:
        return getattr(library, symbol)
    except AttributeError:
        return None


def _why_not(path: Path, said: str) -> UsageError:
    """Why the loader refused a file."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head.startswith(_MAGIC):
        what = "empty" if not head else "no shared library"
        return UsageError(f"{path} is {what}", hint=f"build one with: {_BUILD}")
    own, given = _machine(Path(sys.executable)), _machine(path)
    if own and given and own != given:
        return UsageError(f"{path} is for {given}, but this Python is for {own}", hint=f"build it on this machine: {_BUILD}")
    missing = re.search(r"undefined symbol: (\S+)", said)
    if missing:
        return UsageError(
            f"{path} cannot be loaded: it needs {missing[1].rstrip(',')}, which no library that it was linked with has",
            hint="link what defines it, for example -lm behind the source files",
        )
    return UsageError(f"{path} cannot be loaded: {said}", hint=f"what it needs is shown by: ldd {path}")


def _machine(path: Path) -> str:
    """What an ELF file was built for; empty for other files."""
    with path.open("rb") as file:
        head = file.read(20)
    if len(head) < 20 or not head.startswith(b"\x7fELF"):
        return ""
    number = int.from_bytes(head[18:20], "big" if head[5] == 2 else "little")
    return _MACHINES.get(number, f"machine {number}")


def _undeclared(path: Path) -> UsageError:
    """What a library without a version is."""
    text = _text(path)
    if b"PyInit_" in text:
        return UsageError(
            f"{path.name} is an extension module of Python's", hint=f"name it like a module: {path.name.partition('.')[0]}:conv2d"
        )
    return UsageError(f"{path.name} does not say which version of the interface it is of (conformance_abi)",
                      hint=_unexported(text, "conformance_abi") or f"{_DECLARE}, and include conformance.h")  # fmt: skip


def _names(place: str, wanted: str = "") -> str:
    """What there is instead of a name that was looked for."""
    text = _text(Path(place))
    hidden = _unexported(text, wanted)
    if hidden:
        return hidden
    found = {name.decode() for name in re.findall(rb"\b(conformance_\w+)\x00", text)} - set(_OWN)
    known = [wanted] if wanted else [_PREFIX + name for name in OPERATORS]
    for name in sorted(found):
        near = difflib.get_close_matches(name, known, n=1)
        if near and near[0] != name:
            return f"it has {name}: did you mean {near[0]}?"
        if near:
            return f"{name} is in it, but not exported: write CONFORMANCE_EXPORT in front of it"
    return f"write CONFORMANCE_EXPORT int32_t {wanted or 'conformance_conv2d'}(const conformance_call *call) {{ ... }}"


def _unexported(text: bytes, wanted: str) -> str:
    """Whether a name is there as C++ writes it."""
    pattern = wanted.encode() or rb"conformance_[a-z0-9_]+d(?:_[a-z]+_grad)?"
    mangled = re.search(rb"_Z\d+(" + pattern + rb")[A-Zv]", text)
    if not mangled:
        return ""
    return f'{mangled[1].decode()} has a C++ name: write CONFORMANCE_EXPORT (or extern "C") in front of it'


def _text(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST)
