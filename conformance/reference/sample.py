"""The truth of chosen results alone, so that a problem of any size can be judged in seconds.

Of one result of a convolution every product is known by the two elements that it is of, so a result costs no more than its
own terms. Pooling keeps planes (an item's channels) apart, so some whole planes are taken. Chosen are the places where
kernels go wrong (corners, borders, ends of tiles of every power of two), and others at random, which bound the chance that
wrong results are missed.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from conformance.problem import Problem
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from conformance.problem.window import OUTSIDE
from conformance.reference.contraction import Geometry, geometry_of
from conformance.reference.convolutions import form_of, requantised
from conformance.reference.floats import two_prod
from conformance.reference.truth import Answers, Arrays, Truth, gamma64

MAX_WORK = 2**24
"""Multiply-adds, or elements that a pooling reads, up to which all results are judged,"""
MAX_RESULTS = 2**17
"""if there are no more results than this: of a convolution, whose terms are known one by one."""
_TERMS, _MOST_TERMS = 2**22, 2**24  # products that are made for one sample, about; more of the largest problems,
_OF_ALL = 2**14  # one in so many of the products of these
_LEAST = 64  # places of each kind, however many terms they have
_MOST = 768
_TOGETHER = 2**20  # products that are made at once
_PLANES = 4  # planes at random, at least; those at the ends come to them


@dataclass(frozen=True, slots=True)
class Sample:
    """Flat indices ``at`` into the result. The last ``random`` of them, or of the ``planes``, were drawn independently,
    each as likely as any other of all results (of a pooling: of all planes, which are taken whole)."""

    at: np.ndarray
    random: int
    planes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def missed(self, fraction: float) -> float:
        """The most that the chance can be that this fraction of all results is wrong and none of them is in the sample.

        (1 - p)^m for m independent draws. Of planes, wrong results are missed most easily where they fill whole planes.
        """
        return float((1 - fraction) ** self.random)


def sample_of(problem: Problem, arrays: Arrays, results: int = MAX_RESULTS) -> Sample | None:
    """The places that are judged of a problem, which follow from it and its numbers; None where all of them are."""
    if not is_sampled(problem, results):
        return None
    first = next(iter(arrays.values()))
    seed = zlib.crc32(str(problem).encode(), zlib.crc32(np.ascontiguousarray(first.reshape(-1)[:4096]).tobytes()))
    rng = np.random.Generator(np.random.Philox(key=seed))
    shape = problem.replace(unbatched=False).result_shape
    if problem.op.is_pool:
        return _sample_of_planes(problem, shape, rng)
    terms = max(_TERMS, min(_MOST_TERMS, problem.work // _OF_ALL))
    most = min(_MOST, max(_LEAST, terms // problem.max_terms // 2))
    places = np.concatenate([_structured(shape, rng, most), _seeing(problem, shape, rng)])
    drawn = rng.integers(0, math.prod(shape), most)
    return Sample(np.concatenate([np.ravel_multi_index(tuple(places.T), shape), drawn]), most)


def judged_planes(problem: Problem) -> float:
    """The most of the planes of a pooling that are judged, as a fraction of all."""
    planes = max(1, problem.batch * problem.channels)
    return 1.0 if problem.work <= MAX_WORK else min(1.0, 2 * _drawn_planes(problem, planes) / planes)


def _drawn_planes(problem: Problem, planes: int) -> int:
    return min(planes, max(_PLANES, MAX_WORK // max(1, problem.work // planes)))


def _sample_of_planes(problem: Problem, shape: Sequence[int], rng: np.random.Generator) -> Sample | None:
    planes, each = shape[0] * shape[1], math.prod(shape[2:])
    random = _drawn_planes(problem, planes)
    ends = list(dict.fromkeys([0, planes - 1, *rng.permutation(_ends(planes)).tolist()]))
    chosen = np.array([*ends[:random], *rng.integers(0, planes, random)], np.int64)
    if len(chosen) >= planes:
        return None
    return Sample((chosen[:, None] * each + np.arange(each)).reshape(-1), random, chosen)


def is_sampled(problem: Problem, results: int = MAX_RESULTS) -> bool:
    """Whether only some results of a problem are judged, but for a pooling of a few large planes."""
    if problem.op.pass_name == BIAS_GRAD or not problem.batch:
        return False
    return problem.work > MAX_WORK or not (problem.op.is_pool or math.prod(problem.result_shape) <= results)


def _structured(shape: Sequence[int], rng: np.random.Generator, most: int) -> np.ndarray:
    """Corners, and for every axis the first, the last and those around the ends of tiles, elsewhere at random."""
    found = list(product(*({0, size - 1} for size in shape)))[: most // 2]
    for axis, size in enumerate(shape):
        for at in _ends(size):
            for _ in range(2):
                place = [int(rng.integers(0, other)) for other in shape]
                place[axis] = at
                found.append(tuple(place))
    unique = np.unique(np.array(found, np.int64), axis=0)
    return unique[np.sort(rng.permutation(len(unique))[:most])] if len(unique) > most else unique


def _seeing(problem: Problem, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Some places at random whose windows see elements of the input: with wide padding they may be few of all."""
    spatial = len(shape) - problem.op.ndim
    axes = [rng.integers(0, size, _LEAST) for size in shape[:spatial]]
    for size, window in zip(shape[spatial:], problem.windows, strict=True):
        seen = np.flatnonzero(window.inside().any(axis=1))
        own = len(seen) and problem.op.pass_name != WEIGHT_GRAD and size == window.inside().shape[0]
        axes.append(rng.choice(seen, _LEAST) if own else rng.integers(0, size, _LEAST))
    return np.stack(axes, axis=1)


