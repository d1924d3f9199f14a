"""What tensors and axes are called in a sentence, whoever writes it."""

from __future__ import annotations

AXES = ("first", "second", "third")
NOUNS = {
    "x": "input",
    "w": "weights",
    "dy": "gradient",
    "ddx": "second gradient",
    "b": "bias",
    "indices": "indices",
    "w_zero": "zero points of the weights",
    "scale": "scales",
}
PLURAL = ("w", "indices", "w_zero", "scale")
"""Tensors whose noun is one of several."""
