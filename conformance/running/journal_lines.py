"""The lines of a journal as values, how one is written, and how what was written is read: JSON, validated, nothing else.

A line is ``{"n":17,"kind":"outcome", … ,"crc":"89abcdef"}``: a running number, what it is, its fields, and a CRC-32 of all
that stands before it, begun with that of the line before. So a line that is lost, altered, repeated or out of its place
is seen. docs/journal.md describes each kind.
"""

from __future__ import annotations

import re
import zlib
from typing import ClassVar

from pydantic import Field, ValidationError

from conformance.cases.covering import Reached
from conformance.checks.base import AccuracyFigures, Judgement
from conformance.plugin.claims import Claims
from conformance.plugin.known import KnownFailure
from conformance.plugin.target import Target
from conformance.report import schema
from conformance.report.schema import Environment, Finding
from conformance.report.values import Value
from conformance.running.journal_values import Array, Failed, NotALine, can_be_kept, plain
from conformance.running.outcome import Outcome, Status
from conformance.running.record import Stage
from conformance.running.trial import Trial
from conformance.running.worker import Description

SCHEMA_VERSION = 1
MOST_LINE = 16 * 2**20
"""Bytes of a line, with its end."""
_MOST_ELEMENTS = 2**40  # of the results of one case
_HEAD = re.compile(rb'\{"n":(\d{1,12}),"kind":"([a-z-]{1,20})",')
_TAIL = re.compile(rb',"crc":"([0-9a-f]{8})"\}\n')
_TAIL_BYTES = len(',"crc":"01234567"}\n')


class Settings(Value):
    """What a run was asked for, as a command has it: enough to go on with.

    ``speed``, ``network``, ``reference`` and ``output`` are those of a comparison.
    """

    targets: tuple[str, ...]
    operators: tuple[str, ...]
    profile: str
    seed: int
    time_limit: float
    memory_limit: int | None = None
    huge: bool = False
    arrays: str | None = None
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    speed: bool = True
    network: str | None = None
    reference: str | None = None
    output: str | None = None
    xfail: str | None = None
    xfail_text: str = ""
    """The name of the xfail file, and what stood in it."""

    def words(self) -> str:
        """As it would be typed: targets, and the options that are not the usual ones."""
        words = [*self.targets, *(f"--operator {name}" for name in self.operators), f"--profile {self.profile}"]
        words += [f"--seed {self.seed}", f"--time-limit {self.time_limit:g}"] + ["--huge"] * self.huge
        words += [f"--arrays {self.arrays}"] if self.arrays else []
        words += [f"--xfail {self.xfail}"] if self.xfail else []
        words += [f"--claim {word}" for word in self.claim] + [f"--no-claim {word}" for word in self.no_claim]
        words += [f"--source {word}" for word in self.sources]
        return " ".join(words)


class Line(Value):
    """Base of all lines."""

    KIND: ClassVar[str]


class Header(Line):
    """The first line: what this is, which run, of which suite, where, in which folder, and what was asked for."""

    KIND = "header"
    format: str
    schema_version: int
    run: str
    suite: str
    command: str
    started: str
    folder: str
    settings: Settings
    environment: Environment


class Described(Value):
    """What a target says of itself: what a resumed run and the report need of a :class:`Description`."""

    name: str
    summary: str
    claims: dict[str, Claims]
    not_claimed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    unavailable: str = ""
    others: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    constants: tuple[int, ...] = ()
    known_failures: tuple[KnownFailure, ...] = ()
    seconds: float = 0.0

    @classmethod
    def of(cls, description: Description) -> Described:
        return cls(**{name: getattr(description, name) for name in cls.model_fields})

    def description(self) -> Description:
        return Description(**{name: getattr(self, name) for name in type(self).model_fields})


class TargetBegins(Line):
    """The run of a target begins. ``sha256`` is that of each file that it was loaded from, as far as that is known."""

    KIND = "target"
    text: str
    operators: tuple[str, ...] = ()
    arrays: str | None = None
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sha256: dict[str, str] = Field(default_factory=dict)
    described: Described

    @classmethod
    def of(cls, target: Target, sha256: dict[str, str], description: Description) -> TargetBegins:
        fields = {name: getattr(target, name) for name in ("text", "operators", "arrays", "claim", "no_claim", "sources")}
        return cls(**fields, sha256=sha256, described=Described.of(description))

    def target(self) -> Target:
        return Target(self.text, self.operators, self.arrays, self.claim, self.no_claim, self.sources)


