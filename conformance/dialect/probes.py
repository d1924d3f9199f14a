"""The probes: for every option of the dialect small calls whose results tell which answer an implementation gives.

Each is made at several places and sizes, because what depends on those is no dialect but a finding: along a row, and in
tensors with more channels, of which the others add nothing (dense), or are the same (depthwise, and in a pooling).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from conformance.plugin.job import Call, Reply
from conformance.problem import OPERATORS, Family, Operator, Problem, Window, format_named
from conformance.problem.dialect import DIALECT
from conformance.problem.operators import FORWARD, INPUT_GRAD, name_of
from conformance.problem.window import TransposedWindow

WIDTHS = (7, 19, 70)
"""Of the last axis: under, over and far over a vector's length. The others are small."""
_CHANNELS = ((2, 3), (32, 64), (129, 130))
"""Channels in and out of the dense questions: few, aligned, and many."""
_DEPTHWISE = (3, 64)
KINDS = {"integer_overflow": "int", "complex_gradient": "complex", "quantised_ties": "int"}
"""What kind of number an option is about, where not floating point."""
Read = Callable[[Reply], str]


@dataclass(frozen=True, slots=True)
class Probe:
    """A call; ``read`` says which answer its reply gives (``a|b``: either), ``place`` where and how large it was tried."""

    call: Call
    place: str
    read: Read


def probes_of(option: str, operator: str, dtype: str) -> Iterator[Probe]:
    """The probes of one option for a forward operator and a data type; none where they say nothing of each other."""
    yield from _PROBES[option](operator, dtype)


def asked_of(option: str) -> tuple[Operator, ...]:
    """The operators that an option is about."""
    pass_name = INPUT_GRAD if option == "complex_gradient" else FORWARD
    return tuple(OPERATORS[name_of(family, ndim, pass_name)] for family in DIALECT[option].families for ndim in (1, 2, 3))


def everywhere(option: str, operator: str, dtype: str) -> Iterator[Probe]:
    """The probes of one option, and those of its longest row again with more channels."""
    probes = list(probes_of(option, operator, dtype))
    yield from probes
    longest = max((probe.call.problem.windows[-1].size for probe in probes), default=0)
    for probe in probes:
        if probe.call.problem.windows[-1].size == longest and not probe.call.invalid:
            yield from _with_channels(probe, dense=option not in ("negative_zero", "partial_overflow"))


def _with_channels(probe: Probe, dense: bool) -> Iterator[Probe]:
    problem, arrays = probe.call.problem, probe.call.arrays
    if problem.op.is_pool or (problem.channels == 1 and problem.op.family is not Family.CONV_INTEGER):
        for channels in _DEPTHWISE:
            yield _repeated(probe, problem, arrays, channels)
    for channels, out in _CHANNELS if dense and not problem.op.is_pool and problem.channels == 1 else ():
        wide = problem.replace(channels=channels, out_channels=out)
        made = {name: np.zeros(shape, problem.dtype_of(name)) for name, shape in wide.array_shapes.items()}
        for name, array in arrays.items():
            if name == "w":  # of one channel to every output; of a gradient, from one output to every channel
                made[name][...] = 0
                one = (
                    (slice(None), slice(0, 1))
                    if problem.op.forward != (problem.op.family is Family.CONV_TRANSPOSE)
                    else (slice(0, 1),)
                )
                made[name][one] = array
            elif name in ("x", "dy"):
                made[name][...] = arrays.get("x_zero", 0)
                made[name][:, :1] = array
            else:
                made[name][...] = array if array.ndim == 0 else array[:1]
        yield Probe(Call(wide, made), f"{probe.place}, {channels} to {out} channels", _at_both_ends(probe.read))


def _repeated(probe: Probe, problem: Problem, arrays: Mapping[str, np.ndarray], channels: int) -> Probe:
    """The same in every channel."""
    groups = 1 if problem.op.is_pool else channels
    wide = problem.replace(channels=channels, out_channels=channels, groups=groups)
    made = {name: np.repeat(array, channels, axis=0 if name == "w" else 1) for name, array in arrays.items()}
    kind = "channels" if problem.op.is_pool else "channels, depthwise"
    return Probe(Call(wide, made), f"{probe.place}, {channels} {kind}", _at_both_ends(probe.read))


