"""How a tensor may lie in memory with the same values: what an implementation must not care about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def _filler(dtype: np.dtype) -> float:
    """What lies between the elements of a view, and must never be read: NaN, of integers the lowest."""
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else float("nan")


def _strided(array: np.ndarray) -> np.ndarray:
    """Every second element of a larger buffer, in the last axis; between them lie NaNs."""
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), _filler(array.dtype), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _reversed(array: np.ndarray) -> np.ndarray:
    """Stored backwards in every axis: negative strides."""
    backwards = (slice(None, None, -1),) * array.ndim
    return np.ascontiguousarray(array[backwards])[backwards]


def _fortran(array: np.ndarray) -> np.ndarray:
    return array.copy(order="F")


def _channels_last(array: np.ndarray) -> np.ndarray:
    """Channels vary fastest, as in torch's memory format; the shape stays."""
    if array.ndim < 3:
        return array
    return np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1)  # of one channel too the strides are those of channels last


def _sliced(array: np.ndarray) -> np.ndarray:
    """The middle of a larger buffer of NaNs: rows are apart, and the first element is not the buffer's."""
    whole = np.full([size + 2 for size in array.shape], _filler(array.dtype), array.dtype)
    middle = (slice(1, -1),) * array.ndim
    whole[middle] = array
    return whole[middle]


def _misaligned(array: np.ndarray) -> np.ndarray:
    """Starts at an address that no vector instruction likes, though a multiple of the element's size (complex128: of 16)."""
    buffer = np.empty(array.size + 2, array.dtype)
    first = 1 if (buffer.ctypes.data + array.itemsize) % 16 else 2
    flat = buffer[first : first + array.size]
    flat[:] = array.reshape(-1)
    return flat.reshape(array.shape)


def _broadcast(array: np.ndarray) -> np.ndarray:
    """The first item of the batch, repeated by a stride of zero: only for tensors whose items are equal."""
    return np.broadcast_to(array[:1].copy(), array.shape)


def _chunk_of(axis: int) -> Callable[[np.ndarray], np.ndarray]:
    """A chunk of one axis of a larger tensor of NaNs: only strides of the axes before it are larger."""

    def chunk(array: np.ndarray) -> np.ndarray:
        if not -array.ndim <= axis < array.ndim:
            return array
        whole = np.full([n + 2 * (i == axis % array.ndim) for i, n in enumerate(array.shape)], _filler(array.dtype), array.dtype)
        inner = [slice(None)] * array.ndim
        inner[axis] = slice(1, -1)
        whole[tuple(inner)] = array
        return whole[tuple(inner)]

    return chunk


def _channels_last_chunk(array: np.ndarray) -> np.ndarray:
    """Some channels of a tensor in which channels vary fastest: pixels are further apart than there are channels."""
    if array.ndim < 3:
        return array
    last = _chunk_of(-1)(np.ascontiguousarray(np.moveaxis(array, 1, -1)))
    return np.moveaxis(last, -1, 1)


def _every_second_item(array: np.ndarray) -> np.ndarray:
    """A larger batch stride alone."""
    wide = np.full((2 * array.shape[0], *array.shape[1:]), _filler(array.dtype), array.dtype)
    wide[::2] = array
    return wide[::2]


def _inner_slice(array: np.ndarray) -> np.ndarray:
    """One slice of a tensor with an axis more, behind the channels, as ``w5d[:, :, k]``: planes are apart, each is whole."""
    if array.ndim < 3:
        return array
    whole = np.full((*array.shape[:2], 3, *array.shape[2:]), _filler(array.dtype), array.dtype)
    whole[:, :, 1] = array
    return whole[:, :, 1]


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": _strided,
    "reversed": _reversed,
    "fortran": _fortran,
    "channels_last": _channels_last,
    "sliced": _sliced,
    "misaligned": _misaligned,
    "broadcast": _broadcast,
    "batch_chunk": _chunk_of(0),
    "batch_stride": _every_second_item,
    "channel_chunk": _chunk_of(1),
    "row_chunk": _chunk_of(2),
    "column_chunk": _chunk_of(-1),
    "channels_last_chunk": _channels_last_chunk,
    "inner_slice": _inner_slice,
}
LAYOUT_GROUPS: dict[str, tuple[str, ...]] = {
    "views": ("strided", "reversed", "sliced", "misaligned", "broadcast"),
    "orders": ("fortran", "channels_last"),
    "chunks": ("batch_chunk", "channel_chunk", "row_chunk", "column_chunk"),
    "slices": ("batch_stride", "channels_last_chunk", "inner_slice"),
}
"""Layouts that are tried one after the other on the same numbers."""


def lay_out(arrays: dict[str, np.ndarray], layout: str) -> dict[str, np.ndarray]:
    """The tensors in the named layout; scalars have none. ``layout:tensor`` is for one of them alone, as is broadcasting,
    which is for the first."""
    name, _, only = layout.partition(":")
    if name == "contiguous":  # pickles keep Fortran's order, and what was read-only
        return {n: array if array.flags.carray else array.copy() for n, array in arrays.items()}
    change = LAYOUTS[name]
    only = only or (next(iter(arrays)) if name == "broadcast" else "")
    return {n: change(array) if array.ndim and only in ("", n) else array for n, array in arrays.items()}
