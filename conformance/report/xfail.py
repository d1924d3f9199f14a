"""What every form of the report says of known failures: how many, by which entries of the xfail file, and which are stale."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.report.schema import Implementation, Report, UnmetEntry, XfailEntry
from conformance.running.xfail import is_link

_MOST_LINES = 8


def known_failures(implementations: Sequence[Implementation]) -> str:
    """``12 known failures (2 entries of xfail.toml)``; empty where there are none."""
    cases = sum(tally.xfailed for one in implementations for tally in one.tallies)
    if not cases:
        return ""
    entries = {(entry.file, entry.first) for one in implementations for entry in one.expected}
    files = ", ".join(dict.fromkeys(file for file, _ in sorted(entries)))
    return f"{_counted(cases, 'known failure')} ({_counted(len(entries), 'entry', 'entries')} of {files})"


def stale(unmet: Sequence[UnmetEntry]) -> list[UnmetEntry]:
    """The entries that are errors."""
    return [entry for entry in unmet if entry.stale]


def stale_entries(report: Report) -> str:
    """``1 stale entry of xfail.toml``; empty where there are none."""
    found = stale(report.unmet)
    return f"{_counted(len(found), 'stale entry', 'stale entries')} of {found[0].file}" if found else ""


def not_judged(unmet: Sequence[UnmetEntry]) -> list[str]:
    """A line for each reason for which entries could not be judged."""
    reasons: dict[tuple[str, str], list[int]] = {}
    for entry in unmet:
        if not entry.stale:
            reasons.setdefault((entry.file, entry.because), []).append(entry.first)
    return [
        f"{_counted(len(lines), 'entry', 'entries')} of {file} not judged ({numbers(lines)}): {because}"
        for (file, because), lines in reasons.items()
    ]


def numbers(lines: Sequence[int]) -> str:
    """Numbers of lines, as a sentence has them."""
    shown = ", ".join(map(str, lines[:_MOST_LINES])) + (", …" if len(lines) > _MOST_LINES else "")
    return f"line{'s' * (len(lines) != 1)} {shown}"


def place(entry: XfailEntry) -> str:
    """``xfail.toml:5``, as editors and terminals open it."""
    return f"{entry.file}:{entry.first}"


def to_delete(entry: XfailEntry) -> str:
    """The lines that an entry stands in."""
    lines = f"line {entry.first}" if entry.first == entry.last else f"lines {entry.first} to {entry.last}"
    return f"{lines} of {entry.file}"


def link(entry: XfailEntry) -> str:
    """The entry's link if it leads to the web: a report may come from elsewhere, and a page must not run what stands in it."""
    return entry.link if is_link(entry.link) else ""


def _counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
