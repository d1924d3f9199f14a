"""What a worker starts ends with it, in whatever way it tries to stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.running.processes import end, members

LEADER = """
import os, subprocess, sys, time
from conformance.running.processes import lead
lead()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
os.waitpid(child, 0)
print("ready", flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells which process belongs to which")


def test_children_and_orphans_of_a_leader_are_its_members_and_end_with_it() -> None:
    leader = subprocess.Popen([sys.executable, "-c", LEADER], stdout=subprocess.PIPE)
    assert leader.stdout is not None
    assert leader.stdout.readline() == b"ready\n"
    assert len(members(leader.pid)) == 3
    end(leader.pid, alive=True)
    leader.wait()
    leader.stdout.close()
    assert members(leader.pid) == []


def test_members_of_a_session_are_found_when_its_leader_has_ended() -> None:
    code = (
        "import subprocess, sys; from conformance.running.processes import lead; lead();"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    )
    leader = subprocess.Popen([sys.executable, "-c", code])
    leader.wait()
    assert len(members(leader.pid)) == 1
    end(leader.pid)
    assert members(leader.pid) == []
