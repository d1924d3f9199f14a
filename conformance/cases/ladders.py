"""Sizes where vectors, tiles and counters end: each size of a problem at 2^k - 1, 2^k and 2^k + 1, and products of several.

Every size by itself goes up as far as a small tensor allows. Up to 2^7, where vectors have their tails, each value comes in
every data type, several sizes in one problem; beyond it in one type, alone. Then the numbers that several sizes make
together: the terms of a sum, the outputs of a plane and of all planes, the matrix that im2col makes, the area of a kernel.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from conformance.cases.case import Case
from conformance.plugin.claims import Claims
from conformance.problem import Family, Operator, Problem, parse_problem
from conformance.problem.operators import BIAS_GRAD
from conformance.problem.validity import is_valid
from conformance.problem.window import AdaptiveWindow, AnyWindow, TransposedWindow, Window

TAILS = 7
"""Bits up to which every data type has its turn."""
BITS = {
    "batch": 16, "channels": 16, "out_channels": 16, "groups": 10, "size": 16, "output": 10, "kernel": 8, "stride": 8,
    "dilation": 8, "padding": 7,
}  # fmt: skip
"""Bits up to which each size goes; a kernel's area goes to 2^15."""
_WORK, _ELEMENTS = 2**16, 2**16  # of a problem in which several sizes are large
_STEPS = 2**11  # taps of all groups, which cost an implementation in array operations as many of them
_ALONE = 2**22  # elements where one size is large by itself: one of all axes together soon has more
_MOST = 4 * _ELEMENTS  # which an input would have, about, with one more size that is as large as it
_TRIES = 5  # values of a size that are tried to fit beside others
_LADDER = "ladder"
_WORDS = {"out_channels": "output channels"}


def rungs(bits: int, first: int = 1) -> list[int]:
    """2^k - 1, 2^k, 2^k + 1 for k from ``first`` to ``bits``, each number once."""
    return sorted({2**k + beside for k in range(first, bits + 1) for beside in (-1, 0, 1)})


@dataclass(frozen=True, slots=True)
class Size:
    """One size of a problem: a field of it, or of the window of one axis, or (-1) of those of all axes."""

    field: str
    axis: int | None = None

    @property
    def words(self) -> str:
        what = _WORDS.get(self.field, self.field)
        return what if self.axis is None or self.axis < 0 else f"{what} of axis {self.axis}"


def ladder_cases(operator: Operator, claims: Claims, seed: int) -> Iterator[Case]:
    """Every size at every rung: up to 2^7 in every data type, beyond it in one; a kernel's area up to 2^15."""
    sizes, dtypes = sizes_of(operator, claims), claims.types_of(operator)
    for dtype in dtypes:
        rng = random.Random(f"{operator.name}:{dtype}:{seed}")
        values = {size: rungs(min(BITS[size.field], TAILS)) for size in sizes}
        for rest in values.values():
            rng.shuffle(rest)
        yield from together(operator, claims, values, dtype, rng)
    beyond = {size: rungs(BITS[size.field], TAILS + 1)[::-1] for size in sizes if BITS[size.field] > TAILS}
    yield from together(operator, claims, beyond, first_type(operator, claims), random.Random(f"{operator.name}:{seed}"))
    yield from _areas(operator, claims, sizes, first_type(operator, claims))


