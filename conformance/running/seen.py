"""What a worker saw of a call, as plain values: results as copies of its own."""

from __future__ import annotations

import numpy as np

from conformance.plugin.implementation import WrongResult


def copies(outputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """What leaves the process: nothing that needs the implementation's own code to be read."""
    if any(output.dtype.hasobject for output in outputs):
        raise WrongResult("returned an array of Python objects, not of numbers")
    return tuple(np.array(output, order="C", copy=True) for output in outputs)
