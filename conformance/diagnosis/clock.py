"""The clock that a diagnosis's budget is measured by: what is said must not depend on how busy the machine is.

It counts the processor time of this thread, and an eighth of the time that passes, so that waiting for a slow
implementation ends as well.
"""

from __future__ import annotations

import time

_SHARE = 8


def now() -> float:
    """Seconds by that clock; only differences mean something."""
    return time.thread_time() + time.perf_counter() / _SHARE
