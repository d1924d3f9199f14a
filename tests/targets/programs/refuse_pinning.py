"""Runs Python with the arguments given where the kernel refuses to let a process choose its cores, as some containers do.

Exits with 77 where the kernel does not take such a filter (seccomp, Linux on x86-64 and ARM64).
"""

import ctypes
import os
import platform
import struct
import sys

NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2  # of prctl
NUMBERS = {"x86_64": 203, "aarch64": 122}  # of the system call sched_setaffinity
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of the kernel's packet filters
REFUSE, ALLOW = 0x00050001, 0x7FFF0000  # with EPERM

number = NUMBERS.get(platform.machine())
if number is None or sys.platform != "linux":
    sys.exit(77)
steps = ((LOAD, 0, 0, 0), (EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW))
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
prctl = ctypes.CDLL(None).prctl
if prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(SET_SECCOMP, FILTER, ctypes.c_void_p(ctypes.addressof(program)), 0, 0):
    sys.exit(77)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
