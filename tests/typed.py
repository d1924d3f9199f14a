"""What a document shows, as a user types it: commands in a shell, and their output without what depends on the machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def typed(command: str, folder: Path = ROOT, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """A command as it is typed in a shell, with ``conformance`` and ``python`` as those of ``python``."""
    script = f'conformance() {{ "{python}" -m conformance "$@"; }}\npython() {{ "{python}" "$@"; }}\n{command}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=folder, env=environment, timeout=300, check=False
    )


def without_counts(text: str) -> str:
    """How many cases are tried for an explanation depends on the time that they take."""
    return re.sub(r"explains (\d+) of \1 failing", "explains all failing", text)


def without_pace(text: str) -> str:
    """A slow target is asked for smaller layers, or for other ones: so how much is compared depends on the machine, and with
    it how wide columns are and where lines end.
    """
    text = " ".join(without_counts(text).split())
    text = re.sub(r"[\d,]+(?= (?:failing cases|known|cases|elements|entries|[✓✗!]))", "#", text)
    return re.sub(r"[\d.]+ s\b|(?<=error )\d+%", "#", text)
