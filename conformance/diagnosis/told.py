"""Where it fails, in words, of failures that no hypothesis explains: in memory, among the cases, and within their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.diagnosis.claims import Region
from conformance.diagnosis.clock import now
from conformance.diagnosis.evidence import Observation
from conformance.diagnosis.glance import glance, too_large
from conformance.diagnosis.memory_layout import Laid, laid_out, varied
from conformance.diagnosis.regions import bases_of, region
from conformance.diagnosis.repeats import repeated
from conformance.diagnosis.samples import Samples
from conformance.diagnosis.ward import Ward

REPEATS = "repeats-before"
_MOST_REPEATS = 40  # calls that are looked at for repetitions


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, the region alone, and a key where what is wrong there is known."""

    sentence: str
    words: str
    key: str = ""


def told_region(ward: Ward) -> Told | None:
    """The region of a ward's failures, within its time; None where none can be told."""
    if ward.run_all is None or ward.over:
        return None
    samples = Samples(ward.kind, ward.run_all, ward.end)
    if all(map(too_large, ward.failing)):
        return _of_large(ward, samples)
    samples.add([*ward.failing, *ward.alike])
    if ward.failing[0].check.startswith("layout."):
        laid = _laid(ward, samples)
        if laid is not None:
            return _in_memory(laid, ward)
    found = region(samples, ward.dtypes, ward.end - now())
    return None if found is None else _with_repeats(found, [call for one in samples.failing for call in one.calls])


def _of_large(ward: Ward, samples: Samples) -> Told | None:
    smallest = min(ward.failing, key=lambda one: one.problem.work)
    found = glance(smallest, lambda cases: samples.run(cases, None))
    return None if found is None else Told(f"The result is wrong only {found}", str(found))


def _laid(ward: Ward, samples: Samples) -> Laid | None:
    bases = bases_of(samples, ward.dtypes)
    others = [one.seen.case for one in samples.failing]
    return laid_out(samples, [*reversed(bases), *varied(others)])


def _in_memory(laid: Laid, ward: Ward) -> Told:
    """The layout, and which of the calls with tensors laid out so fail, if not all of them do."""
    words = str(laid)
    assert ward.run_all is not None
    samples = Samples(ward.kind, ward.run_all, ward.end, laid.check)
    samples.add(ward.run_all(laid.cases, laid.check))
    found = region(samples, ward.dtypes, ward.end - now()) if not samples.over else None
    if found is None or not _holds_for_all(found, laid, samples):
        return Told(f"It fails only {words}", words)
    more = _with_repeats(found, [call for one in samples.failing for call in one.calls])
    if found.cases is None:
        return Told(f"It fails only {words}; there {more.sentence[0].lower()}{more.sentence[1:]}", f"{words}, there {more.words}")
    return Told(
        f"It fails only {words} and {more.sentence.removeprefix('It fails only ')}", f"{words} and {more.words}", more.key
    )


def _holds_for_all(found: Region, laid: Laid, samples: Samples) -> bool:
    """Whether what was found of one layout holds for the others in which it fails."""
    tried = [*samples.failing, *samples.passing]
    cases = [one.seen.case for one in tried[:: max(1, len(tried) // _MOST_REPEATS)]]
    for check in laid.others:
        other = Samples(samples.kind, samples.run, samples.end, check)
        made = other.tried(cases)
        if samples.over or not all(found.allows(one) for one in made if one.failed):
            return False
    return True


def _with_repeats(found: Region, failing: Sequence[Observation]) -> Told:
    words = repeated(failing[:: max(1, len(failing) // _MOST_REPEATS)])
    if not words:
        return Told(found.sentence, found.words)
    return Told(f"{found.sentence}: it repeats {words}", found.words, REPEATS)
