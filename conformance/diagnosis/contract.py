"""Breaches of the contract of a call that say themselves what the bug is: shared memory, changed inputs, no array at all."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.diagnosis.state_words import Said


@dataclass(frozen=True, slots=True)
class Breach:
    """The key and the sentence of a kind of failure; ``regional`` where it depends on the problem whether it shows."""

    key: str
    words: str
    regional: bool = False

    @property
    def said(self) -> Said:
        return Said(self.key, self.words)


BREACHES = {
    "overwrote a result": Breach(
        "result-overwritten", "A result lies in memory that a later call writes to: calls share a buffer for their results"
    ),
    "not safe in threads": Breach(
        "shared-by-threads", "Calls of several threads disturb each other: they share memory that each of them writes to"
    ),
    "changed its input": Breach("input-changed", "The call writes into a tensor that it was given", regional=True),
    "aliases its input": Breach("input-returned", "The result is memory of a tensor that was given, not its own", regional=True),
    "wrong result": Breach("no-array", "What is returned is not the arrays that were asked for", regional=True),
    "wrong dtype": Breach("wrong-data-type", "The result has another data type than it should", regional=True),
}
"""Of the kinds of failures whose cause the worker has seen."""
