"""Which hypotheses explain what came out, all of it, and are not contradicted by what came out right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.diagnosis.clock import now
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.hypotheses import HYPOTHESES
from conformance.diagnosis.prediction import Hypothesis, Prediction, agrees, differs

COMPARED = ("wrong value", "wrong index", "wrong shape", "inaccurate")
"""The kinds of failures that a result shows; of all others it is right, or there is none."""


@dataclass(frozen=True, slots=True)
class Match:
    """A hypothesis that explains all failing observations; ``against`` are the passing ones that it would have made fail."""

    hypothesis: Hypothesis
    against: tuple[Observation, ...] = ()


def matches(
    failing: Sequence[Observation],
    passing: Sequence[Observation],
    end: float = float("inf"),
    hypotheses: Sequence[Hypothesis] = HYPOTHESES,
) -> Iterator[Match]:
    """The hypotheses that explain all of ``failing``, in order, until the clock (:func:`.clock.now`) passes ``end``."""
    failing = sorted((one for one in failing if one.outputs and one.kind in COMPARED), key=lambda one: one.problem.work)
    if not failing:
        return
    for hypothesis in hypotheses:
        if now() > end:
            return
        if all(explains(hypothesis, one) for one in failing):
            by_shape = failing[0].kind == "wrong shape"
            yield Match(hypothesis, tuple(one for one in passing if would_fail(hypothesis, one, by_shape)))


def predictions(hypothesis: Hypothesis, seen: Observation) -> Iterator[Prediction]:
    """What the hypothesis predicts of an observation's call, by each of its rules that applies."""
    if hypothesis.applies(seen.problem):
        for rule in hypothesis.rules:
            try:
                with np.errstate(all="ignore"):
                    made = rule(seen.problem, seen.arrays)
            except (ArithmeticError, LookupError, ValueError):
                continue  # it makes no sense for this geometry, and a run must not end for that
            if made is not None:
                yield made


def explains(hypothesis: Hypothesis, seen: Observation) -> bool:
    """Whether it predicts all of what came out, which is not the truth."""
    return any(_is(made, seen) for made in predictions(hypothesis, seen))


def _is(made: Prediction, seen: Observation) -> bool:
    actual = seen.actual
    if actual is None:
        return False
    if len(made.shape) < len(seen.truth.shape):  # axes are dropped, which an unbatched result has fewer of
        actual = seen.outputs[0]
    fitted = _of_shape(made, actual.shape, seen)
    if fitted is None or not agrees(fitted, actual, seen.problem).all():
        return False
    if seen.kind == "wrong index":
        return fitted.indices is not None and seen.indices is not None and bool((fitted.indices == seen.indices).all())
    return True


def agreement(hypothesis: Hypothesis, seen: Observation, wrong: np.ndarray) -> np.ndarray | None:
    """Where it predicts something else than the truth, if it predicts what came out in all of the ``wrong`` elements."""
    actual = seen.actual
    for made in predictions(hypothesis, seen):
        if (
            actual is not None
            and made.shape == actual.shape == seen.truth.shape
            and agrees(made, actual, seen.problem)[wrong].all()
        ):
            return differs(made, seen.truth)
    return None


def would_fail(hypothesis: Hypothesis, seen: Observation, by_shape: bool = False) -> bool:
    """Whether the hypothesis predicts, by all of its rules, that this call, which passed, comes out wrong.

    Unless failing ones show ``by_shape``, a result of another shape may have been fitted into the right one.
    """
    made = list(predictions(hypothesis, seen))  # a rule that says nothing leaves the result right
    return len(made) == len(hypothesis.rules) and all(_would_fail(one, seen, hypothesis.indices, by_shape) for one in made)


def _would_fail(made: Prediction, seen: Observation, indices: bool, by_shape: bool) -> bool:
    if seen.call.problem.unbatched and made.shape == seen.call.problem.result_shape:
        return False  # what it drops is not there
    if made.shape != seen.truth.shape and (by_shape or len(made.shape) != len(seen.truth.shape)):
        return True
    made = made if made.shape == seen.truth.shape else made.fitted(seen.truth.shape)
    if differs(made, seen.truth).any():
        return True
    if not indices or made.indices is None or seen.truth.indices is None:
        return False
    return bool((made.indices != seen.truth.indices).any())


def wrong_elements(seen: Observation) -> np.ndarray | None:
    """Which elements of a failing result are wrong; None where its shape is."""
    if seen.actual is None or seen.actual.shape != seen.truth.shape:
        return None
    if seen.kind == "wrong index":
        return None if seen.indices is None or seen.truth.indices is None else np.asarray(seen.indices != seen.truth.indices)
    return ~agrees(seen.truth, seen.actual, seen.problem)


def batch_axis_kept(seen: Observation) -> bool:
    """Whether a result of unbatched tensors came back as a batch of one."""
    shape = seen.call.problem.result_shape
    return seen.call.problem.unbatched and any(output.shape == (1, *shape) for output in seen.outputs)


def _of_shape(made: Prediction, shape: tuple[int, ...], seen: Observation) -> Prediction | None:
    """A prediction in the shape that came out: its own, or the right one into which it was fitted."""
    if made.shape == shape:
        return made
    return made.fitted(shape) if shape == seen.truth.shape and len(made.shape) == len(shape) else None
