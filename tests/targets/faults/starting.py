"""A target cannot be loaded: what stands here happens when it is looked up, in a worker, before there is a case."""

import os
import signal
import time
from collections.abc import Callable

from tests.targets.faults import FAULTS, Fault, right

REFUSED = "a usage error that says what happened and what was printed; no case is run"
_strikes: dict[str, Callable[[], object]] = {}


def at_start(does: str, says: str) -> Callable:
    """A fault of a target's module. ``says`` are words of the error."""

    def make(strike: Callable[[], object]) -> None:
        name = strike.__name__.strip("_")
        FAULTS[f"starting:{name}"] = Fault(name, __name__, does, REFUSED, "", says, "", "")
        _strikes[name] = strike

    return make


def __getattr__(name: str) -> object:
    if name not in _strikes:
        raise AttributeError(name)
    print("loading …", flush=True)
    _strikes[name]()

    def conv1d(input, weight):
        return right(input, weight)

    return conv1d


@at_start("ends its process with status 0 when it is loaded", "ended its process (exit code 0)")
def _loads_and_exits():
    os._exit(0)


@at_start("crashes when it is loaded", "ended its process (SIGSEGV: segmentation fault)")
def _loads_and_crashes():
    os.kill(os.getpid(), signal.SIGSEGV)


@at_start("hangs when it is loaded", "did not return within")
def _loads_and_hangs():
    while True:
        time.sleep(1)


@at_start("raises SystemExit when it is loaded", "SystemExit: 0")
def _loads_and_leaves():
    raise SystemExit(0)


@at_start("raises KeyboardInterrupt when it is loaded", "KeyboardInterrupt")
def _loads_and_interrupts():
    raise KeyboardInterrupt


@at_start("raises when it is loaded", "OSError: libmagic.so: cannot open shared object file")
def _loads_and_raises():
    raise OSError("libmagic.so: cannot open shared object file")
