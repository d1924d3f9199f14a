"""The array libraries that a target's functions may take and return. A library is imported when it is first used.

NumPy, PyTorch and JAX have something of their own; every other one is spoken to by the array API standard (``asarray``) and
DLPack, so that a new one is a line of :data:`ARRAYS`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

import numpy as np

from conformance.errors import UsageError
from conformance.plugin.implementation import WrongResult, as_arrays

_LAST, _SMALL = 12, 2**20  # arrays whose tensors are kept, and how many bytes each may have


class Arrays(ABC):
    """Converts between NumPy and a native array type, without a copy where the library allows it."""

    name: str
    autograd = False
    """Whether gradients can be derived from a function on these arrays."""

    @abstractmethod
    def to_native(self, array: np.ndarray) -> Any: ...

    def finish(self, result: Any) -> Any:
        """``result``, of which all work is done: a call that only begins it would be timed as if it were done."""
        return result

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        """The native result as a tuple of NumPy arrays; raises :class:`WrongResult` if it holds anything else."""
        parts = result if isinstance(result, tuple) else (result,)
        return as_arrays(tuple(self.to_numpy(part) for part in parts))

    def to_numpy(self, part: Any) -> Any:
        """One native array as one of NumPy; anything else as it is, to be judged."""
        return _of_torch(part)

    def owns(self, value: Any) -> bool:
        """Whether ``value`` is an array of this library."""
        return type(value).__module__.split(".")[0] == self.name

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
    autograd = True

    def __init__(self) -> None:
        self._last: deque[tuple[np.ndarray, Any]] = deque(maxlen=_LAST)
        """The last small arrays, with the tensors that share their memory: what is written in place stays the same tensor."""

    def to_native(self, array: np.ndarray) -> Any:
        import torch

        for known, tensor in tuple(self._last):
            if known is array:
                return tensor
        if any(step < 0 for step in array.strides):
            array = array.copy()  # torch has no negative strides
        if array.dtype.name == "bfloat16":
            tensor = torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
        else:
            tensor = torch.from_numpy(array)
        if array.nbytes <= _SMALL:
            self._last.append((array, tensor))
        return tensor

    def versions(self) -> dict[str, str]:
        import torch

        return {"torch": torch.__version__, "threads": str(torch.get_num_threads())}


class StandardArrays(Arrays):
    """A library with the array API standard: ``asarray`` makes its arrays, which are given back by DLPack."""

    def __init__(self, name: str) -> None:
        self.name = name

    def to_native(self, array: np.ndarray) -> Any:
        # A copy: what is immutable to its users must not change when the harness writes over the tensors of a call.
        return importlib.import_module(self.name).asarray(np.array(array, order="C"))

    def to_numpy(self, part: Any) -> Any:
        return _exported(part) if self.owns(part) else part

    def versions(self) -> dict[str, str]:
        return {self.name: getattr(importlib.import_module(self.name), "__version__", "")}


class JaxArrays(StandardArrays):
    autograd = True

    def __init__(self) -> None:
        super().__init__("jax")

    def to_native(self, array: np.ndarray) -> Any:
        import jax

        # Without it float64 would silently become float32.
        jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
        return jax.numpy.array(array, copy=True)

    def finish(self, result: Any) -> Any:
        import jax

        return jax.block_until_ready(result)  # type: ignore[no-untyped-call]

    def owns(self, value: Any) -> bool:
        return isinstance(value, sys.modules["jax"].Array) if "jax" in sys.modules else False


class CupyArrays(StandardArrays):
    def __init__(self) -> None:
        super().__init__("cupy")

    def finish(self, result: Any) -> Any:
        importlib.import_module("cupy").cuda.get_current_stream().synchronize()
        return result


ARRAYS: dict[str, Arrays] = {
    arrays.name: arrays
    for arrays in (NumpyArrays(), TorchArrays(), JaxArrays(), StandardArrays("array_api_strict"), CupyArrays())
}


ONNX = "onnx"
"""The word of ``--arrays`` for functions of a model and its inputs: they take no arrays of an operator."""


def arrays_named(name: str) -> Arrays:
    try:
        return ARRAYS[name]
    except KeyError:
        raise UsageError(f"--arrays {name}: not known", hint=f"known are {', '.join(ARRAYS)} and {ONNX}") from None


def require_arrays(name: str) -> None:
    """Raise :class:`UsageError` if the library ``name`` is not known, or not installed."""
    if importlib.util.find_spec(name if name == ONNX else arrays_named(name).name) is None:
        raise UsageError(f"--arrays {name}: it is not installed", hint=f"pip install {name.replace('_', '-')}")


def loaded_arrays() -> list[str]:
    """The libraries that a target may take: NumPy, and what loading it imported."""
    return ["numpy", *(name for name in ARRAYS if name != "numpy" and name in sys.modules)]


def _of_torch(part: Any) -> Any:
    """A tensor of torch as an array that shares its memory; anything else as it is, to be judged."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(part, torch.Tensor):
        return part
    part = part.detach().cpu().resolve_neg().resolve_conj()
    if part.dtype == torch.bfloat16:
        import ml_dtypes

        return part.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return part.numpy()


def _exported(part: Any) -> np.ndarray:
    """A foreign array as one of NumPy: by DLPack, or from a device by its own ``get``, or as NumPy's protocol has it."""
    if hasattr(part, "get"):
        return np.asarray(part.get())
    with contextlib.suppress(Exception):  # bfloat16, for one, is no type of NumPy's DLPack
        return np.from_dlpack(part)
    try:
        return np.asarray(part)
    except Exception as error:
        raise WrongResult(f"returned an array that NumPy cannot read ({type(error).__name__}: {error})") from error
