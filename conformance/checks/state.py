"""A result depends on nothing but the arguments: not on earlier calls, other items, other threads, or addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Failure, Judgement, first_trouble
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Family, Problem
from conformance.problem.validity import is_valid


class Fresh:
    """Other data of the same shape, at the same address, then the first data again."""

    name = "state.fresh"
    about = "other data of the same shape at the same address"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        first, other = case.arrays(), dataclasses.replace(case, seed=f"{case.seed}-other").arrays()
        return (
            Call(case.problem, first),
            Call(case.problem, other, same_address=True),
            Call(case.problem, {**other, "x": first["x"]}, same_address=True),
        )

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        notes = ["", " (second call, other data at the same address)", " (third call, the input changed, the rest not)"]
        return judge_integers(claims, calls, replies, notes)


class Bias:
    """The same input and weights with another bias: a result remembered by these two would be stale."""

    name = "state.bias"
    about = "the same input and weights with another bias"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        if not case.problem.bias:
            return ()
        arrays = case.arrays()
        other = {**arrays, "b": dataclasses.replace(case, seed=f"{case.seed}-other").arrays()["b"]}
        return Call(case.problem, arrays), Call(case.problem, other, same_address=True)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies, ["", " (second call, the bias changed, the rest not)"])


class Parameters:
    """Calls that differ in one parameter and in no shape of the inputs: a result cached by shape would be stale."""

    name = "state.parameters"
    about = "the same inputs with another parameter"
    concurrent = False
    optional_calls = True

    def calls(self, case: Case) -> tuple[Call, ...]:
        arrays, others = case.arrays(), _other_parameters(case.problem)
        if not others:
            return ()
        problems = [case.problem, *others, case.problem]
        return tuple(Call(problem, arrays, same_address=number > 0) for number, problem in enumerate(problems))

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        notes = ["", *(f" (call {number}, now {call.problem})" for number, call in enumerate(calls[1:], start=2))]
        return judge_integers(claims, calls, replies, notes)


class Repeat:
    """The same call twice gives the same bits, unless declared otherwise."""

    name = "state.repeat"
    about = "the same call twice"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        arrays = dataclasses.replace(case, kind="wide").arrays()
        return Call(case.problem, arrays), Call(case.problem, arrays, same_address=True)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies)
        if trouble or not claims.deterministic:
            return Judgement(trouble)
        first, second = (reply.outputs[0] for reply in replies)
        differs = ~((first == second) | (np.isnan(first) & np.isnan(second)))
        if not differs.any():
            return Judgement(None, first.size)
        index = tuple(int(i) for i in np.unravel_index(int(differs.argmax()), differs.shape))
        message = f"the same call twice gave different bits in {differs.sum()} of {differs.size} elements"
        failure = Failure(
            "not repeatable", message, index, float(first[index]), float(second[index]), int(differs.sum()), differs.size
        )
        return Judgement(failure, first.size)


class Threads:
    """Four calls at once from four threads, each with data of its own."""

    name = "state.threads"
    about = "calls from several threads at once"
    concurrent = True
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        return tuple(Call(case.problem, dataclasses.replace(case, seed=f"{case.seed}-{i}").arrays()) for i in range(4))

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies, [f" ({self.about})"] * len(calls))


def _other_parameters(problem: Problem) -> list[Problem]:
    """The same tensors in, another parameter each: stride, dilation, padding, and those of a pooling."""
    window = problem.windows[-1]
    others = [
        problem.with_windows(stride=window.stride % 3 + 1),
        problem.with_windows(dilation=window.dilation % 2 + 1),
        problem.with_windows(pad_begin=window.pad_begin + 1, pad_end=window.pad_end + 1),
        problem.with_windows(pad_begin=0, pad_end=0),
    ]
    if problem.op.is_pool:
        others.append(problem.with_windows(ceil=not window.ceil))
    if problem.op.family is Family.AVG_POOL:
        others += [
            problem.replace(divisor=(problem.divisor or 1) + 1),
            problem.replace(divisor=None, count_include_pad=not problem.count_include_pad),
        ]
    return [other for other in dict.fromkeys(others) if other != problem and is_valid(other)]


CHECKS: tuple[Check, ...] = (Fresh(), Bias(), Parameters(), Repeat(), Threads())
