"""The space that problems are drawn from: for each operator its parameters, and the classes of values worth trying.

Both the covering set and the random search choose one level of each parameter; :func:`build` makes the problem. Levels
come in the order in which a failure is easier to read, and only those that the claims allow are offered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.plugin.claims import Claims, options_of
from conformance.problem import Family, Operator, Problem, Window
from conformance.problem.operators import BIAS_GRAD
from conformance.problem.problem import work_of
from conformance.problem.validity import is_valid
from conformance.problem.window import AUTO_PADS, PAD_MODES, AdaptiveWindow, AnyWindow, TransposedWindow, auto_padding

Level = int | float | str | bool | tuple[int, int] | None

# How large an axis is: outputs beyond the first, as (how many, whether the stride leaves a rest); or a size of its own.
_ROOM = ("fits", "two", "few", "rest", 7, 8, 9, 15, 16, 17, 31, 33, 63, 65)
_HALF = -1  # as much padding as a pooling may have: half of its kernel
_PADS = ((0, 0), (1, 1), (2, 2), (3, 3), (1, 0), (0, 1), (2, 1), (0, 3))
_PADS_OF_POOL = ((0, 0), (1, 1), (_HALF, _HALF), (_HALF, 0), (0, _HALF))
_SIZES: tuple[Level, ...] = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33)
_SIZES_OF_ADAPTIVE: tuple[Level, ...] = (*_SIZES, 67, 191)  # their windows are as long as the input allows
_OUTPUTS: tuple[Level, ...] = (1, 2, 3, 4, 5, 7, 8, 11)
_PLAIN: dict[str, tuple[Level, ...]] = {"kernel": (1, 2), "stride": (1, 2), "pad": ((0, 0),)}
_SWITCHES: dict[str, tuple[Level, ...]] = {
    "bias": (False, True),
    "ceil": (False, True),
    "indices": (False, True),
    "exclude_pad": (False, True),
    "divisor": (None, 1, 2, 3, 7),
    "unbatched": (False, True),
    "wide_result": (False, True),
    "requantised": ("", "int8", "uint8"),
    "norm": (2.0, 1.0, 2.5, 3.0),
    "norm_inf": (False, True),
}
"""Levels of the options that are parameters by themselves."""
WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}
_WINDOWS_KEPT = 2**15
MAX_WORK = 24_000
"""Multiply-adds of one problem: naive loops in Python take some milliseconds for that."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that is chosen, with its levels. ``axis`` is set for those of one window, which interact."""

    name: str
    levels: tuple[Level, ...]
    axis: int | None = None


