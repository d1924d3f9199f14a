"""What a check is: which calls it needs made, and how it judges what came back.

The calls are made in a worker process that holds the implementation and nothing else; truth and tolerance stay here. So
a check is two pure functions, ``calls`` and ``judge``, and everything between them is the runner's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Operator, Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a case failed: ``kind`` in two words, ``message`` in a sentence, and where the first difference is."""

    kind: str
    message: str
    index: tuple[int, ...] | None = None
    expected: float | complex | None = None
    actual: float | complex | None = None
    wrong: int = 0
    elements: int = 0
    error_over_tolerance: float | None = None
    call: int = 0
    expected_array: np.ndarray | None = None
    actual_array: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class AccuracyFigures:
    """How accurate one result was (METHOD section 6); the report's schema explains each figure."""

    n: int
    rho: float
    rho_p50: float
    rho_p90: float
    rho_p99: float
    rms: float
    mean_signed: float
    ulp: float | None
    used: float
    reached: str
    accumulator: str = ""
    """The type that sums are made in, where the result shows that it is no longer one than its own."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check says of one case: the failure, or None, how many elements were compared, and perhaps figures.

    ``blind`` of the elements sum nothing but zeros, so that whatever is done there, they come out right. Where a sample was
    compared, ``missed`` is the most that the chance can be that one result in a hundred is wrong and none of them is in it.
    """

    failure: Failure | None = None
    elements: int = 0
    blind: int = 0
    accuracy: AccuracyFigures | None = None
    missed: float = 0.0


class Check(Protocol):
    """One property that must hold."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    @property
    def concurrent(self) -> bool:
        """Whether the calls are made at once, each in a thread of its own."""

    @property
    def optional_calls(self) -> bool:
        """Whether calls of problems that are not claimed may be left out: each reply is judged by itself."""

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        """Whether it may have something to say of problems of an operator, in a data type ("": in any)."""

    def calls(self, case: Case) -> tuple[Call, ...]:
        """The calls to make, in this order, in one process; none where the check has nothing to say of this case."""

    def narrowed(self, case: Case, call: Call, number: int) -> tuple[str, Case] | None:
        """Of several things tried at once: the name of the check of one of its calls alone, with its case; None elsewhere."""

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        """Whether the replies, one for each call and none of them an error, are as they must be."""


class OneThing:
    """A check that tries one thing."""

    def narrowed(self, case: Case, call: Call, number: int) -> tuple[str, Case] | None:
        return None


class OfAll(OneThing):
    """A check of every operator and data type."""

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return True


def first_trouble(calls: Sequence[Call], replies: Sequence[Reply]) -> Failure | None:
    """What is wrong whatever the check: a call raised, returned no tensor, or broke the contract of shapes and memory."""
    for number, (call, reply) in enumerate(zip(calls, replies, strict=False)):  # none are made after an error
        if reply.error:
            return Failure(reply.error_kind, reply.error, call=number)
        if reply.trouble:
            kind, message = reply.trouble[0]
            return Failure(kind, message, call=number)
        failure = _wrong_form(call.problem, reply.outputs)
        if failure:
            return failure
    return None


def _wrong_form(problem: Problem, outputs: Sequence[np.ndarray]) -> Failure | None:
    wanted = 2 if problem.indices else 1
    if len(outputs) != wanted:
        return Failure("wrong result", f"returned {len(outputs)} arrays, expected {wanted}")
    for output, what in zip(outputs, ("output", "indices"), strict=False):
        if output.shape != problem.result_shape:
            return Failure("wrong shape", f"{what} of shape {output.shape}, expected {problem.result_shape}")
    if outputs[0].dtype != problem.result_format.numpy:
        other = f", not {problem.result_format.name}" if problem.result_format is not problem.format else ""
        return Failure("wrong dtype", f"returned {outputs[0].dtype.name} for {problem.dtype} inputs{other}")
    if problem.indices and outputs[1].dtype.kind not in "iu":
        return Failure("wrong dtype", f"indices are {outputs[1].dtype.name}, not integers")
    return None


def difference(
    actual: np.ndarray, expected: np.ndarray, excess: np.ndarray, *, kind: str = "wrong value", call: int = 0, note: str = ""
) -> Failure | None:
    """The failure where ``excess`` (error over tolerance) passes 1; None where it nowhere does. All of one shape."""
    wrong = ~(excess <= 1)
    if not wrong.any():
        return None
    count = int(wrong.sum())
    index = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    worst = float(np.where(np.isnan(excess), np.inf, excess).max())
    share = f"{count} of {wrong.size} elements" if wrong.size > 1 else "the only element"
    how = f", up to {worst:.3g} times the tolerance" if np.isfinite(worst) else ""
    return Failure(
        kind, f"{share} wrong{how}{note}", index, _number(expected[index]), _number(actual[index]), count, wrong.size,
        worst, call, expected, actual,
    )  # fmt: skip


def is_right(actual: np.ndarray, y: np.ndarray) -> bool:
    """Whether every element is the truth itself: then no tolerance need be worked out, and on integers nearly all are."""
    return bool((actual.astype(y.dtype) == y).all())


def excess_of(actual: np.ndarray, y: np.ndarray, low: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """|actual - (y + low)| / tolerance, of complex numbers in modulus.

    Non-finite results must be the same ones on both sides (then 0, else inf).
    """
    if y.dtype.kind == "i":
        return np.where(actual == y, 0.0, np.inf)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        actual = actual.astype(y.dtype)
        error = np.abs((actual - y) - low)
        same = (actual == y) | (np.isnan(actual) & np.isnan(y))
        finite = np.isfinite(actual) & np.isfinite(y)
        excess = np.where(tolerance > 0, error / tolerance, np.inf)
    return np.where(same & (low == 0), 0.0, np.where(finite, np.where(error == 0, 0.0, excess), np.where(same, 0.0, np.inf)))


def _number(value: np.generic) -> float | complex:
    number = value.item()
    return number if isinstance(number, complex | int) else float(number)
