"""Asks an implementation every option of the dialect, and sums up its answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from conformance.dialect.probes import KINDS, Probe, asked_of, everywhere
from conformance.plugin.claims import Claims
from conformance.plugin.job import NOT_SUPPORTED, Job
from conformance.problem import format_named
from conformance.problem.dialect import DIALECT
from conformance.report.schema import DialectAnswer
from conformance.running.session import Pending, Session, WorkerLost

_PATIENCE = 0.5
"""Seconds that a question may take, to go by the largest one before it: a slow target is not asked of so many channels."""


@dataclass
class _Heard:
    """What one operator and data type answered to an option: each answer with the places where it was given.

    ``left_out`` are questions that it is too slow for.
    """

    operator: str
    dtype: str
    places: dict[str, list[str]] = field(default_factory=dict)
    left_out: int = 0

    @property
    def answer(self) -> str | None:
        """The one answer that agrees with what was seen at every place, None if there is none."""
        agreed = set.intersection(*(set(answer.split("|")) for answer in self.places))
        return min(agreed) if agreed else None


@dataclass
class _Asked:
    """The questions of one option to one operator and data type, by how many channels they have."""

    heard: _Heard
    probes: dict[int, list[Probe]]
    took: dict[int, float] = field(default_factory=dict)
    """Multiply-adds of calls that were made -> the least seconds: a first call may be slow."""

    def fits(self, probe: Probe) -> bool:
        work = max(self.took, default=0)
        return not work or self.took[work] * probe.call.problem.work / work <= _PATIENCE

    def listen(self, probe: Probe, pending: Pending) -> None:
        answer, seconds = _answer(probe, pending)
        work = probe.call.problem.work
        self.took[work] = min(seconds, self.took.get(work, math.inf))
        if answer != NOT_SUPPORTED:
            self.heard.places.setdefault(answer, []).append(probe.place)


def interview(session: Session, claims: Mapping[str, Claims]) -> tuple[DialectAnswer, ...]:
    """Every option that applies to what is claimed, in the order of :data:`DIALECT`."""
    asked = [(option, list(_questions(option, claims))) for option in DIALECT]
    every = [one for _, questions in asked for one in questions]
    for channels in sorted({number for one in every for number in one.probes}):  # few first: they tell how long more will take
        under_way = []
        for one in every:
            probes = [probe for probe in one.probes.get(channels, ()) if one.fits(probe)]
            one.heard.left_out += len(one.probes.get(channels, ())) - len(probes)
            under_way += [(one, probe, session.submit(Job((probe.call,)))) for probe in probes]
        for one, probe, pending in under_way:
            one.listen(probe, pending)
    heard = [(option, [one.heard for one in questions if one.heard.places]) for option, questions in asked]
    return tuple(_summed_up(option, answers) for option, answers in heard if answers)


def _questions(option: str, claims: Mapping[str, Claims]) -> Iterator[_Asked]:
    """The probes of one option for every operator and data type that is claimed and concerned."""
    for operator in asked_of(option):
        claimed = claims.get(operator.name)
        for dtype in claimed.dtypes if claimed else ():
            if format_named(dtype).kind != KINDS.get(option, "float") or dtype not in operator.traits.dtypes:
                continue
            by_channels: dict[int, list[Probe]] = {}
            for probe in everywhere(option, operator.base, dtype):
                if not _refused(probe, claims):
                    by_channels.setdefault(probe.call.problem.channels, []).append(probe)
            if by_channels:
                yield _Asked(_Heard(operator.name, dtype), by_channels)


def _refused(probe: Probe, claims: Mapping[str, Claims]) -> bool:
    return bool(claims[probe.call.problem.operator].refusal(probe.call.problem))


def _answer(probe: Probe, pending: Pending) -> tuple[str, float]:
    """What a probe was answered, and the seconds inside the target."""
    try:
        (reply,) = pending.result()
    except WorkerLost as lost:
        return lost.kind, math.inf
    if reply.error and not (probe.call.invalid and reply.error_kind == "raised"):
        return reply.error_kind, reply.seconds
    try:
        return probe.read(reply), reply.seconds
    except (IndexError, ValueError):
        return "a result of another shape", reply.seconds


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
        left_out=sum(one.left_out for one in heard),
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
