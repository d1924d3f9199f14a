"""For every kind of layer implementations that are wrong for that kind alone: they measure whether the suite gets there.

A kernel is written for a window and a grouping, and a mistake in it is in no other: the last channel is not read, the last
tap is left out, the last column is not written, or the second item is the first again. They are made by name
(``conv2d__k3x3_p1x1__last_channel``) when they are asked for, so that a thousand of them cost nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from conformance.cases.kinds import Kind, kinds_of
from conformance.plugin.mutants import MARK, Broken
from conformance.problem import OPERATORS, Family, Operator, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, FORWARD, WEIGHT_GRAD, name_of
from conformance.problem.window import AnyWindow, TransposedWindow, Window
from implementations.broken.base import Arrays, Mutant, Right

CATEGORY = "kinds of layers"


def _last_channel(p: Problem, a: Arrays, right: Right) -> Any:
    """Of a sum over channels the last one is not read; where there is none to be read, it is not written."""
    if p.op.forward and p.op.traits.weights and p.channels > p.groups:
        axis = 0 if p.op.family is Family.CONV_TRANSPOSE else 1
        return right(p, {**a, "w": _zeroed(a["w"], axis, a.get("w_zero"))})
    return _changed(right(p, a), lambda y: _zeroed(y, 0 if p.op.pass_name in (BIAS_GRAD, WEIGHT_GRAD) else 1))


def _last_tap(p: Problem, a: Arrays, right: Right) -> Any:
    if "w" in a:
        return right(p, {**a, "w": _zeroed(a["w"], -1, a.get("w_zero"))})
    if p.op.pass_name == WEIGHT_GRAD:
        return _zeroed(right(p, a), -1)
    return _last_column(p, a, right)


def _last_column(p: Problem, a: Arrays, right: Right) -> Any:
    """Of the result; of a gradient to weights or a bias, that of the output's gradient."""
    if p.op.pass_name in (WEIGHT_GRAD, BIAS_GRAD):
        return right(p, {**a, "dy": _zeroed(a["dy"], -1)})
    return _changed(right(p, a), lambda y: _zeroed(y, -1))


def _second_item(p: Problem, a: Arrays, right: Right) -> Any:
    def again(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[1:2] = array[:1]
        return array

    if p.op.pass_name in (WEIGHT_GRAD, BIAS_GRAD):
        return right(p, {**a, "dy": again(a["dy"])})
    return _changed(right(p, a), again)


Defect = Callable[[Problem, Arrays, Right], Any]
DEFECTS: dict[str, tuple[str, Defect]] = {
    "last_channel": ("the last channel is left out", _last_channel),
    "last_tap": ("the last tap is left out", _last_tap),
    "last_column": ("the last column is left out", _last_column),
    "second_item": ("the second item is the first again", _second_item),
}


def _changed(result: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """A result, or the first of a result and indices, changed."""
    return (change(result[0]), *result[1:]) if isinstance(result, tuple) else change(result)


def _zeroed(array: np.ndarray, axis: int, zero: np.ndarray | None = None) -> np.ndarray:
    """The last place of an axis without a value: 0, of quantised weights their channel's zero point."""
    array = array.copy()
    at: list[Any] = [slice(None)] * array.ndim
    at[axis] = slice(-1, None)
    array[tuple(at)] = 0 if zero is None else zero.reshape(-1, *[1] * (array.ndim - 1))
    return array


def is_of(kind: Kind, problem: Problem) -> bool:
    """Whether a problem, of whichever pass, has the window and the grouping of a kind."""
    if problem.op.family is not kind.operator.family or problem.op.ndim != kind.operator.ndim:
        return False
    if [_without_size(w) for w in problem.windows] != [_without_size(w) for w in kind.problem.windows]:
        return False
    return problem.op.is_pool or _grouping(problem) == (kind.grouping, kind.groups)


def _without_size(window: AnyWindow) -> AnyWindow:
    plain = {"ceil": False} if isinstance(window, Window) else {}
    return dataclasses.replace(window, size=0, **plain)  # type: ignore[arg-type]


def _grouping(problem: Problem) -> tuple[str, int]:
    if problem.groups == 1:
        return "dense", 1
    if problem.groups < problem.channels:
        return "groups", problem.groups
    each = problem.out_channels // problem.channels
    return ("depthwise", 1) if each == 1 else ("multiplier", each)


@cache
def names(*passes: str) -> tuple[str, ...]:
    """The names of all of them: of these passes, none for the forward one alone."""
    return tuple(name for name, _, _, _ in _all(passes or (FORWARD,)))


def _all(passes: tuple[str, ...]) -> Iterator[tuple[str, Operator, Kind, str]]:
    for operator in OPERATORS.values():
        if operator.pass_name in passes:
            for kind in kinds_of(operator.family, operator.ndim):
                for defect in DEFECTS:
                    if _differs(operator, kind, defect):
                        yield f"{operator.name}__{_slug(kind)}__{defect}", operator, kind, defect


def _differs(operator: Operator, kind: Kind, defect: str) -> bool:
    """Whether the defect shows in any problem of the kind, and is another one than the next."""
    if operator.pass_name == BIAS_GRAD and kind.problem.pad_mode != "zeros":  # it is told the output's size alone
        return False
    if defect == "last_tap":
        return not operator.is_pool and operator.pass_name != BIAS_GRAD
    last = kind.problem.windows[-1]
    if defect == "last_column" and operator.pass_name in (WEIGHT_GRAD, DOUBLE_GRAD):  # in which no bias tells
        if isinstance(last, TransposedWindow):
            return last.output_padding <= last.pad_end  # else no weight reaches the last column
        return last.pad_end < last.extent  # else it sees nothing but padding
    return True


def _slug(kind: Kind) -> str:
    """The kind in letters that a name may have: ``k3x3_p1x1``; ``to`` for ``:``."""
    return re.sub(r"\W", "_", str(kind).partition(" ")[2].replace(":", "to"))


@cache
def _by_name() -> dict[str, tuple[Operator, Kind, str]]:
    passes = tuple({operator.pass_name for operator in OPERATORS.values()})
    return {name: (operator, kind, defect) for name, operator, kind, defect in _all(passes)}


def mutants(*passes: str) -> tuple[Broken, ...]:
    """All of them as data."""
    return tuple(_entry(name) for name in names(*passes))


def _entry(name: str) -> Broken:
    operator, kind, defect = _by_name()[name]
    bug = f"{DEFECTS[defect][0]} for {str(kind).partition(' ')[2]} alone"
    shows = f"{name_of(kind.operator.family, kind.operator.ndim)} {str(kind).partition(' ')[2]}"
    return Broken(name, __name__, (operator.name,), CATEGORY, bug, shows)


def __getattr__(name: str) -> type[Mutant]:
    if name not in _by_name():
        raise AttributeError(name)
    _, kind, defect = _by_name()[name]
    entry = _entry(name)

    def body(p: Problem, a: Arrays, right: Right) -> Any:
        return DEFECTS[defect][1](p, a, right) if is_of(kind, p) else right(p, a)

    members = {"entry": entry, MARK: entry, "body": staticmethod(body), "summary": entry.bug, "__module__": __name__}
    made = type(name, (Mutant,), members)
    globals()[name] = made
    return made
