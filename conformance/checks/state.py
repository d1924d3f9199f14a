"""A result depends on nothing but the arguments: not on earlier calls, other items, other threads, or addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from conformance.cases.case import Case
from conformance.checks.base import Check, Failure, Judgement, OfAll, OneThing, first_trouble
from conformance.checks.exact import judge_integers
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import Family, Operator, Problem
from conformance.problem.operators import DOUBLE_GRAD, PASSES
from conformance.problem.validity import is_valid

Arrays = dict[str, np.ndarray]
_TERMS = 4


class Fresh(OfAll):
    """Other data of the same shape, at the same address, then the first data again, then in another order."""

    name = "state.fresh"
    about = "other data of the same shape at the same address"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        name = next(iter(case.problem.array_shapes))
        first, other = case.arrays(), _other_numbers(case)
        return (
            Call(case.problem, first),
            Call(case.problem, other, same_address=True),
            Call(case.problem, {**other, name: first[name]}, same_address=True),
            Call(case.problem, {**other, name: np.ascontiguousarray(np.flip(first[name]))}, same_address=True),
        )

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        notes = [
            "",
            " (second call, other data at the same address)",
            " (third call, the first tensor changed, the rest not)",
            " (fourth call, the first tensor's numbers in reverse order)",
        ]
        return judge_integers(claims, calls, replies, notes)


class InPlace(OfAll):
    """Each tensor in turn written anew in place, as an optimiser's step does, while the others stay; then all as at first."""

    name = "state.in_place"
    about = "each tensor in turn written in place, the others left as they are"
    part = "the tensor"
    """What of a tensor is written."""
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        first, other = case.arrays(), _other_numbers(case)
        changed = [{**first, name: new} for name in first if (new := self._changed(case.problem, name, first, other)) is not None]
        if not changed:
            return ()
        return tuple(
            Call(case.problem, arrays, same_address=number > 0) for number, arrays in enumerate([first, *changed, first])
        )

    def _changed(self, problem: Problem, name: str, first: Arrays, other: Arrays) -> np.ndarray | None:
        """What is written over a tensor; None where nothing can be."""
        return None if np.array_equal(first[name], other[name]) else other[name]

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        changed = [
            next((name for name in case.problem.array_shapes if c.arrays[name] is not calls[0].arrays[name]), "") for c in calls
        ]
        words = [
            f" (call {n}, {f'{self.part} {name} written anew in place' if name else 'all as in the first'})"
            for n, name in enumerate(changed, start=1)
        ]
        return judge_integers(claims, calls, replies, ["", *words[1:]])


class Inner(InPlace):
    """The same, but only inner elements change: a result that is remembered by the ends of its tensors would be stale."""

    name = "state.inner"
    about = "inner elements of each tensor in turn written in place, its first and last left as they are"
    part = "inner elements of the tensor"

    def _changed(self, problem: Problem, name: str, first: Arrays, other: Arrays) -> np.ndarray | None:
        new = other[name].copy()
        if new.size < 3:
            return None
        new.reshape(-1)[[0, -1]] = first[name].reshape(-1)[[0, -1]]
        return super()._changed(problem, name, first, {name: new})


class Channel(InPlace):
    """The same, but only one channel changes, the middle one: of weights and a bias one output channel."""

    name = "state.channel"
    about = "one channel of each tensor in turn written in place"
    part = "one channel of the tensor"

    def _changed(self, problem: Problem, name: str, first: Arrays, other: Arrays) -> np.ndarray | None:
        axis = 0 if name not in ("x", "dy", "ddx", "indices") or problem.unbatched else 1
        if first[name].ndim <= axis or first[name].shape[axis] < 2:
            return None
        new, channel = first[name].copy(), first[name].shape[axis] // 2
        at = (slice(None),) * axis + (channel,)
        new[at] = other[name][at]
        return super()._changed(problem, name, first, {name: new})


