"""Failures that are expected: the entries of an xfail file, and which trials and failures each of them is about.

An entry is strict: it says that something fails, so that it is wrong once nothing of it fails any more. What a run makes
of entries is :mod:`conformance.running.expected`'s, how a file is read :mod:`conformance.running.xfail_file`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

PATTERNS = ("operator", "check", "kind", "case", "implementation")
"""Keys of an entry whose values are globs; what is left out covers all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One expected failure: a glob each for the operator, the check, the kind of failure, the case's text and the
    implementation. ``first`` and ``last`` are its lines in the file, from 1.

    ``profile`` is the smallest one that has cases of it.
    """

    reason: str
    first: int
    last: int
    operator: str = "*"
    check: str = "*"
    kind: str = "*"
    case: str = "*"
    implementation: str = "*"
    link: str = ""
    profile: str = "quick"

    def about(self, *names: str) -> bool:
        """Whether it is about an implementation that goes by ``names``."""
        return any(fnmatchcase(name, self.implementation) for name in names)

    def matches(self, operator: str, check: str, case: str) -> bool:
        """Whether it is about trials of this operator, check and case, however they end."""
        return fnmatchcase(operator, self.operator) and fnmatchcase(check, self.check) and covers_words(self.case, case)

    def covers(self, operator: str, check: str, kind: str, case: str) -> bool:
        """Whether a failure of ``kind`` in a case with this text is expected.

        The same question as :meth:`conformance.plugin.known.KnownFailure.covers` answers for a backend's author.
        """
        return fnmatchcase(kind, self.kind) and self.matches(operator, check, case)

    @property
    def unfinished(self) -> bool:
        """Whether its reason has yet to be written."""
        return self.reason.upper().startswith("TODO")

    @property
    def words(self) -> str:
        """What it covers, as it stands in the file: ``operator = "conv2d*", kind = "wrong value"``."""
        given = ((name, getattr(self, name)) for name in PATTERNS)
        return ", ".join(f'{name} = "{value}"' for name, value in given if value != "*")


def covers_words(pattern: str, text: str) -> bool:
    """Whether a glob covers a case's text. A star between spaces is any number of words, none too.

    So ``* f16 * reflect *`` covers ``conv2d f16 reflect``, and neither ``bf16`` nor ``f16>f32``.
    """
    return fnmatchcase(spaced(text), "".join("*" if word == "*" else f" {word} " for word in pattern.split()))


def spaced(text: str) -> str:
    """``text`` with a space on both sides of each word, so that words stay words wherever they stand."""
    return "".join(f" {word} " for word in text.split())


def is_link(text: str) -> bool:
    """Whether ``text`` leads to the web, and so may stand in a page as a link."""
    return re.fullmatch(r"https?://[^\s/]\S*", text) is not None
