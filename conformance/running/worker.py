"""What runs inside a worker process: it loads a target, makes the calls of a job, and reports what it saw of each.

The worker holds the implementation under test and never a truth. What an implementation prints goes to a file of the
worker's, so that it cannot disturb what the harness prints; freed memory is poisoned, so that reading it shows.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import math
import os
import pickle
import signal
import sys
import time
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.plugin.claims import Claims
from conformance.plugin.functions import not_claimed
from conformance.plugin.implementation import Implementation, Lost, NotSupported, WrongResult
from conformance.plugin.job import NOT_SUPPORTED, POISON, Call, Job, Reply
from conformance.plugin.known import KnownFailure
from conformance.plugin.layouts import lay_out
from conformance.plugin.load import load
from conformance.plugin.own import constants_of, own_files
from conformance.plugin.probe import FIRST_CALLS
from conformance.plugin.raised import where, words
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, Problem
from conformance.running import idle, integrity, nearness, printed, processes, surroundings, visited
from conformance.running.crossing import Flat, flat_replies, job_of
from conformance.running.heard import plain_description, plain_replies
from conformance.running.memory import limit_this_process
from conformance.running.processes import by_the_original
from conformance.running.seen import copies, told
from conformance.running.threads import concurrently

_M_PERTURB = -6  # of glibc's malloc.h
_LARGE = 2**26  # bytes of a tensor beyond which a checksum stands for its contents
_loaded: dict[Target, Implementation] = {}


@dataclass(frozen=True, slots=True)
class Description:
    """What a loaded target says of itself. ``unavailable`` is why it cannot run here, or empty."""

    name: str
    summary: str
    claims: dict[str, Claims]
    not_claimed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    unavailable: str = ""
    others: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    """What of it was found out and is tried, and what is not asked for, each with how to ask."""
    constants: tuple[int, ...] = ()
    """Numbers that its source names."""
    first_calls: tuple[tuple[Call, Reply], ...] = ()
    known_failures: tuple[KnownFailure, ...] = ()
    seconds: float = 0.0


def start(folder: str, memory: int, target: Target, loaded_before: Event) -> None:
    """Called once in every new worker: sends its output to files in ``folder``, limits its memory to so many bytes, and loads
    a target that is known to load.
    """
    processes.lead()
    processes.end_with_parent()
    integrity.watch()
    printed.redirect(folder)
    idle.remember()
    limit_this_process(memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the harness's to handle: it stops its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a target that sends it to itself is told by its name
    # Threads that spin while they wait take the cores from the harness and from the other implementations: ten times
    # slower calls were seen on two cores. Waiting asleep costs some microseconds a call. A user's own setting counts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Compiled files are found by second and size: a target that is changed and checked again within a second was stale.
    sys.dont_write_bytecode = True
    warnings.simplefilter("ignore")
    _poison_freed_memory()
    if loaded_before.is_set():
        with contextlib.suppress(Exception):  # then the first job fails, and says why
            loaded(target)


@by_the_original
def describe(target: Target) -> Description | UsageError:
    """Load ``target`` and say what it is. An error of the user's is returned; one of the target's own becomes one."""
    try:
        return plain_description(_described(target, time.perf_counter()))
    except UsageError as error:
        return error
    except BaseException as error:  # a module may raise anything, SystemExit too
        return UsageError(f"loading {target.text} failed: {words(error)}", hint=where(error).strip("()"))


def _described(target: Target, began: float) -> Description:
    implementation = loaded(target)
    reason = implementation.unavailable() or ""
    claims = dict(implementation.claims)
    versions = {} if reason else {str(package): str(version) for package, version in implementation.versions().items()}
    for name in claims:
        if name not in OPERATORS:
            raise UsageError(
                f"{target.text} claims the operator {name!r}, which is not known", hint="names are like conv2d_input_grad"
            )
    return Description(
        implementation.name or target.text,
        implementation.summary,
        claims,
        not_claimed(claims),
        implementation.notes(),
        tuple(versions.items()),  # PyTorch's is a string of a class of its own
        reason,
        implementation.others,
        implementation.scope(),
        constants_of(implementation, target),
        tuple((Call(problem, arrays), Reply(outputs)) for problem, arrays, outputs in FIRST_CALLS.values()),
        implementation.known_failures,
        time.perf_counter() - began,
    )


def never_run(target: Target) -> list[tuple[Any, ...]]:
    """The branches of the target's own source that no call has taken, each as its fields."""
    return [dataclasses.astuple(branch) for branch in visited.never()]