def _ends(size: int) -> list[int]:
    """Of an axis: its first and last places, and both sides of the first and of the last border of tiles of 2^k."""
    tiles = [2**bits for bits in range(1, size.bit_length())]
    near = {0, 1, size // 2, size - 2, size - 1, *tiles, *(t - 1 for t in tiles)}
    near |= {size - size % t for t in tiles} | {size - size % t - 1 for t in tiles}
    return sorted(at for at in near if 0 <= at < size)


def chosen_sums(problem: Problem, arrays: Arrays, answers: Answers, at: np.ndarray) -> Truth:
    """The truth of a convolution of any pass but that of the bias, at flat indices of its result."""
    form, geometry = form_of(problem, arrays, answers), geometry_of(problem)
    place = np.stack(np.unravel_index(at, problem.result_shape), axis=1)
    plus = np.zeros(len(at), form.a.dtype) if form.plus is None else form.plus[place[:, 1]]
    made = []
    for part in _parts(len(at), problem.max_terms):
        terms = _TERMS_OF[form.contraction](geometry, form.a, form.b, place[part])
        made.append(_summed(problem, *terms, plus[part], form.plus is not None))
    y, n, S, error = (np.concatenate(columns) for columns in zip(*made, strict=True))
    truth = Truth(y, np.zeros_like(y), n, S, error, np.ones(len(at)), at=at)
    if not problem.requantised:
        return truth
    return requantised(problem, truth, arrays["scale"][place[:, 1]], arrays["y_zero"], answers)


def _parts(places: int, terms: int) -> Iterator[slice]:
    step = max(1, _TOGETHER // terms)
    yield from (slice(start, start + step) for start in range(0, places, step))


Products = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Left factors, right factors, and which of the products there are; each (places, terms), zero where there is none."""


def _gathered(geometry: Geometry, e: np.ndarray, w: np.ndarray, place: np.ndarray) -> Products:
    """Places (item, output channel, *position): e[n, c, table[p, t]] w[o, c, t] for the channels c of o's group and taps t."""
    channels, size = w.shape[1], math.prod(geometry.elements)
    read = [table[p] for table, p in zip(geometry.tables, place[:, 2:].T, strict=True)]
    flat = _flat(read, geometry.elements)
    first = place[:, 0] * e.shape[1] + place[:, 1] // (w.shape[0] // geometry.groups) * channels
    left = _taken(e, first, channels, size, flat)
    there = np.broadcast_to((flat != OUTSIDE)[:, None], left.shape)
    right = w.reshape(w.shape[0], channels, -1)[place[:, 1]]
    return _rows(left), _rows(np.where(there, right, 0)), _rows(there)


def _scattered(geometry: Geometry, p: np.ndarray, w: np.ndarray, place: np.ndarray) -> Products:
    """Places (item, channel, *element): p[n, o, q] w[o, c, t] for the output channels o of c's group, all (q, t) that read it."""
    channels, group = w.shape[1], w.shape[0] // geometry.groups
    axes = [_readers(table, at) for table, at in zip(geometry.tables, place[:, 2:].T, strict=True)]
    places = _flat([axis[0] for axis in axes], geometry.places)
    taps = _flat([axis[1] for axis in axes], geometry.taps)
    first_out = place[:, 1] // channels * group
    left = _taken(p, place[:, 0] * p.shape[1] + first_out, group, math.prod(geometry.places), places)
    there = np.broadcast_to((places != OUTSIDE)[:, None], left.shape)
    kernels = w.reshape(w.shape[0], channels, -1)
    right = kernels[first_out[:, None, None] + np.arange(group)[:, None], (place[:, 1] % channels)[:, None, None], taps[:, None]]
    return _rows(left), _rows(np.where(there, right, 0)), _rows(there)


def _paired(geometry: Geometry, e: np.ndarray, p: np.ndarray, place: np.ndarray) -> Products:
    """Places (output channel, channel of its group, *tap): e[n, c, table[q, t]] p[n, o, q] for all items n and places q."""
    channels, size, batch = e.shape[1] // geometry.groups, math.prod(geometry.elements), len(e)
    read = [table[:, t].T for table, t in zip(geometry.tables, place[:, 2:].T, strict=True)]
    flat = _flat(read, geometry.elements)
    channel = place[:, 0] // (p.shape[1] // geometry.groups) * channels + place[:, 1]
    left = np.stack([_taken(e, item * e.shape[1] + channel, 1, size, flat)[:, 0] for item in range(batch)], axis=1)
    there = np.broadcast_to((flat != OUTSIDE)[:, None], left.shape)
    right = p.reshape(batch, p.shape[1], -1)[:, place[:, 0]].swapaxes(0, 1)
    return _rows(left), _rows(np.where(there, right, 0)), _rows(there)


_TERMS_OF = {"gather": _gathered, "scatter": _scattered, "pair": _paired}


def _rows(terms: np.ndarray) -> np.ndarray:
    return terms.reshape(len(terms), -1)


def _flat(per_axis: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """Indices of each axis, (places, some of the axis), as flat ones of all their combinations; OUTSIDE where one is."""
    flat, outside = np.zeros((len(per_axis[0]), 1), np.int64), np.zeros((len(per_axis[0]), 1), bool)
    for at, size in zip(per_axis, sizes, strict=True):
        flat = (flat[:, :, None] * size + at[:, None, :]).reshape(len(at), -1)
        outside = (outside[:, :, None] | (at == OUTSIDE)[:, None, :]).reshape(len(at), -1)
    flat[outside] = OUTSIDE
    return flat


def _taken(tensor: np.ndarray, first: np.ndarray, count: int, size: int, flat: np.ndarray) -> np.ndarray:
    """Of ``count`` planes from each ``first`` on, the elements at ``flat``, zero OUTSIDE: (places, count, taps)."""
    at = (first[:, None, None] + np.arange(count)[:, None]) * size + flat[:, None]
    found = tensor.reshape(-1).take(at, mode="clip")
    return np.where((flat == OUTSIDE)[:, None], found.dtype.type(0), found)


def _readers(table: np.ndarray, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of one axis the places and the taps that read each of some elements, (elements, most of them), OUTSIDE behind."""
    order = np.argsort(table, axis=None, kind="stable")
    ordered = table.reshape(-1)[order]
    first, last = (np.searchsorted(ordered, elements, side=side) for side in ("left", "right"))
    steps = np.arange(max(1, int((last - first).max(initial=0))))
    found = order[np.minimum(first[:, None] + steps, len(order) - 1)]
    there = first[:, None] + steps < last[:, None]
    return np.where(there, found // table.shape[1], OUTSIDE), np.where(there, found % table.shape[1], OUTSIDE)


def _summed(
    problem: Problem, left: np.ndarray, right: np.ndarray, there: np.ndarray, plus: np.ndarray, added: bool
) -> tuple[np.ndarray, ...]:
    """Sums of products, with the number of terms, the sum of magnitudes, and a bound of the error of what is returned."""
    n, magnitudes = there.sum(axis=1) + added, (np.abs(left) * np.abs(right)).sum(axis=1)
    S, zero = magnitudes + np.abs(plus), np.zeros(len(left))
    if problem.format.kind == "int":
        return (left * right).sum(axis=1) + plus, n, S, zero
    if problem.format.kind == "complex":
        minus = ((left.real, right.real), (-left.imag, right.imag)), ((left.real, right.imag), (left.imag, right.real))
        parts = [_real(problem, pairs, part) for pairs, part in zip(minus, (plus.real, plus.imag), strict=True)]
        return parts[0] + 1j * parts[1], n, S, _error(problem, 2 * n, 2 * S)
    return _real(problem, ((left, right),), plus), n, S, _error(problem, n, S)


def _real(problem: Problem, pairs: Sequence[tuple[np.ndarray, np.ndarray]], plus: np.ndarray) -> np.ndarray:
    """The sums of all pairs' products: of 24 bits at most by float64, whose products are exact, of more without an error
    but the last rounding (TwoProd, and a sum that Shewchuk's algorithm makes exact)."""
    if problem.format.significand < 53:
        return sum(((a * b).sum(axis=1) for a, b in pairs), plus)
    parts = np.concatenate([half for a, b in pairs for half in two_prod(a, b)] + [plus[:, None]], axis=1)
    if not np.isfinite(parts).all():  # of which there is no exact sum
        return sum(((a * b).sum(axis=1) for a, b in pairs), plus)
    return np.array([math.fsum(row) for row in parts])


def _error(problem: Problem, n: np.ndarray, S: np.ndarray) -> np.ndarray:
    """How far :func:`_real` may be from the truth: n roundings of float64, or one, with what TwoProd may lose by underflow."""
    return gamma64(n) * S if problem.format.significand < 53 else 2.0**-53 * S + n * 2.0**-1074