def _at_both_ends(read: Read) -> Read:
    """What the first and the last channel of a reply answer; both, where they differ."""

    def both(reply: Reply) -> str:
        ends = (reply, dataclasses.replace(reply, outputs=tuple(output[:, -1:] for output in reply.outputs)))
        answers = [read(end) for end in ends]
        return answers[0] if answers[0] == answers[1] else f"{answers[0]} in the first channel, {answers[1]} in the last"

    return both


def _problem(operator: str, dtype: str, width: int, kernel: int = 1, **fields: Any) -> Problem:
    """One item, ``width`` in the last axis and ``kernel`` in the others; the kernel of all axes is ``kernel``."""
    op = OPERATORS[operator]
    kind = TransposedWindow if op.traits.window == "transposed" else Window
    windows = tuple(kind(width if axis == op.ndim - 1 else max(3, kernel), kernel, **fields) for axis in range(op.ndim))
    return Problem(operator, windows, dtype=dtype)


def _ones(problem: Problem) -> dict[str, np.ndarray]:
    return {name: np.ones(shape, problem.dtype_of(name)) for name, shape in problem.array_shapes.items()}


def _last_axis(array: np.ndarray) -> np.ndarray:
    """The middle row of the first channel: what varies along the last axis."""
    return np.asarray(array[(0, 0, *(size // 2 for size in array.shape[2:-1]))])


def _positions(width: int) -> dict[str, int]:
    return {"at the start": 0, "in the middle": width // 2, "at the end": width - 1}


def _planted(problem: Problem, value: float, read: Callable[..., str], background: float = 1.0) -> Iterator[Probe]:
    """``value`` at the start, in the middle and at the end of a row; ``read`` gets the row of outputs and the position."""
    width = problem.windows[-1].size
    for place, at in _positions(width).items():
        arrays = _ones(problem)
        arrays["x"][...] = background
        arrays["x"][..., at] = value
        yield Probe(Call(problem, arrays), f"{place} of {width}", _row(partial(read, at=at)))


def _row(read: Callable[[np.ndarray], str]) -> Read:
    return lambda reply: read(_last_axis(reply.outputs[0]))


def _one_of(value: object, answers: Mapping[Any, str]) -> str:
    """The answer of a value; what is none of the known ones is told as it is."""
    return answers.get(value, f"{value}")


def _nan_in_max_pool(operator: str, dtype: str) -> Iterator[Probe]:
    for width in WIDTHS:
        yield from _planted(_problem(operator, dtype, width, kernel=3), np.nan, _seen_by_taps)


def _seen_by_taps(row: np.ndarray, at: int) -> str:
    """A window of 3 that begins at i sees the NaN with tap at - i."""
    taps = {at - i: bool(np.isnan(row[i])) for i in range(max(0, at - 2), min(len(row), at + 1))}
    if all(taps.values()):
        return "propagates" if set(taps) != {0} else "propagates|first"
    if not any(taps.values()):
        return "ignored" if 0 in taps else "ignored|first"
    return "first" if [tap for tap, seen in taps.items() if seen] == [0] else "depends on the tap"


def _minus_infinity(operator: str, dtype: str) -> Iterator[Probe]:
    for width in WIDTHS:
        problem = _problem(operator, dtype, width, kernel=2)
        arrays = {"x": np.full(problem.input_shape, -np.inf, problem.format.numpy)}

        def read(reply: Reply) -> str:
            y = reply.outputs[0].astype(np.float64)
            return "kept" if np.isneginf(y).all() else "lowest" if (y < -1e4).all() and np.isfinite(y).all() else "mixed"

        yield Probe(Call(problem, arrays), f"width {width}", read)


def _infinity(operator: str, dtype: str) -> Iterator[Probe]:
    def read(row: np.ndarray, at: int) -> str:
        return "kept" if np.isposinf(row[at]) else "clamped" if np.isfinite(row[at]) else f"{row[at]}"

    for width in WIDTHS:
        yield from _planted(_problem(operator, dtype, width), np.inf, read)


def _partial_overflow(operator: str, dtype: str) -> Iterator[Probe]:
    """Three channels, largest + largest - largest, one after the other."""

    def read(row: np.ndarray) -> str:
        return "finite" if np.isfinite(row).all() else "overflows" if np.isposinf(row).all() else f"{row[0]}"

    for width in WIDTHS:
        problem = _problem(operator, dtype, width).replace(channels=3)
        arrays = _ones(problem)
        largest = 1.5 * problem.format.largest_power
        arrays["x"][:, 0], arrays["x"][:, 1], arrays["x"][:, 2] = largest, largest, -largest
        yield Probe(Call(problem, arrays), f"width {width}", _row(read))


def _negative_zero(operator: str, dtype: str) -> Iterator[Probe]:
    for width in WIDTHS:
        problem = _problem(operator, dtype, width)
        arrays = _ones(problem)
        arrays["x"][...] = -0.0

        def read(reply: Reply) -> str:
            signs = np.signbit(reply.outputs[0].astype(np.float64))
            return "kept" if signs.all() else "mixed" if signs.any() else "lost"

        yield Probe(Call(problem, arrays), f"width {width}", read)


def _zeros_in_max_pool(operator: str, dtype: str) -> Iterator[Probe]:
    for width in WIDTHS:
        problem = _problem(operator, dtype, width, kernel=2)
        x = np.zeros(problem.input_shape, problem.format.numpy)
        x[..., 1::2] = -0.0  # windows begin with +0.0 and -0.0 in turn

        def read(reply: Reply) -> str:
            signs = np.signbit(_last_axis(reply.outputs[0].astype(np.float64)))
            first = np.arange(len(signs)) % 2 == 1
            for answer, expected in (("first", first), ("last", ~first), ("positive", False), ("negative", True)):
                if (signs == expected).all():
                    return answer
            return "mixed"

        yield Probe(Call(problem, {"x": x}), f"width {width}", read)


def _times_zero(row: np.ndarray, at: int) -> str:
    return "multiplied" if np.isnan(row[at]) else "skipped" if np.isfinite(row[at]) else f"{row[at]}"


def _infinite_weight(operator: str, dtype: str) -> Iterator[Probe]:
    """In the middle row only the first and the last output see padding."""
    for width, kernel in ((7, 3), (19, 3), (70, 3), (19, 5), (19, 7)):
        problem = _problem(operator, dtype, width, kernel=kernel, pad_begin=kernel // 2, pad_end=kernel // 2)
        for place, tap, at in (("at the start", 0, 0), ("at the end", kernel - 1, -1)):
            arrays = _ones(problem)
            arrays["w"][..., tap] = np.inf
            yield Probe(Call(problem, arrays), f"{place} of {width}, kernel {kernel}", _row(partial(_times_zero, at=at)))


def _infinite_input(operator: str, dtype: str) -> Iterator[Probe]:
    for width in WIDTHS:
        for probe in _planted(_problem(operator, dtype, width), np.inf, _times_zero):
            probe.call.arrays["w"][...] = 0
            yield probe


def _subnormals(operator: str, dtype: str) -> Iterator[Probe]:
    def read(row: np.ndarray, at: int) -> str:
        return "flushed" if row[at] == 0 else "kept"

    for width in WIDTHS:
        problem = _problem(operator, dtype, width)
        yield from _planted(problem, 3 * problem.format.smallest_subnormal, read, background=0.0)


def _subnormals_in_max_pool(operator: str, dtype: str) -> Iterator[Probe]:
    """A subnormal among zeros."""

    def read(row: np.ndarray, at: int) -> str:
        return "flushed" if row[min(at, len(row) - 1)] == 0 else "kept"

    for width in WIDTHS:
        problem = _problem(operator, dtype, width, kernel=2)
        yield from _planted(problem, 3 * problem.format.smallest_subnormal, read, background=0.0)


def _ceil_window(operator: str, dtype: str) -> Iterator[Probe]:
    for width in (4, 19, 70):  # of 3 n + 1 elements: with padding 1 the last window would begin behind the last element
        problem = _problem(operator, dtype, width, kernel=2, stride=3, pad_begin=1, pad_end=1, ceil=True)
        dropped = problem.windows[-1].output

        def read(reply: Reply, dropped: int = dropped) -> str:
            return _one_of(reply.outputs[0].shape[-1], {dropped: "dropped", dropped + 1: "kept"})

        yield Probe(Call(problem, _ones(problem)), f"width {width}", read)


def _ceil_overhang(operator: str, dtype: str) -> Iterator[Probe]:
    def read(row: np.ndarray) -> str:
        return _one_of(float(row[-1]), {1.0: "left out", 0.5: "counted"})

    for width in WIDTHS:
        problem = _problem(operator, dtype, width - width % 2 + 1, kernel=2, stride=2, ceil=True)
        for axis in range(problem.op.ndim - 1):
            problem = problem.with_axis(axis, size=2)
        yield Probe(Call(problem, _ones(problem)), f"width {width}", _row(read))


def _integer_overflow(operator: str, dtype: str) -> Iterator[Probe]:
    limits = np.iinfo(format_named(dtype).numpy)
    high = limits.max // 2 + 2

    def read(reply: Reply) -> str:
        y = reply.outputs[0]
        if y.dtype.itemsize > limits.dtype.itemsize:
            return "widens"
        return _one_of(int(y.reshape(-1)[0]), {2 * high - 2**limits.bits: "wraps", int(limits.max): "saturates"})

    for width in WIDTHS:
        problem = _problem(operator, dtype, width)
        arrays = _ones(problem)
        arrays["x"][...], arrays["w"][...] = high, 2
        yield Probe(Call(problem, arrays), f"width {width}", read)


def _kernel_too_large(operator: str, dtype: str) -> Iterator[Probe]:
    for width in (2, 7):
        problem = _problem(operator, dtype, width, kernel=3).with_windows(kernel=width + 1)
        shape = {"x": problem.input_shape, "w": problem.weight_shape} if problem.op.traits.weights else {"x": problem.input_shape}
        arrays = {name: np.ones(of, problem.format.numpy) for name, of in shape.items()}

        def read(reply: Reply) -> str:
            if reply.error_kind == "raised":
                return "error"
            return "empty" if reply.outputs and not reply.outputs[0].size else reply.error or "a result"

        yield Probe(Call(problem, arrays, invalid=True), f"width {width}", read)


def _odd_norm(operator: str, dtype: str) -> Iterator[Probe]:
    for width in WIDTHS:
        problem = _problem(operator, dtype, width, kernel=2).replace(norm=3.0)
        arrays = {"x": np.full(problem.input_shape, -1.0, problem.format.numpy)}
        yield Probe(Call(problem, arrays), f"width {width}", _row(lambda row: "magnitudes" if (row > 0).all() else "signed"))


def _complex_gradient(operator: str, dtype: str) -> Iterator[Probe]:
    def read(row: np.ndarray) -> str:
        return _one_of(complex(row[0]), {-1j: "conjugated", 1j: "plain"})

    for width in WIDTHS:
        problem = _problem(operator, dtype, width).as_pass(INPUT_GRAD)
        arrays = _ones(problem)
        arrays["w"][...] = 1j
        yield Probe(Call(problem, arrays), f"width {width}", _row(read))


def _quantised_ties(operator: str, dtype: str) -> Iterator[Probe]:
    """Half of 1, 3, -1 and -3 around the zero point 0."""

    def read(row: np.ndarray) -> str:
        known = {(0, 2, 0, -2): "even", (1, 2, -1, -2): "away", (1, 2, 0, -1): "up", (0, 1, 0, -1): "down"}
        return _one_of(tuple(int(v) for v in row[-4:]), known)

    for width in (4, 16, 64):
        problem = _problem(operator, dtype, width).replace(result="int8")
        arrays = _ones(problem)
        arrays["x"][...] = np.tile([11, 13, 9, 7], width // 4)
        arrays["x_zero"], arrays["scale"] = np.array(10, arrays["x_zero"].dtype), np.full_like(arrays["scale"], 0.5)
        arrays |= {name: np.zeros_like(arrays[name]) for name in ("w_zero", "y_zero")}
        yield Probe(Call(problem, arrays), f"width {width}", _row(read))


_PROBES: dict[str, Callable[[str, str], Iterator[Probe]]] = {
    "nan_in_max_pool": _nan_in_max_pool,
    "minus_infinity": _minus_infinity,
    "infinity": _infinity,
    "partial_overflow": _partial_overflow,
    "negative_zero": _negative_zero,
    "zeros_in_max_pool": _zeros_in_max_pool,
    "subnormals_in_max_pool": _subnormals_in_max_pool,
    "infinite_weight_over_padding": _infinite_weight,
    "infinite_input_under_zero": _infinite_input,
    "subnormals": _subnormals,
    "ceil_window_in_padding": _ceil_window,
    "ceil_overhang": _ceil_overhang,
    "integer_overflow": _integer_overflow,
    "kernel_too_large": _kernel_too_large,
    "odd_norm": _odd_norm,
    "complex_gradient": _complex_gradient,
    "quantised_ties": _quantised_ties,
}