class Between(OfAll):
    """Calls of another shape, type, memory layout and operator in between, and back to the first tensors with other numbers."""

    name = "state.between"
    about = "other calls in between, and back"
    concurrent = False
    optional_calls = True

    def calls(self, case: Case) -> tuple[Call, ...]:
        first, other = case.arrays(), _other_numbers(case)
        calls = [Call(case.problem, first)]
        for number, (problem, layout) in enumerate(_others(case.problem)):
            between = dataclasses.replace(case, problem=problem, kind="integers").arrays()
            back = first if number % 2 else other
            calls += [Call(problem, between, layout), Call(case.problem, back, same_address=True)]
        return tuple(calls) if len(calls) > 1 else ()

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        notes = ["", *(f" (call {n}, after {before.problem})" for n, before in enumerate(calls[:-1], start=2))]
        asked, accepted = case.problem.operator, claims.only_accepted(case.problem)
        # What is wrong of another operator or memory layout, or of what is only accepted, has trials of its own.
        own = [
            number
            for number, call in enumerate(calls[: len(replies)])
            if call.problem.operator == asked
            and call.layout == calls[0].layout
            and claims.only_accepted(call.problem) in ("", accepted)
        ]
        judged = judge_integers(claims, [calls[n] for n in own], [replies[n] for n in own], [notes[n] for n in own])
        if judged.failure is None:
            return judged
        return dataclasses.replace(judged, failure=dataclasses.replace(judged.failure, call=own[judged.failure.call]))


def _others(problem: Problem) -> Iterator[tuple[Problem, str]]:
    """Problems of another shape, type and operator, as valid as this one, and itself in other memory layouts."""
    for larger in (
        problem.replace(batch=problem.batch + 1),
        problem.replace(channels=2 * problem.channels, out_channels=2 * problem.out_channels, groups=2 * problem.groups)
        if problem.groups > 1
        else problem.replace(channels=problem.channels + 1, out_channels=problem.out_channels + problem.op.is_pool),
    ):
        if is_valid(larger) and not problem.unbatched:
            yield larger, "contiguous"
    for dtype in ("float64", "float32", "float16", "int32"):
        if (
            dtype != problem.dtype
            and dtype in problem.op.traits.dtypes
            and is_valid(typed := problem.replace(dtype=dtype, result=""))
        ):
            yield typed, "contiguous"
    yield problem, "channels_last"
    yield problem, "strided"
    for pass_name in PASSES:
        if pass_name != problem.op.pass_name and pass_name in problem.op.traits.passes:
            plain = problem.replace(bias=False, indices=False, result="").as_pass(pass_name)
            if is_valid(plain):
                yield plain, "contiguous"


class Bias(OneThing):
    """The same input and weights with another bias: a result remembered by these two would be stale."""

    name = "state.bias"
    about = "the same input and weights with another bias"
    concurrent = False
    optional_calls = False

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return operator.forward and operator.traits.weights

    def calls(self, case: Case) -> tuple[Call, ...]:
        if not case.problem.bias:
            return ()
        arrays = case.arrays()
        other = {**arrays, "b": _other_numbers(case)["b"]}
        return Call(case.problem, arrays), Call(case.problem, other, same_address=True)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies, ["", " (second call, the bias changed, the rest not)"])


class Parameters(OfAll):
    """Calls that differ in one parameter and in no shape of the inputs: a result cached by shape would be stale."""

    name = "state.parameters"
    about = "the same inputs with another parameter"
    concurrent = False
    optional_calls = True

    def calls(self, case: Case) -> tuple[Call, ...]:
        arrays, others = case.arrays(), other_parameters(case.problem)
        if not others:
            return ()
        problems = [case.problem, *others, case.problem]
        return tuple(Call(problem, arrays, same_address=number > 0) for number, problem in enumerate(problems))

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        notes = ["", *(f" (call {number}, now {call.problem})" for number, call in enumerate(calls[1:], start=2))]
        return judge_integers(claims, calls, replies, notes)


