"""What goes wrong in C: `faults.c`, compiled with -DNAME for each of these."""

from tests.targets.faults import FAULTS, Fault
from tests.targets.faults.deaths import DIED
from tests.targets.faults.hangs import HUNG

SOURCE = "faults.c"
_IN_C = {
    "segfault": ("writes to address 0", DIED, "crashed", "SIGSEGV: segmentation fault", ""),
    "abort": ("aborts", DIED, "crashed", "SIGABRT: aborted", "assertion failed"),
    "exit": ("calls exit(4)", DIED, "crashed", "exit code 4", ""),
    "stack_overflow": ("calls itself without end", DIED, "crashed", "SIGSEGV: segmentation fault", ""),
    "division": ("divides integers by 0", DIED, "crashed", "SIGFPE: floating point exception", ""),
    "hang": ("hangs", HUNG, "hung", "did not return within", ""),
    "double_free": ("frees memory twice, which the C library finds out", DIED, "crashed", "SIGABRT: aborted", ""),
}
for _name, (_does, _happens, _kind, _says, _stderr) in _IN_C.items():
    FAULTS[f"libraries:{_name}"] = Fault(_name, SOURCE, _does, _happens, _kind, _says, "", _stderr)
