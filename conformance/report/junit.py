"""The results as JUnit XML, which CI systems show: a suite for each implementation, a case for each operator and check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from conformance.report import xfail
from conformance.report.schema import Change, Finding, Gated, Implementation, Report, Tally, UnmetEntry

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """``report`` as the text of a JUnit XML file."""
    root = ET.Element("testsuites", name=report.title)
    for one in report.implementations:
        _suite(root, one, report.gate)
    if report.gate is not None:
        _gate(root, report.gate)
    if report.unmet:
        _unmet(root, report.unmet)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, one: Implementation, gate: Gated | None) -> None:
    suite = ET.SubElement(root, "testsuite", name=_clean(one.name), time=f"{one.seconds:.3f}")
    for tally in one.tallies:
        _case(suite, one, tally, gate)
    for skip in one.skips:
        case = ET.SubElement(suite, "testcase", classname=f"{_clean(one.name)}.{skip.operator}", name="skipped")
        ET.SubElement(case, "skipped", message=_clean(f"{skip.count} cases: {skip.reason}"))
    for entry in one.expected:
        case = ET.SubElement(suite, "testcase", classname=f"{_clean(one.name)}.known", name=_clean(entry.covers))
        said = f"{entry.reason} ({entry.count} cases; {xfail.place(entry)})"
        ET.SubElement(case, "skipped", type="pytest.xfail", message=_clean(said)).text = _clean(entry.example)
    for line in one.harness_failures:
        case = ET.SubElement(suite, "testcase", classname=f"{_clean(one.name)}.harness", name="the harness itself failed")
        ET.SubElement(case, "error", message=_clean(line))
    if one.status in ("unavailable", "nothing verified"):
        case = ET.SubElement(suite, "testcase", classname=_clean(one.name), name=one.status)
        ET.SubElement(case, "skipped", message=_clean(one.reason))
    _count(suite)


def _gate(root: ET.Element, gate: Gated) -> None:
    """A suite for the comparison with the baseline: a failed test for all that is worse and not among the operators' own."""
    suite = ET.SubElement(root, "testsuite", name=_clean(f"gate {gate.baseline}"))
    for change in (one for one in gate.regressions if not (one.kind == "correctness" and ":" in one.where)):
        case = ET.SubElement(suite, "testcase", classname=f"gate.{change.kind}", name=_clean(change.where))
        failure = ET.SubElement(case, "failure", message=_clean(f"was {change.was}, is {change.now}"))
        failure.text = _clean("\n".join(filter(None, (change.words, change.example, change.command))))
    for kind in ("correctness", "accuracy", "speed"):
        if not any(change.kind == kind for change in gate.regressions):
            ET.SubElement(suite, "testcase", classname=f"gate.{kind}", name="not worse")
    _count(suite)


def _unmet(root: ET.Element, unmet: Sequence[UnmetEntry]) -> None:
    """A suite for the xfail file: stale entries fail, as a strict xfail that passes does in pytest."""
    suite = ET.SubElement(root, "testsuite", name=_clean(unmet[0].file))
    for entry in unmet:
        case = ET.SubElement(suite, "testcase", classname=_clean(xfail.place(entry)), name=_clean(entry.covers))
        if entry.stale:
            said = f"stale: {entry.because}; delete {xfail.to_delete(entry)}"
            ET.SubElement(case, "failure", message=_clean(said)).text = _clean(entry.reason)
        else:
            ET.SubElement(case, "skipped", message=_clean(f"not judged: {entry.because}"))
    _count(suite)


def _count(suite: ET.Element) -> None:
    for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f".//{tag}"))))


def _case(suite: ET.Element, one: Implementation, tally: Tally, gate: Gated | None) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"{_clean(one.name)}.{tally.operator}", name=tally.check)
    findings = [f for f in one.findings if f.operator == tally.operator and f.check.partition(".")[0] == tally.check]
    if not tally.failed and not tally.errored:
        if tally.xfailed and not tally.passed:  # what nothing passed must not look as if it had
            ET.SubElement(case, "skipped", type="pytest.xfail", message=f"{tally.xfailed} known failures")
        return
    if gate is not None and not any(_is_of(change, tally) for change in gate.regressions):
        said = f"{tally.failed + tally.errored} failures that the baseline has"
        ET.SubElement(case, "skipped", type="pytest.xfail", message=said)
        return
    problem = ET.SubElement(case, "failure" if tally.failed else "error")
    problem.set("message", _clean(f"{tally.failed} failed, {tally.errored} errored, {tally.passed} passed"))
    problem.text = _clean("\n\n".join(map(_words, findings)) or "the same bug as another finding of this operator")
    for tag, streams in (("system-out", [f.output for f in findings]), ("system-err", [f.error_output for f in findings])):
        if printed := "\n".join(filter(None, map(str.strip, streams))):
            ET.SubElement(case, tag).text = _clean(printed)


def _is_of(change: Change, tally: Tally) -> bool:
    operator, _, check = change.where.partition(":")[0].partition(" ")
    return change.kind == "correctness" and operator == tally.operator and check.partition(".")[0] == tally.check


def _words(finding: Finding) -> str:
    lines = [*finding.diagnosis, f"{finding.kind}: {finding.message}", f"smallest case: {finding.case}"]
    if finding.known:
        lines.append(f"known: {finding.known}")
    if finding.index is not None:
        lines.append(f"first at {list(finding.index)}: expected {finding.expected}, got {finding.actual}")
    return "\n".join([*lines, f"repeat with: {finding.command}"])


def _clean(text: str) -> str:
    """``text`` without the characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
