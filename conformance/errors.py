"""Exit codes, and the one exception that a wrong command, file or text raises.

A :class:`UsageError` says what was given, what is allowed, and (``hint``) what to type instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum

from conformance.plain import MOST_OF_LINE, lines


class Exit(IntEnum):
    """What the process returns; a script may rely on these numbers."""

    CONFORMANT = 0
    FINDINGS = 1
    USAGE = 2
    NOTHING_VERIFIED = 3
    SLOWER = 4


class UsageError(ValueError):
    """The user asked for something that does not exist or does not parse. Its words can be shown whatever was given."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = lines(message, MOST_OF_LINE)
        self.hint = lines(hint, MOST_OF_LINE)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not survive pickling by default, and this one crosses processes.
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[UsageError], message: str, hint: str) -> UsageError:
    return kind(message, hint=hint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint at the one of ``known`` that is most like ``word``; empty if none is near."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {found[0]!r}?" if found else ""
