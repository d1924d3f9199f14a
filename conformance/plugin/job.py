"""What crosses from the harness to a worker and back: calls to make, and what was seen of each. Plain values only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.problem import Problem

NOT_SUPPORTED = "not supported"
"""The ``error_kind`` of a call that the implementation refused by ``supports``: no failure, but skipped and counted."""
POISON = 0xA5
"""What a worker fills freed memory with, as float32 -2.9e-16, as float64 -2.4e-130: no plausible result, never an integer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``layout`` is how the tensors lie in memory; ``same_address`` writes them over those of the latest call of the
    problem in this layout, else over those of the call before: the array objects are the same ones.

    ``invalid``: the problem has no meaning, or the tensors are not its own; nothing may be derived from it.
    ``repeated``: the tensors are too large to be handed over; ``arrays`` has one period of each, flat, and the worker
    repeats it up to the shape. ``parts`` are then the ranges of each flat result that are handed back.
    """

    problem: Problem
    arrays: dict[str, np.ndarray]
    layout: str = "contiguous"
    same_address: bool = False
    invalid: bool = False
    repeated: bool = False
    parts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call gave: its outputs as NumPy arrays, or an error, and breaches of the contract as (kind, message).

    ``seconds`` is the time inside the implementation: prepare, call and fetch. ``whole`` is the shape of the results where
    only parts of them were asked for. ``stdout`` and ``stderr`` are the ends of what was printed while the job was done.
    """

    outputs: tuple[np.ndarray, ...] = ()
    error: str = ""
    error_kind: str = ""
    trouble: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    whole: tuple[tuple[int, ...], ...] = ()
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Calls that are made in one worker, one after the other or (``concurrent``) at once, each in its own thread."""

    calls: tuple[Call, ...]
    concurrent: bool = False
