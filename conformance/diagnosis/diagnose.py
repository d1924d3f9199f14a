"""Puts the parts together: what a group of alike failures is, in words, from what was seen and from cases made for it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.explore import neighbours
from conformance.diagnosis.hypotheses import HYPOTHESES, RESORT
from conformance.diagnosis.match import (
    COMPARED,
    Match,
    agreement,
    batch_axis_kept,
    explains,
    matches,
    predictions,
    stale,
    would_fail,
    wrong_elements,
)
from conformance.diagnosis.prediction import Hypothesis, differs
from conformance.diagnosis.receptive_field import Ask, Field, receptive_field
from conformance.diagnosis.where import Known, Try, where, where_in_result

_EXPLORED = 48
_MOST_COMPARED = 24  # failing observations that every hypothesis is held against; the rest only what is left
_PLAIN: tuple[tuple[str, str, Callable[[Observation], bool]], ...] = (
    ("stale", "The result is that of a call before it", stale),
    ("batch-axis-kept", "The result of unbatched tensors keeps a batch axis", batch_axis_kept),
)
"""What is seen of a failing call alone."""
_LOCAL = ("zeros", "bias-", "negated", "doubled", "first-tap", "last-tap", "one-later", "one-earlier", "results-in")
"""Mistakes that are made in a part of a result: its tail, its border, its last block."""
_BLIND = ("ones", "ramp", "zeros")  # values under which much that is wrong comes out right
_CAST = 0.35  # of the time, for the search among hypotheses


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What it is, the first line first; nothing where nothing is known. ``hypothesis`` is a key of the hypotheses.

    ``explains`` of ``of`` failing cases are explained: all of them, or there is no hypothesis. ``where`` is the failing
    region, ``field`` the effective receptive field where it is not what it should be.
    """

    words: tuple[str, ...] = ()
    hypothesis: str = ""
    explains: int = 0
    of: int = 0
    where: str = ""
    field: Field | None = None


