"""A layout changes where numbers lie, never which they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.plugin.layouts import LAYOUTS, lay_out


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=5).map(tuple),
    layout=st.sampled_from(sorted(set(LAYOUTS) - {"broadcast"})),
)
def test_values_stay_the_same(shape: tuple[int, ...], layout: str) -> None:
    array = np.arange(1.0, 1 + np.prod(shape)).reshape(shape).astype(np.float32)
    laid = lay_out({"x": array, "w": array}, layout)
    np.testing.assert_array_equal(laid["x"], array)
    np.testing.assert_array_equal(laid["w"], array)


@pytest.mark.parametrize(
    ("layout", "odd"),
    [
        ("strided", lambda a: a.strides[-1] == 2 * a.itemsize),
        ("reversed", lambda a: all(step < 0 for step in a.strides)),
        ("fortran", lambda a: a.flags.f_contiguous),
        ("channels_last", lambda a: a.strides[1] == a.itemsize),
        ("sliced", lambda a: not a.flags.c_contiguous and a.base is not None),
        ("misaligned", lambda a: a.ctypes.data % 8 != 0 or a.ctypes.data % 64 != 0),
    ],
)
def test_a_layout_is_what_it_is_called(layout: str, odd) -> None:  # type: ignore[no-untyped-def]
    array = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    assert odd(lay_out({"x": array}, layout)["x"])


def test_broadcasting_repeats_the_first_item_by_a_stride_of_zero() -> None:
    array = np.ones((3, 2), np.float32)
    assert lay_out({"x": array}, "broadcast")["x"].strides[0] == 0
