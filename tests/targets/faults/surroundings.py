"""A call leaves its process changed."""

import ctypes
import ctypes.util
import locale
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings

import numpy as np

from tests.targets.faults import fault

LEFT = "left its process changed"
FOUND = "a finding of its own, however right the result is; it is put back, so that the next cases are not changed by it"
PUT_BACK = "nothing comes of it: it is put back"


@fault("changes the working directory", FOUND, LEFT, "the working directory")
def working_directory():
    os.chdir(tempfile.gettempdir() if os.getcwd() != tempfile.gettempdir() else "/")


@fault("has sums rounded upwards", FOUND, LEFT, "the rounding of floating-point numbers")
def rounding():
    ctypes.CDLL(ctypes.util.find_library("m")).fesetround(0x800)  # FE_UPWARD of x86


@fault("has numbers below the smallest normal one flushed to zero", FOUND, LEFT, "subnormal")
def flush_to_zero():
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    state = (ctypes.c_uint32 * 8)()  # fenv_t of x86-64, whose last word is the control register of SSE
    libm.fegetenv(state)
    state[7] |= 0x8040
    libm.fesetenv(state)


@fault("has NumPy raise every floating-point error", FOUND, LEFT, "numpy.seterr")
def numpy_errors():
    np.seterr(all="raise")


@fault("changes the locale", FOUND, LEFT, "the locale")
def changes_locale():
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")


@fault("changes the permissions of new files (umask)", FOUND, LEFT, "umask")
def umask():
    os.umask(0o777)


@fault("sets an alarm and a handler of its own for it", PUT_BACK)
def alarm():
    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(9))
    signal.setitimer(signal.ITIMER_REAL, 0.2)


@fault("lowers Python's limit on recursion", PUT_BACK)
def recursion_limit():
    sys.setrecursionlimit(60)


@fault("makes errors of warnings", PUT_BACK)
def warnings_as_errors():
    warnings.simplefilter("error")


@fault("traces every call, and is slow", PUT_BACK)
def tracing():
    sys.settrace(lambda frame, event, argument: None)
    sys.setprofile(lambda frame, event, argument: None)


@fault("seeds the generators of random numbers", "nothing comes of it: the data of a case are made elsewhere")
def seeds():
    random.seed(0)
    np.random.seed(0)


@fault("leaves a daemon behind, in a session of its own", "the case passes; the daemon is killed with the worker")
def daemon():
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.waitpid(child, 0)


@fault("leaves a command running that holds the worker's streams", "the case passes; the command is killed with the worker")
def command():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


@fault("works in processes of multiprocessing, copied and fresh", "nothing comes of it: a target may start processes")
def processes():
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        child = context.Process(target=int)
        child.start()
        child.join()
        if child.exitcode:
            raise RuntimeError(f"a process of {method} ended with {child.exitcode}")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        if pool.map(abs, [-1, 2]) != [1, 2]:
            raise RuntimeError("a pool gave something else")


@fault("starts threads that raise", "nothing comes of it: what they raise is in what was printed", stderr="")
def threads_that_raise():
    threads = [threading.Thread(target=int, args=("no number",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@fault("leaves a temporary file open, and a shared memory segment", "the case passes; both are gone when the worker is")
def open_files():
    open_files.kept = (tempfile.TemporaryFile(), os.memfd_create("left"))  # noqa: SIM115
