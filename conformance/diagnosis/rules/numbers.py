"""Floating-point numbers of another kind: shorter inputs, sums and results."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, of_truth, predicted
from conformance.diagnosis.rules.base import (
    ALL,
    CONVS,
    FORWARDS,
    INPUT_GRADS,
    SUMS,
    by_arrays,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import FORMATS, Family, Format, Problem
from conformance.problem.accuracy import accuracy_named
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.transforms import fft_constant
from conformance.reference.truth import Arrays, Truth, is_whole

_SHORTER = {
    "float64": ("float32", "bfloat16", "float16"),
    "float32": ("bfloat16", "float16"),
    "float16": ("bfloat16",),
    "bfloat16": ("float16",),
    "complex128": ("complex64",),
}
KEPT = {24: "24 bits (float32)", 11: "11 bits (TF32, float16)", 8: "8 bits (bfloat16)"}
_PLAIN_SUMS = SUMS - {Family.LP_POOL}


def rounded(array: np.ndarray, bits: int, cut: bool = False) -> np.ndarray:
    """``array`` with significands of ``bits`` bits: rounded to nearest, or cut off."""
    wide = array.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        significand, exponent = np.frexp(wide)
        short = (np.trunc if cut else np.rint)(np.ldexp(significand, bits))
        return np.asarray(np.where(np.isfinite(wide), np.ldexp(short, exponent - bits), wide)).astype(array.dtype)


def _to_bits(bits: int, cut: bool, *names: str) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        if problem.format.kind != "float" or problem.format.significand <= bits:
            return None
        chosen = names or tuple(name for name, array in arrays.items() if array.dtype.kind not in "iu")
        made = {n: rounded(array, bits, cut) for n, array in arrays.items() if n in chosen}
        same = all(np.array_equal(array, arrays[n], equal_nan=array.dtype.kind == "f") for n, array in made.items())
        return None if same else {**arrays, **made}

    return change


def _through(short: str, *names: str) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        if short not in _SHORTER.get(problem.dtype, ()):
            return None
        form = FORMATS[short].numpy
        chosen = names or tuple(name for name, array in arrays.items() if array.dtype.kind not in "iu")
        with np.errstate(over="ignore", invalid="ignore"):
            return {n: array.astype(form).astype(array.dtype) if n in chosen else array for n, array in arrays.items()}

    return change


def _results() -> Iterator[Hypothesis]:
    """Of sums the tighter bound first: who computes in a shorter format altogether errs more than an accumulator of it."""
    for short in ("float32", "bfloat16", "float16"):
        yield new(f"results-in-{short}", f"results are rounded to {short}", _results_in(short), _PLAIN_SUMS)
    for short in ("float32", "bfloat16", "float16"):
        yield new(f"accumulator-{short}", f"sums are accumulated in {short}", _accumulated_in(short), _PLAIN_SUMS)


def _inputs() -> Iterator[Hypothesis]:
    for short in ("float32", "bfloat16", "float16", "complex64"):
        yield new(f"computed-in-{short}", f"inputs, sums and results are computed in {short}", _computed_in(short), ALL)
    for bits, cut in ((11, False), (11, True), (8, False), (8, True), (7, True), (24, False), (24, True)):
        how = "cut off behind" if cut else "rounded to"
        words = f"the inputs are {how} {KEPT.get(bits, f'{bits} bits')}"
        for names in ((), ("x", "w", "dy", "ddx")):  # with the bias, or without
            yield new(f"inputs-of-{bits}-bits", words, by_arrays(_to_bits(bits, cut, *names)), ALL)
    for short in ("float32", "bfloat16", "float16", "complex64"):
        for names in ((), ("x", "w", "dy", "ddx")):
            yield new(f"inputs-in-{short}", f"the inputs are rounded to {short}", by_arrays(_through(short, *names)), ALL)
    for name, noun in (("b", "bias"), ("w", "weights"), ("x", "input")):
        verb = "are" if name == "w" else "is"
        for bits in (8, 11, 24):
            words = f"the {noun} {verb} rounded to {KEPT[bits]}"
            yield new(f"{noun}-of-{bits}-bits", words, by_arrays(_to_bits(bits, False, name)), CONVS)
        for short in ("float32", "bfloat16", "float16"):
            words = f"the {noun} {verb} rounded to {short}"
            yield new(f"{noun}-in-{short}", words, by_arrays(_through(short, name)), CONVS)
    for short in ("float32", "bfloat16", "float16"):
        yield new(f"results-in-{short}", f"results are rounded to {short}", _results_in(short), ALL - _PLAIN_SUMS)
        yield new(f"accumulator-{short}", f"sums are accumulated in {short}", _accumulated_in(short), SUMS - _PLAIN_SUMS)


def _computed_in(short: str) -> Callable[[Problem, Arrays], Prediction | None]:
    """All of it in a shorter format: the oracle of that format, on tensors rounded to it, and every result is one of its own."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if short not in _SHORTER.get(problem.dtype, ()) or problem.result:
            return None
        form = FORMATS[short]
        with np.errstate(over="ignore", invalid="ignore"):
            given = {n: a.astype(form.numpy) if a.dtype.kind not in "iu" else a for n, a in arrays.items()}
            other = problem.replace(dtype=short)
            truth = solve(other, given)
            made = of_truth(other, given, truth)
        # Where a partial sum may pass the largest number anything may come out, but what the format holds.
        tolerance = np.where(_may_overflow(truth, form), np.inf, made.tolerance)
        return dataclasses.replace(made, tolerance=tolerance, grid=form)

    return rule


