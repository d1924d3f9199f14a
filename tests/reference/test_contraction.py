"""The three contractions are one trilinear form with one tensor left out, over any table of elements."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.problem.window import OUTSIDE
from conformance.reference import contraction
from conformance.reference.contraction import (
    Geometry,
    fold,
    gather,
    outer,
    pair,
    places_reading,
    readers,
    scatter,
    several,
    taps_read,
    windows,
)
from tests.reference.strategies import SEEDS


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Any tables at all: elements read never, once or several times, also by one place, and taps that read nothing."""
    tables, elements = [], []
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 4))
        shape = (draw(st.integers(0, 4)), draw(st.integers(1, 3)))
        entries = st.integers(OUTSIDE, size - 1)
        flat = draw(st.lists(entries, min_size=math.prod(shape), max_size=math.prod(shape)))
        tables.append(np.array(flat, dtype=np.int64).reshape(shape))
        elements.append(size)
    return Geometry(tuple(tables), tuple(elements), draw(st.integers(1, 3)))


def tensors(geometry: Geometry, seed: int, dtype: type = np.int64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Elements e, weights w and places p of whole numbers, with up to two channels for each group."""
    rng = np.random.default_rng(seed)
    batch, channels, out = rng.integers(0, 3), rng.integers(1, 3), rng.integers(1, 3)
    shapes = (
        (batch, channels * geometry.groups, *geometry.elements),
        (out * geometry.groups, channels, *geometry.taps),
        (batch, out * geometry.groups, *geometry.places),
    )
    e, w, p = (rng.integers(-9, 10, shape).astype(dtype) for shape in shapes)
    return e, w, p


RANDOM = settings(max_examples=200, deadline=None)


@RANDOM
@given(geometries(), SEEDS, st.sampled_from([np.int64, np.float64]))
def test_each_contraction_is_the_adjoint_of_the_others(geometry: Geometry, seed: int, dtype: type) -> None:
    e, w, p = tensors(geometry, seed, dtype)
    form = (gather(geometry, e, w) * p).sum()
    assert form == (e * scatter(geometry, p, w)).sum()
    assert form == (w * pair(geometry, e, p)).sum()


@RANDOM
@given(geometries(), SEEDS)
def test_gathering_is_the_sum_over_the_table_that_it_says(geometry: Geometry, seed: int) -> None:
    e, w, p = tensors(geometry, seed)
    expected, of_group = np.zeros_like(p), w.shape[0] // geometry.groups
    for n, o, *place in np.ndindex(*p.shape):
        for c, *tap in np.ndindex(*w.shape[1:]):
            at = [table[i, t] for table, i, t in zip(geometry.tables, place, tap, strict=True)]
            if OUTSIDE not in at:
                expected[(n, o, *place)] += e[(n, o // of_group * w.shape[1] + c, *at)] * w[(o, c, *tap)]
    assert gather(geometry, e, w).tolist() == expected.tolist()


@RANDOM
@given(geometries(), SEEDS)
def test_contractions_keep_their_shapes_and_data_types(geometry: Geometry, seed: int) -> None:
    e, w, p = tensors(geometry, seed)
    for made, like in ((gather(geometry, e, w), p), (scatter(geometry, p, w), e), (pair(geometry, e, p), w)):
        assert made.shape == like.shape
        assert made.dtype == like.dtype


@RANDOM
@given(geometries(), SEEDS)
def test_folding_is_the_adjoint_of_taking_windows(geometry: Geometry, seed: int) -> None:
    e, _, _ = tensors(geometry, seed)
    taken = windows(geometry, e)
    assert taken.shape == (*e.shape[:2], *geometry.taps, *geometry.places)
    columns = np.random.default_rng(seed).integers(-9, 10, taken.shape)
    assert (taken * columns).sum() == (e * fold(geometry, columns)).sum()


@RANDOM
@given(geometries())
def test_the_counts_are_what_the_contractions_make_of_ones(geometry: Geometry) -> None:
    one = Geometry(geometry.tables, geometry.elements)
    e, w, p = (np.ones((1, 1, *shape), dtype=np.int64) for shape in (one.elements, one.taps, one.places))
    assert taps_read(one).tolist() == gather(one, e, w)[0, 0].tolist()
    assert readers(one).tolist() == scatter(one, p, w)[0, 0].tolist()
    assert places_reading(one).tolist() == pair(one, e, p)[0, 0].tolist()


@RANDOM
@given(geometries(), SEEDS)
def test_blocks_of_any_size_sum_to_the_same(geometry: Geometry, seed: int) -> None:
    e, w, p = tensors(geometry, seed)
    whole = gather(geometry, e, w), scatter(geometry, p, w), pair(geometry, e, p)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contraction, "_BLOCK_BYTES", 1)  # one row of places at a time
        parts = gather(geometry, e, w), scatter(geometry, p, w), pair(geometry, e, p)
    for one, other in zip(whole, parts, strict=True):
        assert one.tolist() == other.tolist()


@RANDOM
@given(geometries(), SEEDS, st.integers(1, 3), st.booleans())
def test_several_at_once_are_what_each_is_by_itself(geometry: Geometry, seed: int, number: int, together: bool) -> None:
    e, w, p = tensors(geometry, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contraction, "_TOGETHER", 2**16 if together else -1)
        for contract, one, other in ((gather, e, w), (scatter, p, w), (pair, e, p)):
            pairs = [(one * factor, other - factor) for factor in range(1, number + 1)]
            for at_once, (a, b) in zip(several(contract, geometry, pairs), pairs, strict=True):
                assert at_once.tolist() == contract(geometry, a, b).tolist()


def test_a_tap_that_reads_nothing_takes_the_filling() -> None:
    geometry = Geometry((np.array([[OUTSIDE, 0], [1, OUTSIDE]]),), (2,))
    assert windows(geometry, np.array([[[5, 7]]]), fill=-3).tolist() == [[[[-3, 7], [5, -3]]]]  # taps by places


def test_the_outer_product_of_counts_has_an_axis_for_each() -> None:
    assert outer([np.array([1, 2]), np.array([3, 0, 5])]).tolist() == [[3, 0, 5], [6, 0, 10]]