class Came(Line):
    """An outcome. ``at`` is in seconds since the checking began, ``losses`` how many crashes and hangs there were by then."""

    KIND = "outcome"
    stage: Stage
    check: str
    case: str
    origin: str = ""
    status: Status
    at: float
    seconds: float = 0.0
    reason: str = ""
    elements: int = Field(0, ge=0, le=_MOST_ELEMENTS)
    blind: int = Field(0, ge=0, le=_MOST_ELEMENTS)
    losses: int = 0
    accuracy: AccuracyFigures | None = None
    failure: Failed | None = None
    broken: bool = False
    missed: float = 0.0
    output: str = ""
    error_output: str = ""
    outputs: tuple[Array, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome, stage: Stage, at: float, losses: int) -> Came:
        case, judgement = outcome.trial.case, outcome.judgement
        failure = judgement.failure
        keep = failure is not None and can_be_kept(*outcome.outputs)
        return cls(
            stage=stage,
            check=outcome.trial.check.name,
            case=str(case),
            origin=case.origin,
            status=outcome.status,
            at=round(at, 6),
            seconds=outcome.seconds,
            reason=plain(outcome.reason),
            elements=judgement.elements,
            blind=judgement.blind,
            losses=losses,
            accuracy=judgement.accuracy,
            broken=outcome.broken,
            missed=judgement.missed,
            failure=Failed.of(failure) if failure is not None else None,
            output=plain(outcome.output),
            error_output=plain(outcome.error_output),
            outputs=tuple(map(Array.of, outcome.outputs)) if keep else (),
        )

    def outcome(self, trial: Trial) -> Outcome:
        """As it was, of ``trial``. Raises :class:`NotALine` where an array is not what it says."""
        failure = self.failure.failure() if self.failure is not None else None
        judgement = Judgement(failure, self.elements, self.blind, self.accuracy, self.missed)
        outputs = tuple(array.array() for array in self.outputs)
        said = (self.reason, self.output, self.error_output, self.seconds)
        return Outcome(trial, self.status, judgement, *said, outputs, self.broken)


class Found(Line):
    """A finding, shrunk and described, of the ``group`` of failures with this group of checks and this kind.

    ``trouble`` is what failed in the diagnosis itself.
    """

    KIND = "finding"
    group: tuple[str, str]
    finding: Finding
    trouble: str = ""
    losses: int = 0


class Done(Line):
    """All trials of an operator came, and all that failed was made findings."""

    KIND = "done"
    operator: str
    reached: Reached
    at: float
    losses: int = 0
    reduced: str = ""


class TargetEnds(Line):
    """The run of a target is over, with this verdict."""

    KIND = "target-end"
    name: str
    status: schema.Status
    seconds: float
    unvisited: tuple[str, ...] = ()
    """What is told of branches of its own source that never ran."""


class Resumed(Line):
    """From here on the run was continued, then and there; ``cut`` bytes of a torn line were cut off."""

    KIND = "resumed"
    started: str
    environment: Environment
    cut: int = 0


class Footer(Line):
    """The last line: how many there are with it, how many outcomes, and the verdict of each target."""

    KIND = "footer"
    lines: int
    outcomes: int
    verdicts: tuple[tuple[str, schema.Status], ...]


AnyLine = Header | TargetBegins | Came | Found | Done | TargetEnds | Resumed | Footer
KINDS: dict[str, type[AnyLine]] = {
    kind.KIND: kind for kind in (Header, TargetBegins, Came, Found, Done, TargetEnds, Resumed, Footer)
}


def write_line(line: AnyLine, number: int, checksum: int) -> tuple[bytes, int]:
    """The bytes of ``line``, and its checksum, begun with that of the line before. What is too long loses its arrays."""
    fields = line.model_dump_json(exclude_defaults=True).encode()
    if len(fields) > MOST_LINE // 2 and isinstance(line, Came):
        fields = line.model_copy(update={"outputs": ()}).model_dump_json(exclude_defaults=True).encode()
    text = b'{"n":%d,"kind":"%s",%s' % (number, line.KIND.encode(), fields[1:-1])
    checksum = zlib.crc32(text, checksum)
    return b'%s,"crc":"%08x"}\n' % (text, checksum), checksum


def read_line(text: bytes, number: int, checksum: int) -> tuple[AnyLine, int]:
    """The line that ``text`` holds, and its checksum. Raises :class:`NotALine` if it is not line ``number`` of this journal."""
    head, tail = _HEAD.match(text), _TAIL.fullmatch(text, max(0, len(text) - _TAIL_BYTES))
    if head is None or tail is None:
        raise NotALine("this is no line of a journal")
    found = zlib.crc32(text[: tail.start()], checksum)
    if int(head[1]) != number:
        raise NotALine(f"it is numbered {int(head[1])}: lines are missing, repeated or out of their order")
    if found != int(tail[1], 16):
        raise NotALine("its checksum does not fit: it was altered, or it belongs to another journal")
    kind = KINDS.get(head[2].decode())
    if kind is None:
        raise NotALine(f"lines of the kind {head[2].decode()!r} are not known to this version")
    try:
        return kind.model_validate_json(b"{" + text[head.end() : tail.start()] + b"}"), found
    except ValidationError as error:
        first = error.errors()[0]
        raise NotALine(f"{'.'.join(map(str, first['loc']))[:100]}: {first['msg'][:200]}") from error
    except ValueError as error:  # a claim that does not exist
        raise NotALine(str(error)[:200]) from error


def differences(one: Described, other: Described) -> list[str]:
    """What a target says otherwise now, in words, of what results depend on."""
    said = {"name": "its name", "claims": "its claims", "versions": "versions", "unavailable": "whether it can run here"}
    said |= {"others": "the module's functions"}
    return [words for name, words in said.items() if getattr(one, name) != getattr(other, name)]
