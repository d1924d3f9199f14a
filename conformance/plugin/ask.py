"""Asks a shared library what it supports: small problems, one for each data type and option, and the status says it.

It is asked only for what its claims leave open. A wrong number is never taken as a refusal: it is left for the checks to find.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

from conformance.plugin.claims import OPTIONS, options_of
from conformance.plugin.probe import smoke_problem
from conformance.plugin.said import NOT_ASKED
from conformance.problem import Family, Operator, Problem, Window
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow, AnyWindow, TransposedWindow

Supports = Callable[[Problem], bool]
_WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}


def ask(operator: Operator, dtypes: tuple[str, ...] | None, supports: Supports) -> tuple[tuple[str, ...], frozenset[str]]:
    """The data types (of those that are known, or of all) and the options that ``supports`` does not refuse."""
    able = [dtype for dtype in dtypes or operator.traits.dtypes if _least(operator, dtype, supports) is not None]
    base = _least(operator, able[0], supports) if able else None
    options = () if base is None else [name for name in options_of(operator) - NOT_ASKED if _has(base, name, able, supports)]
    return dtypes or tuple(able), frozenset(options)


def _least(operator: Operator, dtype: str, supports: Supports) -> Problem | None:
    """The plainest problem that is not refused: kernels may have one size that they are made for."""
    plain = plainest(operator).replace(dtype=dtype)
    channels = plain.replace(channels=4, out_channels=4)
    tries = [plain, smoke_problem(operator, "batched", False).replace(dtype=dtype), channels]
    tries += [_kernel(one, 3) for one in (plain, channels)]
    return next((problem for problem in tries if is_valid(problem) and supports(problem)), None)


def _has(base: Problem, name: str, dtypes: list[str], supports: Supports) -> bool:
    if OPTIONS[name].required(base):
        return True
    return any(is_valid(problem) and supports(problem) for problem in requiring(base, name, dtypes))


def plainest(operator: Operator) -> Problem:
    """A valid problem that requires as little as there can be."""
    sizes = (6, 5, 4)[: operator.ndim]
    windows: dict[str, tuple[AnyWindow, ...]] = {
        "sliding": tuple(Window(size, 1) for size in sizes),
        "transposed": tuple(TransposedWindow(size, 1) for size in sizes),
        "adaptive": tuple(AdaptiveWindow(size, 2) for size in sizes),
    }
    return Problem(operator.name, windows[operator.traits.window], dtype=operator.traits.dtypes[0])


def requiring(base: Problem, name: str, dtypes: list[str]) -> Iterator[Problem]:
    """Small problems made of ``base`` that require an option, and little beside it."""
    window, family = base.windows[0], base.op.family
    if name in _FIELDS:
        yield base.replace(**_FIELDS[name])
    elif name in _WINDOWS:
        yield _apart(base.with_windows(**_WINDOWS[name]))
    elif name == "channels":
        yield base.replace(channels=2, out_channels=2 if base.op.is_pool else base.out_channels)
    elif name == "kernel":
        yield _kernel(base, 2)
        yield _kernel(base, 3)
    elif name in ("same", "same_upper"):
        yield _kernel(base, 3).padded_by(name)
    elif name == "per_axis" and base.op.traits.window == "adaptive":
        yield base.with_axis(0, output=3)
    elif name == "per_axis":
        yield base.with_axis(0, stride=window.stride + 1)
        yield _kernel(base, 2).with_axis(0, stride=3)
    elif name == "wide_result":
        yield from (base.replace(dtype=dtype, result=_WIDER[dtype]) for dtype in dtypes if dtype in _WIDER)
    elif name == "requantised" and family is Family.CONV_INTEGER:
        yield base.replace(result="int8")


_FIELDS: dict[str, dict[str, object]] = {
    "batch": {"batch": 2},
    "empty_batch": {"batch": 0},
    "unbatched": {"batch": 1, "unbatched": True},
    "out_channels": {"out_channels": 2},
    "groups": {"channels": 4, "out_channels": 4, "groups": 2},
    "bias": {"bias": True},
    "indices": {"indices": True},
    "exclude_pad": {"count_include_pad": False},
    "divisor": {"divisor": 3},
    "norm": {"norm": 3.0},
    "norm_inf": {"norm": math.inf},
}
_AROUND: dict[str, object] = {"kernel": 3, "pad_begin": 1, "pad_end": 1}
_WINDOWS: dict[str, dict[str, object]] = {
    "stride": {"stride": 2},
    "padding": _AROUND,
    "asymmetric_padding": {**_AROUND, "pad_end": 0},
    "crop": {"pad_begin": -1, "pad_end": -1},
    "reflect": {**_AROUND, "mode": "reflect"},
    "replicate": {**_AROUND, "mode": "replicate"},
    "circular": {**_AROUND, "mode": "circular"},
    "output_padding": {"stride": 2, "output_padding": 1},
    "dilation": {"kernel": 2, "dilation": 2},
    "ceil": {"kernel": 2, "stride": 2, "ceil": True},
}


def _kernel(problem: Problem, size: int) -> Problem:
    return _apart(problem.with_windows(kernel=size))


def _apart(problem: Problem) -> Problem:
    """Unpooling is defined for windows that do not overlap."""
    if problem.op.family is not Family.MAX_UNPOOL:
        return problem
    windows = tuple(dataclasses.replace(w, stride=max(w.stride, w.kernel)) for w in problem.windows if isinstance(w, Window))
    return problem.replace(windows=windows)
