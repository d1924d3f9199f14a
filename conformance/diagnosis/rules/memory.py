"""Tensors read as if they lay otherwise in memory, results that are nothing of the kind, and results of another call."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from conformance.diagnosis.nouns import NOUNS, PLURAL
from conformance.diagnosis.prediction import Hypothesis, Prediction, exactly, predicted
from conformance.diagnosis.rules.base import (
    ALL,
    CONVS,
    EVERY_PASS,
    FORWARDS,
    MAXIMA,
    by_arrays,
    by_result,
)
from conformance.diagnosis.rules.base import hypothesis as new
from conformance.problem import Family, Problem
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from conformance.reference.truth import Arrays

_OF_BATCH, _FLAT = ("x", "dy", "ddx"), ("b", "w_zero", "scale")


def _in_memory(array: np.ndarray) -> np.ndarray:
    """The elements as they follow each other in memory."""
    return array.ravel(order="K").reshape(array.shape)


def _without_strides(array: np.ndarray) -> np.ndarray:
    """What a reader without strides sees from the first element on; only where that memory is the array's own."""
    if not array.size or not array.ndim or min(array.strides) <= 0:
        return array
    reach = sum((size - 1) * step for size, step in zip(array.shape, array.strides, strict=True)) + array.itemsize
    if reach < array.nbytes:
        return array
    plain = np.empty(array.shape, np.bool_).strides
    return as_strided(array, array.shape, tuple(array.itemsize * step for step in plain)).copy()


def _without_signs(array: np.ndarray) -> np.ndarray:
    return np.flip(array, tuple(axis for axis, step in enumerate(array.strides) if step < 0))


_OF_FLAT = (_without_strides, _without_signs)
"""What may go wrong in a tensor of one axis."""


def _repeats_lost(array: np.ndarray) -> np.ndarray:
    if array.ndim < 2 or len(array) < 2 or array.strides[0] != 0:
        return array
    lost = array.copy()
    lost[1:] = 0
    return lost


def _repeats_lowest(array: np.ndarray) -> np.ndarray:
    lost = _repeats_lost(array)
    if lost is not array and array.dtype.kind not in "iuc":
        lost[1:] = -np.inf
    return lost


def _channels_last(array: np.ndarray) -> np.ndarray:
    """A buffer with channels first, read as if they were last."""
    return np.moveaxis(array.reshape(array.shape[0], *array.shape[2:], array.shape[1]), -1, 1) if array.ndim > 2 else array


def _channels_first(array: np.ndarray) -> np.ndarray:
    """A buffer with channels last, read as if they were first."""
    return np.moveaxis(array, 1, -1).reshape(array.shape) if array.ndim > 2 else array


def _if_last(array: np.ndarray) -> np.ndarray:
    """The same where channels are next to each other in memory."""
    lie = array.ndim > 2 and array.shape[1] > 1 and array.strides[1] == array.itemsize and not array.flags.c_contiguous
    return _channels_first(array) if lie else array


def _of_fortran(array: np.ndarray) -> np.ndarray:
    lie = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    return array.T.reshape(array.shape) if lie else array


def _changed(names: tuple[str, ...], read: Callable[[np.ndarray], np.ndarray]) -> Callable[[Problem, Arrays], Arrays | None]:
    def change(problem: Problem, arrays: Arrays) -> Arrays | None:
        made = {n: read(arrays[n]) for n in names if n in arrays and arrays[n].ndim}
        if "indices" in made and not _in_plane(problem, made["indices"]):
            return None
        same = all(np.array_equal(part, arrays[n]) for n, part in made.items())
        return {**arrays, **made} if made and not same else None

    return change


def _of_maxima() -> Iterator[Hypothesis]:
    words = "the input is read with a stride of 0 taken as that of a full array"
    yield new("strides-of-zero", words, by_arrays(_changed(("x",), _repeats_lowest)), MAXIMA)


def _in_plane(problem: Problem, indices: np.ndarray) -> bool:
    most = math.prod(w.size for w in problem.windows)
    return bool(((indices >= 0) & (indices < most)).all())


