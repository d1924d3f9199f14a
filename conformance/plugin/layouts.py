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
    return np.asfortranarray(array)


def _channels_last(array: np.ndarray) -> np.ndarray:
    """Channels vary fastest, as in torch's memory format; the shape stays."""
    if array.ndim < 3:
        return array
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


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


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": _strided,
    "reversed": _reversed,
    "fortran": _fortran,
    "channels_last": _channels_last,
    "sliced": _sliced,
    "misaligned": _misaligned,
    "broadcast": _broadcast,
}


def lay_out(arrays: dict[str, np.ndarray], layout: str) -> dict[str, np.ndarray]:
    """The tensors in the named layout; scalars have none. ``layout:tensor`` is for one of them alone, as is broadcasting,
    which is for the first."""
    name, _, only = layout.partition(":")
    if name == "contiguous":  # pickles keep Fortran's order, and what was read-only
        return {n: array if array.flags.carray else array.copy() for n, array in arrays.items()}
    change = LAYOUTS[name]
    only = only or (next(iter(arrays)) if name == "broadcast" else "")
    return {n: change(array) if array.ndim and only in ("", n) else array for n, array in arrays.items()}
