"""What a gate says in a terminal, and to GitHub: what became worse and by how much, then what became better, then a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from conformance.report.schema import Change, Gated
from conformance.report.view import gate_sentence

_MOST = 20  # groups of changes that are printed; the files have all
_PLACES = 4  # others of a group that are named


def print_gate(console: Console, gated: Gated, accept: str) -> None:
    """All changes, notes and the verdict; ``accept`` is the command that agrees to what is worse."""
    for worse in (True, False):
        groups = _alike([change for change in gated.changes if change.worse is worse])
        for group in groups[:_MOST]:
            console.print(_shown(group), soft_wrap=True)
        if len(groups) > _MOST:
            console.print(f"… and {len(groups) - _MOST} more that are {'worse' if worse else 'better'}", highlight=False)
    for note in gated.notes:
        console.print(Text(f"note: {note}", "yellow"), soft_wrap=True)
    console.print(_verdict(gated), soft_wrap=True)
    if gated.regressions and not gated.updated:
        console.print(Text(f"if that is how it should be: {accept}", "cyan"), soft_wrap=True)


def _alike(changes: Sequence[Change]) -> list[list[Change]]:
    """Changes in groups: failures of one operator that one finding explains, or that are gone, are told together."""
    groups: dict[object, list[Change]] = {}
    for number, change in enumerate(changes):
        failing = change.kind == "correctness" and ":" in change.where
        operator = change.where.partition(" ")[0]
        groups.setdefault((operator, change.words, change.command) if failing else number, []).append(change)
    return list(groups.values())


def _shown(group: Sequence[Change]) -> Text:
    """A line with what and by how much, lines with was and is, and what repeats it; others of its group in one line."""
    change, *others = group
    mark, style = ("✗ ", "bold red") if change.worse else ("+ ", "bold green")
    text = Text.assemble((mark, style), (f"{change.kind} ", style), (change.where, "bold"))
    text.append(f": {change.words}" if change.words else "")
    facts = [("was", change.was), ("is", change.now)]
    if others:
        places = [f"{one.where.partition(' ')[2]} ({one.now})" for one in others]
        more = f"; and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
        facts.append(("also", "; ".join(places[:_PLACES]) + more))
    if change.worse:
        facts += [("case", change.example)] if change.example else []
        facts += [("repeat with", change.command)] if change.command else []
    for name, value in facts:
        text.append(f"\n    {name:<12}{value}", "cyan" if name == "repeat with" else "")
    return text


def _verdict(gated: Gated) -> Text:
    good, word, rest = gate_sentence(gated)
    return Text.assemble((word, "bold green" if good else "bold red"), rest)


def github_lines(changes: Sequence[Change]) -> list[str]:
    """Lines that GitHub shows beside a change: workflow commands for what is worse."""
    return [
        f"::error title={_escaped(f'{one.kind}: {one.where}', True)}::{_escaped(f'was {one.was}, is {one.now}. {one.words}')}"
        for one in changes
        if one.worse
    ]


def _escaped(text: str, in_property: bool = False) -> str:
    for character in "%\r\n" + ":," * in_property:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
