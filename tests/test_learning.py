"""The end of the textbook's chapter: a kernel is learned by gradient descent through a checked conv2d.

Source: Zhang, Lipton, Li, Smola, "Dive into Deep Learning", section 7.2.4. The gradient is that of the squared error by
the definition of the correlation; the book's rate and number of steps.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from conformance.cases.known import known_answers
from conformance.plugin.target import Target
from conformance.problem import Problem, parse_problem
from conformance.running.profile import PROFILES
from conformance.running.run import Options, Run
from implementations.numpy_gemm import NumpyGemm

EDGES = known_answers()["edges"]
RATE = 3e-2


def conv2d(problem: Problem, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    implementation = NumpyGemm()
    (y,) = implementation.fetch(implementation.prepare(problem, {"x": x, "w": w})())
    return y


def learn(steps: int, seed: int) -> tuple[np.ndarray, list[float]]:
    """The kernel after ``steps`` steps of gradient descent on the squared error, and the losses on the way."""
    problem = parse_problem(EDGES.problem)
    x, y = np.asarray(EDGES.x, np.float32), np.asarray(EDGES.y, np.float32)
    w = np.random.default_rng(seed).uniform(-0.7, 0.7, (1, 1, 1, 2)).astype(np.float32)  # as torch initialises two taps
    # The gradient to the weight is itself a correlation: of the input with the error.
    gradient_problem = parse_problem("conv2d i6x8 k6x7")
    losses = []
    for _ in range(steps):
        error = conv2d(problem, x, w) - y
        losses.append(float((error**2).sum()))
        w = w - RATE * conv2d(gradient_problem, x, 2 * error)
    return w, losses


def test_the_convolution_that_learns_is_conformant() -> None:
    options = Options(PROFILES["brief"], ("conv2d",))
    assert Run(Target("numpy-gemm"), options).execute().status == "conformant"


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_falls_in_every_one_of_ten_steps(seed: int) -> None:
    _, losses = learn(10, seed)
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0] / 5


@pytest.mark.parametrize("seed", range(5))
def test_after_twenty_steps_the_kernel_is_the_one_that_finds_edges(seed: int) -> None:
    w, _ = learn(20, seed)
    assert np.abs(w.ravel() - [1, -1]).max() < 0.1
