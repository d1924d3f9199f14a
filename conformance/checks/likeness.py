"""What an inaccurate result looks like: the strictest accuracy class whose bound still holds for it, and that in words."""

from __future__ import annotations

import numpy as np

from conformance.checks.base import excess_of
from conformance.plugin.job import Call
from conformance.problem.accuracy import accuracy_named
from conformance.reference import bounds
from conformance.reference.oracle import Truth

# From the strictest to the loosest, with what a result looks like that reaches no better one.
_WORDS = {
    "componentwise": "",
    "tf32": "looks like inputs rounded to 11 bits (TF32, float16)",
    "bfloat16": "looks like inputs rounded to 8 bits (bfloat16)",
    "fft": "behaves like a transform method (FFT, Winograd): accurate relative to the norm, not to each output",
}


def class_reached(call: Call, actual: np.ndarray, truth: Truth, declared: str) -> str:
    """The strictest accuracy class whose bound holds for all outputs: exact, componentwise, the declared one, or whichever
    other one it looks like; none if no bound holds."""
    if (excess_of(actual, truth.y, truth.low * 0, truth.error * 0) == 0).all():
        return "exact"
    for name in dict.fromkeys(["componentwise", declared, *_WORDS]):
        bound = bounds.admissible(call.problem, truth, call.arrays, accuracy_named(name))
        if (excess_of(actual, truth.y, truth.low, bound.tolerance) <= 1).all():
            return name
    return "none"


def looks_like(reached: str) -> str:
    """The end of a message on a result that reaches only this class; empty where there is nothing to add."""
    words = _WORDS.get(reached, "")
    return f"; {words}" if words else ""
