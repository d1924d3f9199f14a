"""Channels, groups, bias and batch in another order, left out, or counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, predicted
from conformance.diagnosis.rules.base import (
    ALL,
    BIAS_GRADS,
    CONVS,
    EVERY_PASS,
    FORWARDS,
    WEIGHT_GRADS,
    WITH_WINDOWS,
    by_arrays,
    by_factor,
    by_result,
    on_axis,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD
from conformance.reference.truth import Arrays

Order = Callable[[Problem, int], np.ndarray | None]
"""Which channel of ``count`` is taken in the place of each; None where the rule does not apply."""


def _grouped(make: Callable[[np.ndarray], np.ndarray]) -> Order:
    def order(problem: Problem, count: int) -> np.ndarray | None:
        return make(np.arange(count).reshape(problem.groups, -1)).ravel() if problem.groups > 1 else None

    return order


_ORDERS: dict[str, tuple[str, Order]] = {
    "groups-interleaved": ("of groups are interleaved", _grouped(lambda at: at.T)),
    "groups-interleaved-back": (
        "of groups are interleaved",
        lambda problem, count: np.arange(count).reshape(-1, problem.groups).T.ravel() if problem.groups > 1 else None,
    ),
    "group-first-for-all": ("of all groups are those of the first", _grouped(lambda at: np.tile(at[0], (len(at), 1)))),
    "group-second-for-rest": (
        "of every group after the second are those of the second",
        _grouped(lambda at: at[np.minimum(np.arange(len(at)), 1)]),
    ),
    "groups-reversed": ("of groups are taken in reverse order", _grouped(lambda at: at[::-1])),
    "channels-reversed": ("are taken in reverse order", lambda problem, count: np.arange(count)[::-1]),
    "channel-first-for-all": ("are all the first", lambda problem, count: np.zeros(count, np.int64)),
}


def _read(axis_of: Callable[[Problem], dict[str, int]], order: Order) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        made = {}
        for name, axis in axis_of(problem).items():
            if name in arrays and (taken := order(problem, arrays[name].shape[axis])) is not None:
                made[name] = on_axis(arrays[name], axis, taken)
        return {**arrays, **made} if made else None

    return change


def _written(order: Order) -> Callable[[Problem, np.ndarray], np.ndarray | None]:
    def change(problem: Problem, part: np.ndarray) -> np.ndarray | None:
        axis = 0 if problem.op.pass_name in (WEIGHT_GRAD, BIAS_GRAD) else 1
        taken = order(problem, part.shape[axis])
        return None if taken is None else on_axis(part, axis, taken)

    return change


def _orders() -> Iterator[Hypothesis]:
    sides = {
        "input channels": lambda problem: {"x": 1, "ddx": 1},
        "channels of the gradient": lambda problem: {"dy": 1},
        "kernels": lambda problem: {"w": 0},
    }
    for key, (words, order) in _ORDERS.items():
        kept = key.removesuffix("-back")
        for side, names in sides.items():
            yield new(kept, f"the {side} {words}", by_arrays(_read(names, order)), CONVS, EVERY_PASS)
        yield new(kept, f"the channels of the result {words}", by_result(_written(order)), CONVS, EVERY_PASS)
    for key in ("channels-reversed", "channel-first-for-all"):
        words, order = _ORDERS[key]
        sides_of_pools = _read(lambda problem: {"dy": 1} if problem.op.pass_name == INPUT_GRAD else {"x": 1, "ddx": 1}, order)
        yield new(key, f"the channels {words}", by_arrays(sides_of_pools), ALL - CONVS, EVERY_PASS)
        second = by_arrays(_read(lambda problem: {"ddx": 1}, order))
        yield new(key, f"the channels of the second gradient {words}", second, ALL - CONVS, frozenset({DOUBLE_GRAD}))
    words = "only the first channel of each group is read"
    yield new("first-channel-alone", words, by_arrays(_first_channel_alone), CONVS, WITH_WINDOWS)
    words = "the weights' input and output channels are exchanged"
    yield new("weight-transposed", words, by_arrays(_transposed_where_square), CONVS, WITH_WINDOWS - {WEIGHT_GRAD})
    yield new("weight-transposed", words, by_arrays(_transposed), CONVS, WITH_WINDOWS - {WEIGHT_GRAD})
    yield new("weight-transposed", words, by_result(lambda p, part: part.swapaxes(0, 1)), CONVS, WEIGHT_GRADS)
    words = "a depthwise kernel with several outputs of each channel takes them in another order"
    yield new("depthwise-order", words, by_arrays(_depthwise), CONVS, WITH_WINDOWS)


def _first_channel_alone(problem: Problem, arrays: Arrays) -> Arrays | None:
    if "w" not in arrays or arrays["w"].shape[1] < 2:
        return None
    w = arrays["w"].copy()
    w[:, 1:] = 0
    return {**arrays, "w": w}


def _transposed_where_square(problem: Problem, arrays: Arrays) -> Arrays | None:
    w = arrays.get("w")
    return {**arrays, "w": np.ascontiguousarray(w.swapaxes(0, 1))} if w is not None and w.shape[0] == w.shape[1] > 1 else None


def _transposed(problem: Problem, arrays: Arrays) -> Arrays | None:
    w = arrays.get("w")
    if w is None or problem.groups > 1 or min(w.shape[:2]) < 2:
        return None
    turned = w.swapaxes(0, 1) if w.shape[0] == w.shape[1] else w.reshape(w.shape[1], w.shape[0], *w.shape[2:]).swapaxes(0, 1)
    return {**arrays, "w": np.ascontiguousarray(turned)}


def _depthwise(problem: Problem, arrays: Arrays) -> Arrays | None:
    w = arrays.get("w")
    if w is None or problem.groups == 1 or problem.groups != problem.channels:
        return None
    return {**arrays, "w": w.reshape(-1, problem.groups, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape)}


def _bias(change: Callable[[Problem, np.ndarray], np.ndarray | None]) -> Callable[[Problem, Arrays], Arrays | None]:
    def changed(problem: Problem, arrays: Arrays) -> Arrays | None:
        made = change(problem, arrays["b"]) if "b" in arrays else None
        return None if made is None else {**arrays, "b": made.astype(arrays["b"].dtype)}

    return changed


def _added(along: Callable[[Problem, np.ndarray], np.ndarray | None]) -> Callable[[Problem, Arrays], Prediction | None]:
    """The right sums with something else than the bias added, of the result's shape or one that is repeated to it."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if "b" not in arrays or problem.requantised:
            return None
        other = along(problem, arrays["b"].astype(problem.format.exact))
        if other is None:
            return None
        bare = predicted(problem, {**arrays, "b": np.zeros_like(arrays["b"])})
        full = predicted(problem, arrays)
        return Prediction(bare.y + other, bare.low, np.maximum(bare.tolerance, full.tolerance))

    return rule


