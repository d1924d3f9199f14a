"""A session in this process: the same loading, calls and replies, without a worker to start. For targets that do not crash."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.plugin.job import Job, Reply
from conformance.plugin.probe import FIRST_CALLS
from conformance.plugin.target import Target
from conformance.report.schema import Implementation
from conformance.running import run as runner
from conformance.running import worker
from conformance.running.run import Options, Run
from conformance.running.worker import Description


class Done:
    """The replies of a job that was run at once."""

    ready = True

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = replies

    def result(self) -> list[Reply]:
        return self.replies


class Inside:
    """What :class:`conformance.running.session.Session` does, here."""

    losses = 0
    alive = True

    def __init__(self, target: Target, time_limit: float, memory_limit: int | None = None, *, watched: bool = False) -> None:
        self.target = target  # its branches are not noted: that would go on in this process for good

    def __enter__(self) -> Inside:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def describe(self) -> Description:
        FIRST_CALLS.clear()  # of a target before
        described = worker.describe(self.target)
        if isinstance(described, UsageError):
            raise described
        return described

    def submit(self, job: Job, limit: float | None = None) -> Done:
        return Done(worker.perform(self.target, job))

    def forget(self, at_once: bool) -> None: ...

    def elsewhere(self, job: Job, seconds: float) -> list[Reply] | None:
        return None  # there is no other process

    def call(self, function: Callable[..., Any], *arguments: Any, limit: float) -> Any:
        return function(self.target, *arguments)


def checked_inside(target: Target, options: Options, patch: pytest.MonkeyPatch, **limits: float) -> Implementation:
    """The result of a run in this process; ``limits`` are fields of the run."""
    patch.setattr(runner, "Session", Inside)
    return Run(target, options, **limits).execute()  # type: ignore[arg-type]
