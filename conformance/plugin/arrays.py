"""The array libraries that a target's functions may take and return. A library is imported when it is first used."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.plugin.implementation import as_arrays


class Arrays(ABC):
    """Converts between NumPy and a native array type, without a copy where the library allows it."""

    name: str

    @abstractmethod
    def to_native(self, array: np.ndarray) -> Any: ...

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        """The native result as a tuple of NumPy arrays; raises :class:`WrongResult` if it holds anything else."""
        parts = result if isinstance(result, tuple) else (result,)
        return as_arrays(tuple(_to_numpy(part) for part in parts))

    @abstractmethod
    def versions(self) -> dict[str, str]: ...


class NumpyArrays(Arrays):
    name = "numpy"

    def to_native(self, array: np.ndarray) -> np.ndarray:
        return array

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}


class TorchArrays(Arrays):
    name = "torch"

    def to_native(self, array: np.ndarray) -> Any:
        import torch

        if any(step < 0 for step in array.strides):
            array = array.copy()  # torch has no negative strides
        if array.dtype.name == "bfloat16":
            return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(array)

    def versions(self) -> dict[str, str]:
        import torch

        return {"torch": torch.__version__, "threads": str(torch.get_num_threads())}


ARRAYS: dict[str, Arrays] = {arrays.name: arrays for arrays in (NumpyArrays(), TorchArrays())}


def arrays_named(name: str) -> Arrays:
    try:
        return ARRAYS[name]
    except KeyError:
        raise UsageError(f"--arrays {name}: not known", hint=f"known are {', '.join(ARRAYS)}") from None


def _to_numpy(part: Any) -> Any:
    """A tensor of torch as an array that shares its memory; anything else as it is, to be judged."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(part, torch.Tensor):
        return part
    part = part.detach().cpu().resolve_neg().resolve_conj()
    if part.dtype == torch.bfloat16:
        import ml_dtypes

        return part.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return part.numpy()
