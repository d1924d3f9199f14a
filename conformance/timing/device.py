"""The CUDA device that a target computes on, as far as timing needs it: waiting for it, its clock, its cache, its memory.

It is spoken to through the library that the target uses, PyTorch or CuPy, by what these document. Where a worker has used
neither on a device there is none, and timing is as if this module were not there. None of it was run on a device yet.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CACHE = 2**27  # bytes of the second-level cache where the device does not say: about as much as the largest have
_ROWS, _ROW = 2**18, 2**10
"""Of what keeps a device busy for a while: 2**28 additions that read no more than 4 KiB, so that its cache stays what it is."""
_NODES = ("/dev/nvidiactl", "/dev/nvmap", "/dev/dxg", "/dev/kfd")
"""What the drivers leave: NVIDIA's, those of its small boards, those of Windows seen from Linux, AMD's."""
_found: dict[str, Device] = {}


class Device(ABC):
    """The device that this process computes on. Seconds are of its own clock."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait for what is begun on any of its streams."""

    @abstractmethod
    def mark(self) -> Any:
        """An event on the current stream."""

    @abstractmethod
    def flush(self, number: int) -> None:
        """Write to twice as much memory as its second-level cache holds, so that nothing else is left in it."""

    @abstractmethod
    def hold(self) -> None:
        """Keep the current stream busy for longer than most calls take to be launched, from now on."""

    @abstractmethod
    def start_peak(self) -> int | None:
        """Forget how many bytes were held at most, and say how many are now; None where that is not known."""

    @abstractmethod
    def peak_since(self, start: int | None) -> int | None:
        """By how many bytes the most that was held since :meth:`start_peak` was more than what there was then."""

    @abstractmethod
    def between(self, began: Any, ended: Any) -> float:
        """Seconds from one event to another, when both have happened."""

    def alone(self, call: Callable[[], Any], cold: bool = False) -> tuple[Any, float]:
        """What ``call`` gives, and at most how many seconds the device worked for it.

        The device is kept busy while the call is launched, so that it need not wait for launches after that. Beside its work
        the seconds hold a way from the device to the host and back, and launches that took longer than it was kept busy. Work
        on a stream that does not wait for the current one may be done by then, and is not in them.
        """
        if cold:
            self.flush(0)
        self.synchronize()
        self.hold()
        began = self.mark()
        result = call()
        self.synchronize()  # the work of another stream would go on behind an event of this one
        return result, self.between(began, self.mark())


class TorchDevice(Device):
    """A device through PyTorch: the one on which most of its memory is."""

    def __init__(self, torch: Any) -> None:
        self._torch, self._cuda = torch, torch.cuda
        self._index = max(range(self._cuda.device_count()), key=self._cuda.memory_reserved)
        self._buffer: Any = None

    def synchronize(self) -> None:
        self._cuda.synchronize(self._index)

    def mark(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        event.record(self._cuda.current_stream(self._index))
        return event

    def flush(self, number: int) -> None:
        if self._buffer is None:
            size = 2 * (getattr(self._cuda.get_device_properties(self._index), "L2_cache_size", 0) or _CACHE)
            self._buffer = self._torch.empty(size, dtype=self._torch.uint8, device=f"cuda:{self._index}")
        self._buffer.fill_(number % 256)

    def hold(self) -> None:
        self._torch.ones(_ROW, dtype=self._torch.float32, device=f"cuda:{self._index}").expand(_ROWS, _ROW).sum()

    def start_peak(self) -> int | None:
        self._cuda.reset_peak_memory_stats(self._index)
        return int(self._cuda.memory_allocated(self._index))

    def peak_since(self, start: int | None) -> int | None:
        return None if start is None else max(0, int(self._cuda.max_memory_allocated(self._index)) - start)

    def between(self, began: Any, ended: Any) -> float:
        self.synchronize()
        return float(began.elapsed_time(ended)) / 1e3  # it is told in milliseconds


class CupyDevice(Device):
    """A device through CuPy: the current one. How much memory was held at most is not told by its pool."""

    def __init__(self, cupy: Any) -> None:
        self._cupy, self._device = cupy, cupy.cuda.Device()
        self._buffer: Any = None

    def synchronize(self) -> None:
        self._device.synchronize()

    def mark(self) -> Any:
        event = self._cupy.cuda.Event()
        event.record(self._cupy.cuda.get_current_stream())
        return event

    def flush(self, number: int) -> None:
        if self._buffer is None:
            size = 2 * (self._device.attributes.get("L2CacheSize", 0) or _CACHE)
            self._buffer = self._cupy.empty(size, dtype="uint8")
        self._buffer.fill(number % 256)

    def hold(self) -> None:
        self._cupy.broadcast_to(self._cupy.ones(_ROW, dtype="float32"), (_ROWS, _ROW)).sum()

    def start_peak(self) -> int | None:
        return None

    def peak_since(self, start: int | None) -> int | None:
        return None

    def between(self, began: Any, ended: Any) -> float:
        self.synchronize()
        return float(self._cupy.cuda.get_elapsed_time(began, ended)) / 1e3  # it is told in milliseconds


def in_use() -> Device | None:
    """The device that this process has used until now, or None. To be asked after a call: libraries begin with one late."""
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and _torch_used(torch):
        return _found.get("torch") or _found.setdefault("torch", TorchDevice(torch))
    if cupy is not None and _cupy_used(cupy):
        return _found.get("cupy") or _found.setdefault("cupy", CupyDevice(cupy))
    return None


def present() -> bool:
    """Whether this machine has a device at all: that a target says so is not enough to hold it to no roofline."""
    return any(Path(node).exists() for node in _NODES)


def _torch_used(torch: Any) -> bool:
    cuda: Any = getattr(torch, "cuda", None)  # a target may call something else torch, or be importing it
    return bool(hasattr(cuda, "is_initialized") and cuda.is_initialized())


def _cupy_used(cupy: Any) -> bool:
    cuda: Any = getattr(cupy, "cuda", None)
    return bool(hasattr(cuda, "is_available") and cuda.is_available() and cupy.get_default_memory_pool().total_bytes())
