"""Maxima, averages and norms of windows, and their gradients, with a bug each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.problem import Problem
from conformance.problem.validity import is_valid
from implementations.broken.base import Arrays, Right, broken, fitted, moved, put, selected, spot


def _each_tap(p: Problem) -> list[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Every place with the elements that its window reads."""
    tables = [w.table() for w in p.windows]
    found = []
    for place in np.ndindex(p.output_shape[2:]):
        rows = [[int(i) for i in table[at] if i >= 0] for table, at in zip(tables, place, strict=True)]
        found.append((place, [tuple(row[i] for row, i in zip(rows, at, strict=True)) for at in np.ndindex(*map(len, rows))]))
    return found


# Maxima.


@broken(
    "max_pool2d_input_grad",
    "gradients",
    "all equal maxima of a window get its gradient",
    "ties",
    causes=("gradient-to-all-ties",),
)
def gradient_to_all_ties(p: Problem, a: Arrays, right: Right) -> Any:
    y, dx = right(p.as_pass("forward"), {"x": a["x"]}), np.zeros_like(a["x"])
    for place, elements in _each_tap(p):
        for at in elements:
            won = a["x"][spot(at)] == y[spot(place)]
            dx[spot(at)] += np.where(won, a["dy"][spot(place)], a["dy"].dtype.type(0))
    return dx


@broken(
    "max_pool1d_input_grad", "gradients", "the last of equal maxima gets the gradient", "ties", causes=("gradient-to-last-tie",)
)
def gradient_to_last_tie(p: Problem, a: Arrays, right: Right) -> Any:
    y, dx = right(p.as_pass("forward"), {"x": a["x"]}), np.zeros_like(a["x"])
    for place, elements in _each_tap(p):
        open_yet = np.ones(dx.shape[:2], bool)
        for at in reversed(elements):
            won = open_yet & (a["x"][spot(at)] == y[spot(place)])
            dx[spot(at)] += np.where(won, a["dy"][spot(place)], a["dy"].dtype.type(0))
            open_yet &= ~won
    return dx


@broken(
    "max_pool2d_input_grad", "gradients", "of windows with one maximum the last one's gradient is kept", "kernel > stride",
    source="ahrefs/ocannl#512", causes=("gradient-overwritten",)
)  # fmt: skip
def gradient_overwritten(p: Problem, a: Arrays, right: Right) -> Any:
    return put(p, a["dy"], selected(p, a, right), add=False)


@broken(
    "max_pool3d_input_grad", "gradients", "the dilation of the first axis is taken for all", "dilation that differs by axis",
    source="tracel-ai/burn#4466", causes=("dilation-of-first-axis",)
)  # fmt: skip
def gradient_of_first_dilation(p: Problem, a: Arrays, right: Right) -> Any:
    one = p.replace(auto_pad="").with_windows(dilation=p.dilation[0])
    if not is_valid(one):
        return right(p, a)
    return right(one, {**a, "dy": fitted(a["dy"], one.output_shape)})


@broken(
    "max_pool1d_input_grad", "gradients", "gradients land later by the padding", "padding", source="FluxML/NNlib.jl#133",
    causes=("gradient-with-padding",)
)  # fmt: skip
def gradient_with_padding(p: Problem, a: Arrays, right: Right) -> Any:
    return moved(right(p, a), 2, p.padding[0][0])


@broken(
    "max_pool2d_input_grad", "gradients", "the offset in the window is used as the index in the plane", "kernel > 1",
    source="pytorch/pytorch#131659", causes=("gradient-at-offset",)
)  # fmt: skip
def gradient_at_offset(p: Problem, a: Arrays, right: Right) -> Any:
    indices = selected(p, a, right)
    rows, columns = np.unravel_index(indices, p.input_shape[2:])
    starts = [np.arange(w.output) * w.stride - w.pad_begin for w in p.windows]
    offset = (rows - starts[0].reshape(-1, 1)) // p.dilation[0] * p.kernel[1] + (columns - starts[1]) // p.dilation[1]
    return put(p, a["dy"], offset)


@broken("max_pool3d_input_grad adaptive_max_pool2d_input_grad", "gradients", "a window whose maximum is -inf gives no gradient",
        "a window of nothing but -inf", source="pytorch/pytorch#1465", causes=("gradient-of-lowest-lost",))  # fmt: skip
def gradient_of_lowest_lost(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p.as_pass("forward"), {"x": a["x"]})
    if p.format.kind != "float":
        return right(p, a)
    return right(p, {**a, "dy": np.where(np.isneginf(y.astype(np.float64)), a["dy"].dtype.type(0), a["dy"])})


@broken(
    "max_pool1d",
    "indices",
    "a window of nothing but -inf has the index -1",
    "indices, a window of nothing but -inf",
    causes=("index-lost-of-lowest",),
)
def index_of_lowest(p: Problem, a: Arrays, right: Right) -> Any:
    made = right(p, a)
    if not p.indices or p.format.kind != "float":
        return made
    return made[0], np.where(np.isneginf(made[0].astype(np.float64)), -1, made[1])


@broken("max_pool2d", "refused", "dilation is refused where indices are asked for", "indices, dilation > 1",
        source="pytorch/pytorch#93384", causes=("*with indices*dilation ≥ 2*",))  # fmt: skip
