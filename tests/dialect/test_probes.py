"""Every answer to every option of the dialect is told from the others, by implementations that give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.dialect.interview import _Heard
from conformance.dialect.probes import probes_of
from conformance.errors import UsageError
from conformance.plugin.job import Reply
from conformance.problem import OPERATORS, Problem, format_named
from conformance.problem.dialect import DIALECT, check_declared
from conformance.problem.operators import name_of
from implementations.naive import Naive
from implementations.numpy_gemm import NumpyGemm

Result = np.ndarray
DTYPES = {"integer_overflow": "int8", "complex_gradient": "complex64", "quantised_ties": "uint8"}


def right(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    return np.asarray(Naive().prepare(problem, arrays)())


def ignoring_nan(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    return right(problem, {"x": np.nan_to_num(arrays["x"], nan=-np.inf)})


def nan_if_first(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    y = ignoring_nan(problem, arrays)
    first = arrays["x"][tuple(slice(0, size) for size in y.shape)]
    return np.where(np.isnan(first), np.nan, y).astype(y.dtype)


def zeros_with_sign(negative: Callable[[int], Any]) -> Callable[..., Result]:
    def maximum(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
        y = right(problem, arrays)
        return np.where(negative(y.shape[-1]), -np.abs(y), np.abs(y))

    return maximum


def rounded(rule: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Result]:
    def requantised(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
        return rule((arrays["x"].astype(np.int32) - 10) / 2).astype(np.int8)

    return requantised


def saturated(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    return np.full(problem.result_shape, np.iinfo(problem.dtype).max, problem.dtype)


def one_more(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    y = right(problem, arrays)
    return np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, 1)])


def counted(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    y = right(problem, arrays)
    y[..., -1] /= 2
    return y


def gemm(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
    return np.asarray(NumpyGemm().prepare(problem, arrays)())


GIVING: dict[tuple[str, str], Callable[..., Result]] = {
    ("nan_in_max_pool", "propagates"): right,
    ("nan_in_max_pool", "ignored"): ignoring_nan,
    ("nan_in_max_pool", "first"): nan_if_first,
    ("minus_infinity", "kept"): right,
    ("minus_infinity", "lowest"): lambda p, a: np.maximum(right(p, a), np.finfo(np.float32).min),
    ("infinity", "kept"): right,
    ("infinity", "clamped"): lambda p, a: np.minimum(right(p, a), np.finfo(np.float32).max),
    ("partial_overflow", "overflows"): gemm,
    ("partial_overflow", "finite"): lambda p, a: a["x"][:, :1],
    ("negative_zero", "kept"): lambda p, a: -np.zeros(p.result_shape, p.dtype),
    ("negative_zero", "lost"): lambda p, a: np.zeros(p.result_shape, p.dtype),
    ("subnormals_in_max_pool", "kept"): right,
    ("subnormals_in_max_pool", "flushed"): lambda p, a: np.zeros(p.result_shape, p.dtype),
    ("zeros_in_max_pool", "first"): zeros_with_sign(lambda n: np.arange(n) % 2 == 1),
    ("zeros_in_max_pool", "last"): zeros_with_sign(lambda n: np.arange(n) % 2 == 0),
    ("zeros_in_max_pool", "positive"): zeros_with_sign(lambda n: False),
    ("zeros_in_max_pool", "negative"): zeros_with_sign(lambda n: True),
    ("infinite_weight_over_padding", "multiplied"): gemm,
    ("infinite_weight_over_padding", "skipped"): right,
    ("infinite_input_under_zero", "multiplied"): right,
    ("infinite_input_under_zero", "skipped"): lambda p, a: np.nan_to_num(right(p, a)),
    ("subnormals", "kept"): right,
    ("subnormals", "flushed"): lambda p, a: right(p, {**a, "x": np.where(np.abs(a["x"]) < 1e-30, 0, a["x"])}),
    ("ceil_window_in_padding", "dropped"): right,
    ("ceil_window_in_padding", "kept"): one_more,
    ("ceil_overhang", "left out"): right,
    ("ceil_overhang", "counted"): counted,
    ("integer_overflow", "wraps"): right,
    ("integer_overflow", "saturates"): saturated,
    ("integer_overflow", "widens"): lambda p, a: right(p, a).astype(np.int64),
    ("kernel_too_large", "error"): right,
    ("kernel_too_large", "empty"): lambda p, a: np.zeros((1, 1, 0), p.dtype),
    ("odd_norm", "magnitudes"): right,
    ("odd_norm", "signed"): lambda p, a: -right(p, a),
    ("complex_gradient", "conjugated"): right,
    ("complex_gradient", "plain"): lambda p, a: right(p, a).conj(),
    ("quantised_ties", "even"): right,
    ("quantised_ties", "away"): rounded(lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5)),
    ("quantised_ties", "up"): rounded(lambda v: np.floor(v + 0.5)),
    ("quantised_ties", "down"): rounded(np.trunc),
}


def heard(option: str, family: str, ndim: int, gives: Callable[..., Result]) -> _Heard:
    places: dict[str, list[str]] = {}
    operator = name_of(DIALECT[option].families[0].__class__(family), ndim)
    dtype = DTYPES.get(option, "float32")
    for probe in probes_of(option, operator, dtype):
        try:
            with np.errstate(all="ignore"):
                reply = Reply((gives(probe.call.problem, probe.call.arrays),))
        except ValueError as error:
            reply = Reply(error=str(error), error_kind="raised")
        places.setdefault(probe.read(reply), []).append(probe.place)
    return _Heard(operator, dtype, places)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("option", "answer", "family"),
    [(option, answer, family) for option, answer in GIVING for family in DIALECT[option].families],
)
def test_an_answer_is_heard_for_any_number_of_axes(option: str, answer: str, family: str) -> None:
    for ndim in (1, 2, 3):
        assert heard(option, family, ndim, GIVING[option, answer]).answer == answer


def test_every_answer_is_given_above() -> None:
    assert set(GIVING) == {(option, answer) for option, asked in DIALECT.items() for answer in asked.answers}


def test_the_definition_gives_the_usual_answers() -> None:
    for (option, answer), gives in GIVING.items():
        if gives is right and DIALECT[option].usual:
            assert answer == DIALECT[option].usual


def test_what_depends_on_the_size_has_no_answer() -> None:
    def vectorised(problem: Problem, arrays: dict[str, np.ndarray]) -> Result:
        return (ignoring_nan if problem.windows[-1].size >= 16 else right)(problem, arrays)

    found = heard("nan_in_max_pool", "max_pool", 2, vectorised)
    assert found.answer is None
    assert any("70" in place for place in found.places["ignored|first"] + found.places.get("ignored", []))


@pytest.mark.parametrize("words", ["nan_in_max_pool", "nan_in_max_pool=lost", "nan=ignored", "subnormals=flushed:float33"])
def test_a_misspelt_declaration_is_told(words: str) -> None:
    with pytest.raises(UsageError):
        check_declared([words])


def test_every_option_concerns_operators_that_exist() -> None:
    assert all(name_of(family, 1) in OPERATORS for asked in DIALECT.values() for family in asked.families)
    assert all(format_named(dtype) for dtype in DTYPES.values())