@dataclass
class Ward:
    """A group of failures under examination, and the means to run more."""

    failing: list[Observation]
    passing: list[Observation]
    run: Try | None
    dtypes: tuple[str, ...]
    end: float

    @property
    def kind(self) -> str:
        return self.failing[0].kind

    @property
    def over(self) -> bool:
        return time.perf_counter() > self.end

    @property
    def alike(self) -> list[Observation]:
        """Passing calls that differ from the failing ones in their problem or their layout, not in the kind of their values."""
        check = self.failing[0].check
        like = [one for one in self.passing if one.check == check or check.startswith("layout.")]
        return [one for one in like if one.case.kind not in _BLIND]

    def cases(self, seed: int) -> Iterator[Case]:
        """Neighbours of failing cases, and of passing ones."""
        near = [one.case for one in self.failing if one.case.kind not in ("known", "invalid")]
        far = [
            one.case for one in self.passing if one.check == self.failing[0].check and one.case.kind not in ("known", "invalid")
        ]
        if not near:
            return iter(())
        return neighbours((near * (1 + len(far) // (2 * len(near))) + far) if far else near, self.dtypes, seed)

    def explore(self, most: int) -> None:
        """Run neighbours of the failing cases: what they show tells hypotheses apart."""
        if self.run is None:
            return
        for case in itertools.islice(self.cases(0), most):
            if self.over:
                return
            seen = self.run(case)
            if seen is None:
                continue
            if not seen.failed:
                self.passing.append(seen)
            elif seen.kind == self.kind:
                self.failing.append(seen)


def diagnose(
    failing: Sequence[Observation],
    passing: Sequence[Observation],
    run: Try | None = None,
    ask: Ask | None = None,
    dtypes: tuple[str, ...] = (),
    seconds: float = 1.5,
) -> Diagnosis:
    """What failures of one operator, kind and group of checks are, within about ``seconds``.

    ``run`` runs another case under their check, ``ask`` makes bare calls. Without them only what was seen is used, and
    nothing is said about where it fails, since that is said only where it is confirmed.
    """
    if not failing or failing[0].kind in ("crashed", "hung"):
        return Diagnosis()
    began = time.perf_counter()
    ward = Ward(list(failing), list(passing), run, dtypes, began + seconds)
    for key, words, holds in _PLAIN:
        if all(holds(one) for one in ward.failing):
            count = len(ward.failing)
            return Diagnosis((f"{words} {_counted(count)}",), key, count, count)
    ward.explore(_EXPLORED)
    found = _by_hypothesis(ward, began + _CAST * seconds) or _by_region(ward)
    if found.hypothesis and not found.words:
        return Diagnosis()
    field = _field(ward, ask)
    if field is None:
        return found
    return Diagnosis(found.words, found.hypothesis, found.explains, found.of, found.where, field)


def _by_hypothesis(ward: Ward, end: float) -> Diagnosis | None:
    """The first hypothesis that explains everything; else the first that does so in a region that can be told."""
    failing = [one for one in ward.failing if one.outputs and one.kind in COMPARED]
    few = failing[:_MOST_COMPARED]
    partly: list[Match] = []
    for match in matches(few, ward.passing, end=max(end, time.perf_counter() + 0.2)):
        if not all(explains(match.hypothesis, one) for one in failing[len(few) :]):
            continue
        if not match.against:
            return _told(match.hypothesis, len(failing), "")
        partly.append(match)
    for match in sorted(partly, key=lambda one: len(one.against))[:4]:  # the least contradicted first
        condition = _region_of(ward, match)
        if condition:
            return _told(match.hypothesis, len(failing), condition)
    found = _in_elements(ward, failing)
    if found is None and failing and all(explains(RESORT, one) for one in failing):
        return _told(RESORT, len(failing), "")
    return found


def _region_of(ward: Ward, match: Match) -> str:
    """Where a hypothesis holds that passing cases contradict; "" if that cannot be told."""
    if ward.run is None or ward.over:
        return ""
    run, hypothesis = ward.run, match.hypothesis
    unexplained = False

    def concerned(case: Case) -> Observation | None:
        nonlocal unexplained
        seen = run(case)
        if seen is not None and seen.failed and seen.kind == ward.kind and seen.outputs and not explains(hypothesis, seen):
            unexplained = True
        return seen

    def concerns(one: Observation) -> bool:
        return would_fail(hypothesis, one, by_shape=ward.kind == "wrong shape")

    against = {id(one) for one in match.against}  # found when it was matched
    known = Known(list(ward.failing), [one for one in ward.alike if id(one) in against], concerns)
    condition = where(known, ward.cases(1), concerned, ward.kind, ward.end)
    return "" if condition is None or unexplained else str(condition)


def _in_elements(ward: Ward, failing: list[Observation]) -> Diagnosis | None:
    """A hypothesis that explains every wrong element, in a part of the result that can be told."""
    wrong = [(one, mask) for one in failing if (mask := wrong_elements(one)) is not None]
    if not wrong or len(wrong) < len(failing) or ward.kind == "wrong index":
        return None
    end = min(ward.end, time.perf_counter() + 0.4)
    for hypothesis in HYPOTHESES:
        if time.perf_counter() > end:
            return None
        if not hypothesis.key.startswith(_LOCAL):
            continue
        parts = []
        for one, mask in sorted(wrong, key=lambda pair: pair[0].problem.work):
            shows = agreement(hypothesis, one, mask)
            if shows is None:
                break
            parts.append((one, mask, shows | mask))
        else:
            condition = where_in_result(parts, _elements_that_differ(hypothesis, ward.passing))
            if condition is not None:
                return _told(hypothesis, len(failing), str(condition))
    return None


def _elements_that_differ(hypothesis: Hypothesis, passing: list[Observation]) -> list[tuple[Observation, np.ndarray]]:
    made = []
    for one in passing[:60]:
        result = next(predictions(hypothesis, one), None)
        if result is not None and result.shape == one.truth.shape:
            made.append((one, differs(result, one.truth)))
    return made


def _by_region(ward: Ward) -> Diagnosis:
    """Where it fails, where no hypothesis says what it is."""
    if ward.run is None:
        return Diagnosis()
    if not ward.over:
        known = Known(list(ward.failing), ward.alike)
        condition = where(known, ward.cases(2), ward.run, ward.kind, ward.end)
        if condition is not None:
            return Diagnosis((f"It fails only {condition}",), where=str(condition))
    failing = [(one, mask) for one in ward.failing if one.outputs and (mask := wrong_elements(one)) is not None]
    if not failing or len(failing) < len(ward.failing):
        return Diagnosis()
    whole = [(one, mask, np.ones(mask.shape, bool)) for one, mask in failing]
    right = [(one, np.ones(one.truth.shape, bool)) for one in ward.passing]
    in_result = where_in_result(whole, right)
    if in_result is None:
        return Diagnosis()
    return Diagnosis((f"The result is wrong only {in_result}",), where=str(in_result))


def _told(hypothesis: Hypothesis, count: int, region: str) -> Diagnosis:
    words = hypothesis.words[0].upper() + hypothesis.words[1:]
    limited = f", only {region}" if region else ""
    return Diagnosis((f"{words}{limited} {_counted(count)}",), hypothesis.key, count, count, region)


def _counted(count: int) -> str:
    return f"(explains {count} of {count} failing case{'s' * (count != 1)})"


def _field(ward: Ward, ask: Ask | None) -> Field | None:
    """The receptive field of the smallest failing case, if it is not what it should be."""
    if ask is None:
        return None
    for one in sorted((one for one in ward.failing if one.outputs), key=lambda one: one.problem.work)[:3]:
        wrong = wrong_elements(one)
        if wrong is None or not wrong.any() or wrong.shape != one.problem.output_shape:
            continue
        at = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
        field = receptive_field(one.problem, ask, at)
        if field is not None and field.wrong:
            return field
    return None
