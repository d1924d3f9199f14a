"""The sums that every operator here is made of: gather windows, scatter them back, or pair elements with places.

A window's table says which element each tap reads from each place. With elements e, weights w and places p, convolution
is one trilinear form sum e w p over that table, and each pass is the form with one of the three left out:
:func:`gather` makes places (a convolution, or the input gradient of a transposed one), :func:`scatter` makes elements (the
reverse), :func:`pair` makes weights. Tensors are (batch, channels, *sizes) in float64 or int64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.problem import Problem
from conformance.problem.window import OUTSIDE

_BLOCK_BYTES = 32 * 2**20  # gathered windows held at a time
_TOGETHER = 2**16  # elements of tensors that are contracted at once


@dataclass(frozen=True, slots=True)
class Geometry:
    """The tables of all axes, each (places, taps), and how many elements each axis has."""

    tables: tuple[np.ndarray, ...]
    elements: tuple[int, ...]
    groups: int = 1

    def times(self, number: int) -> Geometry:
        """The same for tensors that hold so many by the side of each other, as groups of their own."""
        return Geometry(self.tables, self.elements, self.groups * number)

    @property
    def places(self) -> tuple[int, ...]:
        return tuple(table.shape[0] for table in self.tables)

    @property
    def taps(self) -> tuple[int, ...]:
        return tuple(table.shape[1] for table in self.tables)


def geometry_of(problem: Problem) -> Geometry:
    tables = tuple(window.table() for window in problem.windows)
    return Geometry(tables, tuple(window.elements for window in problem.windows), problem.groups)


def gather(geometry: Geometry, e: np.ndarray, w: np.ndarray) -> np.ndarray:
    """p[n,o,p] = sum over the channels c of o's group and the taps t of e[n, c, table[p,t]] w[o,c,t]."""
    kernels = w.reshape(geometry.groups, w.shape[0] // geometry.groups, -1)
    p = np.empty((e.shape[0], w.shape[0], *geometry.places), e.dtype)
    for rows, part in _blocks(geometry, e.shape[0] * e.shape[1], e.itemsize):
        columns = _columns(part, e)
        p[:, :, rows] = (kernels @ columns).reshape(e.shape[0], w.shape[0], *part.places)
    return p


def scatter(geometry: Geometry, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    """e[n,c,i] = sum over the output channels o of c's group and all (p, t) with table[p,t] = i of p[n,o,p] w[o,c,t]."""
    groups, batch, channels = geometry.groups, p.shape[0], w.shape[1] * geometry.groups
    kernels = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    e = np.zeros((batch, channels, *geometry.elements), p.dtype)
    for rows, part in _blocks(geometry, batch * channels, p.itemsize):
        flat = p[:, :, rows].reshape(batch, groups, p.shape[1] // groups, math.prod(part.places))
        columns = (kernels @ flat).reshape(batch, channels, *part.taps, *part.places)
        e += fold(part, columns)
    return e


def pair(geometry: Geometry, e: np.ndarray, p: np.ndarray) -> np.ndarray:
    """w[o,c,t] = sum over the batch n and the places p of e[n, c, table[p,t]] p[n,o,p]."""
    groups, batch = geometry.groups, e.shape[0]
    out, channels = p.shape[1], e.shape[1] // groups
    w = np.zeros((groups, out // groups, channels * math.prod(geometry.taps)), e.dtype)
    if p.dtype.kind == "f" and not np.isfinite(p).all():
        return _pair_by_tap(geometry, e, p)
    for rows, part in _blocks(geometry, batch * e.shape[1], e.itemsize):
        flat = p[:, :, rows].reshape(batch, groups, out // groups, math.prod(part.places))
        w += (flat @ _columns(part, e).swapaxes(2, 3)).sum(axis=0)
    return w.reshape(out, channels, *geometry.taps)


def _pair_by_tap(geometry: Geometry, e: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The same tap by tap, over the places that read an element alone: padding is no factor, so Inf times it is no NaN."""
    groups, out, channels = geometry.groups, p.shape[1], e.shape[1] // geometry.groups
    w = np.zeros((groups, out // groups, channels, *geometry.taps), e.dtype)
    for tap in np.ndindex(geometry.taps):
        read = [table[:, t] for table, t in zip(geometry.tables, tap, strict=True)]
        inside: Any = np.ix_(*(np.flatnonzero(at != OUTSIDE) for at in read))
        elements: Any = np.ix_(*(at[at != OUTSIDE] for at in read))
        left = p[(slice(None), slice(None), *inside)].reshape(p.shape[0], groups, out // groups, -1)
        right = e[(slice(None), slice(None), *elements)].reshape(e.shape[0], groups, channels, -1)
        w[(slice(None), slice(None), slice(None), *tap)] = np.einsum("ngop,ngcp->goc", left, right)
    return w.reshape(out, channels, *geometry.taps)


def several(
    contract: Callable[[Geometry, np.ndarray, np.ndarray], np.ndarray],
    geometry: Geometry,
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> list[np.ndarray]:
    """``contract`` of each pair of tensors. Small ones are groups of one call, which costs hardly more than one of them."""
    number = len(pairs)
    if sum(a.size + b.size for a, b in pairs) > _TOGETHER:
        return [contract(geometry, a, b) for a, b in pairs]
    second, axis = (1, 0) if contract is pair else (0, 1)  # where groups are in the second tensor and in the result
    joined = (np.concatenate(tensors, axis) for tensors, axis in zip(zip(*pairs, strict=True), (1, second), strict=True))
    made = contract(geometry.times(number), *joined)
    size = made.shape[axis] // number
    return [made[(slice(None),) * axis + (slice(i * size, (i + 1) * size),)] for i in range(number)]


def taps_read(geometry: Geometry) -> np.ndarray:
    """For each place, how many of its taps read an element, shape of the places."""
    return outer([(table != OUTSIDE).sum(axis=1) for table in geometry.tables])


def readers(geometry: Geometry) -> np.ndarray:
    """For each element, how many (place, tap) read it, shape of the elements."""
    counts = [
        np.bincount(table[table != OUTSIDE], minlength=elements)
        for table, elements in zip(geometry.tables, geometry.elements, strict=True)
    ]
    return outer(counts)


def places_reading(geometry: Geometry) -> np.ndarray:
    """For each tap, from how many places it reads an element, shape of the taps."""
    return outer([(table != OUTSIDE).sum(axis=0) for table in geometry.tables])


def flat_table(geometry: Geometry) -> np.ndarray:
    """The flat index of the element that each (tap, place) reads, OUTSIDE where it reads none, shape (*taps, *places)."""
    ndim = len(geometry.tables)
    flat, outside = np.zeros((1,) * 2 * ndim, np.int64), np.zeros((1,) * 2 * ndim, bool)
    for axis, (table, elements) in enumerate(zip(geometry.tables, geometry.elements, strict=True)):
        shape = [1] * 2 * ndim
        shape[axis], shape[ndim + axis] = table.shape[1], table.shape[0]
        at = table.T.reshape(shape)
        flat, outside = flat * elements + at, outside | (at == OUTSIDE)
    flat[outside] = OUTSIDE
    return flat


def windows(geometry: Geometry, e: np.ndarray, fill: float = 0) -> np.ndarray:
    """Every window's elements, ``fill`` where a tap reads none, shape (batch, channels, *taps, *places)."""
    return planes_of(geometry, e, fill).take(flat_table(geometry), axis=2)


def planes_of(geometry: Geometry, e: np.ndarray, fill: float) -> np.ndarray:
    """Flat planes (batch, channels, elements + 1) with ``fill`` behind: OUTSIDE, which is -1, reads that."""
    elements = math.prod(geometry.elements)
    planes = np.empty((*e.shape[:2], elements + 1), e.dtype)
    planes[:, :, :-1] = e.reshape(*e.shape[:2], elements)
    planes[:, :, -1] = fill
    return planes


def fold(geometry: Geometry, columns: np.ndarray) -> np.ndarray:
    """The adjoint of :func:`windows`: adds (batch, channels, *taps, *places) up to (batch, channels, *elements)."""
    batch, channels = columns.shape[:2]
    row = math.prod(geometry.elements) + 1  # what OUTSIDE reads lies behind, and is dropped
    at = flat_table(geometry).reshape(-1) % row + np.arange(0, batch * channels * row, row)[:, None]
    total = np.zeros(batch * channels * row, columns.dtype)
    np.add.at(total, at.reshape(-1), columns.reshape(-1))
    return total.reshape(batch, channels, row)[:, :, :-1].reshape(batch, channels, *geometry.elements)


def outer(per_axis: Sequence[np.ndarray]) -> np.ndarray:
    """The product of one vector of counts per axis."""
    result = np.ones((1,) * len(per_axis), dtype=np.int64)
    for axis, counts in enumerate(per_axis):
        result = result * counts.reshape([-1 if i == axis else 1 for i in range(len(per_axis))])
    return result


def _columns(geometry: Geometry, e: np.ndarray) -> np.ndarray:
    """The windows as one matrix for each item and group: (batch, groups, channels of a group * taps, places)."""
    rows = e.shape[1] // geometry.groups * math.prod(geometry.taps)
    return windows(geometry, e).reshape(e.shape[0], geometry.groups, rows, math.prod(geometry.places))


def _blocks(geometry: Geometry, planes: int, itemsize: int) -> Iterator[tuple[slice, Geometry]]:
    """Slices of the first axis' places, so that the windows gathered for one of them stay within _BLOCK_BYTES."""
    first, rest = geometry.tables[0], geometry.tables[1:]
    row_bytes = max(1, itemsize * planes * math.prod(geometry.taps) * math.prod(geometry.places[1:]))
    step, rows = max(1, _BLOCK_BYTES // row_bytes), first.shape[0]
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        yield part, Geometry((first[part], *rest), geometry.elements, geometry.groups)
