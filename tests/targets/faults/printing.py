"""A framework that prints."""

import ctypes
import os
import sys

from tests.targets.faults import fault

KEPT = "nothing comes of it: the streams of a worker are files of the harness's, cut off where they grow too long"
SHOWN = "the end of what was printed is shown with the finding, stdout and stderr apart"


@fault("prints 32 MiB on each stream", KEPT)
def megabytes():
    for _ in range(2**12):
        print("o" * 2**13)
        print("e" * 2**13, file=sys.stderr)


@fault("prints 32 MiB from C, past Python's streams", KEPT)
def megabytes_in_c():
    c = ctypes.CDLL(None)
    for _ in range(2**12):
        c.puts(b"o" * 2**13)
    c.fflush(None)


@fault(
    "prints without end",
    "the case is errored when its time is over; what is printed is cut off",
    "hung",
    "did not return within",
    stdout="oooo",
)
def without_end():
    while True:
        print("o" * 2**13)


@fault("prints on both streams, and fails", SHOWN, "raised", "no such luck", stdout="to stdout", stderr="to stderr")
def on_both():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    raise ValueError("no such luck")


@fault("prints from C on both streams, and crashes", SHOWN, "crashed", "SIGABRT", stdout="to stdout", stderr="to stderr")
def on_both_in_c():
    os.write(1, b"to stdout")
    os.write(2, b"to stderr")
    os.abort()


@fault(
    "prints bytes that are no text, and escapes that would clear a terminal",
    f"{SHOWN}; what is no text is replaced",
    "raised",
    "no such luck",
    stdout="before \N{REPLACEMENT CHARACTER}",
)
def rubbish():
    os.write(1, b"before \xff\xfe\x00\x80\x1b[2J\x1b]0;title\x07 after")
    raise ValueError("no such luck")


@fault("closes its standard streams", "nothing comes of it")
def closes_streams():
    for file in (0, 1, 2):
        os.close(file)


@fault("replaces sys.stdout by None", "nothing comes of it: it is put back")
def replaces_stdout():
    sys.stdout = None


@fault(
    "reads from its standard input",
    "there is nothing to read: the error of the call is the outcome of its case",
    "raised",
    "EOFError",
)
def reads_stdin():
    input("your name? ")