def _layouts() -> Iterator[Hypothesis]:
    told: list[tuple[str, str, Callable[[np.ndarray], np.ndarray]]] = [
        ("memory-order", "read in the order of memory, whatever the strides say", _in_memory),
        ("strides-ignored", "read without strides, as if contiguous behind the first element", _without_strides),
        ("strides-without-sign", "read with negative strides taken as positive", _without_signs),
        ("strides-of-zero", "read with a stride of 0 taken as that of a full array", _repeats_lost),
        ("channels-last-as-first", "read with channels first where they lie last in memory", _if_last),
        ("memory-order", "read in the order of memory where that is Fortran's", _of_fortran),
    ]
    for key, words, read in told:
        for name, noun in NOUNS.items():
            if name in (_OF_BATCH if key == "strides-of-zero" else NOUNS) and (name not in _FLAT or read in _OF_FLAT):
                verb = "are" if name in PLURAL else "is"
                families = CONVS if name in ("w", *_FLAT) else (Family.MAX_UNPOOL,) if name == "indices" else ALL
                yield new(key, f"the {noun} {verb} {words}", by_arrays(_changed((name,), read)), families)


def _formats() -> Iterator[Hypothesis]:
    for name in ("x", "dy", "w"):
        noun = NOUNS[name]
        verb = "are" if name in PLURAL else "is"
        words = f"the {noun} {verb} read as if channels lay last"
        yield new("channels-first-as-last", words, by_arrays(_changed((name,), _channels_last)), ALL)
        words = f"the {noun} {verb} read as if channels lay first, though written with channels last"
        yield new("channels-last-as-first", words, by_arrays(_changed((name,), _channels_first)), ALL)
    words = "the result is written with channels last into a tensor with channels first"
    yield new("result-channels-last", words, by_result(_written(_channels_first)), ALL)
    yield new("result-channels-last", words, by_result(_written(_channels_last)), ALL)
    words = "two axes of the result are exchanged"
    for i, j in ((2, 3), (3, 4), (2, 4), (0, 1)):
        yield new("result-transposed", words, by_result(_swapped(i, j)), ALL)


def _swapped(i: int, j: int) -> Callable[[Problem, np.ndarray], np.ndarray | None]:
    return lambda problem, part: part.swapaxes(i, j) if part.ndim > j else None


def _written(read: Callable[[np.ndarray], np.ndarray]) -> Callable[[Problem, np.ndarray], np.ndarray | None]:
    return lambda problem, part: read(part) if problem.op.pass_name not in (WEIGHT_GRAD, BIAS_GRAD) else None


def _nothings() -> Iterator[Hypothesis]:
    yield new("zeros", "the result is all zeros", by_result(lambda p, part: np.zeros_like(part)), ALL)
    yield new("bias-alone", "the result is the bias alone: no product is added", by_arrays(_no_weights), CONVS, FORWARDS)
    yield new(
        "copy-of-input", "the result is the input itself, cut off or filled up where its size is another", _copy_of_input, ALL
    )
    words = "the result has its sign reversed"
    yield new("negated", words, by_result(lambda p, part: -part if part.dtype.kind != "u" else None), ALL)
    yield new("magnitude", "the result is the magnitude of what it should be", _magnitude, ALL)
    words = "the result is twice what it should be"
    yield new("doubled", words, by_result(lambda p, part: part + part), ALL)
    yield new("squeezed", "axes of size 1 are dropped", by_result(lambda p, part: part.squeeze()), ALL)
    yield new("empty", "the result is empty", by_result(lambda p, part: part[..., :0]), ALL)
    words = "the result has only as many channels as one group"
    yield new("channels-of-one-group", words, by_result(_one_group), CONVS, EVERY_PASS - {BIAS_GRAD})
    words = "the batch axis is dropped"
    yield new("batch-axis-dropped", words, by_result(lambda p, part: part[0] if len(part) == 1 else None), ALL)


def _magnitude(problem: Problem, arrays: Arrays) -> Prediction:
    right = predicted(problem, arrays)
    return Prediction(np.abs(right.y), np.sign(right.y) * right.low if right.y.dtype.kind == "f" else right.low, right.tolerance)


def _no_weights(problem: Problem, arrays: Arrays) -> Arrays | None:
    if problem.requantised:
        return None
    zero = arrays["w_zero"].reshape(-1, *[1] * (1 + problem.op.ndim)) if "w_zero" in arrays else 0
    return {**arrays, "w": np.zeros_like(arrays["w"]) + np.asarray(zero, arrays["w"].dtype)}


def _copy_of_input(problem: Problem, arrays: Arrays) -> Prediction | None:
    first = next(iter(arrays.values()))
    return exactly(first.astype(problem.format.exact)) if first.size else None


def _one_group(problem: Problem, part: np.ndarray) -> np.ndarray | None:
    if problem.groups == 1 or problem.op.pass_name == WEIGHT_GRAD:
        return None
    return part[:, : part.shape[1] // problem.groups]


HYPOTHESES: tuple[Hypothesis, ...] = (*_layouts(), *_of_maxima(), *_nothings())
LAST: tuple[Hypothesis, ...] = tuple(_formats())
