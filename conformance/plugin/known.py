"""Failures that the author of a backend knows of: they stay findings, and the report says with each what it is.

An entry hides nothing and changes no verdict. It saves a reader the search for what somebody has found before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """``operators`` and ``check`` are how the names of both begin, ``kind`` that of the failure, ``words`` stand in the
    case's text.

    ``about`` says in a sentence what is wrong; ``issue`` is the public one (``owner/repository#number``), where there is one.
    """

    operators: str
    check: str
    kind: str
    words: tuple[str, ...]
    about: str
    issue: str = ""

    def covers(self, operator: str, check: str, kind: str, case: str) -> bool:
        """Whether a failure of ``kind`` in a case with this text is the known one."""
        named = operator.startswith(self.operators) and check.startswith(self.check)
        return named and kind == self.kind and all(word in case for word in self.words)

    def __str__(self) -> str:
        return f"{self.about} ({self.issue})" if self.issue else self.about


def known_words(known: Iterable[KnownFailure], operator: str, check: str, kind: str, case: str) -> str:
    """What is known of a failure, in words; empty if nothing is."""
    return next((str(one) for one in known if one.covers(operator, check, kind, case)), "")
