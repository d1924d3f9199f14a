"""The cases of a kind of layer: few of them, chosen so that each has one of everything that kernels go by.

Of each kind and pass: aligned channels (32 and 64), and channels beside them (one more, one less); every data type; even and
odd sizes, one a multiple of 16; a batch of one and of more; with and without a bias; every memory layout; a case each of
wide, cancelling and spiky real values, and one of special values. One case serves many of these.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conformance.cases.case import Case
from conformance.cases.integers import kinds_of_integers
from conformance.cases.kinds import Kind, drawn, kinds_of
from conformance.cases.ladders import first_type
from conformance.plugin.claims import Claims
from conformance.problem import FORMATS, Family, Operator, Problem
from conformance.problem.operators import BIAS_GRAD
from conformance.problem.problem import work_of
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow, AnyWindow, TransposedWindow, Window

Size = Literal["aligned", "beside", "half", "several"]
_PAIRS: dict[Size, tuple[tuple[int, int], ...]] = {
    "aligned": ((32, 64), (64, 64), (64, 32)),
    "beside": ((33, 63), (31, 65), (65, 31)),
    "half": ((16, 32), (32, 16)),
    "several": ((3, 5), (4, 3), (5, 2), (2, 4)),
}
"""Channels in and out; of a pooling the first."""
_COMBINED = tuple(itertools.product((1, 2, 4, 8, 16), (3, 1, 0)))
"""What channels are divided by, and steps of the last axis: smaller where a call would be too much work, steps first."""
_OF_LAYOUTS = tuple(itertools.product((3, 1, 0), (1, 2, 4, 8)))
"""Steps and what channels are divided by, where memory layouts are tried: with a single place some of them are no others."""
_FORMS = ("multiple in the last axis", "odd", "even", "multiple in the first axis")
_EXACT = ("exact",)
_LONG = 24  # bits of a significand in which even a long average of integers is nearly exact
_ALWAYS_ALIGNED = 16  # bytes of an element, which lies nowhere else
_MULTIPLE = 16
_NEAR = 8  # sizes that are looked at for one without a rest
_BEYOND = 64  # times the work that is wanted, which aligned channels may cost
_MOST = 2**31  # multiply-adds, which they may cost once, on as little as the window allows
_NEEDED = 16  # times the taps that are wanted, which the channels that a kind must have may cost
_ALIGNED = 2  # cases with aligned channels, in different data types if there are so many


@dataclass(frozen=True, slots=True)
class Reach:
    """How much a target is asked for: ``work`` are multiply-adds of a call, ``rounds`` the draws of windows in no table.
    ``steps`` are taps of all groups, which cost one that loops over them a Python call each."""

    work: int = 2**18
    rounds: int = 1
    steps: float = math.inf

    @property
    def whole(self) -> bool:
        """Whether aligned channels may cost what they cost."""
        return self.work >= Reach().work

    @property
    def reduced(self) -> str:
        """What calls have less of than those of a fast target, in words; empty of a fast one."""
        work = "" if self.whole else f"{self.work:,} of {Reach().work:,} multiply-adds"
        steps = "" if math.isinf(self.steps) else f"{self.steps:,.0f} taps of all groups ({self.steps * _NEEDED:,.0f} once)"
        return " and ".join(filter(None, (work, steps)))


@dataclass(frozen=True, slots=True)
class Row:
    """One case of every kind: what is checked, by the first of some checks that has something to say, and how large it is."""

    checks: tuple[str, ...]
    size: Size
    dtype: str
    batch: int
    biased: bool
    form: str
    needed: bool = False
    """Whether its channels must be as many as they are, if a fast implementation is asked."""


def cases_of_kinds(
    operator: Operator, claims: Claims, seed: int, reach: Reach, checks: Sequence[Sequence[str]]
) -> Iterator[tuple[Sequence[str], Case]]:
    """For each kind that is claimed, the names of checks with the cases that they are made on, in rounds: one of each kind.

    Of each of ``checks``, which are alternatives, one is made beside the exact ones: the first that has something to say.
    """
    kinds = (*kinds_of(operator.family, operator.ndim), *drawn(operator, seed, reach.rounds))
    rows = [list(rows_of(operator, claims, kind, seed, checks)) for kind in kinds]
    for turn in itertools.zip_longest(*rows):
        for kind, row in zip(kinds, turn, strict=True):
            problem = problem_of(kind, row, operator, claims, reach) if row is not None else None
            if problem is not None:
                recipes = kinds_of_integers(problem) if row.checks == _EXACT and row.size != "aligned" else ("integers",)
                yield (
                    row.checks,
                    Case(problem, recipes[row.batch % len(recipes)], f"{seed}-{row.size}-{row.batch}", f"kind of layer: {kind}"),
                )


def cases_of_tensors(
    operator: Operator, claims: Claims, seed: int, reach: Reach, checks: Sequence[str]
) -> Iterator[tuple[str, Case]]:
    """Each of some checks, which are of one tensor alone, on four kinds of layers: other ones for every check and seed.

    They have several places, as a tensor of a single one lies alike in some layouts.
    """
    every = (*kinds_of(operator.family, operator.ndim), *drawn(operator, seed, reach.rounds))
    kinds = [kind for kind in every if math.prod(kind.problem.output_shape[2:]) > 1] or every
    dtypes = claims.types_of(operator)
    for number, check in enumerate(checks):
        for again in range(4):
            turn = 4 * number + again
            kind = kinds[(5 * turn + seed) % len(kinds)] if kinds else None
            row = Row((check,), "half", dtypes[turn % len(dtypes)], 2, operator.traits.weights, _FORMS[turn % len(_FORMS)])
            problem = problem_of(kind, row, operator, claims, reach) if kind is not None else None
            if problem is not None:
                yield check, Case(problem, "integers", f"{seed}-{again}", f"kind of layer: {kind}")


def rows_of(operator: Operator, claims: Claims, kind: Kind, seed: int, checks: Sequence[Sequence[str]]) -> Iterator[Row]:
    """What is made of a kind; another seed combines it otherwise."""
    rng = random.Random(f"{operator.name}:{kind}:{seed}")
    first = first_type(operator, claims)
    dtypes = [dtype for dtype in claims.types_of(operator) if dtype != first]
    rng.shuffle(dtypes)
    dtypes.insert(0, first)
    turns = itertools.count(rng.randrange(12))

    def row(checks: tuple[str, ...], size: Size, among: Sequence[str], needed: bool = False) -> Iterator[Row]:
        """In the next of some data types, if there are any; a batch, a bias and a form of sizes come in turn."""
        if among:
            turn = next(turns)
            form = _FORMS[turn % len(_FORMS)]
            batch = 2 if checks[0].startswith("layout") else 1 + turn % 2  # of a single item some layouts are no others
            yield Row(checks, size, among[turn % len(among)], batch, turn // 2 % 2 == 0, form, needed)

    for number, dtype in enumerate([*dtypes, *dtypes][: max(_ALIGNED, len(dtypes))]):
        yield from row(_EXACT, "aligned" if number < _ALIGNED else "half", [dtype], needed=number == 0)
    yield from row(_EXACT, "beside", dtypes, needed=True)
    for alternatives in checks:
        yield from row(tuple(rng.sample(alternatives, len(alternatives))), *_of_check(alternatives[0], operator, dtypes))


def _of_check(check: str, operator: Operator, dtypes: Sequence[str]) -> tuple[Size, list[str]]:
    """How large the problems of a check are, and in which data types it is made: it may have nothing to say of some."""
    group = check.partition(".")[0]
    if group == "accuracy":
        return "aligned", [dtype for dtype in dtypes if FORMATS[dtype].kind != "int"] if operator.rounds else []
    if group == "special":
        return "several", [dtype for dtype in dtypes if FORMATS[dtype].kind == "float"]
    exact = [dtype for dtype in dtypes if FORMATS[dtype].significand >= _LONG or not (operator.is_pool and operator.rounds)]
    odd = [dtype for dtype in exact or dtypes if FORMATS[dtype].numpy.itemsize < _ALWAYS_ALIGNED]
    return "half", odd or list(dtypes)


def problem_of(kind: Kind, row: Row, operator: Operator, claims: Claims, reach: Reach) -> Problem | None:
    """The problem of a kind in some size: as large as the row wants it, smaller where that would be too much work.

    Sizes shrink before channels do. None where no problem of the kind is claimed.
    """
    combined = [(divisor, steps) for steps, divisor in _OF_LAYOUTS] if row.checks[0].startswith("layout") else _COMBINED
    for divisor, steps in combined:
        aligned = row.checks == _EXACT and row.size in ("aligned", "beside") and (divisor, steps) == (1, 0) and reach.whole
        windows, channels = _windows(kind, row, steps), _channels(kind, row, claims.options, divisor)
        work = work_of(operator, windows, row.batch, *channels)
        taps, groups = math.prod(window.kernel for window in windows), channels[2]
        few = groups == 1 or taps * groups <= reach.steps * (_NEEDED if row.needed else 1)  # of one group nothing is saved
        if (few and work <= reach.work * (_BEYOND if aligned else 1)) or (divisor, steps) == combined[-1]:
            problem = _made(kind, row, operator, claims, windows, channels)
            if problem is not None:
                return problem
        if few and aligned and row.needed and (problem := _cheapest(kind, row, operator, claims)) is not None:
            return problem
    return None


def _cheapest(kind: Kind, row: Row, operator: Operator, claims: Claims) -> Problem | None:
    """The problem of a kind with all channels of a row and the least work, in a type that libraries are not slow in."""
    dtype, made = first_type(operator, claims), list[Problem]()
    for biased, form in itertools.product((False, True), _FORMS):
        one = dataclasses.replace(row, dtype=dtype, batch=1, biased=biased, form=form)
        windows, channels = _windows(kind, one, 0), _channels(kind, one, claims.options, 1)
        if work_of(operator, windows, 1, *channels) <= _MOST:
            problem = _made(kind, one, operator, claims, windows, channels)
            made += [problem] if problem is not None else []
    return min(made, key=lambda problem: problem.work, default=None)


def _windows(kind: Kind, row: Row, steps: int) -> tuple[AnyWindow, ...]:
    """The windows of a kind over inputs of the row's form, with about so many steps more in the last axis."""
    last = kind.operator.ndim - 1
    return tuple(
        _window(window, _wanted(row.form, axis, last), steps if axis == last else min(steps, 1))
        for axis, window in enumerate(kind.problem.windows)
    )


