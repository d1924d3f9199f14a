"""Asks an implementation every option of the dialect, and sums up its answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.dialect.probes import KINDS, Probe, asked_of, everywhere
from conformance.plugin.claims import Claims
from conformance.plugin.job import NOT_SUPPORTED, Job
from conformance.problem import format_named
from conformance.problem.dialect import DIALECT
from conformance.report.schema import DialectAnswer
from conformance.running.session import Pending, Session, WorkerLost


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one operator and data type answered: each answer with the places where it was given."""

    operator: str
    dtype: str
    places: dict[str, list[str]]

    @property
    def answer(self) -> str | None:
        """The one answer that agrees with what was seen at every place, None if there is none."""
        agreed = set.intersection(*(set(answer.split("|")) for answer in self.places))
        return min(agreed) if agreed else None


def interview(session: Session, claims: Mapping[str, Claims]) -> tuple[DialectAnswer, ...]:
    """Every option that applies to what is claimed, in the order of :data:`DIALECT`."""
    asked = [(option, list(_ask(option, session, claims))) for option in DIALECT]
    heard = [(option, [one for question in questions if (one := _listen(*question)).places]) for option, questions in asked]
    return tuple(_summed_up(option, answers) for option, answers in heard if answers)


def _ask(option: str, session: Session, claims: Mapping[str, Claims]) -> Iterator[tuple[str, str, list[tuple[Probe, Pending]]]]:
    """Hand in the probes of one option for every operator and data type that is claimed and concerned."""
    for operator in asked_of(option):
        claimed = claims.get(operator.name)
        for dtype in claimed.dtypes if claimed else ():
            if format_named(dtype).kind != KINDS.get(option, "float") or dtype not in operator.traits.dtypes:
                continue
            probes = [probe for probe in everywhere(option, operator.base, dtype) if not _refused(probe, claims)]
            if probes:
                yield operator.name, dtype, [(probe, session.submit(Job((probe.call,)))) for probe in probes]


def _refused(probe: Probe, claims: Mapping[str, Claims]) -> bool:
    return bool(claims[probe.call.problem.operator].refusal(probe.call.problem))


def _listen(operator: str, dtype: str, asked: list[tuple[Probe, Pending]]) -> _Heard:
    places: dict[str, list[str]] = {}
    for probe, pending in asked:
        answer = _answer(probe, pending)
        if answer != NOT_SUPPORTED:
            places.setdefault(answer, []).append(probe.place)
    return _Heard(operator, dtype, places)


def _answer(probe: Probe, pending: Pending) -> str:
    try:
        (reply,) = pending.result()
    except WorkerLost as lost:
        return lost.kind
    if reply.error and not (probe.call.invalid and reply.error_kind == "raised"):
        return reply.error_kind
    try:
        return probe.read(reply)
    except (IndexError, ValueError):
        return "a result of another shape"


def _summed_up(option: str, heard: list[_Heard]) -> DialectAnswer:
    """The commonest answer, what answers otherwise, and what depends on the place."""
    asked, answers = DIALECT[option], [one.answer for one in heard]
    given = [answer for answer in answers if answer is not None]
    common = max(dict.fromkeys(given), key=given.count, default="")
    exceptions = [
        f"{asked.answers.get(answer, answer)}: {_named([one for one in heard if one.answer == answer])}"
        for answer in dict.fromkeys(given)
        if answer != common
    ]
    depends = [one for one in heard if one.answer is None]
    return DialectAnswer(
        option=option,
        about=asked.about,
        answer=common,
        words=asked.answers.get(common, common) or "depends on the place",
        usual=not asked.usual or set(given) <= {asked.usual},
        exceptions=tuple(exceptions),
        finding="; ".join(_depends(one, option) for one in depends),
    )


def _depends(one: _Heard, option: str) -> str:
    known = DIALECT[option].answers
    parts = [
        f"{' or '.join(known.get(word, word) for word in answer.split('|'))} {', '.join(places)}"
        for answer, places in one.places.items()
    ]
    return f"{one.operator} {one.dtype}: {'; '.join(parts)}"


def _named(heard: list[_Heard]) -> str:
    """Operators with their data types: float16 of conv2d, conv3d."""
    by_operator: dict[str, list[str]] = {}
    for one in heard:
        by_operator.setdefault(one.operator, []).append(one.dtype)
    by_dtypes: dict[str, list[str]] = {}
    for operator, dtypes in by_operator.items():
        by_dtypes.setdefault(" ".join(dtypes), []).append(operator)
    return "; ".join(f"{dtypes} of {', '.join(operators)}" for dtypes, operators in by_dtypes.items())
