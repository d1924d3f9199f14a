"""Whole numbers that a target's own source mentions: sizes at which it may do something else, and which are tried.

Of Python the syntax tree tells, with closures, defaults and the module's globals that a function reads; of C, C++, CUDA, Rust
and JavaScript the literals that are left when comments and strings are taken out. Nothing of a source is run here.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MOST = 32
"""Constants of one target that are tried, those in comparisons and remainders before others."""
SUFFIXES = (".c", ".cc", ".cpp", ".cxx", ".cu", ".h", ".hpp", ".cuh", ".rs", ".js", ".mjs", ".cjs", ".ts", ".zig", ".py")
_LEAST, _LARGEST = 3, 2**20
_MOST_BYTES = 2**20
_DEEP = 4  # functions that a function refers to, and they in turn, so far
_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|`(?:\\.|[^`\\])*`', re.DOTALL)
_NUMBER = re.compile(
    r"(?<![\w.])(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?:_\d+)*)(?:[uUlL]{0,3}|usize|isize|[iu](?:8|16|32|64)|n)?(?![\w.])"
)
_SHIFTED = re.compile(r"(?<![\w.])1[uUlL]{0,3}\s*<<\s*(\d{1,2})(?![\w.])")
_COMPARED = re.compile(r"(?:[<>]=?|[=!]==?|%)\s*$")


def of_callable(found: Any) -> tuple[int, ...]:
    """The constants of a function, class or object: of the file that it is defined in, of its closure and its defaults."""
    counted: Counter[int] = Counter()
    path = _file_of(found)
    if path is not None:
        counted.update(_of_python(_text(path)))
    counted.update(dict.fromkeys(_whole(_values(found, _DEEP, set())), 10))
    return _best(counted)


def of_files(paths: Iterable[Path]) -> tuple[int, ...]:
    """The constants of source files, by the language that their names tell."""
    counted: Counter[int] = Counter()
    for path in paths:
        text = _text(path)
        counted.update(_of_python(text) if path.suffix == ".py" else _of_text(text))
    return _best(counted)


def sources_beside(place: str) -> list[Path]:
    """Source files that stand beside a library or program and have its name, with or without ``lib`` before it."""
    path = Path(place)
    if path.suffix in SUFFIXES:
        return [path] if path.is_file() else []
    names = {path.stem, path.stem.removeprefix("lib"), path.name.partition(".")[0].removeprefix("lib")}
    found = [path.with_name(f"{name}{suffix}") for name in sorted(names - {""}) for suffix in SUFFIXES]
    return [source for source in found if source.is_file()]


def _best(counted: Counter[int]) -> tuple[int, ...]:
    wanted = [value for value, _ in counted.most_common() if _LEAST <= value <= _LARGEST]
    return tuple(sorted(wanted[:MOST]))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _file_of(found: Any) -> Path | None:
    target = found if isinstance(found, type) or inspect.isroutine(found) else type(found)
    try:
        name = inspect.getsourcefile(inspect.unwrap(target))
    except (TypeError, ValueError):
        return None
    return Path(name) if name and name.endswith(".py") else None


def _of_python(text: str) -> Counter[int]:
    """Every whole number of a Python file, sums and products of literals worked out; compared ones count more."""
    counted: Counter[int] = Counter()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return counted
    for node in ast.walk(tree):
        value = _number(node)
        if value is not None:
            counted[value] += 1
        if isinstance(node, ast.Compare):
            counted.update({v: 10 for n in (node.left, *node.comparators) for v in _numbers_in(n)})
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.FloorDiv):
            counted.update(dict.fromkeys(_numbers_in(node.right), 10))
    return counted


def _numbers_in(node: ast.AST) -> Iterator[int]:
    yield from (value for part in ast.walk(node) if (value := _number(part)) is not None)


def _number(node: ast.AST) -> int | None:
    """The value of a literal, or of an operation of two."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value if node.value <= _LARGEST else None
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.LShift):
            return left << right if right <= 20 else None
        if isinstance(node.op, ast.Pow):
            return left**right if right <= 20 and left <= 64 else None
        return left * right if isinstance(node.op, ast.Mult) else None
    return None


def _of_text(text: str) -> Counter[int]:
    """Every whole number of a source in a language with C's literals."""
    counted: Counter[int] = Counter()
    code = _NOT_CODE.sub(" ", text)
    for found in _NUMBER.finditer(code):
        if len(found[1]) > 12:
            continue
        word = found[1].replace("_", "")
        octal = len(word) > 1 and word.isdigit() and word[0] == "0"
        value = int(word, 10) if octal else int(word, 0)
        counted[value] += 10 if _COMPARED.search(code, max(0, found.start() - 4), found.start()) else 1
    for found in _SHIFTED.finditer(code):
        counted[1 << min(int(found[1]), 21)] += 5
    return counted


def _values(found: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    """What a function holds or reads: its closure, its defaults, and the globals of its module that it names."""
    function = getattr(found, "__func__", found)
    code: Any = getattr(function, "__code__", None)
    if code is None or depth == 0 or id(function) in seen:
        return
    seen.add(id(function))
    held: list[Any] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # it is not filled yet
            continue
    held += [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    yield from held
    for value in held:
        yield from _values(value, depth - 1, seen)


def _whole(values: Iterable[Any]) -> Iterator[int]:
    for value in values:
        if type(value) is int:
            yield value
        elif type(value) in (tuple, list, set, frozenset) and len(value) <= 64:
            yield from (each for each in value if type(each) is int)
        elif type(value) is dict and len(value) <= 64:
            yield from (each for pair in value.items() for each in pair if type(each) is int)
