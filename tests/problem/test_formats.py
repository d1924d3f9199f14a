"""The constants of the number formats, against NumPy's and ml_dtypes' own, and names that are not known."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from conformance.errors import UsageError
from conformance.problem import FORMATS, Format, format_named
from conformance.problem.formats import COMPLEX, FLOATS, INTEGERS

each_format = pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
each_float = pytest.mark.parametrize("fmt", [FORMATS[name] for name in FLOATS], ids=lambda fmt: fmt.name)
each_complex = pytest.mark.parametrize("fmt", [FORMATS[name] for name in COMPLEX], ids=lambda fmt: fmt.name)
each_integer = pytest.mark.parametrize("fmt", [FORMATS[name] for name in INTEGERS], ids=lambda fmt: fmt.name)


def test_every_format_is_of_one_kind() -> None:
    assert sorted(FLOATS + COMPLEX + INTEGERS) == sorted(FORMATS)
    assert all(fmt.name == name for name, fmt in FORMATS.items())


@each_format
def test_the_stored_type_is_of_the_kind_that_the_format_says(fmt: Format) -> None:
    kinds = {"f": "float", "V": "float", "c": "complex", "i": "int", "u": "int"}  # bfloat16 is NumPy's "V"
    assert kinds[fmt.numpy.kind] == fmt.kind
    assert np.can_cast(fmt.numpy, fmt.exact) or fmt.name == "bfloat16"


@each_complex
def test_the_constants_of_complex_numbers_are_those_of_a_part(fmt: Format) -> None:
    part = FORMATS[np.empty(0, fmt.numpy).real.dtype.name]
    assert (fmt.significand, fmt.min_exponent) == (part.significand, part.min_exponent)
    assert (fmt.unit_roundoff, fmt.smallest_subnormal) == (part.unit_roundoff, part.smallest_subnormal)


@each_integer
def test_integers_round_nothing_and_hold_every_number_up_to_the_largest(fmt: Format) -> None:
    info = np.iinfo(fmt.numpy)
    assert fmt.unit_roundoff == fmt.smallest_subnormal == 0
    assert fmt.largest_whole == info.max
    assert fmt.signed == (info.min < 0)


@each_float
def test_every_whole_number_up_to_the_largest_is_held_and_the_next_is_not(fmt: Format) -> None:
    largest = fmt.largest_whole
    held = [float(np.array(float(number)).astype(fmt.numpy)) for number in (largest - 1, largest, largest + 2)]
    assert held == [largest - 1, largest, largest + 2]
    if fmt.significand < 53:
        assert float(np.array(float(largest + 1)).astype(fmt.numpy)) != largest + 1


@each_float
def test_the_constants_are_those_of_the_stored_type(fmt: Format) -> None:
    info = ml_dtypes.finfo(fmt.numpy)  # also knows NumPy's own types
    assert fmt.unit_roundoff == float(info.eps) / 2
    assert fmt.smallest_subnormal == float(info.smallest_subnormal)
    assert fmt.significand == info.nmant + 1
    assert fmt.min_exponent == info.minexp


@each_float
def test_one_plus_the_unit_roundoff_is_one_and_one_plus_twice_it_is_not(fmt: Format) -> None:
    rounded = np.array([1 + fmt.unit_roundoff, 1 + 2 * fmt.unit_roundoff], dtype=fmt.numpy).astype(np.float64)
    assert rounded[0] == 1
    assert rounded[1] > 1


@each_float
def test_nothing_lies_between_zero_and_the_smallest_subnormal(fmt: Format) -> None:
    smallest = np.array(fmt.smallest_subnormal, dtype=fmt.numpy)
    assert float(smallest) > 0
    assert float(np.nextafter(smallest, np.zeros_like(smallest))) == 0


@each_format
def test_a_format_is_found_by_its_long_and_by_its_short_name(fmt: Format) -> None:
    assert format_named(fmt.name) is fmt
    assert format_named(fmt.short) is fmt


@pytest.mark.parametrize("name", ["", "float", "f8", "int16", "F32", "float128", "complex32"])
def test_an_unknown_format_names_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        format_named(name)
    assert repr(name) in str(raised.value)
    assert all(fmt.name in str(raised.value) for fmt in FORMATS.values())
