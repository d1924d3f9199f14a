"""What the user pointed at, as data: it crosses processes, and a worker loads it. Loading a target runs its code."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from conformance.errors import UsageError
from conformance.plain import joined

_COMMAND = "-- "
"""What the text of a target that is a command begins with."""


@dataclass(frozen=True, slots=True)
class Target:
    """``text`` is a registered name, ``module:object``, ``file.py:object``, a module or a file, or ``-- `` and a command as
    it is typed, whose words ``command`` then has; the rest are options.
    """

    text: str
    operators: tuple[str, ...] = ()
    arrays: str | None = None
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Source files of what is no Python: numbers that they name are tried as sizes."""
    folders: tuple[str, ...] = ()
    """Where its modules are looked for first: those of another version of it."""
    probe: Literal["", "form", "all"] = "all"
    """What smoke calls may find out: how functions want to be called, and what they accept beyond their namesake; less after
    one of them crashed or hung."""
    watched: bool = False
    """Whether it is noted which branches of its own source run, which takes time: not where it is timed."""
    command: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        if self.text.startswith(_COMMAND):
            object.__setattr__(self, "command", _words(self.text.removeprefix(_COMMAND)))
            object.__setattr__(self, "probe", "")  # a program says itself how it wants to be asked

    @property
    def command_options(self) -> str:
        """The options that make a command load the same target again; a command stands at their end."""
        words = [] if self.command else [self.text]
        words += [word for operator in self.operators for word in ("--operator", operator)]
        words += ["--arrays", self.arrays] if self.arrays else []
        words += [word for claim in self.claim for word in ("--claim", claim)]
        words += [word for claim in self.no_claim for word in ("--no-claim", claim)]
        words += [word for source in self.sources for word in ("--source", source)]
        return " ".join(filter(None, [joined(words), _COMMAND + joined(self.command) if self.command else ""]))


def command_text(words: Sequence[str]) -> str:
    """The text of a target that is a command."""
    return _COMMAND + shlex.join(words)


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"the command {text!r} cannot be read: {error}") from None
    if not words:
        raise UsageError("no command stands behind --", hint="type one as in a shell: conformance check -- node conv.js")
    return words
