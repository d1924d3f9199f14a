"""What all outcomes of a run say of an implementation, as the report holds it."""

from __future__ import annotations

from conformance.report.schema import Implementation, Status
from conformance.running.expected import Expected
from conformance.running.outcome import Totals
from conformance.running.worker import Description


def verdict_of(totals: Totals, known: Description | None, text: str, expected: Expected) -> Implementation:
    """The implementation ``text``, which is ``known`` if it could be loaded, with its status and the reason for it."""
    status = _status(totals, known)
    claims = known.claims if known else {}
    return Implementation(
        name=known.name if known else text,
        summary=known.summary if known else "",
        status=status,
        reason=_reason(status, totals, known, expected),
        accuracy_declared=", ".join(dict.fromkeys(claimed.accuracy for claimed in claims.values())),
        dtypes=tuple(dict.fromkeys(dtype for claimed in claims.values() for dtype in claimed.dtypes)),
        operators=tuple(claims),
        not_claimed=known.not_claimed if known else (),
        notes=known.notes if known else (),
        scope=known.scope if known else (),
        versions=dict(known.versions) if known else {},
        tallies=totals.tallies,
        skips=tuple(totals.skips.values()),
        expected=expected.met(),
        accuracy=tuple(totals.accuracy),
        harness_failures=tuple(totals.broken),
        seconds_inside=totals.seconds_inside + (known.seconds if known else 0.0),
    )


def _status(totals: Totals, known: Description | None) -> Status:
    if totals.count("failed") or totals.count("errored"):
        return "nonconformant"
    if known is not None and known.unavailable:
        return "unavailable"
    if totals.broken:
        return "not judged"
    return "conformant" if totals.elements else "nothing verified"


def _reason(status: Status, totals: Totals, known: Description | None, expected: Expected) -> str:
    if known is not None and known.unavailable:
        return known.unavailable
    if totals.broken:
        return f"the harness itself failed in {len(totals.broken)} of its cases, which are not judged"
    if status == "nothing verified":
        return "every case that was compared failed as known" if totals.count("xfailed") else "no case was compared"
    return expected.gaps() if status == "conformant" else ""
