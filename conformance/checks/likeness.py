"""What an inaccurate result looks like: the strictest accuracy class whose bound still holds for it, and that in words."""

from __future__ import annotations

import numpy as np

from conformance.checks.base import excess_of
from conformance.plugin.job import Call
from conformance.problem.accuracy import accuracy_named
from conformance.reference import bounds
from conformance.reference.truth import Truth

_WORDS = {
    "tf32": "looks like inputs rounded to 11 bits (TF32, float16)",
    "bfloat16": "looks like inputs rounded to 8 bits (bfloat16)",
    "fft": "behaves like a transform method (FFT, Winograd): accurate relative to the norm, not to each output",
}


def class_reached(call: Call, actual: np.ndarray, truth: Truth, declared: str) -> str:
    """The accuracy class whose bound holds for all outputs: exact, componentwise, or the declared one.

    Beyond these it is the one that the result looks like: of those that hold, the one whose bound it comes nearest to,
    since a bound that is far larger than the error says little. "none" if no bound holds.
    """
    if (excess_of(actual, truth.y, np.zeros_like(truth.y), np.zeros_like(truth.y)) == 0).all():
        return "exact"
    found = {}
    for name in dict.fromkeys(["componentwise", declared, *_WORDS]):
        bound = bounds.admissible(call.problem, truth, call.arrays, accuracy_named(name))
        found[name] = float(excess_of(actual, truth.y, truth.low, bound.tolerance).max())
        if name in ("componentwise", declared) and found[name] <= 1:
            return name
    holding = [name for name in found if found[name] <= 1]
    return max(holding, key=found.__getitem__, default="none")


def looks_like(reached: str) -> str:
    """The end of a message on a result that reaches only this class; empty where there is nothing to add."""
    words = _WORDS.get(reached, "")
    return f"; {words}" if words else ""