def dilation_refused(p: Problem, a: Arrays, right: Right) -> Any:
    if p.indices and max(p.dilation) > 1:
        raise NotImplementedError("dilation with indices")
    return right(p, a)


@broken(
    "max_pool1d_double_grad",
    "gradients",
    "the second derivative takes the largest of its own tensor",
    "kernel > 1",
    causes=("second-selects-itself",),
)
def second_selects_itself(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.as_pass("forward"), {"x": a["ddx"]})


@broken(
    "max_pool3d_double_grad",
    "gradients",
    "the second derivative reads the first channel's planes",
    "several channels",
    causes=("channel-first-for-all",),
)
def second_of_first_channel(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "ddx": np.broadcast_to(a["ddx"][:, :1], a["ddx"].shape).copy()})


# Averages.


@broken(
    "avg_pool1d_input_grad",
    "gradients",
    "every window is divided by the kernel's size",
    "padding that does not count",
    causes=("padding-always-counts",),
)
def gradient_by_kernel(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p if p.divisor is not None else p.replace(divisor=math.prod(p.kernel)), a)


@broken(
    "avg_pool2d_input_grad avg_pool1d_double_grad", "gradients", "the divisor of one's own is ignored without the padding",
    "a divisor and padding that does not count", source="pytorch/executorch#18616", causes=("divisor-override-ignored",)
)  # fmt: skip
def divisor_ignored(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p if p.count_include_pad else p.replace(divisor=None), a)


@broken("avg_pool3d_input_grad", "gradients", "what hangs over in ceil mode counts", "ceil mode, a window that hangs over",
        source="sonos/tract#2851", causes=("overhang-counts",))  # fmt: skip
def gradient_counts_overhang(p: Problem, a: Arrays, right: Right) -> Any:
    whole = p.ceil and p.count_include_pad and p.divisor is None
    return right(p.replace(divisor=math.prod(p.kernel)) if whole else p, a)


@broken(
    "avg_pool1d_input_grad",
    "gradients",
    "windows that overlap overwrite each other's gradients",
    "kernel > stride",
    causes=("gradient-overwritten",),
)
def average_overwritten(p: Problem, a: Arrays, right: Right) -> Any:
    dx = np.zeros(p.input_shape, a["dy"].dtype)
    for place in range(p.output_shape[2]):
        one = np.zeros_like(a["dy"])
        one[:, :, place] = a["dy"][:, :, place]
        row = p.windows[0].table()[place]
        dx[:, :, row[row >= 0]] = right(p, {**a, "dy": one})[:, :, row[row >= 0]]
    return dx


@broken(
    "avg_pool3d_double_grad avg_pool2d_double_grad",
    "gradients",
    "the second derivative is divided once more",
    "kernel > 1",
    causes=("divided-twice",),
)
def second_divided_twice(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return (y / y.dtype.type(p.divisor or math.prod(p.kernel))).astype(y.dtype)


# Norms.


@broken("lp_pool2d", "norms", "the root is not taken", "kernel > 1", causes=("norm-without-root",))
def rootless(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return y if math.isinf(p.norm) else (y ** y.dtype.type(p.norm)).astype(y.dtype)


@broken("lp_pool1d", "norms", "the infinite norm is done as 2", "the infinite norm", causes=("norm-is-2",))
def infinite_as_two(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.replace(norm=2.0) if math.isinf(p.norm) else p, a)


@broken(
    "lp_pool3d", "norms", "the norm is rounded down to a whole number", "a norm that is not whole", causes=("norm-rounded-down",)
)
def whole_norm(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p if math.isinf(p.norm) else p.replace(norm=float(int(p.norm))), a)


@broken("lp_pool2d", "norms", "the sum of powers is divided by the number of taps", "kernel > 1", causes=("norm-of-mean",))
def mean_of_powers(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return y if math.isinf(p.norm) else (y / y.dtype.type(math.prod(p.kernel) ** (1 / p.norm))).astype(y.dtype)


@broken("lp_pool2d_input_grad", "norms", "the gradient lacks the sign of the input", "negative inputs",
        source="FluxML/NNlib.jl#639", causes=("norm-gradient-without-sign",))  # fmt: skip
def gradient_without_sign(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p, {**a, "x": np.abs(a["x"])})


@broken(
    "lp_pool1d_input_grad",
    "norms",
    "the gradient has the power p instead of p - 1",
    "kernel > 1",
    dtypes="float32 float64",
    causes=("norm-gradient-of-power",),
)
def gradient_of_power(p: Problem, a: Arrays, right: Right) -> Any:
    return (right(p, a) * np.abs(a["x"])).astype(a["x"].dtype)


@broken(
    "lp_pool3d_input_grad",
    "norms",
    "a window of zeros has the gradient NaN: 0 / 0",
    "a window of nothing but 0",
    causes=("norm-gradient-of-zeros",),
)
def gradient_of_zeros(p: Problem, a: Arrays, right: Right) -> Any:
    dx, y = right(p, a), right(p.as_pass("forward"), {"x": a["x"]})
    for place, elements in _each_tap(p):
        for at in elements:
            dx[spot(at)] = np.where(y[spot(place)] == 0, np.nan, dx[spot(at)])
    return dx
