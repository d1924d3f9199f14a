"""What a call leaves changed in its process: found out after each job, and put back, so that no later case is changed by it.

What changes the numbers or the files of whoever called is a breach of the contract of a call. What only belongs to
Python's own machinery, and is changed by many a framework when it is loaded, is put back without a word.
"""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import locale
import os
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.running import printed

CHANGED = "left its process changed"
"""The kind of a breach."""
_ONE, _HALF_ULP, _SMALLEST = 1.0, 2.0**-53, 5e-324  # no constants of an expression: the sums must be made when they are asked for
_FENV_BYTES = 256  # more than the fenv_t of any C library


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that belongs to the whole process. ``breach``: it changes what others compute or write."""

    words: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object]
    breach: bool = True


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


def _umask() -> int:
    """It can only be read by setting it; for a moment, what others create is private."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _rounding() -> tuple[bool, bool, bool]:
    """How three sums are rounded that lie between two numbers: each direction gives other ones."""
    more = _ONE + _HALF_ULP / 2 > _ONE
    less = _ONE - _HALF_ULP / 4 < _ONE
    nearer_zero = -_ONE + _HALF_ULP / 4 > -_ONE
    return more, less, nearer_zero


def _subnormals() -> bool:
    """Whether numbers below the smallest normal one are numbers; the results of calls that flush them are not exact."""
    return _SMALLEST * _ONE != 0.0


def _environment() -> ctypes.Array[ctypes.c_char] | None:
    """The floating-point environment of this thread, to be put back (fegetenv of C99); None where C has no such function."""
    state = ctypes.create_string_buffer(_FENV_BYTES)
    with contextlib.suppress(OSError, AttributeError, TypeError):
        return state if ctypes.CDLL(None).fegetenv(state) == 0 else None
    return None


def _put_environment_back(_: object) -> None:
    with contextlib.suppress(OSError, AttributeError, TypeError):
        if _floats:
            ctypes.CDLL(None).fesetenv(_floats[0])


def _handlers() -> list[Any]:
    return [_handler(number) for number in _SIGNALS]


def _put_handlers_back(handlers: list[Any]) -> None:
    for number, handler in zip(_SIGNALS, handlers, strict=True):
        with contextlib.suppress(OSError, ValueError):
            if handler is not None and _handler(number) is not handler:
                signal.signal(number, handler)


def _blocked() -> set[int]:
    return _mask(signal.SIG_BLOCK, ()) if _mask else set()


def _timer() -> bool:
    """Whether an alarm is set."""
    return hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _end_timer(was_set: bool) -> None:
    if not was_set:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _put_filters_back(filters: list[Any]) -> None:
    warnings.resetwarnings()  # which tells the machinery that they changed
    warnings.filters[:] = filters  # type: ignore[index]


def _put_tracing_back(before: tuple[Any, Any]) -> None:
    sys.settrace(before[0])
    sys.setprofile(before[1])


_SIGNALS = tuple(
    int(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGCHLD", "SIGFPE", "SIGSEGV", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
"""Those that come unasked, or that a program may send to itself."""
# What makes a member of an enumeration of each number is left out: it took longer than all else in a look.
_handler = inspect.unwrap(signal.getsignal)
_mask = inspect.unwrap(signal.pthread_sigmask) if hasattr(signal, "pthread_sigmask") else None
_THINGS = (
    Thing("the rounding of floating-point numbers", _rounding, _put_environment_back),
    Thing("whether subnormal numbers are flushed to zero", _subnormals, _put_environment_back),
    Thing("what NumPy does at floating-point errors (numpy.seterr)", np.geterr, lambda before: np.seterr(**before)),
    Thing("the working directory", _folder, os.chdir),
    Thing("the locale", lambda: locale.setlocale(locale.LC_ALL), lambda before: locale.setlocale(locale.LC_ALL, before)),
    Thing("the permissions of new files (umask)", _umask, os.umask),
    Thing("signal handlers", _handlers, _put_handlers_back, breach=False),
    Thing("blocked signals", _blocked, lambda before: signal.pthread_sigmask(signal.SIG_SETMASK, before), breach=False),
    Thing("an alarm", _timer, _end_timer, breach=False),
    Thing("the limit on recursion", sys.getrecursionlimit, sys.setrecursionlimit, breach=False),
    Thing("filters of warnings", lambda: list(warnings.filters), _put_filters_back, breach=False),
    Thing("tracing", lambda: (sys.gettrace(), sys.getprofile()), _put_tracing_back, breach=False),
)  # fmt: skip
_reads = [thing.read for thing in _THINGS]
_before: list[Any] = []
_floats: list[ctypes.Array[ctypes.c_char]] = []


def remember() -> None:
    """Once, when a target is loaded, before it is first called: what loading changes is as it should be."""
    if not _before:
        _before.extend(read() for read in _reads)
        _floats.extend(state for state in [_environment()] if state is not None)


def breaches() -> list[tuple[str, str]]:
    """What was changed since :func:`remember`, as (kind, message); all of it is put back."""
    if not printed.in_place():
        printed.put_back()
    seen = [read() for read in _reads]
    if seen == _before or not _before:  # nothing is compared before anything was remembered
        return []
    found = []
    for thing, before, now in zip(_THINGS, _before, seen, strict=True):
        if now == before:
            continue
        with contextlib.suppress(Exception):  # a folder may be gone: later cases then tell the same again
            thing.put_back(before)
        if thing.breach:
            found.append((CHANGED, f"the call changed {thing.words}{_values(before, now)}"))
    return found


def _values(before: object, now: object) -> str:
    """From what to what, where that says something."""
    if isinstance(before, str):
        return f" from {before!r} to {now!r}"
    if isinstance(before, dict) and isinstance(now, dict):
        return ": " + ", ".join(f"{key}={value!r}" for key, value in now.items() if before.get(key) != value)
    return ""
