"""The effective receptive field: which inputs one output really reads, and with which weights, beside what it should read.

One-hot probes find it: with a single input of 1 an output is the weight that this input meets, so weights that are all
different (1, 2, 3, ...) say which one it was. Poolings have no weights; there only whether an input is read is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.plugin.job import Call, Reply
from conformance.problem import Family, Problem
from conformance.reference.oracle import solve

Ask = Callable[[Sequence[Call]], Sequence[Reply] | None]
"""Make calls in the implementation; None if it did not survive them."""
LEGEND = {
    "#": "read, as it should be",
    "~": "read with another weight than it should be",
    "+": "read, but should not be",
    "-": "not read, but should be",
    ".": "not read, rightly",
}
_MOST_PROBES = 160
_FAMILIES = (Family.CONV, Family.MAX_POOL, Family.AVG_POOL, Family.ADAPTIVE_AVG_POOL, Family.ADAPTIVE_MAX_POOL, Family.LP_POOL)


@dataclass(frozen=True, slots=True)
class Field:
    """One plane of the input, in the marks of :data:`LEGEND`, as the output at ``output`` reads it.

    ``planes`` are texts of rows: one of a one- or two-axis input, one for each depth of a three-axis one. ``channel`` is the
    input channel that is drawn.
    """

    output: tuple[int, ...]
    channel: int
    planes: tuple[tuple[str, ...], ...]

    @property
    def wrong(self) -> bool:
        return any(set(row) & set("~+-") for plane in self.planes for row in plane)

    def __str__(self) -> str:
        return "\n\n".join("\n".join(plane) for plane in self.planes)


def receptive_field(problem: Problem, ask: Ask, output: tuple[int, ...] | None = None) -> Field | None:
    """The field of one output of a forward problem, the middle one if none is named; None where it cannot be asked for.

    The channel that is drawn is the first that is read wrongly, else the first that is read.
    """
    probe = _small(problem)
    if probe is None:
        return None
    at = _chosen(probe, output)
    positions = list(np.ndindex(probe.input_shape[1:]))
    calls = [Call(probe, _arrays(probe, position)) for position in positions]
    replies = ask(calls)
    if replies is None or len(replies) < len(calls) or any(reply.error or not reply.outputs for reply in replies):
        return None
    if any(reply.outputs[0].shape != probe.result_shape for reply in replies):
        return None
    read = np.array([float(reply.outputs[0][at]) for reply in replies]).reshape(probe.input_shape[1:])
    wanted = np.array([float(solve(probe, call.arrays).y[at]) for call in calls]).reshape(probe.input_shape[1:])
    if probe.op.traits.weights:
        marks = np.where(wanted == 0, np.where(read == 0, ".", "+"), np.where(read == 0, "-", np.where(read == wanted, "#", "~")))
    else:
        marks = np.where(wanted == 0, np.where(read == 0, ".", "+"), np.where(read == 0, "-", "#"))
    wrong = np.isin(marks, ("~", "+", "-")).reshape(len(marks), -1).any(axis=1)
    seen = (wanted != 0).reshape(len(marks), -1).any(axis=1)
    channel = int(wrong.argmax()) if wrong.any() else int(seen.argmax())
    plane = marks[channel].reshape(-1, *marks.shape[-2:]) if marks.ndim > 2 else marks[channel].reshape(1, 1, -1)
    return Field(at, channel, tuple(tuple("".join(row) for row in one) for one in plane))


def _small(problem: Problem) -> Problem | None:
    """The same problem of one item and small enough, in a type that holds the weights; None if it is no such problem."""
    if not problem.op.forward or problem.op.family not in _FAMILIES or problem.format.kind != "float" or problem.result:
        return None
    probe = problem.replace(batch=1, unbatched=False, bias=False, indices=False)
    if math.prod(probe.input_shape) > _MOST_PROBES or not math.prod(probe.output_shape):
        return None
    taps = math.prod(probe.weight_shape) if probe.op.traits.weights else 1
    return probe if taps <= probe.format.largest_whole else None


def _chosen(problem: Problem, output: tuple[int, ...] | None) -> tuple[int, ...]:
    shape = problem.output_shape
    if output is not None and len(output) == len(shape):
        return (0, *output[1:])
    return (0, 0, *(size // 2 for size in shape[2:]))


def _arrays(problem: Problem, position: tuple[int, ...]) -> dict[str, np.ndarray]:
    x = np.zeros(problem.input_shape, problem.format.numpy)
    x[(0, *position)] = 1
    if not problem.op.traits.weights:
        return {"x": x}
    weights = np.arange(1, 1 + math.prod(problem.weight_shape)).reshape(problem.weight_shape)
    return {"x": x, "w": weights.astype(problem.format.numpy)}
