"""Calls of an implementation without a worker, for probes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conformance.diagnosis.fingerprint import Send
from conformance.plugin.implementation import Implementation
from conformance.plugin.job import Call, Reply


def sending(implementation: Implementation) -> Send:
    """Calls made in this process."""

    def send(calls: tuple[Call, ...]) -> Sequence[Reply]:
        with np.errstate(all="ignore"):
            return [Reply(implementation.fetch(implementation.prepare(call.problem, call.arrays)())) for call in calls]

    return send