def _wanted(form: str, axis: int, last: int) -> str:
    """What the size of one axis is to be; axes between the first and the last are odd."""
    if axis not in (0, last):
        return "odd"
    if form == "multiple in the last axis":
        return "multiple" if axis == last else "even"
    if form == "multiple in the first axis":
        return "multiple" if axis == 0 else "odd"
    return form


def _window(window: AnyWindow, wanted: str, steps: int) -> AnyWindow:
    """The window over an input that it fits into, with about as many steps more, and of which every tap reads an element."""
    if isinstance(window, TransposedWindow):
        least = 1 + steps
        if window.output < 1:  # padding cuts off all of one input's outputs
            least = max(least, 2 - (window.output - 1) // window.stride)
        return TransposedWindow(_at_least(least, wanted), *_rest(window))
    if isinstance(window, AdaptiveWindow):
        return AdaptiveWindow(_at_least(max(1, window.output - 1) + steps * window.output // 2, wanted), window.output)
    fitting = window.extent - window.pad_begin - window.pad_end
    least = max(1, fitting + steps * window.stride)
    if window.mode != "zeros":
        least = max(least, window.pad_begin + 1, window.pad_end + 1)
    if window.ceil:
        least = max(least, window.kernel)
    if window.mode == "zeros" and fitting < window.extent:  # the first and the last tap, where most of the rest is padding
        least = max(least, window.extent - min(window.pad_begin, window.pad_end))
    return Window(_at_least(least, wanted, fitting, window.stride), *_rest(window))


def _rest(window: AnyWindow) -> tuple[Any, ...]:
    """Everything of a window but its size."""
    return tuple(getattr(window, name) for name in type(window).__match_args__[1:])


def _at_least(size: int, wanted: str, fitting: int = 0, stride: int = 1) -> int:
    """The next size of the kind that is wanted: where there is one near, one that windows fill without a rest."""
    step = _MULTIPLE if wanted == "multiple" else 2
    first = -(-size // step) * step if wanted == "multiple" else size + (size % 2 != (wanted == "odd"))
    near = range(first, min(first + step * min(stride, _NEAR), 3 * first), step)
    return next((each for each in near if (each - fitting) % stride == 0), first)


def _channels(kind: Kind, row: Row, able: frozenset[str], divisor: int) -> tuple[int, int, int]:
    """Channels, output channels and groups of a kind: as the row wants them, divided by ``divisor``, and several of a group."""
    pairs = _PAIRS[row.size]
    groups = kind.groups if kind.grouping == "groups" else 1
    wanted = pairs[(row.batch + 2 * row.biased) % len(pairs)]
    if row.needed and row.size == "aligned" and (kind.operator.is_pool or kind.grouping in ("depthwise", "multiplier")):
        wanted = pairs[1]  # a multiple of 32 and of 64 at once
    first, second = (_of_group(near, groups, row.size == "beside", divisor) for near in wanted)
    if "channels" not in able:
        first = 1
    if kind.operator.is_pool:
        return first, first, 1
    if "out_channels" not in able:
        second = 1
    if kind.grouping in ("dense", "groups"):
        return first * groups, second * groups, groups
    return first, first * (kind.groups if kind.grouping == "multiplier" else 1), first


def _of_group(near: int, groups: int, beside: bool, divisor: int) -> int:
    """Channels of one group: that all together are a multiple of 32 or 64, or one more or less in each group."""
    aligned = near + 1 if near % 32 == 31 else near - near % 32 if near >= 31 else near
    each = max(2, aligned // math.gcd(aligned, groups) // divisor)
    return max(3, each + (1 if near > aligned else -1)) if beside else each


def _made(
    kind: Kind, row: Row, operator: Operator, claims: Claims, windows: tuple[AnyWindow, ...], channels: tuple[int, int, int]
) -> Problem | None:
    """The problem of these windows and channels, with what of the row's options is claimed; None if it is not."""
    able, (first, second, groups) = claims.options, channels
    selects = operator.family in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL) and operator.forward
    problem = kind.problem.as_pass(operator.pass_name).replace(
        windows=windows,
        channels=first,
        out_channels=second,
        groups=groups,
        dtype=row.dtype,
        batch=row.batch if "batch" in able else 1,
        bias=row.biased and operator.forward and operator.traits.weights and "bias" in able,
        indices=row.biased and selects and "indices" in able,
    )
    if operator.pass_name == BIAS_GRAD:  # it sees the output's size alone, and is defined for zeros as padding
        problem = problem.with_windows(mode="zeros")
    if problem.op.family is Family.AVG_POOL and any(map(any, problem.padding)) and "exclude_pad" in able:
        problem = problem.replace(count_include_pad=row.biased)
    return problem if claims.refusal(problem) is None and is_valid(problem) else None
