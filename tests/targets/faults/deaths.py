"""The process ends: by a signal, by an exit, by a stack without end."""

import ctypes
import os
import signal
import sys
import threading

from tests.targets.faults import fault

DIED = "the case is errored, with the signal or the exit code; the next one gets a new process"


@fault("reads address 0", DIED, "crashed", "SIGSEGV: segmentation fault")
def segfault():
    ctypes.string_at(0)


@fault("aborts, as a failed assertion in C does", DIED, "crashed", "SIGABRT: aborted", stderr="assertion failed")
def abort():
    print("assertion failed", file=sys.stderr, flush=True)
    os.abort()


@fault("ends its process with status 0", DIED, "crashed", "exit code 0")
def exit_0():
    os._exit(0)


@fault("ends its process with status 3", DIED, "crashed", "exit code 3", stdout="last words")
def exit_3():
    print("last words", flush=True)
    os._exit(3)


@fault(
    "is killed by SIGKILL, as by the kernel when memory runs out",
    DIED,
    "crashed",
    "SIGKILL: killed); so the kernel does when the machine runs out of memory: a worker may take",
)
def killed():
    os.kill(os.getpid(), signal.SIGKILL)


@fault("is terminated by SIGTERM", DIED, "crashed", "SIGTERM")
def terminated():
    os.kill(os.getpid(), signal.SIGTERM)


@fault("stops itself (SIGSTOP)", "the case is errored when its time is over; the next one gets a new process", "hung", "within")
def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


@fault(
    "calls itself without end, with Python's limit on recursion lifted, until the stack of C overflows", DIED, "crashed", "SIG"
)
def stack_overflow():
    sys.setrecursionlimit(10**9)

    class Endless:
        def __getattr__(self, name):  # Python's own calls take no stack of C; these do
            return getattr(self, name + "x")

    getattr(Endless(), "x")  # noqa: B009


@fault("calls itself without end", "the case is errored: RecursionError", "raised", "RecursionError")
def recursion():
    recursion_body()


def recursion_body():
    recursion_body()


@fault("raises SystemExit(0)", "what a call raises is the outcome of its case", "raised", "SystemExit")
def system_exit():
    sys.exit(0)


@fault(
    "raises KeyboardInterrupt",
    "what a call raises is the outcome of its case; no run is interrupted by it",
    "raised",
    "KeyboardInterrupt",
)
def interrupt():
    raise KeyboardInterrupt


@fault("ends its process from a thread while the call waits", DIED, "crashed", "exit code 5")
def exit_in_a_thread():
    thread = threading.Thread(target=os._exit, args=(5,))
    thread.start()
    thread.join()
    signal.pause()


@fault(
    "closes every open file, the pipe to the harness among them",
    "the case is errored; the next one gets a new process",
    "crashed",
    "",
)
def closes_all_files():
    os.closerange(0, 4096)