def product_cases(operator: Operator, claims: Claims, large: bool) -> Iterator[Case]:
    """Products of sizes: terms of a sum past 2^10, outputs past 2^16 and 2^20, im2col's matrix past 2^20; 2^24 if ``large``."""
    dtype, ndim, able = first_type(operator, claims), operator.ndim, claims.options
    sides = "x".join(["{}"] * ndim)
    texts: list[tuple[str, str]] = []

    def square(elements: int) -> str:
        """Sizes alike in every axis, of more elements than these."""
        side = math.ceil(elements ** (1 / ndim)) + 1
        return "i" + sides.format(*(side + axis % 2 for axis in range(ndim)))

    kernel = "to" + sides.format(*[7] * ndim) if operator.traits.window == "adaptive" else "k" + sides.format(*[2] * ndim)
    kernel += " s2" if operator.family is Family.MAX_UNPOOL else ""
    for bits in (16, 20, *([24] if large else [])):
        texts.append((f"{square(2**bits)} {kernel}", f"a plane of more than 2^{bits}"))
        if bits <= 20:
            texts.append((f"n{2 ** (bits - 12) + 1} {square(2**12)} {kernel}", f"outputs of all items of more than 2^{bits}"))
    if operator.traits.weights:
        for bits in (9, 10, 11, 12):
            many = 2**bits // 3**ndim + 2
            for channels in (f"c{many} o2", f"c2 o{many}"):
                texts.append((f"{channels} i{sides.format(*[4] * ndim)} k3", f"channels times kernel of more than 2^{bits}"))
        for bits in (20, *([24] if large else [])):
            channels, taps = 2 ** (bits // 5), 3**ndim
            outputs = 2**bits // (channels * taps)
            texts.append((f"c{channels} {square(outputs)} o2 k3 p1", f"entries of im2col's matrix of more than 2^{bits}"))
    if "kernel" not in able:
        texts = [(text.replace(" k2", " k1").replace(" k3", " k1"), words) for text, words in texts]
    for text, words in texts:
        yield from _claimed(parse_problem(f"{operator.name} {text}").replace(dtype=dtype), claims, words)


def sizes_of(operator: Operator, claims: Claims) -> list[Size]:
    """What can be large of an operator's problems within ``claims``."""
    able, ndim = claims.options, operator.ndim
    names = ["batch", "channels"] + (["out_channels", "groups"] if operator.traits.weights else [])
    found = [Size(name) for name in names if name in able]
    found += [Size("size", axis) for axis in range(ndim)]
    if operator.traits.window == "adaptive":
        return found + [Size("output", axis) for axis in (range(ndim) if "per_axis" in able else (-1,))]
    if operator.pass_name == BIAS_GRAD:
        return [size for size in found if size.field not in ("channels", "groups")]
    for name in ("kernel", "stride", "dilation", "padding"):
        own = "per_axis" in able or ndim == 1 or (name == "kernel" and not operator.is_pool)
        if name in able:
            found += [Size(name, axis) for axis in (range(ndim) if own else (-1,))]
    return found


def build(operator: Operator, claims: Claims, dtype: str, values: Mapping[Size, int]) -> Problem:
    """The problem with these sizes, in which everything else is as small as it can be. It may be invalid."""
    of_axes = [
        {size.field: value for size, value in values.items() if size.axis is not None and size.axis in (axis, -1)}
        for axis in range(operator.ndim)
    ]
    own = {size.field: value for size, value in values.items() if size.axis is None}
    groups = own.get("groups", 1)
    channels, out = own.get("channels", 1), own.get("out_channels", 1)
    problem = smallest(operator).replace(
        dtype=dtype,
        batch=own.get("batch", 1),
        channels=channels * groups,
        out_channels=channels if operator.is_pool else out * groups,
        groups=groups,
    )
    shared = 2 if operator.is_pool and "per_axis" not in claims.options and operator.ndim > 1 else 1
    windows = tuple(
        _window(window, fields, operator, claims, shared) for window, fields in zip(problem.windows, of_axes, strict=True)
    )
    return problem.replace(windows=windows)


@cache
def smallest(operator: Operator) -> Problem:
    """A problem of one element and one tap."""
    return parse_problem(f"{operator.name} i1 {'to1' if operator.traits.window == 'adaptive' else 'k1'}")


def _window(window: AnyWindow, fields: Mapping[str, int], operator: Operator, claims: Claims, shared: int) -> AnyWindow:
    """The window of an axis that has these fields; ``shared`` is the least kernel, where all axes have one."""
    if isinstance(window, AdaptiveWindow):
        return AdaptiveWindow(fields.get("size", 3 * fields.get("output", 1) // 2), fields.get("output", 1))
    padding = fields.get("padding", 0)
    kernel = fields.get("kernel", max(shared, 2 if fields else 1) if "kernel" in claims.options else 1)
    if operator.is_pool:
        kernel = max(kernel, 2 * padding)
    stride, dilation = fields.get("stride", 1), fields.get("dilation", 1)
    if operator.family is Family.MAX_UNPOOL:
        stride = max(stride, kernel)
    if isinstance(window, TransposedWindow):
        extent = (kernel - 1) * dilation + 1
        size = fields.get("size", 1 + ("stride" in fields) + max(0, 2 * padding - extent + stride) // stride)
        return TransposedWindow(size, kernel, stride, dilation, padding, padding)
    extent = (kernel - 1) * dilation + 1
    least = extent + ("stride" in fields) * stride - 2 * padding
    return Window(fields.get("size", max(1, least)), kernel, stride, dilation, padding, padding)


def together(
    operator: Operator, claims: Claims, left: dict[Size, list[int]], dtype: str, rng: random.Random, origin: str = _LADDER
) -> Iterator[Case]:
    """Every size at each of its values: a problem has as many of them as little work and small tensors allow.

    ``left`` is used up. What no claimed problem has is left out.
    """
    while any(left.values()):
        given: dict[Size, int] = {}
        problem = build(operator, claims, dtype, given)
        for size in sorted(left, key=lambda size: (-max(left[size], default=0) // 2**TAILS, -len(left[size]), rng.random())):
            room = _MOST // math.prod(problem.input_shape) if given else 2**20
            for value in [value for value in left[size] if value <= room][:_TRIES]:
                larger = build(operator, claims, dtype, {**given, size: value})
                if _fits(larger, claims, alone=not given) and _keeps(larger, {**given, size: value}):
                    given[size], problem = value, larger
                    break
        if not given:  # these are in no problem that is claimed
            left = {size: values[_TRIES:] for size, values in left.items()}
            continue
        for size, value in given.items():
            left[size].remove(value)
        words = ", ".join(f"{size.words} {value:,}" for size, value in given.items())
        yield from _claimed(_several(problem, given, claims), claims, words, origin)


def _several(problem: Problem, given: Mapping[Size, int], claims: Claims) -> Problem:
    """The problem with two items, two channels and three outputs, as far as these were not given and tensors stay small."""
    fields = {size.field for size in given}
    for field, value in (("batch", 2), ("out_channels", 3), ("channels", 2)):
        if field in fields or problem.groups > 1:
            continue
        more = problem.replace(**{field: value})
        if problem.op.is_pool and field != "batch":
            more = problem.replace(channels=value, out_channels=value) if "channels" not in fields else problem
        if elements_of(more) <= _ELEMENTS and is_valid(more) and claims.refusal(more) is None:
            problem = more
    return problem


def _fits(problem: Problem, claims: Claims, alone: bool) -> bool:
    work, elements, steps = (math.inf, _ALONE, math.inf) if alone else (_WORK, _ELEMENTS, _STEPS)
    small = problem.work <= work and elements_of(problem) <= elements and problem.steps <= steps
    return small and is_valid(problem) and claims.refusal(problem) is None


def elements_of(problem: Problem) -> int:
    """Elements of all tensors of a call, and of its result."""
    return sum(map(math.prod, problem.array_shapes.values())) + math.prod(problem.result_shape)


def _keeps(problem: Problem, given: Mapping[Size, int]) -> bool:
    """Whether each size is what it was given: a padding may ask for another kernel, and a group has several channels."""
    for size, value in given.items():
        if size.axis is None:
            if getattr(problem, size.field) != value:
                return False
            continue
        for axis, window in enumerate(problem.windows):
            if size.axis in (axis, -1) and getattr(window, "pad_begin" if size.field == "padding" else size.field) != value:
                return False
    return True


def _areas(operator: Operator, claims: Claims, sizes: Sequence[Size], dtype: str) -> Iterator[Case]:
    """Kernels of more than 2^8, 2^12 and 2^15 taps in all, alike in every axis."""
    of_kernel = [size for size in sizes if size.field == "kernel"]
    for bits in (8, 12, 15) if of_kernel else ():
        for beside in (0, 1):
            side = math.floor(2 ** (bits / operator.ndim)) + beside
            problem = build(operator, claims, dtype, dict.fromkeys(of_kernel, side))
            yield from _claimed(problem, claims, f"a kernel of {math.prod(problem.kernel):,} taps")


def _claimed(problem: Problem, claims: Claims, words: str, origin: str = _LADDER) -> Iterator[Case]:
    if is_valid(problem) and claims.refusal(problem) is None:
        yield Case(problem, "integers", "ladder", f"{origin}: {words}")


def first_type(operator: Operator, claims: Claims) -> str:
    """float32 where it is claimed, else the first type that is."""
    dtypes = claims.types_of(operator)
    return "float32" if "float32" in dtypes else dtypes[0]
