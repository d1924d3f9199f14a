"""Known answers: every numeric example of the chapter on convolutional neural networks of Dive into Deep Learning.

Source: Zhang, Lipton, Li, Smola, "Dive into Deep Learning", chapter 7 (sections in ``source``). They convince a reader
rather than find bugs, and each is small enough to check by hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.problem import OPERATORS, Problem, parse_problem
from conformance.problem.text import TextError
from conformance.problem.validity import is_valid


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """One example: tensors as (nested lists of) numbers in the shape of the problem's, and what must come out."""

    name: str
    source: str
    problem: str
    x: Any
    y: Any
    w: Any = None


_X = np.arange(9).reshape(1, 1, 3, 3)
_K = np.array([[[[0, 1], [2, 3]]]])
_TWO = np.concatenate([_X, _X + 1], axis=1)
_K_TWO = np.concatenate([_K, _K + 1], axis=1)
_SIXTEEN = np.arange(16).reshape(1, 1, 4, 4)
_EDGES = np.array([[1, 1, 0, 0, 0, 0, 1, 1]] * 6).reshape(1, 1, 6, 8)
_POINTWISE_X = np.arange(27).reshape(1, 3, 3, 3) % 7 - 3
_POINTWISE_W = np.array([[2, -1, 3], [-2, 4, 1]])
_EIGHT = np.arange(64).reshape(1, 1, 8, 8) % 11 - 5


@cache
def known_answers() -> dict[str, KnownAnswer]:
    """All examples by name."""
    y_three = [[[[56, 72], [104, 120]], [[76, 100], [148, 172]], [[96, 128], [192, 224]]]]
    k_three = np.concatenate([_K_TWO, _K_TWO + 1, _K_TWO + 2])
    answers = (
        KnownAnswer("corr2d", "7.2.1", "conv2d i3x3 k2x2", _X, [[[[19, 25], [37, 43]]]], _K),
        KnownAnswer("edges", "7.2.3", "conv2d i6x8 k1x2", _EDGES, [[[[0, 1, 0, 0, 0, -1, 0]] * 6]], [[[[1, -1]]]]),
        KnownAnswer(
            "edges-transposed", "7.2.3", "conv2d i8x6 k1x2",
            _EDGES.swapaxes(2, 3), np.zeros((1, 1, 8, 5)), [[[[1, -1]]]],
        ),
        KnownAnswer(
            "padded", "7.3.1", "conv2d i3x3 k2x2 p1x1",
            _X, [[[[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]]]], _K,
        ),
        KnownAnswer("strided", "7.3.2", "conv2d i3x3 k2x2 s3x2 p1x1", _X, [[[[0, 8], [6, 8]]]], _K),
        KnownAnswer("two-channels", "7.4.1", "conv2d c2 i3x3 k2x2", _TWO, [[[[56, 72], [104, 120]]]], _K_TWO),
        KnownAnswer("three-output-channels", "7.4.2", "conv2d c2 i3x3 o3 k2x2", _TWO, y_three, k_three),
        KnownAnswer(
            "pointwise", "7.4.3", "conv2d c3 i3x3 o2 k1x1", _POINTWISE_X,
            (_POINTWISE_W @ _POINTWISE_X.reshape(3, 9)).reshape(1, 2, 3, 3), _POINTWISE_W.reshape(2, 3, 1, 1),
        ),
        KnownAnswer("max-pool", "7.5.1", "max_pool2d i3x3 k2x2", _X, [[[[4, 5], [7, 8]]]]),
        KnownAnswer("avg-pool", "7.5.1", "avg_pool2d i3x3 k2x2", _X, [[[[2, 3], [5, 6]]]]),
        KnownAnswer("max-pool-3", "7.5.2", "max_pool2d i4x4 k3x3 s3x3", _SIXTEEN, [[[[10]]]]),
        KnownAnswer("max-pool-padded", "7.5.2", "max_pool2d i4x4 k3x3 s2x2 p1x1", _SIXTEEN, [[[[5, 7], [13, 15]]]]),
        KnownAnswer("max-pool-2x3", "7.5.2", "max_pool2d i4x4 k2x3 s2x3 p0x1", _SIXTEEN, [[[[5, 7], [13, 15]]]]),
        KnownAnswer(
            "max-pool-two-channels", "7.5.3", "max_pool2d c2 i4x4 k3x3 s2x2 p1x1",
            np.concatenate([_SIXTEEN, _SIXTEEN + 1], axis=1), [[[[5, 7], [13, 15]], [[6, 8], [14, 16]]]],
        ),
    )  # fmt: skip
    return {answer.name: answer for answer in answers}


