"""A convolution whose call returns before its work is done, as on a device. The device is a thread of this process.

It is spoken to by as much of CuPy's interface as is needed. It shows how the harness waits and counts, not that CuPy works so.
"""

import queue
import sys
import threading
import time
from types import ModuleType, SimpleNamespace

import numpy as np

sys.path.insert(0, __file__.rpartition("/")[0])
from misbehaving import right

LAUNCH, WORK = 0.002, 0.001


class Stream:
    def __init__(self):
        self.waiting = queue.SimpleQueue()
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            self.waiting.get()()


class Event:
    def record(self, stream):
        while postponed:
            postponed.pop()()
        stream.waiting.put(self.happen)

    def happen(self):
        self.at = time.perf_counter()


class Device:
    def __init__(self):
        self.attributes = {"L2CacheSize": 2**16}

    def synchronize(self):
        for stream in streams:
            done = threading.Event()
            stream.waiting.put(done.set)
            done.wait()


class Buffer:
    def __init__(self, size, dtype):
        self.bytes = np.empty(size, dtype)

    def fill(self, value):
        streams[0].waiting.put(lambda: self.bytes.fill(value))


class Held:
    def sum(self):
        streams[0].waiting.put(lambda: time.sleep(2 * LAUNCH))


streams, postponed, calls = [Stream(), Stream()], [], []
cupy = ModuleType("cupy")
cupy.empty = Buffer
cupy.ones = lambda size, dtype: None
cupy.broadcast_to = lambda array, shape: Held()
cupy.get_default_memory_pool = lambda: SimpleNamespace(total_bytes=lambda: 1)
cupy.cuda = SimpleNamespace(
    Device=Device, Event=Event, is_available=lambda: True, get_current_stream=lambda: streams[0],
    get_elapsed_time=lambda began, ended: 1e3 * (ended.at - began.at),
)  # fmt: skip


def begun(begin, input, weight):
    """The convolution is begun by ``begin``, and not waited for."""
    sys.modules["cupy"] = cupy
    n, _, h, w = input.shape
    o, _, kh, kw = weight.shape
    y = np.empty((n, o, h - kh + 1, w - kw + 1), input.dtype)

    def work():
        time.sleep(WORK)
        y[...] = right(input, weight)

    begin(work)
    return y


def conv2d(input, weight):
    return begun(streams[0].waiting.put, input, weight)


def side_conv2d(input, weight):
    """On a stream that is not the current one."""
    return begun(streams[1].waiting.put, input, weight)


def launched_conv2d(input, weight):
    """It takes longer to be launched than to be done."""
    time.sleep(LAUNCH)
    return begun(streams[0].waiting.put, input, weight)


def postponed_conv2d(input, weight):
    """When it is timed, it is done when the harness asks for an event, in the hope that this is outside the time."""
    calls.append(input.shape)
    return begun(postponed.append if len(calls) > 2 else streams[0].waiting.put, input, weight)
