"""The call does not return, and takes care that it cannot be asked to."""

import atexit
import ctypes
import os
import signal
import sys
import threading
import time

from tests.targets.faults import fault

HUNG = "the case is errored when its time is over, and its process killed; the next one gets a new process"


@fault("sleeps without end", HUNG, "hung", "did not return within", stdout="waiting for a lock")
def sleeps():
    print("waiting for a lock", flush=True)
    while True:
        time.sleep(1)


@fault("waits for a lock that it holds", HUNG, "hung", "did not return within")
def deadlock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@fault("hangs in C and holds Python's lock, so that no thread of its process goes on", HUNG, "hung", "did not return within")
def holds_the_gil():
    ctypes.PyDLL(None).pause()


@fault("works without end", HUNG, "hung", "did not return within")
def works():
    while True:
        pass


@fault("blocks every signal that can be blocked, and hangs", HUNG, "hung", "did not return within")
def blocks_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(1)


@fault("hangs in a child that it waits for", HUNG, "hung", "did not return within")
def waits_for_a_child():
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(1)
    os.waitpid(child, 0)


@fault(
    "forks into 64 processes that sleep",
    "the case is errored when its time is over, and all of them are killed; the next one gets a new process",
    "hung",
    "did not return within",
)
def fork_bomb():
    for _ in range(6):
        os.fork()
    while True:
        time.sleep(1)


NOT_AWAITED = "nothing comes of it: a worker is not asked to end, but killed"


@fault("starts a thread that never ends, and that an exit would wait for", NOT_AWAITED)
def thread_that_never_ends():
    threading.Thread(target=threading.Event().wait).start()


@fault("has an exit wait for ever (atexit)", NOT_AWAITED)
def exit_that_never_ends():
    atexit.register(threading.Event().wait)


@fault("ends its process, and the exit waits for ever (a thread that never ends)", HUNG, "raised", "SystemExit")
def exits_into_a_deadlock():
    threading.Thread(target=threading.Event().wait).start()
    sys.exit(4)


@fault("holds the lock of its standard output for ever, in a thread", "the case passes: what is printed is not waited for")
def holds_the_output_s_lock():
    def hold():
        with lock:
            held.set()
            threading.Event().wait()

    held, lock = threading.Event(), threading.RLock()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()

    class Locked:
        def write(self, text):
            with lock:
                return len(text)

        def flush(self):
            with lock:
                pass

    sys.stdout = Locked()
