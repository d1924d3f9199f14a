"""Jobs and replies as they cross between the harness and a worker: tuples of numbers, words and bytes.

A pickle of the values themselves names their classes and fields, and calls those classes' own code to be written and read:
for a small call that took longer than the call. Here a value is its fields in their order, and a tensor, which crosses once
in a job, the name of its type, its shape and its bytes. What a reply says is read with no more trust than any other answer.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from pickle import PickleBuffer
from typing import Any

import numpy as np

from conformance.plugin.job import Call, Job, Reply
from conformance.problem import FORMATS, Problem, Window
from conformance.problem.window import AdaptiveWindow, TransposedWindow
from conformance.running.channel import BESIDE

Flat = tuple[Any, ...]
_WINDOWS = (Window, TransposedWindow, AdaptiveWindow)
_KINDS = {kind: number for number, kind in enumerate(_WINDOWS)}
_given = {kind: operator.attrgetter(*kind.__match_args__) for kind in (Problem, Call, Reply, *_WINDOWS)}
_TYPES = {name: np.dtype(name) for name in FORMATS if name != "bfloat16"}  # which is no type of NumPy's own
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


def flat_job(job: Job) -> Flat:
    """What :func:`job_of` reads. Large tensors are not copied before they are sent."""
    tensors: list[np.ndarray] = []
    places: dict[int, int] = {}
    calls = []
    for call in job.calls:
        problem, arrays, *rest = _given[Call](call)
        for array in arrays.values():
            if places.setdefault(id(array), len(tensors)) == len(tensors):
                tensors.append(array)
        calls.append((_flat_problem(problem), {name: places[id(array)] for name, array in arrays.items()}, rest))
    return job.concurrent, [_flat_tensor(array) for array in tensors], calls


def job_of(flat: Flat) -> Job:
    concurrent, tensors, calls = flat
    read = [_tensor(*tensor) for tensor in tensors]
    made = [
        Call(_problem(*problem), {name: read[place] for name, place in arrays.items()}, *rest) for problem, arrays, rest in calls
    ]
    return Job(tuple(made), concurrent)


def flat_replies(replies: Sequence[Reply]) -> list[Flat]:
    """What :func:`replies_of` reads."""
    given = map(_given[Reply], replies)
    return [([_flat_tensor(output) for output in outputs], *rest) for outputs, *rest in given]


def replies_of(flat: Any) -> list[Reply]:
    """Raises whatever comes of words that are no replies. Memory for an output is taken only when all of it is there."""
    return [Reply(tuple([_tensor(*output) for output in outputs]), *rest) for outputs, *rest in flat]


def _flat_problem(problem: Problem) -> Flat:
    name, windows, *rest = _given[Problem](problem)
    return name, tuple([(_KINDS[type(window)], _given[type(window)](window)) for window in windows]), tuple(rest)


@lru_cache(maxsize=64)  # the calls of a job are mostly of one problem: what follows from its fields is worked out once
def _problem(name: str, windows: tuple[Flat, ...], rest: Flat) -> Problem:
    return Problem(name, tuple([_WINDOWS[number](*given) for number, given in windows]), *rest)


def _flat_tensor(array: np.ndarray) -> Flat:
    small = array.nbytes < BESIDE
    data = bytearray(array.tobytes()) if small else PickleBuffer(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return _NAMES.get(array.dtype) or _of_one_field(array.dtype), array.shape, data


def _of_one_field(dtype: np.dtype) -> np.dtype:
    """Of a type of several fields, which no result has, only its size crosses: a field could be said to hold objects."""
    return dtype if dtype.names is None else np.dtype((np.void, dtype.itemsize))


def _tensor(kind: str | np.dtype, shape: tuple[int, ...], data: bytearray | np.ndarray) -> np.ndarray:
    return np.frombuffer(data, _TYPES[kind] if isinstance(kind, str) else _of_one_field(kind)).reshape(shape)
