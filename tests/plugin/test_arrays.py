"""Functions on the arrays of any library: conversion there and back, and implementations that are checked on them."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.plugin.arrays import ARRAYS, arrays_named, require_arrays
from conformance.plugin.implementation import WrongResult
from tests.conftest import TARGETS, Check

LIBRARIES = [name for name in ARRAYS if name != "cupy"]


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "int8", "uint8", "int32", "int64", "complex128"])
def test_an_array_comes_back_as_it_was(name: str, dtype: str) -> None:
    import ml_dtypes

    pytest.importorskip(name)
    kind = np.dtype(ml_dtypes.bfloat16) if dtype == "bfloat16" else np.dtype(dtype)
    if name == "array_api_strict" and dtype in ("float16", "bfloat16"):
        pytest.skip("the standard has no such type")
    array = np.arange(6).reshape(2, 3).astype(kind)[::-1]
    library = arrays_named(name)
    native = library.to_native(array)
    assert library.owns(native)
    (back,) = library.fetch(library.finish(native))
    assert back.dtype == array.dtype
    assert (back == array).all()


@pytest.mark.parametrize("name", ["jax", "array_api_strict"])
def test_what_is_no_array_is_told(name: str) -> None:
    pytest.importorskip(name)
    with pytest.raises(WrongResult, match="returned None"):
        arrays_named(name).fetch(None)
    with pytest.raises(WrongResult, match="list"):
        arrays_named(name).fetch([1.0])


@pytest.mark.parametrize("name", ["jax", "array_api_strict"])
def test_arrays_that_nobody_may_change_do_not_change_with_those_of_the_harness(name: str) -> None:
    pytest.importorskip(name)
    array = np.ones(1024, np.float32)
    native = arrays_named(name).to_native(array)
    array[...] = 2
    assert (arrays_named(name).fetch(native)[0] == 1).all()


def test_a_library_that_is_not_known_or_not_installed_is_told_with_what_to_type() -> None:
    with pytest.raises(UsageError, match="not known") as raised:
        require_arrays("arrays")
    assert "array_api_strict" in raised.value.hint
    with pytest.raises(UsageError, match="not installed") as raised:
        require_arrays("cupy")
    assert raised.value.hint == "pip install cupy"


@pytest.mark.parametrize("arrays", ["numpy", "array_api_strict"])
def test_a_function_on_arrays_of_the_standard_is_conformant(arrays: str, check: Check) -> None:
    pytest.importorskip(arrays)
    result = check(f"{TARGETS / 'standard_arrays.py'}:avg_pool1d", arrays=arrays)
    assert result.status == "conformant", result.findings


def test_functions_of_jax_are_recognised_and_their_gradients_checked(check: Check) -> None:
    pytest.importorskip("jax")
    # XLA takes subnormal numbers for zero on the CPU, and says so.
    result = check(f"{TARGETS / 'jax_functions.py'}:conv1d", claim=("subnormals=flushed",), no_claim=("accepted",))
    assert any("jax arrays" in note for note in result.notes)
    exact = {finding.operator for finding in result.findings if finding.check == "exact"}
    assert exact == {"conv1d_input_grad", "conv1d_weight_grad"}
    assert [finding.check for finding in result.findings if finding.operator == "conv1d"] == ["algebra.adjoint"]
    assert "kernel-flipped" in {finding.hypothesis for finding in result.findings}


def test_a_pooling_of_jax_is_conformant(check: Check) -> None:
    pytest.importorskip("jax")
    result = check(f"{TARGETS / 'jax_functions.py'}:max_pool2d", operators=("max_pool2d",), no_claim=("accepted",))
    assert not [finding for finding in result.findings if finding.operator == "max_pool2d"]
