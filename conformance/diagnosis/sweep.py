"""One thing at a time: a failing case with a single size, option or type run through its values, past the thresholds of kernels.

What is alike on both sides of a change has nothing to do with the failure; so a region is found with few cases, and its
edge exactly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from conformance.cases.case import Case
from conformance.diagnosis.explore import by_rule, is_large, with_values
from conformance.problem import Family, Problem
from conformance.problem.operators import FORWARD
from conformance.problem.validity import is_valid
from conformance.problem.window import AUTO_PADS, PAD_MODES, AdaptiveWindow, TransposedWindow

_SIZES = (*range(1, 11), 12, 13, 16, 17, 20, 24, 32, 33, 48, 64, 65)
_TAPS = (2, 4, 5, 8, 9, 16, 17, 18)
TELLING = 6
"""Of the values of a size: enough to see whether it matters at all."""


def sweeps(case: Case, dtypes: Sequence[str], seed: str = "sweep") -> list[list[Case]]:
    """For each thing that can be changed the cases that differ from ``case`` in nothing else; the telling values come first."""
    made, seen, most = [], {case.problem}, 2 * case.problem.work
    for problems in _knobs(case.problem, dtypes):
        fresh = [one for one in dict.fromkeys(problems) if one not in seen and is_valid(one) and not is_large(one, most)]
        seen.update(fresh)
        made.append([with_values(dataclasses.replace(case, problem=one, origin="diagnosis"), seed) for one in fresh])
    return [cases for cases in made if cases]


def grown(problem: Problem, step: int = 0) -> Iterator[Problem]:
    """Richer problems, each with one thing more than there was: what has more elements shows better which of them are wrong."""
    yield problem.replace(unbatched=False, batch=max(problem.batch, 3 + step))
    if problem.op.is_pool:
        channels = max(problem.channels, 3 + step)
        yield problem.replace(channels=channels, out_channels=channels)
    else:
        each, out = problem.channels // problem.groups, problem.out_channels // problem.groups
        yield problem.replace(out_channels=max(out, 3 + step) * problem.groups)
        yield problem.replace(channels=max(each, 2 + step) * problem.groups)
    for axis, window in enumerate(problem.windows):
        yield problem.with_axis(axis, size=window.size + 6 + axis + step)
        if isinstance(window, AdaptiveWindow):
            yield problem.with_axis(axis, output=window.output + 2 + step)
        elif window.kernel == 1:
            yield problem.with_axis(axis, kernel=2 + axis % 2, size=window.size + 3)


def simplifications(problem: Problem) -> list[Callable[[Problem], Problem]]:
    """Changes that make a problem smaller, each one of its things."""
    made: list[Callable[[Problem], Problem]] = [
        lambda one: one.replace(batch=1),
        lambda one: one.with_windows(stride=1),
        lambda one: one.with_windows(dilation=1),
        lambda one: one.replace(auto_pad="").with_windows(pad_begin=0, pad_end=0, mode="zeros", output_padding=0),
        lambda one: one.replace(bias=False),
    ]
    if problem.op.is_pool:
        made.append(lambda one: one.replace(channels=1, out_channels=1))
    else:
        made.append(lambda one: one.replace(groups=1, channels=1))
        made.append(lambda one: one.replace(groups=1, out_channels=1))
    for axis, window in enumerate(problem.windows):
        made.append(partial(_with_size, axis, 1 if isinstance(window, AdaptiveWindow) else window.extent))
        if not isinstance(window, AdaptiveWindow):
            made.append(partial(_with_size, axis, 1, kernel=1))
    return made


def _with_size(axis: int, size: int, problem: Problem, **fields: int) -> Problem:
    return problem.with_axis(axis, size=size, **fields)


def _knobs(problem: Problem, dtypes: Sequence[str]) -> Iterator[list[Problem]]:
    """For each thing that can be changed the problems that this gives."""
    yield [problem.replace(batch=value, unbatched=False) for value in (*_around(problem.batch), 0)]
    if problem.op.is_pool:
        yield [problem.replace(channels=value, out_channels=value) for value in _around(problem.channels)]
    else:
        groups, each, out = problem.groups, problem.channels // problem.groups, problem.out_channels // problem.groups
        yield [problem.replace(channels=value * groups) for value in _around(each)]
        yield [problem.replace(out_channels=value * groups) for value in _around(out)]
        yield [problem.replace(groups=value, channels=each * value, out_channels=out * value) for value in _around(groups)[:12]]
        yield [_regrouped(problem, value) for value in dict.fromkeys((2, 3, 4, problem.channels))]
        if groups > 1:
            yield [problem.replace(groups=1, channels=value) for value in _around(problem.channels)]
            yield [problem.replace(groups=1, out_channels=value) for value in _around(problem.out_channels)]
        if problem.channels == problem.out_channels:
            yield [problem.replace(groups=1), problem.replace(groups=problem.channels)]
    yield from _windows(problem)
    yield [problem.replace(dtype=dtype, result="" if not problem.requantised else problem.result) for dtype in dtypes]
    yield list(_options(problem))


def _regrouped(problem: Problem, groups: int) -> Problem:
    """About as many channels in other groups: what goes by all channels differs here from what goes by those of a group."""
    channels, out = (-(-value // groups) * groups for value in (problem.channels, problem.out_channels))
    return problem.replace(groups=groups, channels=channels, out_channels=out)


def _windows(problem: Problem) -> Iterator[list[Problem]]:
    """What can be changed of the windows. A rule that pads goes on to hold, but where the padding itself is changed."""
    plain, rule = problem.replace(auto_pad=""), problem.auto_pad
    for axis, window in enumerate(problem.windows):
        changed = partial(_changed, plain, rule, axis)
        yield [changed(size=value) for value in _around(window.size)]
        if isinstance(window, AdaptiveWindow):
            yield [changed(output=value) for value in _around(window.output)]
            continue
        yield [changed(kernel=value) for value in range(1, 8)]
        yield [changed(kernel=value, size=window.size + value - window.kernel) for value in range(1, 8)]
        yield [changed(stride=value) for value in range(1, 5)]
        yield [changed(dilation=value) for value in range(1, 5)]
        yield [plain.with_axis(axis, pad_begin=value, pad_end=value) for value in range(4)]
        yield [plain.with_axis(axis, pad_begin=value) for value in range(-1, 4)]
        yield [plain.with_axis(axis, pad_end=value) for value in range(-1, 4)]
        if isinstance(window, TransposedWindow):
            yield [plain.with_axis(axis, output_padding=value) for value in range(3)]
    if isinstance(problem.windows[0], AdaptiveWindow):
        return
    line = plain.with_windows(kernel=1)  # long kernels, as far as they are counted in taps
    yield [_changed(line, rule, 0, kernel=value, size=problem.windows[0].size + value) for value in _TAPS]
    if len(problem.windows) > 1:
        yield [by_rule(plain.with_windows(kernel=value), rule) for value in range(1, 6)]
        yield [by_rule(plain.with_windows(stride=value), rule) for value in range(1, 5)]
        yield [by_rule(plain.with_windows(dilation=value), rule) for value in range(1, 5)]


def _changed(plain: Problem, rule: str, axis: int, **fields: int) -> Problem:
    return by_rule(plain.with_axis(axis, **fields), rule)


def _options(problem: Problem) -> Iterator[Problem]:
    if problem.batch == 1:
        yield problem.replace(unbatched=not problem.unbatched)
    if problem.op.traits.weights and problem.op.pass_name == FORWARD:
        yield problem.replace(bias=not problem.bias)
    family = problem.op.family
    if family is Family.CONV:
        yield from (by_rule(problem.replace(auto_pad=""), rule) for rule in AUTO_PADS)
        yield from (problem.replace(auto_pad="").with_windows(mode=mode) for mode in PAD_MODES)
    elif family is Family.AVG_POOL:
        yield problem.replace(count_include_pad=not problem.count_include_pad)
        yield problem.replace(divisor=None if problem.divisor else 3)
    elif family is Family.LP_POOL:
        yield from (problem.replace(norm=norm) for norm in (1.0, 2.0, 3.0, 1.5, float("inf")))
    elif family is Family.CONV_INTEGER:
        yield from (problem.replace(result=result) for result in ("", "int8", "uint8"))
    if family in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL) and problem.op.forward:
        yield problem.replace(indices=not problem.indices)
    if problem.op.is_pool and not isinstance(problem.windows[0], AdaptiveWindow):
        yield problem.with_windows(ceil=not problem.windows[0].ceil)


def _around(value: int) -> list[int]:
    """Numbers of all kinds: those that tell most first, then those beside ``value``."""
    near = [value - 1, value + 1, 2 * value, 16, 64, 1, value + 2, value + 3, value + 4, 2 * value - 1, 2 * value + 1]
    return [number for number in dict.fromkeys([*near, (value + 1) // 2, *_SIZES]) if number >= 1 and number != value]
