"""The structs of ``native/conformance.h``: how a problem and its tensors are laid out in memory for a library.

All structs of a call are packed into one block, which costs some microseconds; with ctypes' own structures it was ten times
as much. A test has a C compiler's idea of the header read back every field.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from conformance.problem import FORMATS, Family, Problem
from conformance.problem.operators import PASSES
from conformance.problem.window import AUTO_PADS, PAD_MODES

MAJOR, MINOR = 1, 0
MAX_NDIM, MAX_RANK = 3, 8
MESSAGE_SIZE = 256
OK, NOT_SUPPORTED, INVALID, OUT_OF_MEMORY, FAILED = range(5)
STATUSES = ("OK", "NOT_SUPPORTED", "INVALID", "OUT_OF_MEMORY", "FAILED")
INPUTS = ("x", "w", "b", "dy", "ddx", "indices", "x_zero", "w_zero", "scale", "y_zero")
"""The tensors that go in, by the harness's names, in the order of the fields of ``conformance_call``."""
RESULTS = ("result", "result_indices")

_FAMILIES = {family: number for number, family in enumerate(Family, 1)}
_PASSES = {name: number for number, name in enumerate(PASSES, 1)}
_DTYPES = {name: number for number, name in enumerate(FORMATS, 1)}
_NUMBERS = {format.numpy: _DTYPES[name] for name, format in FORMATS.items()}
_PAD_MODES = {mode: number for number, mode in enumerate(PAD_MODES)}
_PAD_RULES = {rule: number for number, rule in enumerate(("", *AUTO_PADS))}

# size family pass ndim, batch channels out_channels groups, eight arrays by axis, divisor norm, six switches
_PROBLEM = struct.Struct(f"@Iiii 4q {8 * MAX_NDIM}q qd 6i")
# size dtype rank reserved, data, shape, stride
_TENSOR = struct.Struct(f"@Iiii Q {MAX_RANK}q {MAX_RANK}q")
# size message_size, message problem, tensors, workspace workspace_size
_CALL = struct.Struct(f"@II QQ {len(INPUTS) + len(RESULTS)}Q QQ")
_TENSORS = _CALL.size + _PROBLEM.size
_WORKSPACE = struct.Struct("@QQ")
_ONES, _ZEROS = (1,) * MAX_RANK, (0,) * MAX_RANK


def get_include() -> str:
    """The folder that holds ``conformance.h``, for a compiler's ``-I``; called like its namesake in NumPy."""
    return str(Path(__file__).parent / "native")


class Block:
    """The structs of one call: ``address`` is that of its ``conformance_call``. The tensors themselves are kept with it."""

    __slots__ = ("_kept", "_memory", "address")

    def __init__(self, problem: Problem, given: Mapping[str, np.ndarray], results: Sequence[np.ndarray], message: int) -> None:
        tensors = {**given, **dict(zip(RESULTS, results, strict=False))}
        self._kept = tensors
        self._memory = memory = ctypes.create_string_buffer(_TENSORS + len(tensors) * _TENSOR.size)
        self.address = address = ctypes.addressof(memory)
        at, places = _TENSORS, dict.fromkeys((*INPUTS, *RESULTS), 0)
        for name, array in tensors.items():
            _pack_tensor(memory, at, array)
            places[name] = address + at
            at += _TENSOR.size
        _CALL.pack_into(memory, 0, _CALL.size, MESSAGE_SIZE, message, address + _CALL.size, *places.values(), 0, 0)
        ctypes.memmove(address + _CALL.size, _problem_bytes(problem), _PROBLEM.size)

    def set_workspace(self, address: int, size: int) -> None:
        _WORKSPACE.pack_into(self._memory, _CALL.size - _WORKSPACE.size, address, size)


def _pack_tensor(memory: ctypes.Array[ctypes.c_char], at: int, array: np.ndarray) -> None:
    rank, shape = array.ndim, array.shape
    strides = _contiguous(shape, array.itemsize) if array.flags.c_contiguous else array.strides
    _TENSOR.pack_into(
        memory, at, _TENSOR.size, _NUMBERS[array.dtype], rank, 0, array.__array_interface__["data"][0],
        *shape, *_ONES[rank:], *strides, *_ZEROS[rank:],
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _contiguous(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Strides that do not depend on who made the array: NumPy leaves those of axes of one element as they happen to be."""
    strides, step = [], itemsize
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(strides[::-1])


@lru_cache(maxsize=1024)
def _problem_bytes(problem: Problem) -> bytes:
    op, one, zero = problem.op, _ONES[:MAX_NDIM], _ZEROS[:MAX_NDIM]
    inputs, outputs = [window.size for window in problem.windows], _outputs(problem)
    if op.family is Family.MAX_UNPOOL:
        inputs, outputs = outputs, inputs

    def axes(values: Sequence[int], rest: Sequence[int]) -> Sequence[int]:
        return (*values, *rest)[:MAX_NDIM]

    return _PROBLEM.pack(
        _PROBLEM.size, _FAMILIES[op.family], _PASSES[op.pass_name], op.ndim,
        problem.batch, problem.channels, problem.out_channels, problem.groups,
        *axes(inputs, one), *axes(outputs, one), *axes(problem.kernel, one), *axes(problem.stride, one),
        *axes(problem.dilation, one), *axes([begin for begin, _ in problem.padding], zero),
        *axes([end for _, end in problem.padding], zero), *axes(problem.output_padding, zero),
        problem.divisor or 0, problem.norm, _PAD_MODES[problem.pad_mode], _PAD_RULES[problem.auto_pad],
        problem.ceil, problem.count_include_pad, problem.divisor is not None, problem.unbatched,
    )  # fmt: skip


def _outputs(problem: Problem) -> list[int]:
    """The output's sizes; 0 where an invalid problem has none."""
    try:
        return [max(0, window.output) for window in problem.windows]
    except ZeroDivisionError:
        return [0] * len(problem.windows)


@lru_cache(maxsize=1024)
def result_shape(problem: Problem) -> tuple[int, ...]:
    """Of the result that a call is given; without an element where an invalid problem has none."""
    try:
        return tuple(max(0, size) for size in problem.result_shape)
    except ZeroDivisionError:
        return (0,) * (problem.op.ndim + 2)
