"""From the words of a user to what is timed: a network, a problem's text, or a file of problems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from conformance.cases.case import Case, parse_case
from conformance.cases.networks import NETWORKS
from conformance.errors import UsageError
from conformance.problem import Family
from conformance.problem.text import TextError
from conformance.timing.compare import Workload
from conformance.timing.workloads import of_network, representative


def chosen_workloads(words: Sequence[str]) -> list[Workload]:
    """What each of ``words`` stands for, one after the other; without words a layer of each kind.

    Raises :class:`UsageError` for a word that is neither a network, nor a file, nor the text of a valid problem.
    """
    if not words:
        return representative()
    found = [workload for word in words for workload in _of(word)]
    return list({workload.name: workload for workload in found}.values())


def _of(word: str) -> list[Workload]:
    known = {_plain(name): name for name in NETWORKS}
    if _plain(word) in known:
        return of_network(known[_plain(word)])
    if Path(word).is_file():
        lines = [line.partition("#")[0].strip() for line in Path(word).read_text(encoding="utf-8").splitlines()]
        return [_of_text(line) for line in lines if line]
    if " " not in word.strip() and ":" not in word:
        raise UsageError(f"the workload {word!r} is not known", hint=f"known are {', '.join(NETWORKS)}, or a problem's text")
    return [_of_text(word)]


def _of_text(text: str) -> Workload:
    try:
        case = parse_case(text)
    except TextError as error:
        raise UsageError(
            f"the workload {text!r} is neither a network, a file nor a problem: {error.message}", hint=error.hint
        ) from error
    if "values=" not in text and case.problem.op.family is not Family.CONV_INTEGER and case.problem.format.kind != "int":
        case = Case(case.problem, "wide", "0", "given")  # values that round
    return Workload(str(case.problem), case)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
