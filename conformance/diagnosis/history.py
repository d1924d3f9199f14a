"""What a wrong result in a sequence of calls is in terms of the calls before it: their results, their tensors, or sums of them.

Each explanation predicts all elements, and counts the different numbers that tell it from the right result, zero left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.prediction import Prediction, agrees, differs, predicted
from conformance.problem import Problem


@dataclass(frozen=True, eq=False)
class Step:
    """A call of a sequence with what came out; steps with the same ``memory`` had their tensors at the same addresses."""

    seen: Observation
    memory: int

    @cached_property
    def right(self) -> bool:
        seen, actual = self.seen, self.seen.actual
        if actual is None or not self.of_shape(self) or not agrees(seen.truth, actual, seen.problem).all():
            return False
        if len(seen.outputs) < 2 or seen.truth.indices is None:
            return True
        return seen.indices is not None and np.array_equal(seen.indices, seen.truth.indices)

    @cached_property
    def bits(self) -> tuple[object, ...]:
        return tuple((output.shape, output.dtype.str, output.tobytes()) for output in self.seen.outputs)

    def of_shape(self, other: Step) -> bool:
        """Whether what came out has the shape that another call's result should have."""
        return bool(self.seen.outputs) and self.seen.outputs[0].shape == other.seen.call.problem.result_shape


@dataclass(frozen=True, slots=True)
class Difference:
    """In what two calls differ: parameters by name, and tensors, each in "all" of its numbers, in "part" or in "order"."""

    parameters: frozenset[str]
    tensors: tuple[tuple[str, str], ...]
    memory: bool

    @property
    def amount(self) -> int:
        return len(self.parameters) + len(self.tensors)


@dataclass(frozen=True, slots=True)
class Link:
    """What a step's result shows of an earlier step: ``what`` is "result", "sum", "parameters" or the name of a tensor.

    ``shows`` counts the numbers by which this is told from the right result, ``back`` the calls from one to the other.
    """

    step: Step
    of: Step
    what: str
    shows: int
    back: int = 0


def linked(step: Step, before: Sequence[Step], what: str) -> tuple[Link, ...]:
    """The earlier steps of which the result of a wrong ``step`` shows ``what``."""
    if what == "sum":
        return _sums(step, before)
    links, known = [], set()
    for back, other in enumerate(reversed(before), start=1):
        if what != "result":  # each is a result of its own to compute
            alike = (_own(other, what), other.memory == step.memory)
            if alike in known:
                continue
            known.add(alike)
        shows = _result(step, other) if what == "result" else _part(step, other, what)
        if shows:
            links.append(Link(step, other, what, shows, back))
    return tuple(links)


def _own(step: Step, what: str) -> object:
    array = step.seen.arrays.get(what)
    return step.seen.problem if what == "parameters" else None if array is None else (array.shape, array.tobytes())


def difference(one: Step, other: Step) -> Difference:
    """In what the call of ``other`` differs from that of ``one``."""
    first, second = one.seen, other.seen
    tensors = []
    for name, array in first.arrays.items():
        changed = second.arrays.get(name)
        if changed is None or changed.shape != array.shape or array.tobytes() == changed.tobytes():
            continue
        same_numbers = np.sort(array, axis=None).tobytes() == np.sort(changed, axis=None).tobytes()
        mostly = 2 * int((array != changed).sum()) > int(((array != 0) | (changed != 0)).sum())  # few need be anything but 0
        tensors.append((name, "order" if same_numbers and array.size > 1 else "all" if mostly else "part"))
    return Difference(parameters(first.call.problem, second.call.problem), tuple(tensors), one.memory != other.memory)


def parameters(one: Problem, other: Problem) -> frozenset[str]:
    """The names of the parameters in which two problems differ."""
    names = {words for field, words in _FIELDS.items() if getattr(one, field) != getattr(other, field)}
    for first, second in zip(one.windows, other.windows, strict=False):
        fields = {field.name for window in (first, second) for field in dataclasses.fields(window)}
        names |= {_OF_WINDOW[field] for field in fields if getattr(first, field, 0) != getattr(second, field, 0)}
    return frozenset(names)


_FIELDS = {
    "operator": "the operator",
    "batch": "the size of the batch",
    "unbatched": "whether there is a batch",
    "channels": "the channels",
    "out_channels": "the output channels",
    "groups": "the groups",
    "bias": "whether there is a bias",
    "dtype": "the data type",
    "result": "the data type of the result",
    "indices": "whether indices are asked for",
    "count_include_pad": "count_include_pad",
    "divisor": "divisor_override",
    "norm": "the norm",
}
_OF_WINDOW = {
    "size": "the input's size",
    "output": "the output's size",
    "kernel": "the kernel's size",
    "stride": "the stride",
    "dilation": "the dilation",
    "pad_begin": "the padding",
    "pad_end": "the padding",
    "mode": "the padding mode",
    "ceil": "ceil mode",
    "output_padding": "the output padding",
}


def _result(step: Step, other: Step) -> int:
    """Of the other's right result, which came out: the numbers that differ from its own; all of them in another shape."""
    if not step.of_shape(other):
        return 0
    truth, actual = other.seen.truth, step.seen.outputs[0].reshape(other.seen.truth.shape)
    if not agrees(truth, actual, other.seen.problem).all():
        return 0
    return _shows(truth, step)


def _part(step: Step, other: Step, what: str) -> int:
    """The same of what would come out with one of the other's tensors, or with all of its parameters."""
    seen, given = step.seen, other.seen
    if what == "parameters":
        if given.problem == seen.problem or given.problem.array_shapes != seen.problem.array_shapes:
            return 0
        if given.problem.operator != seen.problem.operator or given.problem.dtype != seen.problem.dtype:
            return 0
        problem, arrays = given.problem, seen.arrays
    else:
        array, own = given.arrays.get(what), seen.arrays.get(what)
        if array is None or own is None or (array.shape, array.dtype) != (own.shape, own.dtype) or (array == own).all():
            return 0
        problem, arrays = seen.problem, {**seen.arrays, what: array}
    if problem.result_shape != step.seen.outputs[0].shape and problem.result_shape[1:] != step.seen.outputs[0].shape:
        return 0
    made = predicted(problem, arrays)
    if not agrees(made, step.seen.outputs[0].reshape(made.shape), problem).all():
        return 0
    return _shows(made, step)


def _sums(step: Step, before: Sequence[Step]) -> tuple[Link, ...]:
    """The step from which on the results of all calls, of this shape or of this problem, were added to the right one."""
    seen, actual = step.seen, step.seen.actual
    if actual is None or not step.of_shape(step):
        return ()
    alike = [one for one in before if one.seen.truth.shape == seen.truth.shape and one.seen.problem.dtype == seen.problem.dtype]
    for added in (alike, [one for one in alike if one.seen.problem == seen.problem]):
        total = seen.truth
        for one in reversed(added):
            total = _added(total, one.seen.truth)
            if agrees(total, actual, seen.problem).all() and (shows := _shows(total, step)):
                return (Link(step, one, "sum", shows),)
    return ()


def _added(one: Prediction, other: Prediction) -> Prediction:
    with np.errstate(over="ignore", invalid="ignore"):
        return Prediction(one.y + other.y, one.low + other.low, one.tolerance + other.tolerance)


def _shows(made: Prediction, step: Step) -> int:
    truth = step.seen.truth
    telling = made.y if made.shape != truth.shape else made.y[differs(made, truth)]
    return len(np.unique(telling[(telling != 0) & np.isfinite(telling)]))