def _along_width(problem: Problem, b: np.ndarray) -> np.ndarray | None:
    return b if len(b) == problem.output_shape[-1] else None


def _of_item(problem: Problem, b: np.ndarray) -> np.ndarray | None:
    return b[np.arange(problem.batch) % len(b)].reshape(-1, *[1] * (1 + problem.op.ndim))


def _biases() -> Iterator[Hypothesis]:
    of_group: dict[str, tuple[str, Callable[[Problem, np.ndarray], np.ndarray | None]]] = {
        "bias-missing": ("the bias is missing", lambda p, b: np.zeros_like(b)),
        "bias-doubled": ("the bias is added twice", lambda p, b: b + b),
        "bias-subtracted": ("the bias is subtracted", lambda p, b: -b),
        "bias-reversed": ("the bias is taken in reverse order", lambda p, b: b[::-1]),
        "bias-first-for-all": ("the bias of the first output channel is added to all", lambda p, b: np.full_like(b, b[0])),
        "bias-first-of-group": (
            "the bias of each group's first output channel is added to all of the group",
            lambda p, b: np.repeat(b.reshape(p.groups, -1)[:, 0], len(b) // p.groups),
        ),
        "bias-of-first-group": (
            "the bias of the first group is added to all groups",
            lambda p, b: np.tile(b.reshape(p.groups, -1)[0], p.groups),
        ),
        "bias-by-input-channel": (
            "the bias is added once for each input channel of a group",
            lambda p, b: b * (p.channels // p.groups),
        ),
        "bias-by-tap": ("the bias is added once for each tap of the kernel", lambda p, b: b * int(np.prod(p.kernel))),
        "bias-rolled": ("the bias is that of the next output channel", lambda p, b: np.roll(b, -1)),
    }
    for key, (words, change) in of_group.items():
        yield new(key, words, by_arrays(_bias(change)), CONVS, FORWARDS)
    yield new("bias-by-item", "the bias is indexed by the item of the batch", _added(_of_item), CONVS, FORWARDS)
    yield new("bias-along-width", "the bias is added along the last axis, not by channel", _added(_along_width), CONVS, FORWARDS)
    words = "outputs that no product reaches have no bias"
    yield new("bias-missing-in-holes", words, _holes, (Family.CONV_TRANSPOSE,), FORWARDS)


def _holes(problem: Problem, arrays: Arrays) -> Prediction | None:
    reached = np.ones((1,) * problem.op.ndim, bool)
    for axis, window in enumerate(problem.windows):
        one = np.isin(np.arange(window.elements), window.table())
        reached = reached & one.reshape([-1 if i == axis else 1 for i in range(problem.op.ndim)])
    return _added(lambda p, b: np.where(reached, b.reshape(-1, *[1] * p.op.ndim), 0))(problem, arrays)


def _alone(which: int) -> Callable[[Problem, Arrays], Arrays | None]:
    """Only one item of the batch is summed."""

    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        if problem.batch < 2:
            return None
        dy = np.zeros_like(arrays["dy"])
        dy[which] = arrays["dy"][which]
        return {**arrays, "dy": dy}

    return change


def _batches() -> Iterator[Hypothesis]:
    sums = WEIGHT_GRADS | BIAS_GRADS
    words = "the mean over the batch instead of the sum"
    yield new("mean-over-batch", words, by_factor(lambda p, a: 1 / max(1, p.batch)), CONVS, sums)
    words = "only the first item of the batch is summed"
    yield new("first-item-alone", words, by_arrays(_alone(0)), CONVS, sums)
    words = "only the last item of the batch is summed"
    yield new("last-item-alone", words, by_arrays(_alone(-1)), CONVS, sums)
    words = "the mean over the places instead of the sum"
    places = by_factor(lambda p, a: 1 / max(1, int(np.prod(p.output_shape[2:]))))
    yield new("mean-over-places", words, places, CONVS, sums)
    words = "the mean over batch and places instead of the sum"
    both = by_factor(lambda p, a: 1 / max(1, p.batch * int(np.prod(p.output_shape[2:]))))
    yield new("mean-over-batch-and-places", words, both, CONVS, sums)
    words = "every item of the batch is the first one"
    first = by_arrays(lambda p, a: {n: v[:1].repeat(p.batch, 0) if n in ("x", "dy", "ddx") else v for n, v in a.items()})
    yield new("first-item-for-all", words, first, ALL, EVERY_PASS - sums)
    words = "every item of the batch but the first is zero"
    yield new("other-items-zero", words, by_result(_other_items_zero), ALL, EVERY_PASS - sums)


def _other_items_zero(problem: Problem, part: np.ndarray) -> np.ndarray:
    kept = part.copy()
    kept[1:] = 0
    return kept


HYPOTHESES: tuple[Hypothesis, ...] = (*_biases(), *_orders(), *_batches())
