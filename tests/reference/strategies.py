"""What the tests of the oracle share: valid problems of every operator, their tensors, and the definition as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from conformance.problem import OPERATORS, Family, Operator, Problem, reasons_invalid
from conformance.problem.window import PAD_MODES, AdaptiveWindow, AnyWindow, PadMode, TransposedWindow, Window
from conformance.reference.definition import define

Arrays = dict[str, np.ndarray]
SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.sampled_from(["wide", "cancelling", "spiked", "even"])
MOST_WORK = 1500  # multiply-adds that the definition may take


def operators(keep: Callable[[Operator], bool] = lambda op: True) -> list[str]:
    """The names of those operators that ``keep`` is true of."""
    return [name for name, op in OPERATORS.items() if keep(op)]


# ---------------------------------------------------------------- problems


@st.composite
def windows(draw: st.DrawFn, family: Family, mode: PadMode = "zeros", ceil: bool = False) -> AnyWindow:
    """A window of that family's kind, mostly one that fits."""
    if family in (Family.ADAPTIVE_MAX_POOL, Family.ADAPTIVE_AVG_POOL):
        return AdaptiveWindow(draw(st.integers(1, 7)), draw(st.integers(1, 7)))
    kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = 1 if family in (Family.AVG_POOL, Family.MAX_UNPOOL) else draw(st.integers(1, 3))
    if family is Family.CONV_TRANSPOSE:
        size, more = draw(st.integers(1, 5)), draw(st.integers(0, max(stride, dilation) - 1))
        return TransposedWindow(size, kernel, stride, dilation, draw(st.integers(0, 2)), draw(st.integers(0, 2)), more)
    least = -2 if family is Family.CONV and mode == "zeros" else 0
    most = 3 if family in (Family.CONV, Family.CONV_INTEGER) else kernel // 2
    begin, end = draw(st.integers(least, most)), draw(st.integers(least, most))
    fits = max(1, (kernel - 1) * dilation + 1 - begin - end, 1 - min(begin, 0) - min(end, 0))
    fits = max(fits, max(begin, end) + 1 if mode == "reflect" else max(begin, end) if mode == "circular" else 1)
    size = draw(st.integers(fits, fits + 4))
    return Window(size, kernel, kernel + stride - 1 if family is Family.MAX_UNPOOL else stride, dilation, begin, end, ceil, mode)


@st.composite
def problems(draw: st.DrawFn, names: Sequence[str] = tuple(OPERATORS), dtypes: Sequence[str] = ("float64",)) -> Problem:
    """A valid problem of one to three axes in one of these data types, small enough for the definition."""
    op = OPERATORS[draw(st.sampled_from(names))]
    known = [dtype for dtype in dtypes if dtype in op.traits.dtypes] or list(op.traits.dtypes)
    pools, family = op.is_pool, op.family
    ceil = family in (Family.MAX_POOL, Family.AVG_POOL, Family.LP_POOL) and draw(st.booleans())
    mode = draw(st.sampled_from(PAD_MODES)) if family is Family.CONV else "zeros"
    groups = 1 if pools else draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 2))
    averages, indexed = family is Family.AVG_POOL, family in (Family.MAX_POOL, Family.ADAPTIVE_MAX_POOL)
    unbatched = draw(st.booleans())
    problem = Problem(
        op.name,
        tuple(draw(windows(family, mode, ceil)) for _ in range(op.ndim)),
        batch=1 if unbatched else draw(st.sampled_from([1, 2, 3, 0])),
        channels=channels,
        out_channels=channels if pools else groups * draw(st.integers(1, 2)),
        groups=groups,
        bias=not pools and op.forward and draw(st.booleans()),
        dtype=draw(st.sampled_from(known)),
        indices=indexed and op.forward,
        count_include_pad=not averages or draw(st.booleans()),
        divisor=draw(st.none() | st.integers(1, 9)) if averages else None,
        norm=draw(st.sampled_from([1.0, 2.0, 3.0, 1.5, 4.25])) if family is Family.LP_POOL else 2.0,
        unbatched=unbatched,
        result=draw(st.sampled_from(["", "int8", "uint8"])) if family is Family.CONV_INTEGER else "",
    )
    assume(not reasons_invalid(problem) and problem.work <= MOST_WORK)
    return problem


# ---------------------------------------------------------------- tensors


