"""What became worse or better since the baseline, in words: findings and claims, then accuracy. Pure functions of both.

Cases are the same if suite and seed are, so that counts can be compared; of another seed only kinds of failures can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.plugin.claims import OPTIONS, Claims
from conformance.report.baseline import Baseline, Claimed, KnownFailing, Spread
from conformance.report.schema import Accuracy, Change, Finding, Implementation
from conformance.report.spread import CHANCE, rank, spreads, typical_is_worse, worst_allowed
from conformance.report.view import number
from conformance.timing.slowdown import discoveries


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run found out of an implementation, as a baseline holds it, with the findings and the rho of every case."""

    claims: tuple[Claimed, ...]
    failing: tuple[KnownFailing, ...]
    findings: tuple[Finding, ...]
    accuracy: tuple[Accuracy, ...]


def seen(result: Implementation, claims: Mapping[str, Claims], failing: Mapping[tuple[str, str, str], Sequence[str]]) -> Seen:
    """``failing`` are the texts of all failing cases by operator, check and kind of failure, the first one first."""
    passed: dict[str, int] = {}
    for tally in result.tallies:
        passed[tally.operator] = passed.get(tally.operator, 0) + tally.passed
    claimed = (
        Claimed(operator=name, dtypes=" ".join(one.dtypes), options=_words(one), passed=passed[name])
        for name, one in claims.items()
        if name in passed
    )
    smallest = {(one.operator, one.check, one.kind): one.case for one in reversed(result.findings)}
    rows = (
        KnownFailing(operator=key[0], check=key[1], kind=key[2], count=len(cases), case=smallest.get(key, cases[0]))
        for key, cases in failing.items()
    )
    return Seen(tuple(claimed), tuple(rows), result.findings, result.accuracy)


def _words(claims: Claims) -> str:
    return " ".join(name for name in OPTIONS if name in claims.options)


def changes(then: Baseline, now: Seen, same_cases: bool) -> list[Change]:
    """Everything that differs and counts, the worse first."""
    found = [*_findings(then, now, same_cases), *_claims(then, now), *_accuracy(then, now, same_cases)]
    return sorted(found, key=lambda change: not change.worse)


def _findings(then: Baseline, now: Seen, same_cases: bool) -> Iterator[Change]:
    known = {(one.operator, one.check, one.kind): one for one in then.failing}
    for one in now.failing:
        old = known.pop((one.operator, one.check, one.kind), None)
        if old is not None and (not same_cases or one.count <= old.count):
            if same_cases and one.count < old.count:
                yield _failing(False, one, _cases(old.count), _cases(one.count))
            continue
        finding = next((each for each in now.findings if each.case == one.case), None)
        finding = finding or next((each for each in now.findings if each.operator == one.operator), None)
        said = (finding.diagnosis[0] if finding.diagnosis else finding.message) if finding is not None else ""
        was = _cases(old.count) if old is not None else "none failed"
        yield _failing(True, one, was, _cases(one.count), said, finding.command if finding is not None else "")
    run = {one.operator for one in now.claims}
    for old in known.values():
        if old.operator in run:
            yield _failing(False, old, _cases(old.count), "none fails")


def _failing(worse: bool, one: KnownFailing, was: str, now: str, words: str = "", command: str = "") -> Change:
    where = f"{one.operator} {one.check}: {one.kind}"
    example = one.case if worse else ""
    return Change(kind="correctness", worse=worse, where=where, was=was, now=now, words=words, example=example, command=command)


def _cases(count: int) -> str:
    return f"{count:,} case{'s' * (count != 1)} fail{'s' * (count == 1)}"


def _claims(then: Baseline, now: Seen) -> Iterator[Change]:
    """What was verified and is not any more: a gate that passes because less is claimed guards nothing."""
    here = {one.operator: one for one in now.claims}
    for old in then.claims:
        one = here.pop(old.operator, None)
        if one is None or (old.passed and not one.passed):
            if old.passed:
                now_is = "not claimed" if one is None else "none passes"
                yield _claim(True, old.operator, f"{old.passed:,} cases passed", now_is)
            continue
        for what, before, after in (("types", old.dtypes, one.dtypes), ("options", old.options, one.options)):
            lost = [word for word in before.split() if word not in after.split()]
            gained = [word for word in after.split() if word not in before.split()]
            if lost:
                yield _claim(True, f"{old.operator} {what}", " ".join(lost), "not claimed")
            if gained:
                yield _claim(False, f"{old.operator} {what}", "not claimed", " ".join(gained))
    for one in here.values():
        yield _claim(False, one.operator, "not claimed", f"{one.passed:,} cases pass")


def _claim(worse: bool, where: str, was: str, now: str) -> Change:
    return Change(kind="correctness", worse=worse, where=where, was=was, now=now)


def _accuracy(then: Baseline, now: Seen, same_cases: bool) -> Iterator[Change]:
    before = {(one.operator, one.dtype): one for one in then.accuracy}
    pairs = [(before[one.operator, one.dtype], one) for one in spreads(now.accuracy) if (one.operator, one.dtype) in before]
    rows = {(new.operator, new.dtype): list[Accuracy]() for _, new in pairs}
    for row in now.accuracy:
        rows.get((row.operator, row.dtype), []).append(row)
    typical = [typical_is_worse(old, [row.rho for row in rows[new.operator, new.dtype]]) for old, new in pairs]
    worse = discoveries([chance for _, chance in typical], CHANCE)
    for (old, new), (beyond, chance), is_worse in zip(pairs, typical, worse, strict=True):
        worst = max(rows[new.operator, new.dtype], key=lambda row: row.rho).problem
        allowed = worst_allowed(old, len(pairs))
        if rank(old.reached) != rank(new.reached):
            yield _class(old, new, worst)
        elif is_worse:
            words = f"{beyond} of {new.cases} cases are beyond ρ = {number(old.p75)}, where a quarter was"
            yield _rho(old, new, f"{words} (chance {number(chance)})", worst)
        elif same_cases and new.worst > allowed:
            yield _rho(
                old, new, f"the worst case is beyond ρ = {number(allowed)}, which another order of sums stays below", worst
            )


def _class(old: Spread, new: Spread, worst: str) -> Change:
    worse = rank(new.reached) > rank(old.reached)
    words = f"of the worst of {new.cases} cases, whose ρ was {number(old.worst)} and is {number(new.worst)}"
    return Change(
        kind="accuracy", worse=worse, where=f"{new.operator} {new.dtype}", was=f"class {old.reached}",
        now=f"class {new.reached}", words=words, example=worst if worse else "",
    )  # fmt: skip


def _rho(old: Spread, new: Spread, words: str, worst: str) -> Change:
    was, now = (f"ρ {number(one.p50)} (median), {number(one.worst)} (worst)" for one in (old, new))
    return Change(kind="accuracy", worse=True, where=f"{new.operator} {new.dtype}", was=was, now=now, words=words, example=worst)
