"""What a worker says of its target, bounded and plain: in the worker, so that little is handed over, and where it arrives.

A target may call itself anything, raise any message and print without end. Nothing of that is shown, or written into a
report, but as text, and none of it is longer than is worth reading.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.plain import MOST_OF_NAME, MOST_OF_WORDS, end_of, line
from conformance.plugin.job import Reply
from conformance.problem import OPERATORS

if TYPE_CHECKING:
    from conformance.running.worker import Description

MOST_NOTES = 20
"""Notes, versions, and kinds of trouble of one target that are kept."""
MOST_CONSTANTS = 64
"""Numbers of a source that are tried."""
MOST_OTHERS = 1000
"""Functions of a module beyond the first of each operator, which are checked by themselves."""
MOST_PRINTED = 2000
"""Characters, the last ones, of what was printed during a job."""
MOST_OF_KIND = 40
_NOTHING = ("", "", (), "", "")


def plain_description(said: Description) -> Description:
    """What a target says of itself."""
    return dataclasses.replace(
        said,
        name=line(said.name, MOST_OF_NAME),
        summary=line(said.summary, MOST_OF_WORDS),
        claims={name: claimed for name, claimed in said.claims.items() if name in OPERATORS},
        not_claimed=_few(said.not_claimed),
        notes=_few(said.notes),
        scope=_few(said.scope),
        constants=tuple(value for value in said.constants[:MOST_CONSTANTS] if type(value) is int and 0 < value < 2**31),
        versions=tuple((line(name, MOST_OF_NAME), line(value, MOST_OF_NAME)) for name, value in said.versions[:MOST_NOTES]),
        unavailable=line(said.unavailable, MOST_OF_WORDS),
        others=said.others[:MOST_OTHERS],  # names by which they are loaded: they are made plain where they are shown
        known_failures=tuple(
            dataclasses.replace(one, about=line(one.about, MOST_OF_WORDS), issue=line(one.issue, MOST_OF_NAME))
            for one in said.known_failures
        ),
    )


def plain_replies(replies: Sequence[Reply]) -> list[Reply]:
    """What came of calls."""
    return list(map(_plain_reply, replies))


def _plain_reply(reply: Reply) -> Reply:
    if (reply.error, reply.error_kind, reply.trouble, reply.stdout, reply.stderr) == _NOTHING:
        return reply  # as most do; this is asked for twice a call
    return dataclasses.replace(
        reply,
        error=line(reply.error, MOST_OF_WORDS),
        error_kind=line(reply.error_kind, MOST_OF_KIND),
        trouble=tuple((line(kind, MOST_OF_KIND), line(words, MOST_OF_WORDS)) for kind, words in reply.trouble[:MOST_NOTES]),
        stdout=end_of(reply.stdout, MOST_PRINTED),
        stderr=end_of(reply.stderr, MOST_PRINTED),
    )


def _few(texts: Sequence[str]) -> tuple[str, ...]:
    kept = tuple(line(text, MOST_OF_WORDS) for text in texts[:MOST_NOTES])
    left = len(texts) - len(kept)
    return (*kept, f"and {left} more") if left > 0 else kept
