"""More memory or disk is asked for than there is."""

import ctypes
import os
import resource
import subprocess
import sys

import numpy as np

from tests.targets.faults import fault

OUT = "the case is errored: out of memory, with the limit of a worker; the next ones are made in the same process"
_MOST = 8 * 2**30  # a test must not be what fills the memory


@fault("asks for memory in small steps, without end", OUT, "out of memory", "limit")
def small_steps():
    kept = []
    while sum(one.nbytes for one in kept) < _MOST:
        kept.append(np.ones(2**22))
    raise AssertionError(f"there is no limit on memory: {_MOST} bytes were given")


@fault("asks for 2^45 bytes at once", OUT, "out of memory", "limit")
def at_once():
    np.ones(2**42)


@fault("raises PyTorch's error of its allocator", OUT, "out of memory", "DefaultCPUAllocator")
def error_of_an_allocator():
    raise RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4398046511104."
    )


@fault(
    "asks C for memory without end, and uses what it did not get",
    "the case is errored, with the signal; the next one gets a new process",
    "crashed",
    "SIGSEGV",
)
def in_c():
    c = ctypes.CDLL(None)
    c.calloc.restype = c.memset.restype = ctypes.c_void_p
    c.calloc.argtypes, c.memset.argtypes = [ctypes.c_size_t] * 2, [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    for _ in range(_MOST >> 25):
        c.memset(c.calloc(1, 2**25), 1, 2**25)
    raise AssertionError("there is no limit on memory")


@fault(
    "has a child ask for memory without end",
    "the child gets no more than a worker; what it ends with is the target's to see",
    "raised",
    "exit status 1",
    stderr="MemoryError",
)
def in_a_child():
    code = f"kept = [bytearray(2**25) for _ in range({_MOST >> 25})]"
    subprocess.run([sys.executable, "-c", code], check=True)


@fault("writes to a full disk", "the error of the call is the outcome of its case", "raised", "No space left on device")
def full_disk():
    with open("/dev/full", "w") as file:
        file.write("x" * 2**16)


@fault(
    "opens files until there are no more",
    "the error of the call is the outcome of its case; what it closes is there again",
    "raised",
    "Too many open files",
)
def too_many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    files = []
    try:
        while True:
            files.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@fault("prints to a stdout that is full", "the error of the call is the outcome of its case", "raised", "No space left on device")
def full_output():
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    print("x" * 2**16, flush=True)