OUTPUT_SIZES: dict[str, tuple[int, int]] = {
    "conv2d i8x8 k3x3 p1x1": (8, 8),
    "conv2d i8x8 k5x3 p2x1": (8, 8),
    "conv2d i8x8 k3x3 s2x2 p1x1": (4, 4),
    "conv2d i8x8 k3x5 s3x4 p0x1": (2, 2),
    "conv2d c1 i28x28 o6 k5x5 p2x2": (28, 28),
    "avg_pool2d c6 i28x28 k2x2 s2x2": (14, 14),
    "conv2d c6 i14x14 o16 k5x5": (10, 10),
    "avg_pool2d c16 i10x10 k2x2 s2x2": (5, 5),
}
"""The chapter's examples of output sizes (7.3.1, 7.3.2) and the layers of its LeNet (7.6.1), whose sizes it prints."""


def known_cases(operator: str, claims: Claims) -> Iterator[Case]:
    """The examples of one operator that are claimed, in the first claimed data type."""
    for answer in known_answers().values():
        problem = _problem(answer, claims.dtypes[0])
        if problem.operator == operator and not claims.refusal(problem):
            yield Case(problem, "known", answer.name, f"d2l {answer.source}")
    size = "to3" if OPERATORS[operator].traits.window == "adaptive" else "k1"
    identity = parse_problem(f"{operator} i3 {size}").replace(dtype=claims.dtypes[0])
    if not claims.refusal(identity):  # what comes out equals what went in: a copy is wanted, not the input itself
        yield Case(identity, "ones", "0", "identity kernel")
    smallest = ("i1 to1", "i3 to2") if size == "to3" else ("i1 k1", "i2 k2", "i3 k3 p1")
    for dtype, tiny in itertools.product(claims.dtypes, smallest):
        problem = parse_problem(f"{operator} {tiny}").replace(dtype=dtype)
        if dtype in OPERATORS[operator].traits.dtypes and is_valid(problem) and not claims.refusal(problem):
            yield Case(problem, "digits", "0", "the smallest in every data type")
    for text in OUTPUT_SIZES:
        problem = parse_problem(text).replace(dtype=claims.dtypes[0])
        if problem.operator == operator and not claims.refusal(problem):
            yield Case(problem, "digits", "0", "d2l 7.3, 7.6")


def known_arrays(name: str, problem: Problem) -> dict[str, np.ndarray]:
    """The tensors of the example called ``name``; ``problem`` must be its own, of any data type."""
    answer = known_answers().get(name)
    if answer is None:
        raise TextError(f"there is no known answer {name!r}", hint=f"known are {', '.join(known_answers())}")
    if _problem(answer, problem.dtype) != problem:
        raise TextError(f"the known answer {name!r} is of another problem", hint=f"write {answer.problem}")
    arrays = {"x": answer.x} if answer.w is None else {"x": answer.x, "w": answer.w}
    return {key: np.asarray(value, dtype=problem.format.numpy) for key, value in arrays.items()}


def _problem(answer: KnownAnswer, dtype: str) -> Problem:
    return parse_problem(answer.problem).replace(dtype=dtype)
