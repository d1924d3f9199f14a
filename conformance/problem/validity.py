"""Which problems the definition gives a meaning to; for each other one, the reason in words.

Dialects of other frameworks are wider or narrower in places; these are the rules of PyTorch, which most users know.
"""

from __future__ import annotations

import math
from functools import lru_cache

from conformance.errors import UsageError
from conformance.problem.formats import FORMATS
from conformance.problem.operators import OPERATORS, Family
from conformance.problem.problem import Problem
from conformance.problem.window import AUTO_PADS, AdaptiveWindow, AnyWindow, TransposedWindow, Window, auto_padding

MAX_ELEMENTS = 2**31 + 2**20
"""No tensor of a problem may have more elements: a text must not be able to ask for all memory. Indices beyond 2^31 fit."""
_KINDS = {"sliding": Window, "transposed": TransposedWindow, "adaptive": AdaptiveWindow}
_MOST_KEPT = 4096  # problems whose validity is remembered: a plan asks for many of them again
_NO_NORM = "a norm is an option of p-norm pooling"
_NO_DIVISOR = "exclude_pad and divisor are options of average pooling"


class InvalidProblem(UsageError):
    """A problem that the definition gives no meaning to."""


def require_valid(problem: Problem) -> Problem:
    """Return ``problem``, or raise :class:`InvalidProblem` with every reason why it has no meaning."""
    reasons = reasons_invalid(problem)
    if reasons:
        raise InvalidProblem("the problem is invalid: " + "; ".join(reasons))
    return problem


@lru_cache(maxsize=_MOST_KEPT)
def is_valid(problem: Problem) -> bool:
    return not reasons_invalid(problem)


def reasons_invalid(problem: Problem) -> list[str]:
    """Every rule that ``problem`` breaks, in words; empty when it is valid."""
    if problem.operator not in OPERATORS:
        return [f"the operator {problem.operator!r} is not known"]
    reasons = _counts(problem)
    for axis, window in enumerate(problem.windows):
        reasons += [f"axis {axis}: {reason}" for reason in _window(problem, window)]
    if reasons:
        return reasons  # the rules below divide by these numbers
    reasons += _pool(problem) if problem.op.is_pool else _conv(problem)
    for axis, window in enumerate(problem.windows):
        reasons += [f"axis {axis}: {reason}" for reason in _room(problem, window)]
    if not reasons:
        reasons += _sizes(problem)
    return reasons


def _counts(problem: Problem) -> list[str]:
    reasons, traits = [], problem.op.traits
    if problem.dtype not in FORMATS:
        reasons.append(f"the data type {problem.dtype!r} is not known")
    elif problem.dtype not in traits.dtypes:
        reasons.append(f"{problem.op.base} is not defined for {problem.dtype}")
    if len(problem.windows) != problem.op.ndim:
        reasons.append(f"{problem.operator} has {problem.op.ndim} axes, not {len(problem.windows)}")
    if not all(isinstance(window, _KINDS[traits.window]) for window in problem.windows):
        reasons.append(f"the windows of {problem.op.base} are {traits.window} ones")
    for field, words in (("ceil", "ceil holds"), ("mode", "the padding mode holds")):
        values = [getattr(window, field) for window in problem.windows]
        if values[1:] != values[:-1]:
            reasons.append(f"{words} for all axes or for none")
    for name, least in (("batch", 0), ("channels", 1), ("out_channels", 1), ("groups", 1)):
        if getattr(problem, name) < least:
            reasons.append(f"{name} is {getattr(problem, name)}, but must be at least {least}")
    if problem.unbatched and problem.batch != 1:
        reasons.append(f"an unbatched problem has a batch of 1, not {problem.batch}")
    return reasons


def _window(problem: Problem, window: AnyWindow) -> list[str]:
    names = ("size", "output") if isinstance(window, AdaptiveWindow) else ("size", "kernel", "stride", "dilation")
    reasons = [f"{name} is {getattr(window, name)}, but must be at least 1" for name in names if getattr(window, name) < 1]
    if min(window.pad_begin, window.pad_end) < 0 and problem.op.family is not Family.CONV:
        reasons.append(f"padding is {window.pad_begin} and {window.pad_end}, but must not be negative")
    if reasons or not isinstance(window, TransposedWindow):
        return reasons
    if not 0 <= window.output_padding < max(window.stride, window.dilation):
        reasons.append(
            f"output_padding is {window.output_padding}, but must be smaller than the stride or the dilation, and not negative"
        )
    return reasons


def _conv(problem: Problem) -> list[str]:
    reasons, family = [], problem.op.family
    if problem.channels % problem.groups:
        reasons.append(f"{problem.groups} groups do not divide {problem.channels} channels")
    if problem.out_channels % problem.groups:
        reasons.append(f"{problem.groups} groups do not divide {problem.out_channels} output channels")
    if problem.ceil:
        reasons.append("ceil is an option of pooling, not of convolution")
    if problem.indices:
        reasons.append("indices are an option of max pooling, not of convolution")
    if problem.bias and not problem.op.forward:
        reasons.append("a gradient does not depend on the bias")
    if problem.divisor is not None or not problem.count_include_pad:
        reasons.append(_NO_DIVISOR)
    if problem.norm != 2:
        reasons.append(_NO_NORM)
    if family is Family.CONV_INTEGER and problem.result not in ("", "int32", "int8", "uint8"):
        reasons.append(f"the result of {problem.operator} is int32, or requantised int8 or uint8")
    if family is not Family.CONV_INTEGER and problem.result:
        reasons += _result(problem)
    return reasons + _auto_pad(problem)


