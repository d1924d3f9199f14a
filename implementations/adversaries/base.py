"""What an adversary is: a body that is given the honest call, and does something else."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.problem import OPERATORS, Problem
from implementations.numpy_gemm import NumpyGemm

Arrays = Mapping[str, np.ndarray]
Honest = Callable[[], Any]
"""The honest call on the tensors as they are then."""
Body = Callable[[Problem, Arrays, Honest], Any]
_HONEST = NumpyGemm()


@dataclass(frozen=True)
class Adversary:
    """``cheat`` says what it does, ``rejected_by`` what stops it.

    ``check``: it must be found not conformant; else its results are right, or right wherever it is checked. ``timing``
    says what must come of its times: "none" (a reason instead), or "no gain" where a time is its right, but none that is
    better than the honest one's.
    """

    name: str
    module: str
    cheat: str
    rejected_by: str
    check: bool
    timing: str

    @property
    def target(self) -> str:
        return f"{self.module}:{self.name}"


ADVERSARIES: dict[str, Adversary] = {}
"""By theme and name, ``caches:by_id``; all of them once :func:`every` has been called."""


def every() -> dict[str, Adversary]:
    """All adversaries of this package."""
    package = importlib.import_module("implementations.adversaries")
    for info in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{info.name}")
    return ADVERSARIES


class Cheater(Implementation):
    """A body over the honest implementation. What a body returns may be a function: it is called to fetch the result."""

    entry: ClassVar[Adversary]
    body: ClassVar[Body]

    @property
    def claims(self) -> Mapping[str, Claims]:
        return {"conv2d": Claims(("float32",), options_of(OPERATORS["conv2d"]))}

    def prepare(self, problem: Problem, arrays: Arrays) -> Callable[[], Any]:
        honest, body = _HONEST.prepare(problem, arrays), type(self).body
        return lambda: body(problem, arrays, honest)

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        return super().fetch(result() if callable(result) else result)


def adversary(cheat: str, rejected_by: str, *, check: bool = True, timing: str = "none") -> Callable[[Body], type[Cheater]]:
    """Make an implementation of a body."""

    def make(body: Body) -> type[Cheater]:
        name, module = body.__name__, body.__module__
        entry = Adversary(name, module, cheat, rejected_by, check, timing)
        key = f"{module.rpartition('.')[2]}:{name}"
        assert key not in ADVERSARIES, key
        ADVERSARIES[key] = entry
        return type(name, (Cheater,), {"entry": entry, "body": staticmethod(body), "summary": cheat, "__module__": module})

    return make


def nothing(problem: Problem) -> np.ndarray:
    """A result of the right shape and type that cost no work."""
    return np.zeros(problem.result_shape, problem.result_format.numpy)


def called_from(word: str) -> bool:
    """Whether a function of this name, or of a file whose path holds the word, waits for this call."""
    frame = sys._getframe(1)
    while frame is not None and word != frame.f_code.co_name and word not in frame.f_code.co_filename:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None
