"""Reads files from outside as data: so many bytes and no more, as JSON of so many values, with errors in words.

Nothing of a file is run, nothing in it names another file, and what reading it costs is known before it is parsed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.plain import line

MOST_BYTES = 64 * 2**20
"""Of a file. A report of all implementations has some megabytes."""
MOST_VALUES = 2**20
"""Values in one JSON text, counted by its commas and brackets: each costs some hundred bytes once it is read."""
MOST_KEYS = 1000
"""Keys of one object."""
_SHOWN = 80


def read_bytes(path: Path, what: str, most: int = MOST_BYTES) -> bytes:
    """All of the file ``path``. Raises :class:`UsageError` if it cannot be read, or has more than ``most`` bytes.

    ``what`` it should be, for the message. A device or a pipe is read no farther either.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"the {what} {path} cannot be read: {error.strerror}") from error
    if len(data) > most:
        raise UsageError(f"{path} is too large for a {what}: at most {most:,} bytes are read")
    return data


def read_text(path: Path, kind: str, most: int, *, called: str, missing: str, example: str) -> str:
    """The text of the file ``path``, in UTF-8. Raises :class:`UsageError` where :func:`read_bytes` does, or if it is no text.

    ``kind`` ("an xfail file") and ``called`` ("the xfail file") are words for the messages; ``missing`` and ``example`` say
    what to do where it cannot be read, and where it is something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise UsageError(f"{path} is too large for {kind}", hint=f"at most {most:,} bytes")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{called} {path} cannot be read: {error.strerror}", hint=missing) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no {kind.partition(' ')[2]}: it is not text in UTF-8", hint=example) from error


def parse_json(data: bytes, place: str, what: str, hint: str = "", most: int = MOST_VALUES) -> Any:
    """The value that a JSON text holds. Raises :class:`UsageError` that says of ``place`` why it is no ``what``."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:
        raise UsageError(f"{place} is no {what}: it has more than {most:,} values", hint=hint)
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_object)
    except RecursionError:
        raise UsageError(f"{place} is no {what}: it is nested too deep", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"{place} is no {what}: {line(error, 4 * _SHOWN)}", hint=hint) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_KEYS:
        raise ValueError(f"an object has more than {MOST_KEYS} keys")
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"the key {line(twice, _SHOWN)!r} is given twice")
    return made
