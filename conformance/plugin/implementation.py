"""The interface that every implementation fills, small enough to write in ten minutes.

Its three parts keep apart what is claimed, what is timed, and what is only conversion: ``claims`` and ``supports``;
``prepare``, which puts native arrays in place and returns the bare call; ``fetch``, which brings the result back.
"""

from __future__ import annotations

import functools
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.plugin.claims import Claims
from conformance.plugin.known import KnownFailure
from conformance.problem import Problem


class WrongResult(Exception):
    """A call returned what is no tensor of the operator; ``str()`` says what it was."""

    kind = "wrong result"


class WroteBeside(WrongResult):
    """A call wrote to memory that it was not given."""

    kind = "wrote out of bounds"


class NotSupported(Exception):
    """A call found out that it does not do what it was asked for, as ``supports`` says of a problem; ``str()`` is why."""


class Lost(Exception):
    """What an implementation works with is gone: a process of its own that crashed, or whose answer cannot be read.

    ``kind`` is that of the finding (crashed, unreadable), ``message`` what happened, after the words "the call".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind, self.message = kind, message

    def __str__(self) -> str:
        return self.message


@functools.cache
def _claims_once(implementation: Implementation) -> Mapping[str, Claims]:
    """Claims are asked for with every call, and made of a hundred operators."""
    return implementation.claims


class Implementation(ABC):
    """One implementation of some operators. Constructing one must be cheap: import frameworks in ``prepare`` or later."""

    name: str = ""
    summary: str = ""
    requires: tuple[str, ...] = ()
    """Modules that must be importable for it to run."""
    install: str = ""
    """What to type where they are absent."""
    known_failures: tuple[KnownFailure, ...] = ()
    """What is known to fail: it stays a finding, and the report says what it is."""
    others: tuple[str, ...] = ()
    """Names in the same module that are to be checked by themselves, because this one holds one function an operator."""

    @property
    @abstractmethod
    def claims(self) -> Mapping[str, Claims]:
        """What it claims, by the name of the operator."""

    def unavailable(self) -> str | None:
        """Why it cannot run here and what to do about it, or None."""
        missing = [module for module in self.requires if importlib.util.find_spec(module.partition(".")[0]) is None]
        if not missing:
            return None
        return f"{' and '.join(missing)} not installed" + (f": {self.install}" if self.install else "")

    def supports(self, problem: Problem) -> str | None:
        """None if ``problem`` is claimed, else the reason why not. Override for limits that claims cannot express."""
        claims = _claims_once(self).get(problem.operator)
        return claims.refusal(problem) if claims else f"{problem.operator} is not claimed"

    @abstractmethod
    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        """Put native arrays in place and return the bare call: it takes nothing, and is what is checked and timed.

        ``arrays`` holds ``x``, for convolution ``w`` and perhaps ``b``, of the problem's data type, in any memory layout.
        The call must have finished its work when it returns (synchronise a device).
        """

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        """The result of a call as NumPy arrays: the output, and for max pooling with ``indices`` those as well."""
        return as_arrays(result)

    def versions(self) -> dict[str, str]:
        """Versions and settings that a reader of a report wants to know."""
        return {"numpy": np.__version__}

    def notes(self) -> tuple[str, ...]:
        """Remarks for the report, for example what was found out about a function's signature."""
        return ()

    def scope(self) -> tuple[str, ...]:
        """What was found out of what it does and is tried, and what nobody claims and is not asked for; each with how to ask."""
        return ()

    def release(self) -> None:  # noqa: B027 - most hold nothing
        """Give memory back that is held for speed; called between large problems."""


def require_tensors(problem: Problem, arrays: Mapping[str, np.ndarray]) -> None:
    """Raise :class:`ValueError` for a tensor that is not of the problem's shape and type."""
    for name, shape in problem.array_shapes.items():
        given, wanted = arrays[name], problem.dtype_of(name)
        if given.shape != shape or given.dtype != wanted:
            raise ValueError(f"{name} is {given.dtype}{given.shape}, but must be {wanted}{shape}")


def as_arrays(result: Any) -> tuple[np.ndarray, ...]:
    """``result`` as a tuple of arrays, or :class:`WrongResult` that says what it is instead."""
    parts = result if isinstance(result, tuple) else (result,)
    for part in parts:
        if isinstance(part, np.ndarray):
            continue
        if part is None:
            raise WrongResult("returned None, not an array")
        if np.isscalar(part):
            raise WrongResult(f"returned a scalar ({part!r:.40}), not an array")
        raise WrongResult(f"returned a {type(part).__module__}.{type(part).__qualname__}, not an array")
    return parts
