"""A first xfail file from what a run found: an entry for everything that failed, with what is known of it as the reason."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.report.schema import Finding
from conformance.running.outcome import Outcome, PassingOn
from conformance.running.xfail_words import Example, patterns_of

BROAD = "narrow it if you can"
"""What is said of an entry that covers passing cases too."""
_ISSUE = re.compile(r"(?P<about>.*) \((?P<repository>[\w.-]+/[\w.-]+)#(?P<number>\d+)\)")
_MOST = 300  # characters of a drafted reason


@dataclass
class Ledger(PassingOn):
    """A listener that keeps the texts of all trials, and passes everything on."""

    failing: dict[tuple[str, str], dict[Example, str]] = field(default_factory=dict)
    """By operator and kind of failure, each with its message."""
    passing: dict[str, list[Example]] = field(default_factory=dict)

    def came(self, outcome: Outcome) -> None:
        operator, example = outcome.trial.case.problem.operator, Example(outcome.trial.check.name, str(outcome.trial.case))
        if outcome.failure is not None:
            self.failing.setdefault((operator, outcome.failure.kind), {}).setdefault(example, outcome.failure.message)
        elif outcome.status == "passed":
            self.passing.setdefault(operator, []).append(example)
        super().came(outcome)


def draft(ledger: Ledger, findings: Sequence[Finding], implementation: str = "", profile: str = "quick") -> list[str]:
    """An entry as text for everything that failed, in the order in which it did. ``implementation`` is named if it is given."""
    entries, implementation = [], glob.escape(implementation)
    for (operator, kind), failing in ledger.failing.items():
        for drafted in patterns_of(list(failing), ledger.passing.get(operator, [])):
            pattern, first = drafted.pattern, drafted.failing[0]
            reason, link = _reason(operator, kind, first, failing[first], findings)
            keys = {"operator": operator, "check": pattern.check, "kind": kind, "case": pattern.case}
            keys |= {"reason": reason, "link": link, "implementation": implementation}
            keys |= {"profile": profile} if profile not in ("brief", "quick") else {}
            head = f"[[xfail]]  # {len(drafted.failing)} failing case{'s' * (len(drafted.failing) != 1)}"
            if drafted.passing:
                head += f", and {drafted.passing} that pass{'es' * (drafted.passing == 1)}: {BROAD}"
            lines = [f"{key} = {_quoted(value)}" for key, value in keys.items() if value not in ("", "*")]
            entries.append("\n".join([head, *lines, ""]))
    return entries


def _reason(operator: str, kind: str, example: Example, message: str, findings: Sequence[Finding]) -> tuple[str, str]:
    """Why it fails as far as it is known, and a link: the author's words, else what the finding says first, to be mended."""
    group = example.check.partition(".")[0]
    alike = [one for one in findings if one.operator == operator]
    alike.sort(key=lambda one: (one.kind != kind, one.check.partition(".")[0] != group))  # merged ones are at the end
    same = alike and alike[0].kind == kind
    finding = alike[0] if alike else None
    if finding is not None and finding.known and same:
        issue = _ISSUE.fullmatch(finding.known)
        if issue:
            return _plain(issue["about"]), f"https://github.com/{issue['repository']}/issues/{issue['number']}"
        return _plain(finding.known), ""
    said = message if kind in message else f"{kind}: {message}"
    if finding is not None:
        said = finding.diagnosis[0] if finding.diagnosis else finding.message if same else said
    return _plain(f"TODO: {said.partition(' (explains ')[0]}"), ""


def _plain(text: str) -> str:
    """``text`` in one line, without what cannot be printed: it may hold what the target said."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"


def _quoted(text: str) -> str:
    """As a string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