class Empty(OneThing):
    """A batch without items: an empty result of the right shape, and gradients to weights that are zero."""

    name = "state.empty"
    about = "a batch without items"
    concurrent = False
    optional_calls = False

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return operator.pass_name != DOUBLE_GRAD

    def calls(self, case: Case) -> tuple[Call, ...]:
        if case.problem.unbatched or not self.applies(case.problem.op):
            return ()
        empty = dataclasses.replace(case, problem=case.problem.replace(batch=0))
        return (Call(empty.problem, empty.arrays()),)

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        judged = judge_integers(claims, calls, replies, [f" ({self.about})"])
        return dataclasses.replace(judged, elements=judged.elements + 1)  # the shape is what was compared


class Repeat(OfAll):
    """The same call twice gives the same bits, unless declared otherwise."""

    name = "state.repeat"
    about = "the same call twice"
    concurrent = False
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        real = case.problem.op.rounds and case.problem.format.kind != "int"
        if real and case.problem.max_terms < _TERMS:
            return ()  # another order of so few terms seldom shows
        arrays = dataclasses.replace(case, kind="wide" if real else case.kind).arrays()
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
            "not repeatable", message, index, first[index].item(), second[index].item(), int(differs.sum()), differs.size
        )
        return Judgement(failure, first.size)


class Threads(OfAll):
    """Four calls at once from four threads, each with data of its own."""

    name = "state.threads"
    about = "calls from several threads at once"
    concurrent = True
    optional_calls = False

    def calls(self, case: Case) -> tuple[Call, ...]:
        return tuple(Call(case.problem, dataclasses.replace(case, seed=f"{case.seed}-{i}").arrays()) for i in range(4))

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        return judge_integers(claims, calls, replies, [f" ({self.about})"] * len(calls))


def _other_numbers(case: Case) -> Arrays:
    """Tensors of the same problem with other numbers."""
    return dataclasses.replace(case, seed=f"{case.seed}-other").arrays()


def other_parameters(problem: Problem) -> list[Problem]:
    """The same tensors in, another parameter each: stride, dilation, padding, and those of a pooling."""
    window = problem.windows[-1]
    lone = problem.with_windows(stride=max(w.size for w in problem.windows))  # one output, whatever else: all sizes stay
    others = [
        problem.with_windows(stride=window.stride % 3 + 1),
        lone,
        lone.with_windows(dilation=window.dilation % 2 + 1),
        problem.with_windows(dilation=window.dilation % 2 + 1),
        problem.with_windows(pad_begin=window.pad_begin + 1, pad_end=window.pad_end + 1),
        problem.with_windows(pad_begin=0, pad_end=0),
        problem.with_windows(output_padding=0 if any(problem.output_padding) else 1),
        problem.replace(norm=problem.norm + (2 if problem.norm % 2 == 0 else 1)),  # an odd norm may see signs
    ]
    if problem.op.is_pool and problem.op.traits.window == "sliding":
        others.append(problem.with_windows(ceil=not window.ceil))
    if problem.op.family is Family.AVG_POOL:
        padded = problem.with_windows(pad_begin=1, pad_end=1).replace(divisor=None)  # only there it matters what counts
        others += [problem.replace(divisor=(problem.divisor or 1) + 1)]
        others += [
            at.replace(count_include_pad=count) for at in (problem.replace(divisor=None), padded) for count in (True, False)
        ]
    others = [other.replace(auto_pad="") for other in others]
    same = [other for other in dict.fromkeys(others) if is_valid(other) and other.array_shapes == problem.array_shapes]
    # The numbers were chosen for the sums of this problem: longer ones might leave what the format holds exactly.
    fits = [other for other in same if other.max_terms <= problem.max_terms or not problem.op.rounds]
    return [other for other in fits if other != problem.replace(auto_pad="")]


CHECKS: tuple[Check, ...] = (
    Fresh(), InPlace(), Inner(), Channel(), Between(), Bias(), Parameters(), Empty(), Repeat(), Threads(),
)  # fmt: skip
