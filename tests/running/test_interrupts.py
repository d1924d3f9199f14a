"""An interrupt ends a run wherever it finds it."""

from __future__ import annotations

import subprocess
import sys

import pytest

WHERE = {
    "a callback of the garbage collector": "gc.callbacks.append(lambda phase, info: interrupt()); gc.collect()",
    "a finaliser": "class Thing:\n    def __del__(self): interrupt()\nThing()",
}
CODE = """
import gc, os, signal, time
from conformance.running.interrupts import as_one
sent = []
def interrupt():
    if not sent:
        sent.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
try:
    with as_one():
        {where}
        print("it was dropped", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("ended")
"""


@pytest.mark.parametrize("where", WHERE)
def test_an_interrupt_that_python_drops_comes_again(where: str) -> None:
    code = CODE.format(where=WHERE[where].replace("\n", "\n        "))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout.splitlines()[-1] == "ended", done.stderr
    assert "Traceback" not in done.stderr
