"""What a broken implementation is: a body that changes the problem, the tensors or the result of a correct one."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np

from conformance.plugin import Claims, Implementation
from conformance.plugin.claims import options_of
from conformance.plugin.implementation import require_tensors
from conformance.plugin.mutants import MARK, Broken
from conformance.problem import OPERATORS, Problem, require_valid
from conformance.problem.operators import BIAS_GRAD, WEIGHT_GRAD
from implementations.naive import Naive
from implementations.numpy_gemm import NumpyGemm

Arrays = dict[str, np.ndarray]
Right = Callable[[Problem, Arrays], Any]
"""The correct result: an array, with ``indices`` a pair. It raises for what is invalid."""
Body = Callable[[Problem, Arrays, Right], Any]
_PACKAGE = "implementations.broken"


BROKEN: dict[str, Broken] = {}
"""By theme and name, ``gradients:unflipped`` or ``functions.index:conv2d_flipped``, once :func:`every` has been called."""


def every() -> dict[str, Broken]:
    """All broken implementations of this package."""
    package = importlib.import_module(_PACKAGE)
    for info in pkgutil.walk_packages(package.__path__, f"{_PACKAGE}."):
        importlib.import_module(info.name)
    return BROKEN


def register(entry: Broken) -> None:
    key = entry.target.removeprefix(f"{_PACKAGE}.")
    assert key not in BROKEN, key
    BROKEN[key] = entry


class Mutant(Implementation):
    """A body over the correct implementation."""

    entry: ClassVar[Broken]
    body: ClassVar[Body]

    @property
    def claims(self) -> Mapping[str, Claims]:
        operators = [OPERATORS[name] for name in self.entry.operators]
        return {operator.name: Claims(operator.traits.dtypes, options_of(operator)) for operator in operators}

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        body, entry = type(self).body, self.entry
        if entry.unchecked:
            return lambda: body(problem, dict(arrays), right)
        require_valid(problem)
        require_tensors(problem, arrays)
        if entry.dtypes and problem.dtype not in entry.dtypes:
            return lambda: right(problem, dict(arrays))
        batched = problem.replace(unbatched=False)
        given = {name: array.reshape(batched.array_shapes[name]) for name, array in arrays.items()}

        def call() -> Any:
            result = body(batched, dict(given), right)
            if not problem.unbatched or problem.op.pass_name in (WEIGHT_GRAD, BIAS_GRAD):
                return result
            return tuple(part[0] for part in result) if isinstance(result, tuple) else result[0]

        return call


def broken(
    operators: str,
    category: str,
    bug: str,
    shows: str,
    *,
    source: str = "",
    dtypes: str = "",
    unchecked: bool = False,
    causes: Sequence[str] = (),
) -> Callable[[Body], type[Mutant]]:
    """Make an implementation of a body. Operators and data types are words of one text; ``causes`` as in :class:`Broken`."""

    def make(body: Body) -> type[Mutant]:
        name, module = body.__name__, body.__module__
        entry = Broken(
            name, module, tuple(operators.split()), category, bug, shows, source, tuple(dtypes.split()), unchecked,
            causes=tuple(causes),
        )  # fmt: skip
        register(entry)
        members = {"entry": entry, MARK: entry, "body": staticmethod(body), "summary": bug, "__module__": module}
        return type(name, (Mutant,), members)

    return make


def right(problem: Problem, arrays: Arrays) -> Any:
    """The correct result."""
    fast, slow = _correct()
    return (fast if fast.supports(problem) is None else slow).prepare(problem, arrays)()


@cache
def _correct() -> tuple[Implementation, Implementation]:
    return NumpyGemm(), Naive()


def fitted(result: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``result`` cut off or filled up with zeros at the end of each axis."""
    full = np.zeros(shape, result.dtype)
    both = tuple(slice(0, min(have, want)) for have, want in zip(result.shape, shape, strict=True))
    full[both] = result[both]
    return full


def padded(problem: Problem, arrays: Arrays, x: np.ndarray) -> tuple[Problem, Arrays]:
    """The same call on an input ``x`` that holds its padding already, or has another size."""
    plain = problem.replace(auto_pad="").with_windows(pad_begin=0, pad_end=0, mode="zeros")
    for axis, size in enumerate(x.shape[2:]):
        plain = plain.with_axis(axis, size=size)
    return plain, {**arrays, "x": x}


def around(pads: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Padding of the spatial axes as NumPy wants it for a whole tensor."""
    return [(0, 0), (0, 0), *pads]


def spot(at: Sequence[int | slice]) -> tuple[Any, ...]:
    """What picks these spatial indices of every channel of every item."""
    return (slice(None), slice(None), *at)


def moved(array: np.ndarray, axis: int, by: int) -> np.ndarray:
    """Everything ``by`` places later in one axis, zeros at the free end."""
    result, size = np.zeros_like(array), array.shape[axis]
    for to in range(size):
        if 0 <= to - by < size:
            result[(slice(None),) * axis + (to,)] = array[(slice(None),) * axis + (to - by,)]
    return result


def through(kind: str, arrays: Arrays, *names: str) -> Arrays:
    """Tensors (none named: all floating-point ones) rounded to another type and back."""
    import ml_dtypes  # only bfloat16 needs it

    other = np.dtype(ml_dtypes.bfloat16) if kind == "bfloat16" else np.dtype(kind)
    chosen = names or tuple(name for name, array in arrays.items() if array.dtype.kind not in "iu")
    with np.errstate(over="ignore", invalid="ignore"):
        return {n: array.astype(other).astype(array.dtype) if n in chosen else array for n, array in arrays.items()}


def selected(p: Problem, a: Arrays, right: Right) -> np.ndarray:
    """The flat index of each window's maximum."""
    forward = p.as_pass("forward").replace(indices=True)
    return np.asarray(right(forward, {"x": a["x"]})[1])


def put(p: Problem, dy: np.ndarray, indices: np.ndarray, add: bool = True) -> np.ndarray:
    """Gradients added, or written one over the other, at flat indices of each plane."""
    dx = np.zeros((p.batch * p.channels, math.prod(p.input_shape[2:])), dy.dtype)
    planes = np.arange(len(dx)).repeat(math.prod(indices.shape[2:]))
    at = (planes, indices.reshape(-1) % max(1, dx.shape[1]))
    if add:
        np.add.at(dx, at, dy.reshape(-1))
    else:
        dx[at] = dy.reshape(-1)
    return dx.reshape(p.input_shape)
