"""Puts the parts together: what a group of alike failures is, in words, from what was seen and from cases made for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.diagnosis.clock import now
from conformance.diagnosis.contract import BREACHES
from conformance.diagnosis.elements import NOTHING_THERE
from conformance.diagnosis.evidence import Observation, is_small
from conformance.diagnosis.hypotheses import HYPOTHESES, RESORT
from conformance.diagnosis.match import (
    COMPARED,
    Match,
    agreement,
    batch_axis_kept,
    explains,
    matches,
    predictions,
    would_fail,
    wrong_elements,
)
from conformance.diagnosis.prediction import Hypothesis, differs
from conformance.diagnosis.receptive_field import Ask, Field, receptive_field
from conformance.diagnosis.samples import TryAll
from conformance.diagnosis.separate import Condition
from conformance.diagnosis.state import Processes, examined, repeats_earlier, suspected, varying
from conformance.diagnosis.state_words import Said
from conformance.diagnosis.told import told_region
from conformance.diagnosis.unwritten import UNWRITTEN, unwritten
from conformance.diagnosis.ward import Ward
from conformance.diagnosis.where import Known, where, where_in_result

_EXPLORED = 48
_MOST_COMPARED = 24  # failing observations that every hypothesis is held against; the rest only what is left
_LOCAL = ("zeros", "bias-", "negated", "doubled", "first-tap", "last-tap", "one-later", "one-earlier", "results-in")
"""Mistakes that are made in a part of a result: its tail, its border, its last block."""
_MOVED = ("first-tap", "last-tap", "one-later", "one-earlier")
_CAST = 0.35  # of the time, for the search among hypotheses


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What it is, the first line first; nothing where nothing is known. ``hypothesis`` is a key of the hypotheses.

    ``explains`` of ``of`` failing cases are explained: all of them, or there is no hypothesis; 0 where an experiment or the
    kind of failure says what it is.
    ``where`` is the failing region, ``field`` the effective receptive field where it is not what it should be, ``fingerprint``
    how it computes.
    """

    words: tuple[str, ...] = ()
    hypothesis: str = ""
    explains: int = 0
    of: int = 0
    where: str = ""
    field: Field | None = None
    fingerprint: str = ""


def diagnose(
    failing: Sequence[Observation],
    passing: Sequence[Observation],
    run_all: TryAll | None = None,
    ask: Ask | None = None,
    dtypes: tuple[str, ...] = (),
    seconds: float = 1.5,
    processes: Processes | None = None,
) -> Diagnosis:
    """What failures of one operator, kind and group of checks are, within about ``seconds``.

    ``run_all`` runs other cases, ``ask`` makes bare calls, and ``processes`` are for experiments on state. Without them only
    what was seen is used, and nothing is said about where it fails, since that is said only where it is confirmed.
    """
    if not failing or failing[0].kind in ("crashed", "hung"):
        return Diagnosis()
    began = now()
    ward = Ward(list(failing), list(passing), run_all, dtypes, began + seconds)
    if all(map(batch_axis_kept, ward.failing)):
        return _seen(ward, "batch-axis-kept", "The result of unbatched tensors keeps a batch axis")
    breach = BREACHES.get(ward.kind)
    if breach is not None:
        return _with_region(ward, breach.said, breach.regional)
    if ward.kind == "not repeatable" and processes is not None:
        return _with_region(ward, varying(ward.failing, processes), regional=False)
    if all(unwritten(one) for one in ward.failing):
        return _with_region(ward, UNWRITTEN)
    suspect = _suspect(ward, processes)
    if suspect and (said := _by_state(ward, processes)) is not None:
        return said
    ward.explore(_EXPLORED)
    found = _by_hypothesis(ward, began + _CAST * seconds) or (None if suspect else _by_state(ward, processes)) or _by_region(ward)
    return dataclasses.replace(found, field=_field(ward, ask))


def _suspect(ward: Ward, processes: Processes | None) -> bool:
    """Whether earlier calls may be to blame, which is then looked into before anything else."""
    small = _small(ward)
    return bool(small) and (repeats_earlier(small) or (processes is not None and suspected(small, processes)))


def _small(ward: Ward) -> list[Observation]:
    """Those that can be made again many times; one that fails at a size beyond that is about its size."""
    return [one for one in ward.failing if is_small(one.call)]


def _by_state(ward: Ward, processes: Processes | None) -> Diagnosis | None:
    """What an experiment in new processes shows; without any, what was seen."""
    small = _small(ward)
    if not small:
        return None
    if processes is not None:
        said = examined(small, processes, ward.end)
        return None if said is None else Diagnosis((said.words,), said.key)
    if not repeats_earlier(ward.failing):
        return None
    return _seen(ward, "stale", "The result is that of a call before it")


def _seen(ward: Ward, key: str, words: str) -> Diagnosis:
    """What every failing call shows by itself."""
    count = len(ward.failing)
    return Diagnosis((f"{words} {_counted(count)}",), key, count, count)


def _with_region(ward: Ward, said: Said, regional: bool = True) -> Diagnosis:
    """What is known already, and where it shows if that can be told."""
    where = ""
    if regional:
        ward.explore(_EXPLORED)
        where = _by_region(ward).where
    return Diagnosis((f"{said.words}, only {where}" if where else said.words,), said.key, where=where)


def _by_hypothesis(ward: Ward, end: float) -> Diagnosis | None:
    """The first hypothesis that explains everything; else the first that does so in a region that can be told."""
    failing = [one for one in ward.failing if one.outputs and one.kind in COMPARED]
    few = failing[:_MOST_COMPARED]
    partly: list[Match] = []
    for match in matches(few, ward.passing, end=max(end, now() + 0.2)):
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
    if ward.run_all is None or ward.over:
        return ""
    run_all, hypothesis = ward.run_all, match.hypothesis
    unexplained = False

    def concerned(cases: Sequence[Case]) -> list[Observation]:
        nonlocal unexplained
        made = run_all(cases, None)
        failed = [seen for seen in made if seen.failed and seen.kind == ward.kind and seen.outputs]
        unexplained = unexplained or not all(explains(hypothesis, seen) for seen in failed)
        return made

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
    end = min(ward.end, now() + 0.4)
    for hypothesis in HYPOTHESES:
        if now() > end:
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
            if condition is not None and not _of_no_window(hypothesis, condition):
                return _told(hypothesis, len(failing), str(condition))
    return None


def _of_no_window(hypothesis: Hypothesis, condition: Condition) -> bool:
    """Whether windows are said to lie elsewhere, of elements that no window reaches."""
    return hypothesis.key.startswith(_MOVED) and any(test.column in NOTHING_THERE and test.value for test in condition.tests)


def _elements_that_differ(hypothesis: Hypothesis, passing: list[Observation]) -> list[tuple[Observation, np.ndarray]]:
    made = []
    for one in passing[:60]:
        result = next(predictions(hypothesis, one), None)
        if result is not None and result.shape == one.truth.shape:
            made.append((one, differs(result, one.truth)))
    return made


def _by_region(ward: Ward) -> Diagnosis:
    """Where it fails, where no hypothesis says what it is."""
    found = told_region(ward)
    if found is None:
        return Diagnosis()
    count = len(ward.failing) if found.key else 0
    return Diagnosis((found.sentence,), found.key, count, count, found.words)


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
