"""Padding by a rule, SAME and its kin, that is of another amount or on another side.

A rule of problems sees one that has forgotten how its padding was asked for, so these wrap it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction
from conformance.diagnosis.rules.base import by_problem, by_tables
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Problem
from conformance.problem.window import AUTO_PADS, OUTSIDE, Window, auto_padding
from conformance.reference.truth import Arrays

Pads = Callable[[Problem, int], tuple[int, int]]
"""The padding of one axis before and behind."""


def _all() -> Iterator[Hypothesis]:
    other = {"same_upper": "same_lower", "same_lower": "same_upper"}
    told: list[tuple[str, str, Pads]] = [
        ("same-upper-lower-exchanged", "SAME_UPPER and SAME_LOWER are exchanged",
         lambda p, a: auto_padding(other.get(p.auto_pad, p.auto_pad), p.windows[a])),
        ("same-undilated", "the rule pads as for a kernel without dilation", lambda p, a: _half(p, _total(p, a, dilation=1))),
        ("same-without-stride", "the rule pads as for a stride of 1", lambda p, a: _half(p, _total(p, a, stride=1))),
        ("same-of-first-stride", "the rule pads every axis for the stride of the first",
         lambda p, a: _half(p, _total(p, a, stride=p.stride[0]))),
        ("same-of-first-stride", "the rule pads every axis for the stride of the first, the odd element behind",
         lambda p, a: _behind(_total(p, a, stride=p.stride[0]))),
        ("same-odd-one-before", "the rule puts the odd element of the padding before, not behind",
         lambda p, a: auto_padding("same_lower", p.windows[a])),
        ("same-rounded-up", "the rule pads both sides by half of what is needed, rounded up",
         lambda p, a: (-(-_total(p, a) // 2),) * 2),
        ("same-rounded-down", "the rule pads both sides by half of what is needed, rounded down",
         lambda p, a: (_total(p, a) // 2,) * 2),
        ("same-one-too-few", "the rule pads even kernels one too few behind", _one_too_few),
        ("same-odd-one-in-other-axis", "the odd element of the padding goes to another axis, before", _odd_one_of_other_axis(0)),
        ("same-odd-one-in-other-axis", "the odd element of the padding goes to another axis, behind", _odd_one_of_other_axis(1)),
    ]  # fmt: skip
    for key, words, pads in told:
        yield new(key, words, _by_rule(pads))
        yield new(key, words, _by_rule_fitted(pads))


def _total(problem: Problem, axis: int, **changes: int) -> int:
    window: Any = problem.windows[axis]
    return sum(auto_padding("same_upper", replace(window, **changes)))


def _half(problem: Problem, total: int) -> tuple[int, int]:
    return _behind(total)[::-1] if problem.auto_pad == "same_lower" else _behind(total)


def _behind(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _one_too_few(problem: Problem, axis: int) -> tuple[int, int]:
    begin, end = problem.padding[axis]
    return begin, end - (problem.kernel[axis] % 2 == 0 and end > 0)


def _odd_one_of_other_axis(behind: int) -> Pads:
    def pads(problem: Problem, axis: int) -> tuple[int, int]:
        each = [_total(problem, other) for other in range(problem.op.ndim)]
        odd = each[::-1][axis] % 2
        return each[axis] // 2 + (0 if behind else odd), each[axis] // 2 + (odd if behind else 0)

    return pads


def _by_rule_fitted(pads: Pads) -> Callable[[Problem, Arrays], Prediction | None]:
    """As many outputs as come of the padding."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.auto_pad not in AUTO_PADS[1:]:
            return None

        def changed(plain: Problem) -> Problem:
            for axis in range(problem.op.ndim):
                begin, end = pads(problem, axis)
                plain = plain.with_axis(axis, pad_begin=begin, pad_end=end)
            return plain

        return by_problem(changed, fit=True)(problem, arrays)

    return rule


def _by_rule(pads: Pads) -> Callable[[Problem, Arrays], Prediction | None]:
    """As many outputs as there should be."""

    def read(problem: Problem, axis: int) -> np.ndarray | None:
        window = problem.windows[axis]
        if problem.auto_pad not in AUTO_PADS[1:] or not isinstance(window, Window):
            return None
        begin, end = pads(problem, axis)
        at = np.arange(window.output)[:, None] * window.stride - begin + np.arange(window.kernel)[None, :] * window.dilation
        table = window.element_at(at)
        return np.where(at < window.size + end, table, OUTSIDE)

    return by_tables(read)


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
