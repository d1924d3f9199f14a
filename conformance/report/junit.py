"""The results as JUnit XML, which CI systems show: a suite for each implementation, a case for each operator and check."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from conformance.report.schema import Finding, Implementation, Report, Tally

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """``report`` as the text of a JUnit XML file."""
    root = ET.Element("testsuites", name=report.title)
    for one in report.implementations:
        _suite(root, one)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, one: Implementation) -> None:
    suite = ET.SubElement(root, "testsuite", name=_clean(one.name), time=f"{one.seconds:.3f}")
    for tally in one.tallies:
        _case(suite, one, tally)
    for skip in one.skips:
        case = ET.SubElement(suite, "testcase", classname=f"{_clean(one.name)}.{skip.operator}", name="skipped")
        ET.SubElement(case, "skipped", message=_clean(f"{skip.count} cases: {skip.reason}"))
    if one.status in ("unavailable", "nothing verified"):
        case = ET.SubElement(suite, "testcase", classname=_clean(one.name), name=one.status)
        ET.SubElement(case, "skipped", message=_clean(one.reason))
    for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f".//{tag}"))))


def _case(suite: ET.Element, one: Implementation, tally: Tally) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"{_clean(one.name)}.{tally.operator}", name=tally.check)
    findings = [f for f in one.findings if f.operator == tally.operator and f.check.partition(".")[0] == tally.check]
    if not tally.failed and not tally.errored:
        return
    problem = ET.SubElement(case, "failure" if tally.failed else "error")
    problem.set("message", _clean(f"{tally.failed} failed, {tally.errored} errored, {tally.passed} passed"))
    problem.text = _clean("\n\n".join(map(_words, findings)) or "the same bug as another finding of this operator")
    for tag, said in (("system-out", [f.output for f in findings]), ("system-err", [f.error_output for f in findings])):
        if printed := "\n".join(filter(None, map(str.strip, said))):
            ET.SubElement(case, tag).text = _clean(printed)


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
