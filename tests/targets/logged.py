"""A right conv1d that writes each of its calls to the file that CALLS names: what was called, and how often, can be seen."""

import os
import time
import zlib

import numpy as np

from conformance import Claims, Implementation

CLAIMS = {"conv1d": Claims(dtypes=("float32",), options=frozenset({"channels", "out_channels", "kernel", "batch"}))}


class Logged(Implementation):
    name = "logged"
    summary = "a conv1d that notes its calls"
    claims = CLAIMS

    def prepare(self, problem, arrays):
        x, w = arrays["x"], arrays["w"]

        def call():
            line = f"{problem} {zlib.crc32(x.tobytes()):08x} {zlib.crc32(w.tobytes()):08x}\n"
            file = os.open(os.environ.get("CALLS", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, line.encode())
            os.close(file)
            time.sleep(float(os.environ.get("PAUSE", "0")))
            length = x.shape[2] - w.shape[2] + 1
            parts = (np.einsum("ncx,oc->nox", x[:, :, t : t + length], w[:, :, t]) for t in range(w.shape[2]))
            return sum(parts).astype(x.dtype)

        return call

    def fetch(self, result):
        return (result,)


class Wrong(Logged):
    """Wrong where the kernel is long, in another place where there are several channels."""

    name = "wrong"

    def prepare(self, problem, arrays):
        call, w = super().prepare(problem, arrays), arrays["w"]

        def wrong():
            result = call()
            if w.shape[2] > 3:
                return result[..., :-1]
            return result + (w.shape[1] > 2)

        return wrong


class Crashes(Logged):
    """Ends its process where the kernel is long, and hangs where there are many channels."""

    name = "crashes"

    def prepare(self, problem, arrays):
        call = super().prepare(problem, arrays)

        def crashing():
            if arrays["w"].shape[2] > 4:
                os._exit(3)
            while arrays["w"].shape[1] > 4:
                time.sleep(0.01)
            return call()

        return crashing
