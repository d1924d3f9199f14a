"""The constants of the number formats, against NumPy's and ml_dtypes' own, and names that are not known."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.problem import FORMATS, Format, format_named

each_format = pytest.mark.parametrize("fmt", FORMATS.values(), ids=str)


@each_format
def test_the_constants_are_those_of_the_stored_type(fmt: Format) -> None:
    info = ml_dtypes.finfo(fmt.numpy)  # also knows NumPy's own types
    assert fmt.unit_roundoff == float(info.eps) / 2
    assert fmt.smallest_subnormal == float(info.smallest_subnormal)
    assert fmt.significand == info.nmant + 1
    assert fmt.min_exponent == info.minexp


@each_format
def test_one_plus_the_unit_roundoff_is_one_and_one_plus_twice_it_is_not(fmt: Format) -> None:
    rounded = np.array([1 + fmt.unit_roundoff, 1 + 2 * fmt.unit_roundoff], dtype=fmt.numpy).astype(np.float64)
    assert rounded[0] == 1
    assert rounded[1] > 1


@each_format
def test_nothing_lies_between_zero_and_the_smallest_subnormal(fmt: Format) -> None:
    smallest = np.array(fmt.smallest_subnormal, dtype=fmt.numpy)
    assert float(smallest) > 0
    assert float(np.nextafter(smallest, np.zeros_like(smallest))) == 0


@each_format
def test_a_format_is_found_by_its_long_and_by_its_short_name(fmt: Format) -> None:
    assert format_named(fmt.name) is fmt
    assert format_named(fmt.short) is fmt


@pytest.mark.parametrize("name", ["", "float", "f8", "int32", "F32", "float128"])
def test_an_unknown_format_names_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        format_named(name)
    assert repr(name) in str(raised.value)
    assert all(fmt.name in str(raised.value) for fmt in FORMATS.values())
