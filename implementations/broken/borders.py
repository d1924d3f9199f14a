"""Borders with a bug each: padding modes, padding by a rule, padding that differs before and behind, and cropping."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.problem import Problem
from conformance.problem.validity import is_valid
from conformance.problem.window import auto_padding
from implementations.broken.base import Arrays, Right, around, broken, fitted, padded


def _total(p: Problem, axis: int, **changes: int) -> int:
    """What a rule pads in one axis, before and behind, were its window another one."""
    return sum(auto_padding("same_upper", p.with_axis(axis, **changes).windows[axis]))


def _pads(p: Problem, a: Arrays, right: Right, pads: list[tuple[int, int]]) -> Any:
    """A convolution with these pads of zeros, in the shape that it should have."""
    x = np.pad(a["x"], around(tuple((max(b, 0), max(e, 0)) for b, e in pads)))
    short = tuple(max(0, w.extent - size) for w, size in zip(p.windows, x.shape[2:], strict=True))
    x = np.pad(x, around(tuple((0, amount) for amount in short)))
    return fitted(right(*padded(p, a, x)), p.output_shape)


def _border(p: Problem, a: Arrays, right: Right, x: np.ndarray) -> Any:
    return right(*padded(p, a, x))


@broken("conv1d", "borders", "reflected padding repeats the edge", "reflected padding", causes=("reflect-as-symmetric",))
def symmetric(p: Problem, a: Arrays, right: Right) -> Any:
    return _border(p, a, right, np.pad(a["x"], around(p.padding), "symmetric")) if p.pad_mode == "reflect" else right(p, a)


@broken("conv2d", "borders", "replicated padding is zeros", "replicated padding", causes=("replicate-as-zeros",))
def replicated_zeros(p: Problem, a: Arrays, right: Right) -> Any:
    return right(p.with_windows(mode="zeros") if p.pad_mode == "replicate" else p, a)


@broken(
    "conv1d",
    "borders",
    "circular padding has the first elements in front and the last behind",
    "circular padding",
    causes=("circular-wrong-way",),
)
def circular_wrong_way(p: Problem, a: Arrays, right: Right) -> Any:
    (w,), x = p.windows, a["x"]
    if p.pad_mode != "circular":
        return right(p, a)
    behind = x[:, :, w.size - w.pad_end :]
    return _border(p, a, right, np.concatenate([x[:, :, : w.pad_begin], x, behind], axis=2))


@broken(
    "conv2d",
    "borders",
    "circular padding is not done at all",
    "circular padding",
    source="pytorch/pytorch#29712",
    causes=("padding-ignored",),
)
def circular_ignored(p: Problem, a: Arrays, right: Right) -> Any:
    bare = p.replace(auto_pad="").with_windows(pad_begin=0, pad_end=0)
    return right(bare if p.pad_mode == "circular" and is_valid(bare) else p, a)


@broken(
    "conv3d", "borders", "circular padding takes the axes in reverse order", "circular padding that differs by axis",
    source="pytorch/pytorch#37844", causes=("padding-reversed",)
)  # fmt: skip
def circular_axes(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode != "circular":
        return right(p, a)
    pads, x = p.padding[::-1], a["x"]
    x = np.pad(x, around(pads), "wrap")
    wanted = tuple(w.padded for w in p.windows)
    return _border(p, a, right, fitted(x, (*x.shape[:2], *wanted)))


@broken(
    "conv2d",
    "borders",
    "the first axis is padded with zeros whatever the mode",
    "a mode, padding in the first axis",
    causes=("mode-of-last-axis",),
)
def mode_of_last_axis(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode == "zeros":
        return right(p, a)
    x = np.pad(a["x"], around((p.padding[0], (0, 0))))
    changed = p.replace(auto_pad="").with_axis(0, size=x.shape[2], pad_begin=0, pad_end=0)
    return right(changed, {**a, "x": x})


@broken(
    "conv1d",
    "borders",
    "replicated padding behind copies the first element",
    "replicated padding behind",
    causes=("replicate-first",),
)
def replicated_first(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode != "replicate":
        return right(p, a)
    (w,) = p.windows
    x = np.pad(a["x"], around(p.padding), "edge")
    x[:, :, w.padded - w.pad_end :] = a["x"][:, :, :1]
    return _border(p, a, right, x)


@broken(
    "conv3d",
    "borders",
    "reflected padding in depth is replicated",
    "reflected padding of at least 1 in depth",
    causes=("reflect-as-replicate",),
)
def depth_replicated(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode != "reflect":
        return right(p, a)
    x = np.pad(a["x"], around((p.padding[0], (0, 0), (0, 0))), "edge")
    return _border(p, a, right, np.pad(x, around(((0, 0), *p.padding[1:])), "reflect"))


@broken(
    "conv3d",
    "borders",
    "reflection turns once more behind the second element",
    "reflected padding > 2",
    causes=("reflect-at-most-2",),
)
def reflection_of_two(p: Problem, a: Arrays, right: Right) -> Any:
    if p.pad_mode != "reflect" or max(map(max, p.padding)) < 3:
        return right(p, a)
    pads = tuple((min(begin, 2), min(end, 2)) for begin, end in p.padding)
    rest = tuple((b - c, e - f) for (b, e), (c, f) in zip(p.padding, pads, strict=True))
    return _border(p, a, right, np.pad(np.pad(a["x"], around(pads), "reflect"), around(rest), "edge"))


@broken(
    "conv1d",
    "borders",
    "the rule same pads for an undilated kernel",
    "same, dilation > 1, kernel > 1",
    source="elixir-nx/nx#189",
    causes=("same-undilated",),
)
def same_undilated(p: Problem, a: Arrays, right: Right) -> Any:
    if p.auto_pad != "same" or p.pad_mode != "zeros":
        return right(p, a)
    total = _total(p, 0, dilation=1)
    return _pads(p, a, right, [(total // 2, total - total // 2)])


@broken(
    "conv2d", "borders", "even kernels of at least 4: same pads one too few behind", "same, an even kernel of at least 4",
    source="ml-explore/mlx-swift#467", causes=("padding-behind-off-by-one",)
)  # fmt: skip
def same_one_too_few(p: Problem, a: Arrays, right: Right) -> Any:
    if p.auto_pad != "same" or p.pad_mode != "zeros":
        return right(p, a)
    ends = [end - (w.kernel % 2 == 0 and w.kernel >= 4) for w, (_, end) in zip(p.windows, p.padding, strict=True)]
    return _pads(p, a, right, [(begin, end) for (begin, _), end in zip(p.padding, ends, strict=True)])


@broken(
    "conv2d", "borders", "the odd element of an even kernel's padding goes to the other axis",
    "same, one even kernel and one odd", source="kornia/kornia#709", causes=("same-odd-one-in-other-axis",)
)  # fmt: skip
def odd_one_of_other_axis(p: Problem, a: Arrays, right: Right) -> Any:
    if p.auto_pad != "same" or p.pad_mode != "zeros":
        return right(p, a)
    odd = [end - begin for begin, end in p.padding]
    return _pads(p, a, right, [(begin + other, begin) for (begin, _), other in zip(p.padding, odd[::-1], strict=True)])


@broken(
    "conv2d max_pool2d", "borders", "SAME_UPPER and SAME_LOWER are exchanged", "these rules, an odd amount of padding",
    source="root-project/root#21793", causes=("same-upper-lower-exchanged",)
)  # fmt: skip
def upper_for_lower(p: Problem, a: Arrays, right: Right) -> Any:
    rule = {"same_upper": "same_lower", "same_lower": "same_upper"}.get(p.auto_pad, p.auto_pad)
    return right(p.padded_by(rule) if rule else p, a)


@broken(
    "conv3d", "borders", "SAME pads half of what is needed on both sides, rounded up", "same_upper, an odd amount, stride > 1",
    source="vtjeng/MIPVerify.jl#23", causes=("same-rounded-up",)
)  # fmt: skip
def same_rounded_up(p: Problem, a: Arrays, right: Right) -> Any:
    if p.auto_pad != "same_upper" or p.pad_mode != "zeros" or max(p.stride) == 1:
        return right(p, a)
    return _pads(p, a, right, [(end, end) for _, end in p.padding])


@broken(
    "conv2d", "borders", "the rules pad every axis for the stride of the first", "same_upper, strides that differ",
    source="PaddlePaddle/Paddle#20997", causes=("same-of-first-stride",)
)  # fmt: skip
def same_of_first_stride(p: Problem, a: Arrays, right: Right) -> Any:
    if not p.auto_pad.startswith("same_") or p.pad_mode != "zeros":
        return right(p, a)
    totals = [_total(p, axis, stride=p.stride[0]) for axis in range(2)]
    return _pads(p, a, right, [(total // 2, total - total // 2) for total in totals])


@broken(
    "conv1d", "borders", "the centre of even kernels is one element later", "same, an even amount of taps",
    source="scipy/scipy#1968", causes=("same-odd-one-before",)
)  # fmt: skip
def centre_of_even(p: Problem, a: Arrays, right: Right) -> Any:
    if p.auto_pad != "same" or p.pad_mode != "zeros":
        return right(p, a)
    return _pads(p, a, right, [(end, begin) for begin, end in p.padding])


@broken("conv2d", "borders", "negative padding is ignored", "negative padding", causes=("cropping-ignored",))
def crop_ignored(p: Problem, a: Arrays, right: Right) -> Any:
    return _pads(p, a, right, list(p.padding)) if min(map(min, p.padding)) < 0 else right(p, a)


@broken(
    "conv3d",
    "borders",
    "negative padding puts zeros over the border and keeps it",
    "negative padding",
    causes=("cropping-of-zeros",),
)
def crop_of_zeros(p: Problem, a: Arrays, right: Right) -> Any:
    if min(map(min, p.padding)) >= 0:
        return right(p, a)
    inner = tuple(slice(max(0, -b), size + min(0, e)) for (b, e), size in zip(p.padding, a["x"].shape[2:], strict=True))
    x = np.zeros_like(a["x"])
    x[(slice(None), slice(None), *inner)] = a["x"][(slice(None), slice(None), *inner)]
    return _pads(p, {**a, "x": x}, right, list(p.padding))


@broken(
    "conv1d",
    "borders",
    "negative padding gives an empty output",
    "negative padding",
    source="ml-explore/mlx#548",
    causes=("empty",),
)
def crop_of_all(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    return y[:, :, :0] if min(map(min, p.padding)) < 0 else y


@broken(
    "conv2d", "borders", "kernels of one tap are a matrix product, without padding and stride",
    "kernel 1 with padding or stride", source="pytorch/pytorch#54080", causes=("padding-and-stride-ignored",)
)  # fmt: skip
def pointwise(p: Problem, a: Arrays, right: Right) -> Any:
    if max(p.kernel) > 1:
        return right(p, a)
    return fitted(right(*padded(p.with_windows(stride=1), a, a["x"])), p.output_shape)


@broken(
    "avg_pool2d avg_pool3d", "borders", "the padding behind is as much as that before", "padding that differs before and behind",
    source="openvinotoolkit/openvino#38265", causes=("padding-end-as-begin",)
)  # fmt: skip
def end_as_begin(p: Problem, a: Arrays, right: Right) -> Any:
    changed = p.replace(auto_pad="")
    for axis, (begin, _) in enumerate(p.padding):
        changed = changed.with_axis(axis, pad_end=begin)
    return fitted(right(changed, a), p.output_shape) if is_valid(changed) else right(p, a)


@broken(
    "max_pool2d", "borders", "kernels that are not square have the padding of the other axis", "kernel not square",
    source="ROCm/MIOpen#1670", causes=("padding-reversed",)
)  # fmt: skip
def padding_of_other_axis(p: Problem, a: Arrays, right: Right) -> Any:
    if p.kernel[0] == p.kernel[1]:
        return right(p, a)
    (first, second), changed = p.padding, p.replace(auto_pad="")
    for axis, (begin, end) in enumerate((second, first)):
        half = p.kernel[axis] // 2
        changed = changed.with_axis(axis, pad_begin=min(begin, half), pad_end=min(end, half))
    if not is_valid(changed):
        return right(p, a)
    made = right(changed, a)
    return tuple(fitted(part, p.output_shape) for part in made) if p.indices else fitted(made, p.output_shape)


@broken(
    "avg_pool2d", "borders", "the counts of the elements are transposed", "padding that does not count, SAME",
    source="jax-ml/jax#285", causes=("counts-transposed",)
)  # fmt: skip
def counts_transposed(p: Problem, a: Arrays, right: Right) -> Any:
    y = right(p, a)
    rows, columns = (w.inside().sum(axis=1) for w in p.windows)
    if p.count_include_pad or p.divisor is not None or len(rows) != len(columns) or not p.auto_pad.startswith("same"):
        return y
    counts = np.outer(rows, columns)
    return (y.astype(np.float64) * (counts / counts.T)).astype(y.dtype)
