"""The space that problems are drawn from: for each operator its parameters, and the classes of values worth trying.

Both the covering set and the random search choose one level of each parameter; :func:`build` makes the problem. Levels
come in the order in which a failure is easier to read, and only those that the claims allow are offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.plugin.claims import Claims
from conformance.problem import Operator, Problem, Window
from conformance.problem.validity import is_valid

Level = int | str | bool | tuple[int, int] | None

# How large an axis is: outputs beyond the first, as (how many, whether the stride leaves a rest); or a size of its own.
_ROOM = ("fits", "two", "few", "rest", 7, 8, 9, 15, 16, 17, 31, 33, 63, 65)
_HALF = -1  # as much padding as a pooling may have: half of its kernel
_PADS = ((0, 0), (1, 1), (2, 2), (3, 3), (1, 0), (0, 1), (2, 1), (0, 3))
_PADS_OF_POOL = ((0, 0), (1, 1), (_HALF, _HALF), (_HALF, 0), (0, _HALF))
MAX_WORK = 24_000
"""Multiply-adds of one problem: naive loops in Python take some milliseconds for that."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that is chosen, with its levels. ``axis`` is set for those of one window, which interact."""

    name: str
    levels: tuple[Level, ...]
    axis: int | None = None


def parameters(operator: Operator, claims: Claims) -> tuple[Parameter, ...]:
    """What can be chosen for problems of ``operator`` within ``claims``."""
    able = claims.options

    def when(option: str, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        return levels if option in able else levels[:1]

    chosen = [
        Parameter("batch", when("batch", (1, 2, 3, 5))),
        Parameter("channels", when("channels", (1, 2, 3, 4, 5, 8, 17, 33, 66))),
        Parameter("dtype", claims.dtypes),
    ]
    if not operator.is_pool:
        chosen += [
            Parameter("out_channels", when("out_channels", (1, 2, 3, 5, 8, 9, 17, 33, 66))),
            Parameter("groups", when("groups", (1, 2, 3, 4, "depthwise"))),
            Parameter("bias", when("bias", (False, True))),
        ]
    for name, levels in (("ceil", (False, True)), ("indices", (False, True)), ("exclude_pad", (False, True))):
        if name in able:
            chosen.append(Parameter(name, levels))
    if "divisor" in able:
        chosen.append(Parameter("divisor", (None, 1, 2, 3, 7)))
    pads: tuple[Level, ...] = _PADS_OF_POOL if operator.is_pool else _PADS
    if "asymmetric_padding" not in able:
        pads = tuple(pad for pad in pads if isinstance(pad, tuple) and pad[0] == pad[1])
    pads = when("padding", pads)
    for axis in range(operator.ndim):
        chosen += [
            Parameter("kernel", when("kernel", (1, 2, 3, 4, 5, 7)), axis),
            Parameter("stride", when("stride", (1, 2, 3, 4)), axis),
            Parameter("pad", pads, axis),
            Parameter("room", _ROOM, axis),
        ]
        if "dilation" in able:
            chosen.append(Parameter("dilation", (1, 2, 3), axis))
    return tuple(chosen)


def build(operator: Operator, claims: Claims, chosen: Mapping[tuple[str, int | None], Level]) -> Problem | None:
    """The problem of one level for each parameter; None where there is none, it is not claimed, or is too much work."""
    axes = range(operator.ndim)
    per_axis = "per_axis" in claims.options
    windows = tuple(_window(chosen, axis, axis if per_axis else 0, operator, bool(chosen.get(("ceil", None)))) for axis in axes)
    if None in windows:
        return None
    channels, out_channels, groups = _channels(chosen, operator)
    divisor = chosen.get(("divisor", None))
    problem = Problem(
        operator.name,
        tuple(window for window in windows if window is not None),
        batch=_number(chosen, "batch"),
        channels=channels,
        out_channels=out_channels,
        groups=groups,
        bias=bool(chosen.get(("bias", None))),
        dtype=str(chosen["dtype", None]),
        indices=bool(chosen.get(("indices", None))),
        count_include_pad=not chosen.get(("exclude_pad", None)),
        divisor=divisor if isinstance(divisor, int) else None,
    )
    if not is_valid(problem) or problem.work > MAX_WORK or claims.refusal(problem):
        return None
    return problem


def _number(chosen: Mapping[tuple[str, int | None], Level], name: str, axis: int | None = None, default: int = 1) -> int:
    value = chosen.get((name, axis), default)
    assert isinstance(value, int)
    return value


def _channels(chosen: Mapping[tuple[str, int | None], Level], operator: Operator) -> tuple[int, int, int]:
    """Channels, output channels and groups. The levels are numbers per group, so that groups always divide."""
    channels = _number(chosen, "channels")
    if operator.is_pool:
        return channels, channels, 1
    out_channels, groups = _number(chosen, "out_channels"), chosen["groups", None]
    if groups == "depthwise":
        return channels, channels * min(out_channels, 3), channels
    assert isinstance(groups, int)
    if groups == 1:
        return channels, out_channels, 1
    return min(channels, 5) * groups, min(out_channels, 5) * groups, groups


def _window(
    chosen: Mapping[tuple[str, int | None], Level], axis: int, parameter_axis: int, operator: Operator, ceil: bool
) -> Window | None:
    """The window of one axis; ``parameter_axis`` is another where parameters must not differ by axis."""
    kernel_axis = parameter_axis if operator.is_pool else axis
    kernel = _number(chosen, "kernel", kernel_axis)
    stride, dilation = _number(chosen, "stride", parameter_axis), _number(chosen, "dilation", parameter_axis)
    pad = chosen["pad", parameter_axis]
    assert isinstance(pad, tuple)
    extent, room = (kernel - 1) * dilation + 1, chosen["room", axis]
    begin, end = (kernel // 2 if amount == _HALF else amount for amount in pad)
    if isinstance(room, int):
        size = room
    else:
        steps, rest = {"fits": (0, 0), "two": (1, 0), "few": (2 + axis, 0), "rest": (3, max(0, stride - 1))}[str(room)]
        size = extent + steps * stride + rest - begin - end
    if size < 1:
        return None
    return Window(size, kernel, stride, dilation, begin, end, ceil)
