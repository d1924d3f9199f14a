"""The result of a run as data: what the JSON file holds, and what every other form of the report is made from.

All of it is plain values, validated by pydantic when it is read back, so a report from elsewhere cannot run code. Its
texts are plain too, whatever they were given as, so showing one cannot steer a terminal: see :mod:`conformance.plain`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from conformance.report.times import Growth, LeftOut, Roofline, Timing
from conformance.report.values import Few, KnownOperator, Line, Lines, Value, Whole

SCHEMA_VERSION = 1

Status = Literal["conformant", "nonconformant", "not judged", "nothing verified", "unavailable"]


class Environment(Value):
    """Where it ran: what a reader needs to judge whether figures carry over."""

    conformance: Line
    python: Line
    platform: Line
    cpu: Line
    cores: Whole
    memory_gib: float
    packages: dict[Line, Line]
    revision: Line | None = None


class Tally(Value):
    """How the cases of one operator fared under one check. ``elements`` counts compared output elements.

    ``xfailed`` are those that failed as an entry of the xfail file says; their elements are not counted.
    """

    operator: KnownOperator
    check: Line
    passed: Whole = 0
    failed: Whole = 0
    errored: Whole = 0
    xfailed: Whole = 0
    elements: Whole = 0


class Power(Value):
    """What the cases of integers of one operator could show (METHOD section 9).

    ``cases`` and ``elements`` were judged with zero tolerance; ``blind`` of the elements sum nothing but zeros. ``pairs`` of
    ``pairs_possible`` combinations of two parameters' levels were in a problem, and so for three parameters of a window.
    ``slips`` bounds the chance that another linear form of the same geometry is taken for the right one: the worst of all
    geometries and the median, None where nothing is linear. ``sparse`` geometries, of narrow formats, have no such bound.
    """

    operator: KnownOperator
    cases: Whole
    elements: Whole
    blind: Whole
    pairs: Whole
    pairs_possible: Whole
    triples: Whole
    triples_possible: Whole
    slips: float | None = None
    slips_median: float | None = None
    sparse: Whole = 0


class Skip(Value):
    """Cases that were not run, by reason; ``example`` is the text of one of them."""

    operator: KnownOperator
    reason: Line
    count: Whole
    example: Line


class ReceptiveField(Value):
    """Which inputs the output at ``output`` really reads, beside those that it should: one input channel, row by row.

    The marks are those of :data:`conformance.diagnosis.receptive_field.LEGEND`; there is a plane for each depth.
    """

    output: Few[Whole]
    channel: Whole
    planes: Few[Few[Line]]


class Finding(Value):
    """A failure, shrunk to its smallest case. ``expected`` and ``actual`` are where they first differ, at ``index``.

    ``kind`` is "wrong value", "wrong shape", "raised", "crashed", "hung", ...; ``case`` parses back to the same case, and
    ``command`` repeats it; ``known`` says what it is where the backend's author knows. ``inputs`` and the two grids are
    printed arrays, given where they are small enough to read; ``output`` and ``error_output`` are the ends of what was
    printed on stdout and stderr.
    ``diagnosis`` says in words what it is, the first line first, and is empty where that is not known; ``hypothesis`` is the
    key of the changed rule that explains all failing cases, ``where`` the failing region, ``fingerprint`` with how many
    bits and in which order it computes, where that was looked at.
    """

    operator: KnownOperator
    check: Line
    kind: Line
    message: Lines
    case: Line
    command: Lines
    known: Lines = ""
    index: Few[Whole] | None = None
    expected: Line | None = None
    actual: Line | None = None
    wrong: Whole = 0
    elements: Whole = 0
    error_over_tolerance: float | None = None
    inputs: dict[Line, Lines] = Field(default_factory=dict)
    expected_grid: Lines | None = None
    actual_grid: Lines | None = None
    output: Lines = ""
    error_output: Lines = ""
    found_as: Line = ""
    failing_cases: Whole = 1
    diagnosis: Few[Lines] = ()
    hypothesis: Line = ""
    where: Lines = ""
    field: ReceptiveField | None = None
    fingerprint: Lines = ""


class XfailEntry(Value):
    """An entry of the xfail file: its lines ``first`` to ``last`` of ``file``, what it ``covers``, and why."""

    file: Line
    first: Whole
    last: Whole
    covers: Line
    reason: Line
    link: Line = ""


class ExpectedFailure(XfailEntry):
    """An entry that was met: ``count`` cases failed as it says, ``example`` is the text of the first."""

    count: Whole
    example: Line


class UnmetEntry(XfailEntry):
    """An entry of which nothing failed. It is ``stale``, an error, unless the run could not have met it; ``because`` says."""

    stale: bool
    because: Line


class Accuracy(Value):
    """One case of real-valued data, judged against the truth (METHOD: rho = max |error| / (u * S)).

    ``n`` is the most terms in one output: rho stays below n for any order of summation, and near sqrt(n) if rounding
    errors are independent. ``mean_signed`` is the mean of error / (u * S): not near 0 means biased rounding. ``ulp`` is
    the largest error in units of the last place where S is close to |y| (no cancellation). ``used`` is the largest share
    of the tolerance that an output used up (at most 1 when it passed). ``accumulator`` is the short type that sums are made
    in, where an error is beyond what a sum in float32 allows.
    """

    operator: KnownOperator
    problem: Line
    dtype: Line
    values: Line
    origin: Line
    n: Whole
    rho: float
    rho_p50: float
    rho_p90: float
    rho_p99: float
    rms: float
    mean_signed: float
    ulp: float | None
    used: float
    reached: Line
    accumulator: Line = ""


class DialectAnswer(Value):
    """Which answer an implementation gives to one option of the dialect (:mod:`conformance.problem.dialect`).

    ``usual`` is False where it is not the definition's own; ``exceptions`` are operators and types that answer otherwise;
    ``finding`` says how it depends on the place or the size, where it does; ``left_out`` are questions that it is too slow for.
    """

    option: Line
    about: Line
    answer: Line
    words: Line
    usual: bool = True
    exceptions: Few[Line] = ()
    finding: Line = ""
    left_out: Whole = 0


class Implementation(Value):
    """One implementation in one run. ``reason`` says why it is unavailable or nothing was verified, or what of it was not.

    ``scope`` says what was found out of a function and tried, and what was not asked for. ``unvisited`` are branches of its own
    source that no call took. ``harness_failures`` are cases in which the harness itself failed, each with the error: of these
    nothing is known.
    """

    name: Line
    summary: Line
    status: Status
    reason: Line = ""
    accuracy_declared: Line = ""
    dtypes: Few[Line] = ()
    operators: Few[KnownOperator] = ()
    not_claimed: Few[Line] = ()
    notes: Few[Line] = ()
    versions: dict[Line, Line] = Field(default_factory=dict)
    tallies: Few[Tally] = ()
    power: Few[Power] = ()
    skips: Few[Skip] = ()
    findings: Few[Finding] = ()
    expected: Few[ExpectedFailure] = ()
    accuracy: Few[Accuracy] = ()
    harness_failures: Few[Line] = ()
    scope: Few[Line] = ()
    unvisited: Few[Line] = ()
    dialect: Few[DialectAnswer] = ()
    seconds: float = 0.0
    seconds_inside: float = 0.0
    seconds_to_first_finding: float | None = None


class Change(Value):
    """What is other than in the baseline: worse or better, of what kind, where, what it ``was`` and what it ``now`` is.

    ``words`` say how much that is, or what is wrong; ``example`` is the text of a case, ``command`` what repeats it.
    """

    kind: Literal["correctness", "accuracy", "speed"]
    worse: bool
    where: Line
    was: Line
    now: Line
    words: Line = ""
    example: Line = ""
    command: Lines = ""


class Gated(Value):
    """What a gate made of a run: all changes against the ``baseline``, and ``notes`` of what could not be compared.

    ``compared`` says how much was. ``against`` is the text of another version that speed was compared with, or empty.
    ``new``: there was no baseline before, or none that could be used.
    """

    baseline: Line
    against: Line = ""
    margin: float
    updated: bool = False
    new: bool = False
    compared: Line = ""
    changes: Few[Change] = ()
    notes: Few[Line] = ()

    @property
    def regressions(self) -> list[Change]:
        return [change for change in self.changes if change.worse]


class Report(Value):
    """Everything that one run of ``check``, ``compare`` or ``gate`` found."""

    schema_version: Whole = SCHEMA_VERSION
    title: Line
    command: Lines
    started: Line
    seconds: float
    seed: Whole
    profile: Line
    interrupted: bool = False
    environment: Environment
    implementations: Few[Implementation]
    unmet: Few[UnmetEntry] = ()
    timings: Few[Timing] = ()
    margin: float | None = None
    threads: Whole | None = None
    budget: float | None = None
    conditions: Few[Line] = ()
    rooflines: Few[Roofline] = ()
    left_out: Few[LeftOut] = ()
    growth: Few[Growth] = ()
    gate: Gated | None = None

    @model_validator(mode="after")
    def _times_have_a_margin(self) -> Report:
        if self.timings and (self.margin is None or self.threads is None):
            raise ValueError("timings have a margin and a number of threads")
        return self

    @property
    def findings(self) -> list[tuple[Implementation, Finding]]:
        return [(one, finding) for one in self.implementations for finding in one.findings]
