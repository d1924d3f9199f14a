"""Integers that go through another type: shorter, unsigned, or floating-point numbers that cannot hold them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly, predicted
from conformance.diagnosis.rules.base import ALL, EVERY_PASS, SUMS, by_result
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import FORMATS, Family, Problem
from conformance.reference import bounds
from conformance.reference.oracle import solve
from conformance.reference.truth import Arrays

_SELECTED = ALL - SUMS - {Family.CONV_INTEGER}
_THROUGH = (("", "float32"), ("", "float64"), ("int32", "float32"), ("int64", "float32"), ("int64", "float64"))


def _all() -> Iterator[Hypothesis]:
    for of, name in _THROUGH:
        words = f"{of or 'integers'} goes through {name}, which cannot hold all of it"
        words = words if of else f"integers go through {name}, which cannot hold them all"
        for top in ("highest", "below", "wrapped"):
            told = words if top == "highest" else f"{words}; what is beyond the largest is {_BEYOND[top]}"
            yield new(f"integers-through-{name}", told, _whole_through(of, name, top), _SELECTED)
        yield new(f"integers-through-{name}", words, _summed_in(of, name), SUMS)
    yield new("sums-of-32-bits", "sums are kept in 32 bits, which wrap", _wrapped(np.int32), SUMS)
    yield new("sums-of-16-bits", "sums are kept in 16 bits, which wrap", _wrapped(np.int16), SUMS)
    words = "signed numbers are read as unsigned, or the other way round"
    yield new("sign-of-type", words, _of_other_sign, ALL, EVERY_PASS)
    words = "signed numbers are read as unsigned, or the other way round, and results are clipped"
    yield new("sign-of-type", words, _clipped_of_other_sign, SUMS, EVERY_PASS)
    words = "unsigned results are clipped at the largest signed number"
    yield new("clipped-at-signed", words, by_result(_clipped_at_signed), ALL)


_BEYOND = {"below": "the float below it", "wrapped": "the lowest"}


def _whole_through(of: str, name: str, top: str) -> Callable[[Problem, Arrays], Prediction | None]:
    """Elements that are rounded and put back; ``top`` is what becomes of one that was rounded up beyond the largest integer."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.format.kind != "int" or (of and problem.dtype != of):
            return None
        form, kind = np.dtype(name), problem.format.numpy
        given = {n: a if n == "indices" else _back(a.astype(form), kind, top) for n, a in arrays.items()}
        truth = solve(problem, given)
        return exactly(truth.y, truth.indices)

    return rule


def _back(floats: np.ndarray, kind: np.dtype, top: str) -> np.ndarray:
    """Floating-point numbers as integers again."""
    limits = np.iinfo(kind)
    below = np.nextafter(floats.dtype.type(2.0**limits.bits / 2), floats.dtype.type(0))
    whole = np.clip(floats, floats.dtype.type(limits.min), below).astype(np.int64)
    if top == "below" or limits.bits < np.finfo(floats.dtype).nmant:
        return whole.astype(kind)
    return np.where(floats > below, limits.max if top == "highest" else limits.min, whole).astype(kind)


def _summed_in(of: str, name: str) -> Callable[[Problem, Arrays], Prediction | None]:
    """Products and sums in a floating-point format, in any order; every result is a number of it."""

    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.format.kind != "int" or (of and problem.dtype != of):
            return None
        form, truth = FORMATS[name], solve(problem, arrays)
        S = truth.S.astype(np.float64)
        exact = form.largest_whole >= S
        tolerance = np.where(exact, 0.0, bounds.gamma(truth.n + 2, form.unit_roundoff) * S)
        if exact.all():
            return None
        return Prediction(truth.y, truth.low, tolerance, grid=form)

    return rule


def _wrapped(kind: type) -> Callable[[Problem, Arrays], Prediction | None]:
    def rule(problem: Problem, arrays: Arrays) -> Prediction | None:
        if problem.format.kind != "int" or np.dtype(kind).itemsize >= problem.format.numpy.itemsize:
            return None
        small = {n: a.astype(kind).astype(np.int64) for n, a in arrays.items()}
        return exactly(solve(problem, small).y.astype(kind).astype(np.int64))

    return rule


def _other_sign(problem: Problem, arrays: Arrays) -> Arrays | None:
    if problem.dtype not in ("int8", "uint8") or "x" not in arrays:
        return None
    other = np.uint8 if problem.dtype == "int8" else np.int8
    return {n: a.astype(other) if n in ("x", "x_zero") else a for n, a in arrays.items()}


def _of_other_sign(problem: Problem, arrays: Arrays) -> Prediction | None:
    """Results wrap to their type."""
    other = _other_sign(problem, arrays)
    if other is None:
        return None
    made = predicted(problem, other)
    return dataclasses.replace(made, y=made.y.astype(problem.result_format.numpy).astype(np.int64))


def _clipped_of_other_sign(problem: Problem, arrays: Arrays) -> Prediction | None:
    other = _other_sign(problem, arrays)
    if other is None:
        return None
    made, limits = predicted(problem, other), np.iinfo(problem.result_format.numpy)
    return dataclasses.replace(made, y=np.clip(made.y, limits.min, limits.max))


def _clipped_at_signed(problem: Problem, part: np.ndarray) -> np.ndarray | None:
    return np.minimum(part, 127) if problem.result_format.name == "uint8" else None


HYPOTHESES: tuple[Hypothesis, ...] = tuple(_all())
