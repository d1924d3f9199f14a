"""What answers from memory: the result of another call, or of nothing at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.problem import Problem
from implementations.adversaries.base import Arrays, Honest, adversary, called_from, nothing

_kept: dict[Any, Any] = {}
_calls: list[Problem] = []


@adversary("returns the output of the call before, where its shape is the same", "values, judged by the harness")
def previous_output(p: Problem, a: Arrays, honest: Honest) -> Any:
    last = _kept.get("last")
    if last is None or last.shape != p.result_shape:
        last = _kept["last"] = honest()
    return last.copy()


@adversary("returns memory that another call left behind", "freed memory is poisoned; values")
def left_behind(p: Problem, a: Arrays, honest: Honest) -> Any:
    return np.empty(p.result_shape, p.result_format.numpy)


@adversary("returns zeros, which may lie within a tolerance", "no tolerance is a guess: on integers it is zero")
def zeros(p: Problem, a: Arrays, honest: Honest) -> Any:
    return nothing(p)


@adversary("returns the input, cut off or repeated to the output's shape", "values; memory shared with the input")
def the_input(p: Problem, a: Arrays, honest: Honest) -> Any:
    return a["x"] if a["x"].shape == p.result_shape else np.resize(a["x"], p.result_shape)


@adversary("remembers results by the identity of the input array", "other data at the same address; values of timed calls")
def by_id(p: Problem, a: Arrays, honest: Honest) -> Any:
    return _remembered((p, id(a["x"])), honest)


@adversary("remembers results by the address of the input", "other data at the same address; values of timed calls")
def by_address(p: Problem, a: Arrays, honest: Honest) -> Any:
    return _remembered((p, a["x"].ctypes.data), honest)


@adversary("remembers results by the shape of the input", "other data of the same shape; values of timed calls")
def by_shape(p: Problem, a: Arrays, honest: Honest) -> Any:
    return _remembered((p, a["x"].shape), honest)


@adversary("remembers results by the contents of all tensors", "no timed call gets data that an earlier one had",
           check=False, timing="no gain")  # fmt: skip
def by_content(p: Problem, a: Arrays, honest: Honest) -> Any:
    return _remembered((p, *(array.tobytes() for array in a.values())), honest)


@adversary("does the work when a prepared call is first made, and remembers it for when it is made again",
           "no prepared call is timed twice", check=False, timing="no gain")  # fmt: skip
def first_of_each(p: Problem, a: Arrays, honest: Honest) -> Any:
    return _remembered(honest, honest)  # keeps the call itself alive, so no other is taken for it


@adversary("is right for the first ten calls", "values, in every call that is checked, and of timed calls")
def right_ten_times(p: Problem, a: Arrays, honest: Honest) -> Any:
    _calls.append(p)
    return honest() if len(_calls) <= 10 else nothing(p)


@adversary(
    "is right until the same problem comes for the tenth time in a row, as in timing", "values of timed calls", check=False
)
def lazy_when_repeated(p: Problem, a: Arrays, honest: Honest) -> Any:
    _calls.append(p)
    return nothing(p) if len(_calls) >= 10 and set(_calls[-10:]) == {p} else honest()


@adversary("looks whether it is being timed, and is lazy then", "values of timed calls", check=False)
def lazy_when_timed(p: Problem, a: Arrays, honest: Honest) -> Any:
    return nothing(p) if called_from("timing") else honest()


@adversary("computes the first item of a batch and repeats it", "values; every item has data of its own")
def one_item(p: Problem, a: Arrays, honest: Honest) -> Any:
    from implementations.numpy_gemm import NumpyGemm

    if p.batch < 2:
        return honest()
    one = NumpyGemm().prepare(p.replace(batch=1), {**a, "x": a["x"][:1]})()
    return np.repeat(np.asarray(one), p.batch, axis=0)


def _remembered(key: Any, honest: Honest) -> Any:
    if key not in _kept:
        _kept[key] = honest()
    return _kept[key].copy()