def perform_watched(target: Target, job: Flat, branches: list[tuple[Any, ...]]) -> tuple[list[Flat], list[float], list[bool]]:
    """As :func:`perform_flat`, and how near the calls came to some branches of the target's source, and which they took."""
    implementation, found = loaded(target), [visited.Branch(*fields) for fields in branches]
    watch = nearness.Watch(found)
    with visited.noted_by(watch.trace):
        replies = _calls(implementation, job_of(job))
    return flat_replies(plain_replies(replies)), watch.distances, watch.taken


def perform_flat(target: bytes, job: Flat, number: int) -> list[Flat]:
    """:func:`perform`, asked for and answered in what crosses quickly; ``target`` is a pickle, of which there are few."""
    return flat_replies(perform(_target(target), job_of(job), number))


@lru_cache(maxsize=4)
def _target(pickled: bytes) -> Target:
    return pickle.loads(pickled)  # type: ignore[no-any-return]


@by_the_original
def perform(target: Target, job: Job, number: int = 0) -> list[Reply]:
    """Make the calls of ``job`` and report on each; what the target did beside its work is trouble of the first.

    ``number`` is that of the job in the session.
    """
    printed.begin(number)
    replies = plain_replies(_calls(loaded(target), job))
    breaches = [*integrity.breaches(), *surroundings.breaches()]
    said = printed.since(number)
    if not breaches and not said.text:
        return replies
    first = dataclasses.replace(
        replies[0], trouble=(*breaches, *replies[0].trouble), stdout=said.stdout, stderr=said.stderr
    )  # fmt: skip
    return [first, *replies[1:]]


def _calls(implementation: Implementation, job: Job) -> list[Reply]:
    """A reply for each call. What an earlier call returned is looked at again at the end."""
    if job.concurrent:
        return concurrently(implementation, job)
    replies: list[Reply] = []
    kept: list[tuple[Any, tuple[np.ndarray, ...]]] = []
    buffers: dict[str, np.ndarray] = {}
    held: list[dict[str, np.ndarray]] = []  # so that no other tensors come to lie where they lie
    last_of: dict[tuple[Problem, str], dict[str, np.ndarray]] = {}
    for call in job.calls:
        arrays = lay_out(_whole(call), call.layout)
        before = last_of.get((call.problem, call.layout), buffers)
        if call.same_address and before.keys() == arrays.keys():
            for name, buffer in before.items():
                buffer[...] = arrays[name]
            arrays = before
        elif any(later.same_address for later in job.calls):
            arrays = {name: array.copy(order="K") for name, array in arrays.items()}  # they may be written over
            held.append(arrays)
        reply, native = _reply(implementation, call, arrays)
        replies.append(_with_memory_trouble(implementation, reply, native, arrays, kept))
        if reply.error:
            break
        kept.append((native, reply.outputs))
        last_of[call.problem, call.layout] = buffers = arrays
    return replies


def loaded(target: Target) -> Implementation:
    """The implementation of ``target``, loaded when it is first asked for."""
    if (found := _loaded.get(target)) is None:
        if target.watched:
            visited.begin(own_files(target))
        found = _loaded[target] = load(target)
        surroundings.remember()  # smoke calls come only with the second one, which is the same target
        surroundings.breaches()
    return found


