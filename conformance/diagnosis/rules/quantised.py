"""Quantised convolution of another rule: zero points, scales, rounding and saturation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly
from conformance.diagnosis.rules.base import FORWARDS, by_arrays
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.diagnosis.tables import TableWindow
from conformance.problem import FORMATS, Family, Problem, Window
from conformance.reference.contraction import geometry_of, windows
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays

_QUANTISED = (Family.CONV_INTEGER,)
Rounding = Callable[[np.ndarray], np.ndarray]


def _sums(problem: Problem, arrays: Arrays) -> np.ndarray:
    """The int32 sums, before they are scaled."""
    return solve(problem.replace(result=""), {n: a for n, a in arrays.items() if n not in ("scale", "y_zero")}).y


def _requantised(
    problem: Problem, arrays: Arrays, sums: np.ndarray, rounding: Rounding = np.rint, ends: str = "clip"
) -> np.ndarray:
    """Sums in 8 bits again, or as they are where that is not asked for."""
    if not problem.requantised:
        return sums
    limits = np.iinfo(FORMATS[problem.result].numpy)
    scaled = sums.astype(np.float32) * arrays["scale"].reshape(-1, *[1] * problem.op.ndim)
    whole = np.clip(rounding(scaled), -(2.0**31), 2.0**31).astype(np.int64)
    if ends == "early":
        whole = np.clip(whole, -128, 127)
    made = whole + int(arrays["y_zero"])
    return made if ends == "wrap" else np.clip(made, limits.min, limits.max)


def _of_sums(change: Callable[[Problem, Arrays], np.ndarray | None]) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        sums = change(problem, arrays)
        return None if sums is None else exactly(_requantised(problem, arrays, sums))

    return rule


def _finished(rounding: Rounding = np.rint, ends: str = "clip") -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if not problem.requantised:
            return None
        return exactly(_requantised(problem, arrays, _sums(problem, arrays), rounding, ends))

    return rule


def _without(name: str) -> Callable[[Problem, Arrays], Arrays]:
    return lambda problem, arrays: {**arrays, name: np.zeros_like(arrays[name])}


def _negated(name: str) -> Callable[[Problem, Arrays], Arrays]:
    return lambda problem, arrays: {**arrays, name: -arrays[name].astype(np.int64)}


def _zeros() -> Iterator[Hypothesis]:
    told: list[tuple[str, str, Callable[[Problem, Arrays], Arrays | None]]] = [
        ("zero-point-ignored", "the input's zero point is ignored", _without("x_zero")),
        ("weight-zero-point-ignored", "the weights' zero point is ignored", _without("w_zero")),
        ("zero-point-added", "the input's zero point is added, not subtracted", _negated("x_zero")),
        ("weight-zero-point-added", "the weights' zero point is added, not subtracted",
         _negated("w_zero")),
        ("weight-zero-point-of-first", "the weights' zero point of the first output channel is used for all",
         lambda p, a: {**a, "w_zero": np.full_like(a["w_zero"], a["w_zero"][0])}),
        ("scale-of-first", "the scale of the first output channel is used for all",
         lambda p, a: {**a, "scale": np.full_like(a["scale"], a["scale"][0])} if "scale" in a else None),
        ("output-zero-point-ignored", "the output's zero point is ignored",
         lambda p, a: {**a, "y_zero": np.zeros_like(a["y_zero"])} if "y_zero" in a else None),
    ]  # fmt: skip
    for key, words, change in told:
        yield new(key, words, by_arrays(change), _QUANTISED, FORWARDS)
    words = "padding holds 0 instead of the zero point"
    yield new("padding-of-zero", words, _of_sums(_padding_of_zero), _QUANTISED, FORWARDS)
    words = "the input's zero point is taken off all taps, those in the padding too"
    yield new("zero-point-of-all-taps", words, _of_sums(_all_taps), _QUANTISED, FORWARDS)
    words = "differences from the zero point are kept in 8 bits, which saturate"
    yield new("differences-saturate", words, by_arrays(_saturated), _QUANTISED, FORWARDS)
    words = "differences from the zero point are kept in 8 bits, which wrap"
    yield new("differences-wrap", words, by_arrays(_wrapped), _QUANTISED, FORWARDS)


def _padding_of_zero(problem: Problem, arrays: Arrays) -> np.ndarray | None:
    """The padding is part of the input, so its zero point is taken off it as well."""
    if not any(b > 0 or e > 0 for b, e in problem.padding):
        return None
    pads = [(0, 0), (0, 0), *((max(b, 0), max(e, 0)) for b, e in problem.padding)]
    x, windows = np.pad(arrays["x"], pads), list[Any]()
    for window, (begin, end) in zip(problem.windows, problem.padding, strict=True):
        inside = window.positions() + max(begin, 0)
        size = window.size + pads[2 + len(windows)][0] + pads[2 + len(windows)][1]
        assert isinstance(window, Window)  # a quantised convolution has no other
        base = replace(window, size=size, pad_begin=min(begin, 0), pad_end=min(end, 0))
        windows.append(TableWindow(base, np.where((inside >= 0) & (inside < size), inside, -1)))
    return _sums(problem.replace(windows=tuple(windows)), {**arrays, "x": x})


def _all_taps(problem: Problem, arrays: Arrays) -> np.ndarray:
    w = arrays["w"].astype(np.int64) - arrays["w_zero"].astype(np.int64).reshape(-1, *[1] * (1 + problem.op.ndim))
    taps = w.sum(axis=tuple(range(1, w.ndim))).reshape(-1, *[1] * problem.op.ndim)
    return np.asarray(_sums(problem, _without("x_zero")(problem, arrays)) - int(arrays["x_zero"]) * taps)


def _difference(arrays: Arrays) -> np.ndarray:
    return np.asarray(arrays["x"].astype(np.int64) - int(arrays["x_zero"]))


def _saturated(problem: Problem, arrays: Arrays) -> Arrays:
    return {**arrays, "x": np.clip(_difference(arrays), -128, 127), "x_zero": np.zeros_like(arrays["x_zero"])}


def _wrapped(problem: Problem, arrays: Arrays) -> Arrays:
    return {**arrays, "x": _difference(arrays).astype(np.int8), "x_zero": np.zeros_like(arrays["x_zero"])}


def _results() -> Iterator[Hypothesis]:
    half = np.float32(0.5)
    told: list[tuple[str, str, Rounding]] = [
        ("rounding-away", "halves are rounded away from zero, not to even", lambda y: np.trunc(y + np.copysign(half, y))),
        ("rounding-up", "halves are rounded up, not to even", lambda y: np.floor(y + half)),
        ("rounding-cut", "scaled sums are cut off, not rounded", np.trunc),
        ("rounding-down", "scaled sums are rounded down, not to nearest", np.floor),
        ("rounding-twice", "scaled sums are rounded twice", lambda y: np.rint(np.rint(y * 2) / 2)),
    ]
    for key, words, rounding in told:
        yield new(key, words, _finished(rounding), _QUANTISED, FORWARDS)
    yield new("results-wrap", "results wrap instead of being clipped", _finished(ends="wrap"), _QUANTISED, FORWARDS)
    words = "results are clipped before the output's zero point is added"
    yield new("clipped-early", words, _finished(ends="early"), _QUANTISED, FORWARDS)
    words = "the bias is added behind the scale"
    yield new("bias-unscaled", words, _bias_unscaled, _QUANTISED, FORWARDS)
    for by_channel, where in ((False, "neighbouring taps"), (True, "neighbouring channels")):
        words = f"pairs of products of {where} are summed in 16 bits, which saturate"
        yield new("pairs-saturate", words, _of_sums(_pairs(by_channel)), _QUANTISED, FORWARDS)
    for bits, kind in ((16, np.int16), (8, np.int8)):
        words = f"sums are kept in {bits} bits, which wrap"
        yield new(f"sums-of-{bits}-bits", words, _of_sums(_short(kind)), _QUANTISED, FORWARDS)
        words = f"sums are kept in {bits} bits, which saturate"
        yield new(f"sums-of-{bits}-bits", words, _of_sums(_saturating(kind)), _QUANTISED, FORWARDS)


def _pairs(by_channel: bool) -> Callable[[Problem, Arrays], np.ndarray | None]:
    """Unsigned inputs times weights, two products at a time in 16 bits; what the zero points take off is exact."""

    def sums(problem: Problem, arrays: Arrays) -> np.ndarray | None:
        if problem.dtype != "uint8" or problem.groups > 1:
            return None
        x = windows(geometry_of(problem), arrays["x"].astype(np.int64))
        w = arrays["w"].astype(np.int64) - arrays["w_zero"].astype(np.int64).reshape(-1, *[1] * (1 + problem.op.ndim))
        axis = 2 if by_channel else 2 + problem.op.ndim  # of (batch, out, in, *taps, *places)
        bare, lost = w.reshape(1, *w.shape, *[1] * problem.op.ndim), np.zeros(problem.output_shape, np.int64)
        summed = tuple(range(2, 3 + problem.op.ndim))
        for out in range(problem.out_channels):
            products = x[:, None] * bare[:, out : out + 1]
            if products.shape[axis] % 2:
                products = np.concatenate([products, np.zeros_like(products.take([0], axis))], axis)
            pairs = np.add.reduceat(products, np.arange(0, products.shape[axis], 2), axis)
            lost[:, out : out + 1] = (np.clip(pairs, -(2**15), 2**15 - 1) - pairs).sum(axis=summed)
        return _sums(problem, arrays) + lost if lost.any() else None

    return sums


def _short(kind: type) -> Callable[[Problem, Arrays], np.ndarray]:
    return lambda problem, arrays: _sums(problem, arrays).astype(kind).astype(np.int64)


def _saturating(kind: type) -> Callable[[Problem, Arrays], np.ndarray]:
    return lambda problem, arrays: np.clip(_sums(problem, arrays), np.iinfo(kind).min, np.iinfo(kind).max)


def _bias_unscaled(problem: Problem, arrays: Arrays) -> Prediction | None:
    if not problem.requantised or "b" not in arrays:
        return None
    bare = _sums(problem, {**arrays, "b": np.zeros_like(arrays["b"])})
    limits = np.iinfo(FORMATS[problem.result].numpy)
    at = (-1, *[1] * problem.op.ndim)
    made = np.rint(bare.astype(np.float32) * arrays["scale"].reshape(at)) + arrays["b"].reshape(at) + int(arrays["y_zero"])
    return exactly(np.clip(made, limits.min, limits.max).astype(np.int64))


HYPOTHESES: tuple[Hypothesis, ...] = (*_zeros(), *_results())