@lru_cache(maxsize=256)
def parameters(operator: Operator, claims: Claims) -> tuple[Parameter, ...]:
    """What can be chosen for problems of ``operator`` within ``claims``."""
    able, traits = claims.options & options_of(operator), operator.traits

    def when(option: str, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        return levels if option in able else levels[:1]

    dtypes = claims.types_of(operator)
    chosen = [
        Parameter("batch", when("batch", (1, 2, 3, 5))),
        Parameter("channels", when("channels", (1, 2, 3, 4, 5, 8, 17, 33, 66))),
        Parameter("dtype", dtypes),
    ]
    if traits.weights:
        chosen += [
            Parameter("out_channels", when("out_channels", (1, 2, 3, 5, 8, 9, 17, 33, 66))),
            Parameter("groups", when("groups", (1, 2, 3, 4, "depthwise"))),
        ]
    chosen += [Parameter(name, levels) for name, levels in _SWITCHES.items() if name in able]
    modes = tuple(mode for mode in PAD_MODES if mode == "zeros" or mode in able)
    rules = ("", *(rule for rule in AUTO_PADS if ("same_upper" if "_" in rule else "same") in able))
    chosen += [Parameter("mode", modes)] if len(modes) > 1 else []
    chosen += [Parameter("auto_pad", rules)] if len(rules) > 1 else []
    if operator.pass_name == BIAS_GRAD:  # it sees the output's size alone
        able -= {"dilation", "output_padding"}
        chosen = [
            parameter for parameter in chosen if parameter.name in ("batch", "out_channels", "dtype", "groups", "unbatched")
        ]
    for axis in range(operator.ndim):
        if traits.window == "adaptive":
            chosen += [Parameter("size", _SIZES_OF_ADAPTIVE, axis), Parameter("output", _OUTPUTS, axis)]
            continue
        if operator.pass_name == BIAS_GRAD:
            chosen += [Parameter(name, levels, axis) for name, levels in _PLAIN.items()]
            chosen.append(Parameter("room", _SIZES, axis))
            continue
        chosen += [
            Parameter("kernel", when("kernel", (1, 2, 3, 4, 5, 7)), axis),
            Parameter("stride", when("stride", (1, 2, 3, 4)), axis),
            Parameter("pad", when("padding", _pads(operator, able)), axis),
            Parameter("room", _SIZES if traits.window == "transposed" else _ROOM, axis),
        ]
        chosen += [Parameter("dilation", (1, 2, 3), axis)] if "dilation" in able else []
        chosen += [Parameter("output_padding", (0, 1, 2), axis)] if "output_padding" in able else []
    return tuple(chosen)


def _pads(operator: Operator, able: frozenset[str]) -> tuple[Level, ...]:
    pads: tuple[Level, ...] = _PADS_OF_POOL if operator.is_pool else _PADS
    pads += ((-1, -1), (0, -2), (-1, 2)) if "crop" in able else ()
    if "asymmetric_padding" not in able:
        pads = tuple(pad for pad in pads if isinstance(pad, tuple) and pad[0] == pad[1])
    return pads


def build(operator: Operator, claims: Claims, chosen: Mapping[tuple[str, int | None], Level]) -> Problem | None:
    """The problem of one level for each parameter; None where there is none, it is not claimed, or is too much work."""

    def given(name: str, default: Any = None) -> Any:
        return chosen.get((name, None), default)

    # Most candidates are refused, so what is quickly seen comes first.
    dtype, unbatched, auto_pad = str(given("dtype")), bool(given("unbatched")), str(given("auto_pad", ""))
    per_axis = "per_axis" in claims.options
    if auto_pad == "same" and any(chosen["stride", axis] != 1 for axis in (range(operator.ndim) if per_axis else (0,))):
        return None
    windows: list[AnyWindow] = []
    for axis in range(operator.ndim):
        window = _window(chosen, axis, axis if per_axis else 0, operator)
        if window is None:
            return None
        windows.append(window)
    channels, out_channels, groups = _channels(chosen, operator)
    batch = 1 if unbatched else _number(chosen, "batch")
    if work_of(operator, windows, batch, channels, out_channels, groups) > MAX_WORK:
        return None
    problem = Problem(
        operator.name,
        tuple(windows),
        batch=batch,
        channels=channels,
        out_channels=out_channels,
        groups=groups,
        bias=bool(given("bias")),
        dtype=dtype,
        indices=bool(given("indices")),
        count_include_pad=not given("exclude_pad"),
        divisor=given("divisor"),
        norm=math.inf if given("norm_inf") else given("norm", 2.0),
        auto_pad=auto_pad,
        unbatched=unbatched,
        result=given("requantised") or (WIDER.get(dtype, "") if given("wide_result") else ""),
    )
    return None if not is_valid(problem) or claims.refusal(problem) else problem


def _number(chosen: Mapping[tuple[str, int | None], Level], name: str) -> int:
    value = chosen.get((name, None), 1)
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
    chosen: Mapping[tuple[str, int | None], Level], axis: int, parameter_axis: int, operator: Operator
) -> AnyWindow | None:
    """The window of one axis; ``parameter_axis`` is another where parameters must not differ by axis."""
    given, kind = chosen.get, operator.traits.window
    if kind == "adaptive":
        return _adaptive(chosen["size", axis], chosen["output", parameter_axis])
    kernel, room = chosen["kernel", parameter_axis if operator.is_pool else axis], chosen["room", axis]
    stride, pad = chosen["stride", parameter_axis], chosen["pad", parameter_axis]
    dilation = given(("dilation", parameter_axis), 1)
    if kind == "transposed":
        return _transposed(room, kernel, stride, dilation, pad, given(("output_padding", parameter_axis), 0))
    return _sliding(
        room, 2 + axis, kernel, stride, dilation, pad, operator.is_pool, operator.family is Family.MAX_UNPOOL,
        given(("ceil", None), False), given(("mode", None), "zeros"), given(("auto_pad", None), ""),
    )  # fmt: skip


# A window is asked for again and again: it is made once, and what follows from its numbers is worked out once.
@lru_cache(maxsize=_WINDOWS_KEPT)
def _adaptive(size: Any, output: Any) -> AdaptiveWindow:
    return AdaptiveWindow(size, output)


@lru_cache(maxsize=_WINDOWS_KEPT)
def _transposed(size: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, extra: Any) -> TransposedWindow | None:
    begin, end = pad
    window = TransposedWindow(size, kernel, stride, dilation, begin, end, extra)
    return window if window.output >= 1 else None


@lru_cache(maxsize=_WINDOWS_KEPT)
def _sliding(
    room: Any, few: int, kernel: Any, stride: Any, dilation: Any, pad: Any, pools: bool, apart: bool,
    ceil: Any, mode: Any, rule: Any,
) -> Window | None:  # fmt: skip
    """``few``: how many steps that level of room has; ``apart``: windows do not overlap; ``rule``: of the padding, if any."""
    stride = kernel + stride - 1 if apart else stride
    begin, end = (kernel // 2 if amount == _HALF and pools else amount for amount in pad)
    if isinstance(room, int):
        size = room
    else:
        steps, rest = {"fits": (0, 0), "two": (1, 0), "few": (few, 0), "rest": (3, max(0, stride - 1))}[room]
        size = (kernel - 1) * dilation + 1 + steps * stride + rest - begin - end
    if size < 1:
        return None
    window = Window(size, kernel, stride, dilation, begin, end, ceil, mode)
    if rule:
        begin, end = auto_padding(rule, window)
        window = Window(size, kernel, stride, dilation, begin, end, ceil, mode)
    return window if window.output >= 1 else None