def _reply(implementation: Implementation, call: Call, arrays: dict[str, np.ndarray]) -> tuple[Reply, Any]:
    """Make one call; the reply, and the native result so that it stays alive."""
    before = {name: _contents(array) for name, array in arrays.items()}
    began = time.perf_counter()
    try:
        if not call.invalid:  # of an invalid problem nothing may be derived, neither whether it is supported nor its size
            reason = implementation.supports(call.problem)
            if reason:
                return Reply(error=reason, error_kind=NOT_SUPPORTED), None
            _poison_small_blocks(call)
            began = time.perf_counter()
        with visited.noting():
            bare = implementation.prepare(call.problem, arrays)
            native = bare()
        outputs = implementation.fetch(native)
        seconds = time.perf_counter() - began
        whole = tuple(output.shape for output in outputs) if call.parts else ()
        outputs = copies(tuple(_parts(output, call.parts) for output in outputs) if call.parts else outputs, call.problem)
    except Lost:  # what it worked with is gone, as if this process were
        raise
    except NotSupported as error:
        return Reply(error=str(error), error_kind=NOT_SUPPORTED, seconds=time.perf_counter() - began), None
    except WrongResult as error:
        return Reply(error=str(error), error_kind=error.kind, seconds=time.perf_counter() - began), None
    except BaseException as error:  # what is no error, such as SystemExit or KeyboardInterrupt, is the target's too
        kind, message = told(error)
        return Reply(error=message, error_kind=kind, seconds=time.perf_counter() - began), None
    changed = [name for name, array in arrays.items() if _contents(array) != before[name]]
    trouble = tuple(("changed its input", f"the tensor {name} was changed by the call") for name in changed)
    return Reply(outputs, trouble=trouble, seconds=seconds, whole=whole), native


def _with_memory_trouble(
    implementation: Implementation,
    reply: Reply,
    native: Any,
    arrays: dict[str, np.ndarray],
    kept: list[tuple[Any, tuple[np.ndarray, ...]]],
) -> Reply:
    """``reply`` with what is wrong about the memory of its result: shared with an input, or with an earlier result."""
    if reply.error:
        return reply
    trouble = list(reply.trouble)
    for output in implementation.fetch(native):
        for name, array in arrays.items():
            if np.may_share_memory(output, array):
                trouble.append(("aliases its input", f"the result shares memory with the tensor {name}"))
    for number, (earlier, as_it_was) in enumerate(kept):
        for now, then in zip(implementation.fetch(earlier), as_it_was, strict=True):
            if np.ascontiguousarray(now).tobytes() != then.tobytes():
                trouble.append(("overwrote a result", f"call {len(kept) + 1} changed the result of call {number + 1}"))
    return dataclasses.replace(reply, trouble=tuple(trouble)) if len(trouble) > len(reply.trouble) else reply


def _whole(call: Call) -> dict[str, np.ndarray]:
    """The tensors of a call, made up to their shapes where one period of each was handed over."""
    if not call.repeated:
        return call.arrays
    return {name: np.resize(array, call.problem.array_shapes[name]) for name, array in call.arrays.items()}


def _parts(output: np.ndarray, parts: tuple[tuple[int, int], ...]) -> np.ndarray:
    """The ranges of a flat result, one after the other."""
    flat = output.reshape(-1)
    return np.concatenate([flat[start:end] for start, end in parts])


def _contents(array: np.ndarray) -> bytes | int:
    """What tells whether an array was changed: its bytes, of a large one their checksum."""
    array = np.ascontiguousarray(array)
    return array.tobytes() if array.nbytes < _LARGE else zlib.crc32(array.reshape(-1).view(np.uint8).data)


def _poison_freed_memory() -> None:
    """Have glibc fill what malloc returns and free gets: an output that is not fully written shows. Elsewhere nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_PERTURB, POISON)


def _poison_small_blocks(call: Call) -> None:
    """NumPy keeps small freed blocks for itself: hand it some of the output's size, full of poison."""
    size = math.prod(call.problem.result_shape) * call.problem.result_format.numpy.itemsize
    if 0 < size <= 1 << 16:
        poison = np.full(size, POISON, np.uint8)
        blocks = [poison.copy() for _ in range(8)]
        blocks.clear()