def _result(problem: Problem) -> list[str]:
    if (problem.op.family, problem.format.kind) != (Family.CONV, "float"):
        return ["a wider result is an option of convolution of floating-point numbers"]
    known, own = FORMATS.get(problem.result), problem.format
    if known is None or known.kind != "float" or known.significand < own.significand or known.min_exponent > own.min_exponent:
        return [f"the result of {problem.dtype} is a wider floating-point number, not {problem.result}"]
    return []


def _auto_pad(problem: Problem) -> list[str]:
    if not problem.auto_pad:
        return []
    if problem.op.traits.window != "sliding":
        return [f"{problem.auto_pad} padding is an option of windows that slide over their input"]
    if problem.auto_pad not in AUTO_PADS:
        return [f"the padding rule {problem.auto_pad!r} is not known: known are {', '.join(AUTO_PADS)}"]
    reasons = []
    if problem.auto_pad == "same" and any(window.stride > 1 for window in problem.windows):
        reasons.append("same padding has a stride of 1")
    for axis, window in enumerate(problem.windows):
        wanted = auto_padding(problem.auto_pad, window)
        if wanted != (window.pad_begin, window.pad_end):
            reasons.append(f"axis {axis}: {problem.auto_pad} padding is {wanted[0]} and {wanted[1]} here")
    return reasons


def _pool(problem: Problem) -> list[str]:
    reasons, family = [], problem.op.family
    if problem.out_channels != problem.channels:
        reasons.append(f"pooling keeps its {problem.channels} channels, but {problem.out_channels} come out")
    if problem.groups != 1 or problem.bias:
        reasons.append("groups and bias are options of convolution, not of pooling")
    if problem.pad_mode != "zeros" or problem.result:
        reasons.append("padding modes and wider results are options of convolution, not of pooling")
    for axis, window in enumerate(problem.windows):
        reasons += [f"axis {axis}: {reason}" for reason in _pool_window(problem, window)]
    if any(window.dilation != 1 for window in problem.windows) and family in (Family.AVG_POOL, Family.MAX_UNPOOL):
        reasons.append(f"{family} has no dilation")
    if problem.indices and (family not in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL) or not problem.op.forward):
        reasons.append("indices are an option of max pooling's forward pass")
    if family is not Family.AVG_POOL and (problem.divisor is not None or not problem.count_include_pad):
        reasons.append(_NO_DIVISOR)
    if problem.divisor is not None and problem.divisor < 1:
        reasons.append(f"the divisor is {problem.divisor}, but must be at least 1")
    if family is not Family.LP_POOL and problem.norm != 2:
        reasons.append(_NO_NORM)
    if family is Family.LP_POOL and not problem.norm >= 1:
        reasons.append(f"the norm is {problem.norm:g}, but must be at least 1")
    if family is Family.LP_POOL and math.isinf(problem.norm) and not problem.op.forward:
        reasons.append("the infinite norm has no gradient here: use max pooling")
    if family is Family.MAX_UNPOOL and (problem.ceil or any(w.stride < w.kernel for w in problem.windows)):
        reasons.append("max_unpool is defined for windows that do not overlap")
    return reasons + _auto_pad(problem)


def _pool_window(problem: Problem, window: AnyWindow) -> list[str]:
    if not problem.auto_pad and max(window.pad_begin, window.pad_end) > window.kernel // 2:
        return [f"padding is {window.pad_begin} and {window.pad_end}, more than half of the kernel's {window.kernel}"]
    if window.output < 1 or window.padded > MAX_ELEMENTS:
        return []
    if not _all_hold_elements(window):
        return ["a dilated window would hold no element of the input"]
    return []


def _all_hold_elements(window: AnyWindow) -> bool:
    """Whether every window that overlaps the input has a tap in it, found without the table, which may be huge."""
    if window.dilation <= window.size:
        return True  # no gap between taps could hold all of the input
    # At most one tap of a window is in the input: over all places, as many windows hold an element as there are such taps.
    near, held = window.pad_begin // window.dilation, 0
    for tap in range(max(0, near - 1), min(window.kernel, near + 3)):
        start = tap * window.dilation - window.pad_begin
        first, last = -(start // window.stride), (window.size - 1 - start) // window.stride
        held += max(0, min(last, window.output - 1) - max(first, 0) + 1)
    return held == window.output


def _room(problem: Problem, window: AnyWindow) -> list[str]:
    """Whether the padding has what it copies, and the window has a place."""
    if isinstance(window, TransposedWindow):
        return [f"the output has {window.output} elements, but must have at least 1"] if window.output < 1 else []
    if isinstance(window, AdaptiveWindow):
        return []
    most = {"reflect": window.size - 1, "circular": window.size}.get(window.mode)
    if most is not None and max(window.pad_begin, window.pad_end) > most:
        return [f"{window.mode} padding is {window.pad_begin} and {window.pad_end}, but there are {most} elements to copy"]
    if window.mode != "zeros" and min(window.pad_begin, window.pad_end) < 0:
        return ["negative padding crops, which is defined for padding with zeros alone"]
    if window.size + min(window.pad_begin, 0) + min(window.pad_end, 0) < 1:
        return ["negative padding crops all of the input"]
    if window.output < 1:
        return [f"the kernel reaches over {window.extent} elements, more than the padded input's {window.padded}"]
    return []


def _sizes(problem: Problem) -> list[str]:
    padded = (problem.batch, problem.channels, *(window.padded for window in problem.windows))
    shapes = {**problem.array_shapes, "padded x": padded, "output": problem.output_shape}
    if not problem.op.forward:
        shapes["result"] = problem.result_shape
    return [
        f"the tensor {name} of shape {shape} has more than 2^31 + 2^20 elements"
        for name, shape in shapes.items()
        if math.prod(shape) > MAX_ELEMENTS
    ]
