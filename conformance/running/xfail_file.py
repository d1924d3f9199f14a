"""Reads xfail files: TOML with a table ``[[xfail]]`` for each entry. Every error says the file, the line and what to write.

A file may come with a change from somebody else, so its size is bounded, and what it holds is only ever shown and compared.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance import reading
from conformance.checks import CHECKS
from conformance.errors import UsageError, did_you_mean
from conformance.problem import OPERATORS
from conformance.running.profile import PROFILES
from conformance.running.xfail import Entry, is_link

VERSION = 1
EXAMPLE = """[[xfail]] and below it operator = "conv2d", check = "special.*", reason = "…", each on a line of its own"""
_MOST_BYTES = 2**20  # thousands of entries; a larger file is something else
_MOST_CHARACTERS = 2000  # of one value
_KEYS = tuple(field.name for field in fields(Entry) if field.name not in ("first", "last"))
_NARROWING = ("operator", "check", "kind", "case")
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |   ^[ \t]*(?P<header>\[\[[ \t]*(?:xfail|"xfail"|'xfail')[ \t]*\]\])
    |   \"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*'
    |   [^\s"'\#\[]+ | \S""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
"""Enough of TOML to tell the head of a table from one in a string or a comment; what is no TOML was refused before."""


@dataclass(frozen=True, slots=True)
class XfailFile:
    """The entries of one file, under the name by which the user knows it."""

    name: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.unfinished)


def read_xfail(path: Path) -> XfailFile:
    """The file ``path``. Raises :class:`UsageError` if it cannot be read or is no xfail file."""
    return parse_xfail(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of an xfail file. Raises :class:`UsageError` if there is none, or if it is too large for one."""
    example = f"write {EXAMPLE}"
    return reading.read_text(path, "an xfail file", _MOST_BYTES, called="the xfail file", missing=_FIRST_FILE, example=example)


_FIRST_FILE = "write a first one with conformance check TARGET --write-xfail FILE"


def parse_xfail(text: str, name: str) -> XfailFile:
    """The entries of a file's ``text``; ``name`` is what errors call it. Raises :class:`UsageError` for anything else."""
    try:
        read = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: numbers of thousands of digits too
        raise UsageError(f"{name} is not TOML: {error}", hint=f"write {EXAMPLE}") from error
    for key in read:
        if key not in ("version", "xfail"):
            hint = did_you_mean(key, ("xfail", "version")) or f"it holds tables [[xfail]]: write {EXAMPLE}"
            raise UsageError(f"{name} is no xfail file: {key!r} is not known", hint=hint)
    version = read.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise UsageError(f"{name} is an xfail file of version {version!r}, and this reads version {VERSION}")
    tables, lines = read.get("xfail", []), _lines(text)
    if not isinstance(tables, list) or len(tables) != len(lines):
        raise UsageError(f"{name}: entries are tables of their own", hint=f"write each below a line [[xfail]]: {EXAMPLE}")
    return XfailFile(name, tuple(_entry(table, name, *span) for table, span in zip(tables, lines, strict=True)))


def _lines(text: str) -> list[tuple[int, int]]:
    """The first and the last line of each table, without comments and empty lines behind it: tomllib says neither."""
    newlines = [match.start() for match in re.finditer("\n", text)]
    spans: list[tuple[int, int]] = []
    line = passed = 0
    for token in _TOKEN.finditer(text):
        while passed < len(newlines) and newlines[passed] < token.end():
            passed += 1
        line = passed + 1
        if token["header"]:
            spans.append((line, line))
        elif spans and not token["comment"]:
            spans[-1] = (spans[-1][0], line)
    return spans


def _entry(table: Any, name: str, first: int, last: int) -> Entry:
    """The entry of one table. Errors name its first line."""

    def wrong(message: str, hint: str = "") -> UsageError:
        return UsageError(f"{name}:{first}: {message}", hint=hint)

    for key, value in table.items():
        if key not in _KEYS:
            raise wrong(f"{key!r} is not known", did_you_mean(key, _KEYS) or f"known are {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise wrong(f"{key} is not text", f'write {key} = "…"')
        if len(value) > _MOST_CHARACTERS:
            raise wrong(f"{key} has {len(value):,} characters", f"at most {_MOST_CHARACTERS:,}")
    texts = {key: " ".join(value.split()) for key, value in table.items()}
    for key, value in texts.items():
        if not value:
            raise wrong(f"{key} is empty", f"write something, or leave {key} out" if key != "reason" else _REASON)
        if not value.isprintable():
            raise wrong(f"{key} holds characters that cannot be printed")
    if "reason" not in texts:
        raise wrong("an entry has no reason", _REASON)
    if all(not texts.get(key, "").strip("* ") for key in _NARROWING):
        raise wrong("an entry covers every failure", f"name at least one of {', '.join(_NARROWING)}")
    _require_known(texts, wrong)
    if "link" in texts and not is_link(texts["link"]):
        raise wrong(f"{texts['link']!r} is no link", 'write link = "https://…"')
    return Entry(first=first, last=last, **texts)


_REASON = 'write reason = "why it fails, and until when"'


def _require_known(texts: Mapping[str, str], wrong: Callable[..., UsageError]) -> None:
    """Patterns of operators and checks cover one at least: one that is misspelt would cover nothing for ever."""
    for key, known in (("operator", list(OPERATORS)), ("check", list(CHECKS)), ("profile", list(PROFILES))):
        value = texts.get(key)
        if value is None or (value in known if key == "profile" else any(fnmatchcase(one, value) for one in known)):
            continue
        family = f"{value}.*" if any(one.startswith(f"{value}.") for one in known) else ""
        near = f"did you mean {family!r}?" if family else did_you_mean(value.strip("*?"), known)
        raise wrong(f"no {key} is called {value!r}", near or f"known are {', '.join(known)}")
