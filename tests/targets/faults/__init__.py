"""Targets that are right but for one case, in which something goes as wrong as it can: faults, each with what comes of it.

A fault is a function without arguments that strikes when a `conv1d` gets an input of length 31. docs/faults.md has a row
for each, which a test compares with what is said here.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STRIKES = "conv1d f32 n1 c1 i31 o1 k2"
"""The case in which a fault strikes."""
_LENGTH = 31


@dataclass(frozen=True)
class Fault:
    """``does`` says what it does, ``happens`` what comes of it. ``kind`` is that of the failure of the case, whose message
    has the words ``says``; without a kind the case passes. ``stdout`` and ``stderr`` are what is shown as printed there.
    """

    name: str
    module: str
    does: str
    happens: str
    kind: str
    says: str
    stdout: str
    stderr: str

    @property
    def target(self) -> str:
        return f"{self.module}:{self.name}"


FAULTS: dict[str, Fault] = {}
"""By theme and name, ``deaths:segfault``; all of them once :func:`every` has been called."""


def every() -> dict[str, Fault]:
    """All faults of this package."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
    return FAULTS


def right(input: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A correct conv1d without any option."""
    taps = weight.shape[2]
    outputs = input.shape[2] - taps + 1
    return sum(np.einsum("ncx,oc->nox", input[:, :, t : t + outputs], weight[:, :, t]) for t in range(taps))


def fault(does: str, happens: str, kind: str = "", says: str = "", stdout: str = "", stderr: str = "") -> Callable:
    """Make a target of what goes wrong."""

    def make(strike: Callable[[], object]) -> Callable:
        @functools.wraps(strike)
        def conv1d(input, weight):
            if input.shape[2] == _LENGTH:
                strike()
            return right(input, weight)

        del conv1d.__wrapped__  # its arguments are those of a convolution
        entry = Fault(strike.__name__, strike.__module__, does, happens, kind, says, stdout, stderr)
        FAULTS[f"{entry.module.rpartition('.')[2]}:{entry.name}"] = entry
        return conv1d

    return make
