"""Which lines and branches of a target's own Python source its calls have run. Inside a worker; coverage.py keeps count.

Of functions that were entered at all it is told what of them never ran. A branch that does nothing but raise is told apart:
it is for calls that nobody made. How near a call comes to a branch is measured by :mod:`conformance.running.nearness`.
"""

from __future__ import annotations

import ast
import contextlib
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MOST = 200  # branches that are told
_MOST_BYTES = 2**20
_cover: list[Any] = []
_tracers: list[Any] = []


@dataclass(frozen=True, slots=True)
class Branch:
    """From a line of a file to another one, which never was the next: 0 is the end of the function.

    ``words`` is the statement there and what never happened. ``raises``: nothing but an error lies behind it.
    """

    file: str
    line: int
    to: int
    words: str
    raises: bool = False


def begin(files: Sequence[str]) -> None:
    """From now on note what runs of these files; once, before a target is loaded."""
    if _cover or not files:
        return
    with contextlib.suppress(Exception):  # a target may be such that nothing can be noted of it, which is no failure of it
        import coverage

        cover = coverage.Coverage(data_file=None, branch=True, include=list(files), config_file=False, messages=False)
        cover.start()
        _cover.append(cover)
        _tracers.append(sys.gettrace())
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # threads of the target's own would be slowed for as long as they live


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """Note what runs meanwhile, which is the target's: of the harness's own code it would take time and tell nothing."""
    if not _tracers:
        yield
        return
    before = sys.gettrace()
    sys.settrace(_tracers[-1])
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def noted_by(tracer: Any) -> Iterator[None]:
    """Another function looks at what runs meanwhile, as ``sys.settrace`` takes it."""
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.pop()


def never() -> list[Branch]:
    """The branches that were never taken, of functions that were entered."""
    if not _cover:
        return []
    found: list[Branch] = []
    with contextlib.suppress(Exception):  # the file may be gone, or be no longer what was run
        report = _report(_cover[0])
        for file, known in report.get("files", {}).items():
            path = str(Path(file).resolve())
            for name, function in known.get("functions", {}).items():
                if name and function["executed_lines"]:
                    missing = function["missing_branches"]
                    found += [_branch(path, line, to) for line, to in missing if not _defines(path, line)]
    return found[:_MOST]


def _report(cover: Any) -> dict[str, Any]:
    """What coverage.py tells, which goes on counting."""
    import coverage

    cover.stop()
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "coverage.json"
            cover.json_report(outfile=str(place), ignore_errors=True)
            return dict(json.loads(place.read_text(encoding="utf-8")))
    except coverage.exceptions.NoDataError:
        return {}
    finally:
        cover.start()
        _tracers[:] = [sys.gettrace()]
        sys.settrace(None)


def _defines(file: str, line: int) -> bool:
    """Whether a definition begins there: of one on a single line that line is its body, too, which has no branch."""
    return isinstance(statement_at(file, line), ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _branch(file: str, line: int, to: int) -> Branch:
    statement = statement_at(file, line)
    said = _source(file)[line - 1].strip() if 0 < line <= len(_source(file)) else ""
    body = getattr(statement, "body", None)
    first = body[0].lineno if isinstance(body, list) and body else 0
    if isinstance(statement, ast.For | ast.AsyncFor):
        never = "is never entered" if to == first else "never ends by itself"
    elif isinstance(statement, ast.If | ast.While):
        never = "is never true" if to == first else "is never false"
    else:
        never = f"never goes on to line {to}" if to > 0 else "never is the last"
    behind = body if to == first else getattr(statement, "orelse", [])
    raises = isinstance(behind, list) and bool(behind) and all(isinstance(each, ast.Raise) for each in behind)
    return Branch(file, line, max(0, to), f"line {line}: {said.rstrip(':')} {never}", raises)


@cache
def _source(file: str) -> list[str]:
    with open(file, encoding="utf-8", errors="replace") as opened:
        return opened.read(_MOST_BYTES).splitlines()


@cache
def _statements(file: str) -> dict[int, ast.stmt]:
    """Every statement by its first line."""
    found: dict[int, ast.stmt] = {}
    for node in ast.walk(ast.parse("\n".join(_source(file)))):
        if isinstance(node, ast.stmt):
            found.setdefault(node.lineno, node)
    return found


def statement_at(file: str, line: int) -> ast.stmt | None:
    """The statement that begins at a line."""
    return _statements(file).get(line)


def first_lines(file: str) -> dict[int, int]:
    """For every line of a statement that is longer than one, or of its condition, where it begins."""
    found: dict[int, int] = {}
    for first, statement in _statements(file).items():
        for line in range(first, _end_of_head(statement) + 1):
            found.setdefault(line, first)
    return found


def _end_of_head(statement: ast.stmt) -> int:
    body = getattr(statement, "body", None)
    last = statement.end_lineno or statement.lineno
    return min(last, body[0].lineno - 1) if isinstance(body, list) and body else last


def files_of(paths: Sequence[str]) -> Iterator[str]:
    """Those of some files that are Python sources."""
    yield from (str(Path(path).resolve()) for path in paths if path.endswith(".py") and Path(path).is_file())
