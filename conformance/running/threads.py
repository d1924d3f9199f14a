"""All calls of a job at once, each in a thread of its own, again and again: whether they disturb each other."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from conformance.plugin.implementation import Implementation, Lost, NotSupported, WrongResult
from conformance.plugin.job import NOT_SUPPORTED, Job, Reply
from conformance.plugin.layouts import lay_out
from conformance.running.seen import copies, told

_RACE_REPEATS, _RACE_SECONDS = 40, 0.2  # how long threads are given to disturb each other


def concurrently(implementation: Implementation, job: Job) -> list[Reply]:
    """All calls at once. The bare calls are made in threads; everything around them stays in this one."""
    try:
        refused = [reason for call in job.calls if (reason := implementation.supports(call.problem))]
    except Exception as error:
        kind, message = told(error)
        return [Reply(error=message, error_kind=kind)]
    if refused:
        return [Reply(error=refused[0], error_kind=NOT_SUPPORTED)]
    results: list[Any] = [None] * len(job.calls)
    lost: list[Lost] = []
    arrays = [lay_out(call.arrays, call.layout) for call in job.calls]
    barrier = threading.Barrier(len(job.calls))

    def run(number: int) -> None:
        try:
            bare = implementation.prepare(job.calls[number].problem, arrays[number])
            barrier.wait(5)
            first = copies(implementation.fetch(bare()), job.calls[number].problem)
            until, repeats = time.perf_counter() + _RACE_SECONDS, 0
            trouble: tuple[tuple[str, str], ...] = ()
            while not trouble and repeats < _RACE_REPEATS and time.perf_counter() < until:
                again = copies(implementation.fetch(bare()), job.calls[number].problem)
                repeats += 1
                if [part.tobytes() for part in again] != [part.tobytes() for part in first]:
                    trouble = (("not safe in threads", "a call gave other bits while other threads made calls of their own"),)
            results[number] = Reply(first, trouble=trouble)
        except Lost as error:
            lost.append(error)
        except NotSupported as error:
            results[number] = Reply(error=str(error), error_kind=NOT_SUPPORTED)
        except WrongResult as error:
            results[number] = Reply(error=str(error), error_kind=error.kind)
        except Exception as error:
            kind, message = told(error)
            results[number] = Reply(error=message, error_kind=kind)

    began, interval = time.perf_counter(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change places as often as they can
    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(job.calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    if lost:
        raise lost[0]
    seconds = (time.perf_counter() - began) / len(results)
    return [
        Reply(reply.outputs, reply.error, reply.error_kind, reply.trouble, seconds)
        if reply
        else Reply(error="the thread ended without a result", error_kind="raised")
        for reply in results
    ]