def _may_overflow(truth: Truth, form: Format) -> np.ndarray:
    """Whether a partial sum in ``form``, at most S and its rounding errors, may pass its largest number."""
    largest = form.largest_power * (2 - 2 * form.unit_roundoff)
    return np.asarray(truth.S * (1 + bounds.gamma(truth.n, form.unit_roundoff)) >= largest)


def _results_in(short: str) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if short not in _SHORTER.get(problem.result_format.name, ()):
            return None
        form, right = FORMATS[short], predicted(problem, arrays)
        with np.errstate(over="ignore", invalid="ignore"):
            y = right.y.astype(form.numpy).astype(np.float64)
        tolerance = np.where(right.tolerance > 0, right.tolerance + 2 * form.unit_roundoff * np.abs(right.y), 0.0)
        return Prediction(y, np.zeros(y.shape), tolerance, right.indices, form)

    return rule


def _accumulated_in(short: str) -> Callable[[Problem, Arrays], Prediction | None]:
    """Sums of a shorter format, to which a bias may be added in the longer one: then the grid is not seen."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if short not in _SHORTER.get(problem.dtype, ()) or problem.result:
            return None
        form, truth = FORMATS[short], solve(problem, arrays)
        largest = np.where(_may_overflow(truth, form), np.inf, 0.0)
        tolerance = bounds.componentwise(problem.replace(dtype=short), truth).tolerance + largest
        if "b" not in arrays:
            return Prediction(truth.y, truth.low, tolerance, grid=form)
        offset = arrays["b"].astype(problem.format.exact).reshape(-1, *[1] * problem.op.ndim)
        if is_whole(offset) and is_whole(truth.y):
            return Prediction(truth.y, truth.low, tolerance, grid=form, offset=offset)
        return None if np.isinf(tolerance).any() else Prediction(truth.y, truth.low, tolerance)

    return rule


def _sixteen() -> Iterator[Hypothesis]:
    words = "16 bits are read as the other format of 16 bits"
    yield new("other-16-bits", words, by_arrays(_other_sixteen), ALL)


def _other_sixteen(problem: Problem, arrays: Arrays) -> Arrays | None:
    if problem.dtype not in ("float16", "bfloat16"):
        return None
    other = FORMATS["bfloat16" if problem.dtype == "float16" else "float16"].numpy
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            n: a if n == "indices" else np.ascontiguousarray(a).view(other).astype(problem.format.numpy)
            for n, a in arrays.items()
        }


def _other_bits() -> Iterator[Hypothesis]:
    """Any other number of bits, the fewest first."""
    for bits in range(9, 53):
        for names, noun in ((("x", "w", "dy", "ddx"), "inputs are"), (("w",), "weights are"), (("x",), "input is")):
            words = f"the {noun} rounded to {bits} bits"
            yield new(f"{noun.split()[0]}-of-{bits}-bits", words, by_arrays(_to_bits(bits, False, *names)), SUMS)


def _normwise(problem: Problem, arrays: Arrays) -> Prediction | None:
    if problem.format.kind != "float" or problem.format.significand < 24:
        return None
    truth = solve(problem, arrays)
    if problem.op.forward:
        tolerance = bounds.admissible(problem, truth, arrays, accuracy_named("fft")).tolerance
    else:
        tolerance = bounds.componentwise(problem, truth).tolerance + _of_spectra(problem, arrays)
    return Prediction(truth.y, truth.low, tolerance)


def _of_spectra(problem: Problem, arrays: Arrays) -> np.ndarray:
    """The same of a gradient of the input: it is a convolution of what its stride spreads out, with the kernels turned round."""
    each, out = problem.channels // problem.groups, problem.out_channels // problem.groups
    dy = np.abs(arrays["dy"].astype(np.float64)).reshape(problem.batch, problem.groups, 1, out, -1)
    w = np.abs(arrays["w"].astype(np.float64)).reshape(1, problem.groups, out, each, -1).swapaxes(2, 3)
    one_dy, two_dy = dy.sum(axis=-1), np.sqrt((dy**2).sum(axis=-1))
    one_w, two_w = w.sum(axis=-1), np.sqrt((w**2).sum(axis=-1))
    length = math.prod(2 * (window.padded + window.extent) for window in problem.windows)
    spread = fft_constant(length) * (2 * two_dy * one_w + one_dy * two_w).sum(axis=-1) + out * (two_dy * two_w).sum(axis=-1)
    return np.asarray(problem.format.unit_roundoff * spread.reshape(problem.batch, problem.channels, *[1] * problem.op.ndim))


INPUTS: tuple[Hypothesis, ...] = tuple(_inputs())
HYPOTHESES: tuple[Hypothesis, ...] = (*_results(), *INPUTS, *_sixteen())
LAST: tuple[Hypothesis, ...] = tuple(_other_bits())
TRANSFORM = new(
    "normwise-accuracy",
    "It is accurate relative to the norm of the whole, not to each output: large terms are added and taken off again, as in a "
    "transform method (FFT, Winograd) that is not declared",
    _normwise,
    (Family.CONV,),
    FORWARDS | INPUT_GRADS,
)
