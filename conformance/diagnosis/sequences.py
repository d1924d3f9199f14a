"""Calls for an experiment on state: one that failed, again and again, and others that differ from it in one thing each.

Each has tensors of its own, so that no two lie at one address but those that are meant to. What may have been remembered,
and by what, shows in which of them come out wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from conformance.cases.case import Case
from conformance.checks.state import other_parameters
from conformance.plugin.job import Call
from conformance.problem import Problem
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow, TransposedWindow

REPEATS = 7
"""How often the failing call opens a sequence: what happens at every third call happens twice."""
_EDGE = 3  # what is cut short in the middle, as a text of an array is, keeps so many at each end
Arrays = dict[str, np.ndarray]


def data(problem: Problem, seed: int) -> Arrays:
    """Integers, of which the result is exact."""
    return Case(problem, "integers", f"{seed}").arrays()


def fresh_copy(call: Call, same_address: bool = False) -> Call:
    """The same call with tensors of its own, or with ``same_address`` in those of the call before."""
    return replace(call, arrays={name: array.copy(order="K") for name, array in call.arrays.items()}, same_address=same_address)


def on_integers(call: Call, seed: int) -> Call:
    """The same call on integers."""
    return Call(call.problem, data(call.problem, seed), call.layout)


def variations(call: Call, claimed: Callable[[Problem], bool]) -> tuple[Call, ...]:
    """The failing call several times, then others, in an order that tells most first; shapes that may be refused are last."""
    problem, plain = call.problem, data(call.problem, 0)

    def on(arrays: Arrays, other: Problem | None = None, same_address: bool = False) -> Call:
        return fresh_copy(Call(other or problem, arrays, call.layout), same_address)

    made = [fresh_copy(call) for _ in range(REPEATS)]
    made += [on(plain), on(data(problem, 1), same_address=call.layout == "contiguous"), on(data(problem, 2)), on(plain)]
    if len(plain) > 1:
        made += [on({**plain, name: changed}) for name, changed in data(problem, 3).items() if changed.size]
    made += [on({**plain, name: changed}) for name, array in plain.items() for changed in _in_part(array) if name != "indices"]
    for number, other in enumerate(filter(claimed, other_parameters(problem))):
        made += [on(plain, other), on(data(problem, 10 + number), other)]
    made.append(on(plain))
    for other in filter(claimed, other_shapes(problem)):
        made += [on(data(other, 5), other), on(plain)]
    return tuple(made)


def signals(call: Call) -> tuple[Call, ...]:
    """Calls whose results hint at state when they are made in the process in which the first of them failed."""
    problem = call.problem
    others = [on_integers(call, seed) for seed in (6, 7)]
    larger = problem.replace(batch=problem.batch + 1)
    others = [Call(larger, data(larger, 6), call.layout)] if not problem.batch else others
    return tuple(fresh_copy(one) for one in (call, call, *others, call))


def other_shapes(problem: Problem) -> list[Problem]:
    """Problems with other tensors: more items, a larger input, and one that is as large as this one when it is padded."""
    plain = problem.replace(auto_pad="")
    made = [problem.replace(batch=problem.batch + 1)] if not problem.unbatched else []
    made += list(_padded_alike(plain))
    larger = plain
    for axis, window in enumerate(plain.windows):
        larger = larger.with_axis(axis, size=window.size + 3)
    made.append(larger)
    return [other for other in dict.fromkeys(made) if other != problem and is_valid(other)]


def _padded_alike(problem: Problem) -> Iterator[Problem]:
    if any(isinstance(window, AdaptiveWindow | TransposedWindow) for window in problem.windows):
        return
    for more in (1, -1):
        other = problem
        for axis, window in enumerate(problem.windows):
            if isinstance(window, AdaptiveWindow) or min(window.pad_begin, window.pad_end) < more:
                continue
            other = other.with_axis(
                axis, size=window.size + 2 * more, pad_begin=window.pad_begin - more, pad_end=window.pad_end - more
            )
        if other != problem and all(size > 0 for size in other.input_shape):
            yield other


def _in_part(array: np.ndarray) -> Iterator[np.ndarray]:
    """The same numbers in another order; others at the end and others in the middle of the last and of the longest axis."""
    if array.size < 2:
        return
    yield np.ascontiguousarray(np.flip(array))
    for axis in {array.ndim - 1, array.shape.index(max(array.shape))}:
        length = array.shape[axis]
        for start, end in ((length // 2, length), (_EDGE, length - _EDGE) if length > 2 * _EDGE else (1, length - 1)):
            changed = array.copy()
            part = changed.swapaxes(0, axis)[start:end]
            part[...] = np.roll(part.reshape(-1), 1).reshape(part.shape)
            yield changed
