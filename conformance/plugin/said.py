"""What a shared library says that it claims: lines of words, read with the words that the command line and the header use.

conv2d conv2d_input_grad; float32 float64; stride padding groups bias
max_pool2d; all -ceil; strides; accuracy=componentwise
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.plugin.claims import OPTIONS, Claims
from conformance.problem import FORMATS, OPERATORS
from conformance.problem.formats import format_named

STRIDES = "strides"
BASE = frozenset({"batch", "channels", "out_channels", "kernel"})
"""What a library that names options has without naming them; ``-batch`` takes one back."""
NOT_ASKED = frozenset({"rejects", "strict_types"})
"""What nothing but its name claims: that errors are told."""
MOST_LINES, MOST_LINE = 200, 4000
"""Lines of claims, and characters of one: each operator may have a line of its own that names every option."""
_WORD = re.compile(r"[^\s;,(]+(?:\([^)]*\))?")  # winograd(4,3) is one word
_FIELDS = ("accuracy", "deterministic", "data_format", "kernel_format")


@dataclass(frozen=True, slots=True)
class Said:
    """One line. Where it names no data type, or no option, these are to be found out by asking (None)."""

    operators: tuple[str, ...] = ()
    dtypes: tuple[str, ...] | None = None
    options: frozenset[str] | None = None
    away: frozenset[str] = frozenset()
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()
    strides: bool = False


def read_said(text: str) -> list[Said]:
    """The lines of a library's claims; raises :class:`UsageError` for a word that is not known."""
    lines = text.splitlines()
    if len(lines) > MOST_LINES or any(len(line) > MOST_LINE for line in lines):
        raise UsageError(
            f"its claims are too long: at most {MOST_LINES} lines of {MOST_LINE} characters are read",
            hint="one line may name many operators: conv2d conv2d_input_grad; float32; all",
        )
    return [_line(line) for line in lines if line.strip()]


def _line(line: str) -> Said:
    operators: list[str] = []
    dtypes: list[str] = []
    options: set[str] = set()
    away: set[str] = set()
    claim: list[str] = []
    no_claim: list[str] = []
    words = _WORD.findall(line)
    for word in words:
        if word in OPERATORS:
            operators.append(word)
        elif word in FORMATS:
            dtypes.append(format_named(word).name)
        elif word in OPTIONS or word == "all":
            options |= {word} if word != "all" else set(OPTIONS) - NOT_ASKED
        elif word.startswith("-") and word[1:] in OPTIONS:
            away.add(word[1:])
        elif word == "-deterministic":
            no_claim.append("deterministic")
        elif word.partition("=")[0] in _FIELDS or "=" in word:
            claim.append(word)
        elif word != STRIDES:
            raise UsageError(f"its claims have the word {word!r}, which is not known", hint=_near(word))
    Claims().changed(claim, no_claim)  # a misspelt value is told here
    named = frozenset(options | BASE) if options else None
    return Said(tuple(operators), tuple(dtypes) or None, named, frozenset(away), tuple(claim), tuple(no_claim), STRIDES in words)


def _near(word: str) -> str:
    known = [*OPERATORS, *FORMATS, *OPTIONS, "all", STRIDES]
    near = difflib.get_close_matches(word.lstrip("-"), known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return (
        f"write operators (conv2d, conv2d_input_grad, ...), data types ({', '.join(FORMATS)}), options "
        f"({', '.join(OPTIONS)}, all), {STRIDES}, or accuracy=NAME"
    )