def integers(problem: Problem, seed: int, largest: int = 99) -> Arrays:
    """Whole numbers as Python's own (complex ones where the data type is), within the range of the data type."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in problem.array_shapes.items():
        low, high = _range(problem, name, largest)
        a = rng.integers(low, high, shape, endpoint=True).astype(object)
        if problem.format.kind == "complex":
            a = a + rng.integers(low, high, shape, endpoint=True) * 1j
        arrays[name] = np.array(a, dtype=object).reshape(shape)
    return arrays | structural(problem, rng)


def _range(problem: Problem, name: str, largest: int) -> tuple[int, int]:
    if problem.format.kind != "int" or name == "scale":
        return -largest, largest
    info = np.iinfo(problem.dtype_of(name))
    return max(-largest, int(info.min)), min(largest, int(info.max))


def structural(problem: Problem, rng: np.random.Generator) -> Arrays:
    """The tensors that are no plain numbers: indices of unpooling, the scale of a quantised convolution."""
    arrays: Arrays = {}
    for name, shape in problem.array_shapes.items():
        if name == "indices":
            sizes = [w.size for w in problem.windows]
            planes = [rng.permutation(math.prod(sizes))[: math.prod(problem.input_shape[2:])] for _ in range(planes_of(problem))]
            arrays[name] = np.array(planes, dtype=np.int64).reshape(shape)
        elif name == "scale":  # halves are met often, so that their rounding is
            arrays[name] = rng.choice(np.array([0.5, 0.25, 2.0**-9, 0.3, 1e-3], np.float32), shape)
    return arrays


def planes_of(problem: Problem) -> int:
    return problem.batch * problem.channels


def reals(problem: Problem, kind: str, seed: int) -> Arrays:
    """Full significands; over 60 binary orders, in pairs that cancel but for their last bits, or with one spike."""
    rng = np.random.default_rng(seed)
    dtype, is_complex = problem.format.numpy, problem.format.kind == "complex"
    arrays = {}
    for name, shape in problem.array_shapes.items():
        parts = [_real(rng, kind, shape, problem.format.unit_roundoff) for _ in range(1 + is_complex)]
        arrays[name] = (parts[0] + 1j * parts[1] if is_complex else parts[0]).astype(dtype)
    return arrays | structural(problem, rng)


def _real(rng: np.random.Generator, kind: str, shape: tuple[int, ...], u: float) -> np.ndarray:
    a = np.asarray(rng.uniform(1, 2, shape) * rng.choice([-1, 1], shape))
    if kind == "wide":
        return a * 2.0 ** rng.integers(-30, 31, shape)
    if kind == "cancelling":
        return (1 + rng.integers(-4, 5, shape) * u * 2) * rng.choice([-1, 1], shape)
    if kind == "spiked" and a.size:
        a.flat[rng.integers(a.size)] *= 2.0**30
    return a


# ---------------------------------------------------------------- the definition as numbers


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A complex number whose parts are Fractions: Python's own complex numbers round."""

    real: Fraction
    imag: Fraction = Fraction(0)

    def __add__(self, other: Gaussian | int) -> Gaussian:
        return Gaussian(self.real + other.real, self.imag + other.imag)

    __radd__ = __add__

    def conjugate(self) -> Gaussian:
        return Gaussian(self.real, -self.imag)

    def __mul__(self, other: Gaussian) -> Gaussian:
        return Gaussian(self.real * other.real - self.imag * other.imag, self.real * other.imag + self.imag * other.real)


def fraction(value: Any) -> Any:
    """The Fraction, or pair of Fractions, that a number of NumPy's or Python's is."""
    if isinstance(value, complex | np.complexfloating):
        return Gaussian(Fraction(float(value.real)), Fraction(float(value.imag)))
    return Fraction(int(value)) if isinstance(value, int | np.integer) else Fraction(float(value))


def fractions(array: np.ndarray) -> np.ndarray:
    result = np.empty(array.shape, dtype=object)
    for at in np.ndindex(*array.shape):
        result[at] = fraction(array[at])
    return result


def defined(problem: Problem, arrays: Arrays) -> list[np.ndarray]:
    """What the definition says, which knows batched tensors only, in the shapes of the problem."""
    batched = problem.replace(unbatched=False)
    taken = {name: array.reshape(batched.array_shapes[name]) for name, array in arrays.items()}
    results = define(batched, taken)
    return [result.reshape(problem.result_shape) for result in results]


def terms(problem: Problem) -> list[Any]:
    """How many terms each element of the result sums: what the definition makes of ones, without an average's division."""
    ones = {name: np.full(shape, 1, dtype=object) for name, shape in problem.array_shapes.items()}
    ones |= without_zero_points(ones)
    averages = problem.op.family in (Family.AVG_POOL, Family.ADAPTIVE_AVG_POOL)
    return defined(problem.replace(divisor=1 if averages else None, result=""), ones)[0].tolist()


def without_zero_points(arrays: Arrays) -> Arrays:
    return {name: np.zeros(array.shape, dtype=object) for name, array in arrays.items() if name.endswith("_zero")}


def sums(op: Operator) -> bool:
    """Whether the result is a plain sum of products: a convolution's."""
    return op.traits.weights


def every_problem(
    operator: str, kind: type[AnyWindow] = Window, options: dict[str, Any] | None = None, **fields: Iterable[Any]
) -> Iterator[Problem]:
    """The valid ones of all one-axis problems of that operator with these values of the fields of its window."""
    for values in product(*fields.values()):
        window = kind(**dict(zip(fields, values, strict=True)))
        problem = Problem(operator, (window,), **{"dtype": "float64", **(options or {})})
        if not reasons_invalid(problem):
            yield problem


def telling(problem: Problem, base: int = 16) -> Arrays:
    """Powers, of another base in every tensor: a sum says which products it is made of. A second item has other numbers."""
    arrays = {}
    for number, (name, shape) in enumerate(problem.array_shapes.items()):
        a = np.empty(shape, dtype=object)
        for flat, at in enumerate(np.ndindex(*shape)):
            i = flat % shape[-1] if shape else 0
            a[at] = (base if number == 0 else 2) ** i if at[:1] in ((), (0,)) else 5 - 3 * i * i
        arrays[name] = a
    return arrays
