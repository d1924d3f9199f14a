"""Where frameworks legitimately differ: an answer must be the same at every place and size, and the one that is declared.

The questions are those of ``conformance dialect``, asked with one channel, with aligned and with many channels, dense and
depthwise. What depends on the size is no dialect but a finding; an answer that nobody declares is a fact.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.checks.base import Check, Failure, Judgement, OneThing, first_trouble
from conformance.dialect.probes import KINDS, Probe, asked_of, everywhere
from conformance.plugin.claims import Claims
from conformance.plugin.job import Call, Reply
from conformance.problem import FORMATS, Operator
from conformance.problem.dialect import DIALECT

_OF_ORDER = ("partial_overflow", "negative_zero")
"""What follows from the order of a sum, which is free, and may be another one for another size."""


class Answers(OneThing):
    """All questions of one option of the dialect, to one operator in one data type."""

    concurrent = False
    optional_calls = True

    def __init__(self, option: str) -> None:
        self.option, self.name = option, f"dialect.{option}"
        self.about = f"{DIALECT[option].about}: one answer, whatever the size"

    def applies(self, operator: Operator, dtype: str = "") -> bool:
        return operator in asked_of(self.option) and (
            dtype == "" or (FORMATS[dtype].kind == KINDS.get(self.option, "float") and dtype in operator.traits.dtypes)
        )

    def calls(self, case: Case) -> tuple[Call, ...]:
        return tuple(probe.call for probe in self._probes(case.problem.op, case.problem.dtype))

    def _probes(self, operator: Operator, dtype: str) -> list[Probe]:
        """The questions, but for those to a call that must raise: after an error nothing more is asked."""
        if not self.applies(operator, dtype):
            return []
        return [probe for probe in everywhere(self.option, operator.base, dtype) if not probe.call.invalid]

    def judge(self, case: Case, claims: Claims, calls: Sequence[Call], replies: Sequence[Reply]) -> Judgement:
        trouble = first_trouble(calls, replies) if self.option not in ("ceil_window_in_padding", "integer_overflow") else None
        if trouble:
            return Judgement(trouble)
        # What is not claimed was left out: the questions that were asked are found again by their problems.
        probes = [p for p in self._probes(case.problem.op, case.problem.dtype) if claims.refusal(p.call.problem) is None]
        places: dict[str, list[tuple[int, str]]] = {}
        for number, (probe, reply) in enumerate(zip(probes, replies, strict=False)):
            places.setdefault(_read(probe, reply), []).append((number, probe.place))
        return Judgement(self._failure(places, claims.answers(case.problem.dtype).get(self.option, "")), len(replies))

    def _failure(self, places: dict[str, list[tuple[int, str]]], declared: str) -> Failure | None:
        about, words = DIALECT[self.option].about, DIALECT[self.option].answers
        agreed = set.intersection(*(set(answer.split("|")) for answer in places)) if places else set()
        if declared and places and declared not in agreed:
            other = next(answer for answer in places if declared not in answer.split("|"))
            number, place = places[other][0]
            said = f"{about}: {words.get(other, other)} ({place}), though {self.option}={declared} is declared"
            return Failure(f"not as declared: {self.option}", said, call=number)
        if agreed or not places or self.option in _OF_ORDER:
            return None
        rarest = min(places, key=lambda answer: len(places[answer]))
        said = "; ".join(f"{_either(answer, words)} {_listed([place for _, place in found])}" for answer, found in places.items())
        return Failure(f"depends on the size: {self.option}", f"{about}: {said}", call=places[rarest][0][0])


def _read(probe: Probe, reply: Reply) -> str:
    if reply.error:
        return reply.error_kind
    try:
        return probe.read(reply)
    except (IndexError, ValueError):
        return "a result of another shape"


def _either(answer: str, words: dict[str, str]) -> str:
    return " or ".join(words.get(word, word) for word in answer.split("|"))


_SHOWN = 4


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"({', '.join(places[:_SHOWN])}{more})"


CHECKS: tuple[Check, ...] = tuple(Answers(option) for option in DIALECT if option != "kernel_too_large")
