"""Each hypothesis is one that can be told: it differs from the truth somewhere, and what it predicts is diagnosed as it."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pool import operators_of, pool

from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.hypotheses import HYPOTHESES
from conformance.diagnosis.match import matches, predictions, would_fail
from conformance.diagnosis.prediction import Hypothesis
from conformance.diagnosis.rules.numbers import rounded
from conformance.problem import OPERATORS

BY_KEY: dict[str, list[Hypothesis]] = {}
for one in HYPOTHESES:
    BY_KEY.setdefault(one.key, []).append(one)

# They differ from the truth in their tolerance and in the grid that results lie on: see test_short_sums.
BY_BOUND = {"accumulator-float32", "accumulator-bfloat16", "accumulator-float16", "computed-in-complex64", "wide-result-rounded"}


def came_out(hypothesis: Hypothesis, seen: Observation) -> Observation:
    """What an implementation of the hypothesis returns, in the type of the result."""
    made = next(predictions(hypothesis, seen))
    with np.errstate(all="ignore"):
        y = made.y
        if made.grid is not None or made.bits:
            sums = y - made.offset if y.dtype.kind == "f" else y
            short = rounded(sums, made.bits) if made.grid is None else sums.astype(made.grid.numpy).astype(y.dtype)
            y = short + made.offset if y.dtype.kind == "f" else short
        y = y.astype(seen.problem.result_format.numpy)
    outputs = (y,) if made.indices is None else (y, made.indices)
    lost = len(seen.problem.result_shape) - len(seen.call.problem.result_shape)
    if lost and made.shape[:1] == (1,) and len(made.shape) == len(seen.truth.shape):
        outputs = tuple(part[0] for part in outputs)
    kind = "wrong shape" if made.shape != seen.truth.shape else "wrong index" if hypothesis.indices else "wrong value"
    return dataclasses.replace(seen, kind=kind, outputs=outputs)


def differing(hypothesis: Hypothesis, amount: int) -> list[Observation]:
    """Calls on which the hypothesis comes out wrong."""
    found: list[Observation] = []
    for operator in operators_of(hypothesis):
        for seen in pool(operator):
            if hypothesis.applies(seen.problem) and would_fail(hypothesis, seen, by_shape=True):
                found.append(seen)
                if len(found) == amount:
                    return found
    return found


def is_tried(key: str) -> bool:
    """Of the many that differ in a number of bits alone, some."""
    bits = re.search(r"-of-(\d+)-bits", key)
    return key not in BY_BOUND and (bits is None or int(bits[1]) in (7, 8, 11, 16, 20, 24, 46))


@pytest.mark.parametrize("key", filter(is_tried, BY_KEY))
def test_a_hypothesis_differs_from_the_truth_and_what_it_predicts_is_diagnosed_as_it(key: str) -> None:
    calls = [(one, differing(one, 1)) for one in BY_KEY[key]]
    assert any(found for _, found in calls), "no case of the pool shows it"
    hypothesis, (first,) = next((one, found) for one, found in calls if found)
    operator = first.problem.operator
    wrong, right = [], []
    for seen in pool(operator):
        if would_fail(hypothesis, seen, by_shape=True):
            wrong.append(came_out(hypothesis, seen))
        else:
            right.append(seen)
    wrong = [one for one in wrong if one.kind == wrong[0].kind][:8]
    told = next((match.hypothesis for match in matches(wrong, right[:20]) if not match.against), None)
    assert told is not None
    assert HYPOTHESES.index(told) <= HYPOTHESES.index(hypothesis)


def says_something(hypothesis: Hypothesis) -> bool:
    """Whether it predicts anything of any case, right or wrong."""
    return any(next(predictions(hypothesis, seen), None) is not None for name in operators_of(hypothesis) for seen in pool(name))


def test_no_hypothesis_is_dead() -> None:
    assert [(one.key, one.words) for one in HYPOTHESES if not says_something(one)] == []


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_rule_raises_nothing_but_what_a_geometry_that_makes_no_sense_raises(operator: str) -> None:
    calls = sorted(pool(operator), key=lambda one: one.problem.work)
    for seen in calls[len(calls) // 4 : len(calls) // 2 : 12]:  # not the smallest, and for as good as nothing
        for hypothesis in HYPOTHESES:
            list(predictions(hypothesis, seen))  # lets ArithmeticError, LookupError and ValueError pass
