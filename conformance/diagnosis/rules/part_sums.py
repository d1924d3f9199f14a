"""Sums over a part of what they should be over, or over another axis, and channels of a group in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.nouns import AXES
from conformance.diagnosis.prediction import Hypothesis, Prediction, fitted, predicted
from conformance.diagnosis.rules.base import BIAS_GRADS, CONVS, FORWARDS, INPUT_GRADS, LIKE_FORWARD, WITH_WINDOWS, by_arrays
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Family, Problem
from conformance.problem.operators import WEIGHT_GRAD
from conformance.problem.window import TransposedWindow
from conformance.reference import bounds
from conformance.reference.truth import Arrays

_OF_WEIGHTS = WITH_WINDOWS - {WEIGHT_GRAD}


def _all() -> Iterator[Hypothesis]:
    for half, other in ((0, "second"), (1, "first")):
        words = f"only the {other} half of the output channels is summed: it overwrites what the other half added"
        yield new("half-of-channels", words, by_arrays(_without_half("dy", half)), CONVS, INPUT_GRADS)
        words = f"only the {other} half of the input channels is summed: it overwrites what the other half added"
        yield new("half-of-channels", words, by_arrays(_without_half("x", half)), CONVS, LIKE_FORWARD)
    words = "the channels that the weights of a group mix are taken in reverse order"
    yield new("group-channels-reversed", words, by_arrays(_mixed_reversed), CONVS, _OF_WEIGHTS)
    words = "groups and dilation are passed in each other's place"
    yield new("groups-and-dilation-exchanged", words, _groups_for_dilation, (Family.CONV_TRANSPOSE,), FORWARDS)
    words = "the weights are read as if their channels lay last"
    yield new("weights-channels-last", words, by_arrays(_weights_channels_last), CONVS, _OF_WEIGHTS)
    yield new("bias-grad-of-other-axis", "the bias gradient is summed by item, not by channel", _summed_by(0), CONVS, BIAS_GRADS)
    for axis, name in enumerate(AXES):
        words = f"the bias gradient is summed by the {name} spatial axis, not by channel"
        yield new("bias-grad-of-other-axis", words, _summed_by(2 + axis), CONVS, BIAS_GRADS)


def _without_half(name: str, half: int) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        given = name if name in arrays else "ddx"
        if given not in arrays or "w" not in arrays or arrays[given].shape[1] < 2:
            return None
        part = arrays[given].copy()
        middle = part.shape[1] // 2
        lost = part[:, :middle] if half == 0 else part[:, middle:]
        lost[...] = arrays.get("x_zero", 0)
        return {**arrays, given: part}

    return change


def _mixed_reversed(problem: Problem, arrays: Arrays) -> Arrays | None:
    w = arrays["w"]
    return {**arrays, "w": np.ascontiguousarray(w[:, ::-1])} if problem.groups > 1 and w.shape[1] > 1 else None


def _weights_channels_last(problem: Problem, arrays: Arrays) -> Arrays | None:
    """(out, in, *kernel) read as (*kernel, in, out)."""
    w = arrays["w"]
    if w.size == len(w):
        return None
    read = w.reshape(*w.shape[2:], w.shape[1], w.shape[0])
    return {**arrays, "w": np.ascontiguousarray(np.moveaxis(read, (-1, -2), (0, 1)))}


def _groups_for_dilation(problem: Problem, arrays: Arrays) -> Prediction | None:
    """The output has the size that comes of it, as far as the right one reaches."""
    dilation = problem.dilation[0]
    if set(problem.dilation) != {dilation} or problem.channels % dilation:
        return None
    out = arrays["w"].shape[1] * dilation
    other = problem.replace(groups=dilation, out_channels=out).with_windows(dilation=problem.groups, output_padding=0, pad_end=0)
    if min(other.output_shape[2:]) < 1 or not all(isinstance(window, TransposedWindow) for window in other.windows):
        return None
    given = {**arrays, "b": fitted(arrays["b"], (out,))} if "b" in arrays else arrays
    return predicted(other, given).fitted(problem.output_shape)


def _summed_by(axis: int) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        dy = arrays["dy"].astype(problem.format.exact)
        if axis >= dy.ndim:
            return None
        others = tuple(i for i in range(dy.ndim) if i != axis)
        y, S, n = dy.sum(axis=others), np.abs(dy).sum(axis=others), dy.size // max(1, dy.shape[axis])
        loose = bounds.gamma(n, problem.format.unit_roundoff) * S
        whole = bool((dy == np.rint(dy)).all())
        tolerance = np.where(whole & (problem.format.largest_whole >= S), 0.0, loose)
        return Prediction(y, np.zeros_like(y), tolerance).fitted(problem.result_shape)

    return rule


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
