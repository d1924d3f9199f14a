"""Which problems the definition gives a meaning to; for each other one, the reason in words.

Dialects of other frameworks are wider or narrower in places; these are the rules of PyTorch, which most users know.
"""

from __future__ import annotations

import math

from conformance.errors import UsageError
from conformance.problem.formats import FORMATS
from conformance.problem.operators import OPERATORS, Family
from conformance.problem.problem import Problem
from conformance.problem.window import Window

MAX_ELEMENTS = 2**31
"""No tensor of a problem may have more elements: a text must not be able to ask for all memory."""


class InvalidProblem(UsageError):
    """A problem that the definition gives no meaning to."""


def require_valid(problem: Problem) -> Problem:
    """Return ``problem``, or raise :class:`InvalidProblem` with every reason why it has no meaning."""
    reasons = reasons_invalid(problem)
    if reasons:
        raise InvalidProblem("the problem is invalid: " + "; ".join(reasons))
    return problem


def is_valid(problem: Problem) -> bool:
    return not reasons_invalid(problem)


def reasons_invalid(problem: Problem) -> list[str]:
    """Every rule that ``problem`` breaks, in words; empty when it is valid."""
    if problem.operator not in OPERATORS:
        return [f"the operator {problem.operator!r} is not known"]
    reasons = _counts(problem)
    for axis, window in enumerate(problem.windows):
        reasons += [f"axis {axis}: {reason}" for reason in _window(window)]
    if reasons:
        return reasons  # the rules below divide by these numbers
    reasons += _pool(problem) if problem.op.is_pool else _conv(problem)
    for axis, window in enumerate(problem.windows):
        if window.output < 1:
            reasons.append(
                f"axis {axis}: the kernel reaches over {window.extent} elements, more than the padded input's {window.padded}"
            )
    if not reasons:
        reasons += _sizes(problem)
    return reasons


def _counts(problem: Problem) -> list[str]:
    reasons = []
    if problem.dtype not in FORMATS:
        reasons.append(f"the data type {problem.dtype!r} is not known")
    if len(problem.windows) != problem.op.ndim:
        reasons.append(f"{problem.operator} has {problem.op.ndim} axes, not {len(problem.windows)}")
    if len({window.ceil for window in problem.windows}) > 1:
        reasons.append("ceil holds for all axes or for none")
    for name in ("batch", "channels", "out_channels", "groups"):
        if getattr(problem, name) < 1:
            reasons.append(f"{name} is {getattr(problem, name)}, but must be at least 1")
    return reasons


def _window(window: Window) -> list[str]:
    reasons = [
        f"{name} is {getattr(window, name)}, but must be at least 1"
        for name in ("size", "kernel", "stride", "dilation")
        if getattr(window, name) < 1
    ]
    if window.pad_begin < 0 or window.pad_end < 0:
        reasons.append(f"padding is {window.pad_begin} and {window.pad_end}, but must not be negative")
    return reasons


def _conv(problem: Problem) -> list[str]:
    reasons = []
    if problem.channels % problem.groups:
        reasons.append(f"{problem.groups} groups do not divide {problem.channels} channels")
    if problem.out_channels % problem.groups:
        reasons.append(f"{problem.groups} groups do not divide {problem.out_channels} output channels")
    if problem.ceil:
        reasons.append("ceil is an option of pooling, not of convolution")
    if problem.indices:
        reasons.append("indices are an option of max pooling, not of convolution")
    return reasons + _no_average_options(problem)


def _pool(problem: Problem) -> list[str]:
    reasons = []
    if problem.out_channels != problem.channels:
        reasons.append(f"pooling keeps its {problem.channels} channels, but {problem.out_channels} come out")
    if problem.groups != 1 or problem.bias:
        reasons.append("groups and bias are options of convolution, not of pooling")
    for axis, window in enumerate(problem.windows):
        reasons += [f"axis {axis}: {reason}" for reason in _pool_window(window)]
    if problem.op.family is Family.AVG_POOL:
        if any(window.dilation != 1 for window in problem.windows):
            reasons.append("average pooling has no dilation")
        if problem.indices:
            reasons.append("indices are an option of max pooling, not of average pooling")
        if problem.divisor is not None and problem.divisor < 1:
            reasons.append(f"the divisor is {problem.divisor}, but must be at least 1")
    else:
        reasons += _no_average_options(problem)
    return reasons


def _pool_window(window: Window) -> list[str]:
    if max(window.pad_begin, window.pad_end) > window.kernel // 2:
        return [f"padding is {window.pad_begin} and {window.pad_end}, more than half of the kernel's {window.kernel}"]
    if window.output < 1 or window.padded > MAX_ELEMENTS or window.dilation <= window.size:
        return []  # no gap between taps could hold all of the input
    if not window.inside().any(axis=1).all():
        return ["a dilated window would hold no element of the input"]
    return []


def _no_average_options(problem: Problem) -> list[str]:
    if problem.divisor is not None or not problem.count_include_pad:
        return ["exclude_pad and divisor are options of average pooling"]
    return []


def _sizes(problem: Problem) -> list[str]:
    padded = (problem.batch, problem.channels, *(window.padded for window in problem.windows))
    shapes = {**problem.array_shapes, "padded x": padded, "output": problem.output_shape}
    return [
        f"the tensor {name} of shape {shape} has more than 2^31 elements"
        for name, shape in shapes.items()
        if math.prod(shape) > MAX_ELEMENTS
    ]
