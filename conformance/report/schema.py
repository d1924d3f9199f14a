"""The result of a run as data: what the JSON file holds, and what every other form of the report is made from.

All of it is plain values, validated by pydantic when it is read back, so a report from elsewhere cannot run code.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1

Status = Literal["conformant", "nonconformant", "nothing verified", "unavailable"]


class Value(BaseModel):
    """Base of all values below: frozen, and unknown fields are errors rather than lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Environment(Value):
    """Where it ran: what a reader needs to judge whether figures carry over."""

    conformance: str
    python: str
    platform: str
    cpu: str
    cores: int
    memory_gib: float
    packages: dict[str, str]
    revision: str | None = None


class Tally(Value):
    """How the cases of one operator fared under one check. ``elements`` counts compared output elements.

    ``xfailed`` are those that failed as an entry of the xfail file says; their elements are not counted.
    """

    operator: str
    check: str
    passed: int = 0
    failed: int = 0
    errored: int = 0
    xfailed: int = 0
    elements: int = 0


class Power(Value):
    """What the cases of integers of one operator could show (METHOD section 9).

    ``cases`` and ``elements`` were judged with zero tolerance; ``blind`` of the elements sum nothing but zeros. ``pairs`` of
    ``pairs_possible`` combinations of two parameters' levels were in a problem, and so for three parameters of a window.
    ``slips`` bounds the chance that another linear form of the same geometry is taken for the right one: the worst of all
    geometries and the median, None where nothing is linear. ``sparse`` geometries, of narrow formats, have no such bound.
    """

    operator: str
    cases: int
    elements: int
    blind: int
    pairs: int
    pairs_possible: int
    triples: int
    triples_possible: int
    slips: float | None = None
    slips_median: float | None = None
    sparse: int = 0


class Skip(Value):
    """Cases that were not run, by reason; ``example`` is the text of one of them."""

    operator: str
    reason: str
    count: int
    example: str


class ReceptiveField(Value):
    """Which inputs the output at ``output`` really reads, beside those that it should: one input channel, row by row.

    The marks are those of :data:`conformance.diagnosis.receptive_field.LEGEND`; there is a plane for each depth.
    """

    output: tuple[int, ...]
    channel: int
    planes: tuple[tuple[str, ...], ...]


class Finding(Value):
    """A failure, shrunk to its smallest case. ``expected`` and ``actual`` are where they first differ, at ``index``.

    ``kind`` is "wrong value", "wrong shape", "raised", "crashed", "hung", ...; ``case`` parses back to the same case, and
    ``command`` repeats it; ``known`` says what it is where the backend's author knows. ``inputs`` and the two grids are
    printed arrays, given where they are small enough to read.
    ``diagnosis`` says in words what it is, the first line first, and is empty where that is not known; ``hypothesis`` is the
    key of the changed rule that explains all failing cases, ``where`` the failing region, ``fingerprint`` with how many
    bits and in which order it computes, where that was looked at.
    """

    operator: str
    check: str
    kind: str
    message: str
    case: str
    command: str
    known: str = ""
    index: tuple[int, ...] | None = None
    expected: str | None = None
    actual: str | None = None
    wrong: int = 0
    elements: int = 0
    error_over_tolerance: float | None = None
    inputs: dict[str, str] = {}
    expected_grid: str | None = None
    actual_grid: str | None = None
    output: str = ""
    found_as: str = ""
    failing_cases: int = 1
    diagnosis: tuple[str, ...] = ()
    hypothesis: str = ""
    where: str = ""
    field: ReceptiveField | None = None
    fingerprint: str = ""


class XfailEntry(Value):
    """An entry of the xfail file: its lines ``first`` to ``last`` of ``file``, what it ``covers``, and why."""

    file: str
    first: int
    last: int
    covers: str
    reason: str
    link: str = ""


class ExpectedFailure(XfailEntry):
    """An entry that was met: ``count`` cases failed as it says, ``example`` is the text of the first."""

    count: int
    example: str


class UnmetEntry(XfailEntry):
    """An entry of which nothing failed. It is ``stale``, an error, unless the run could not have met it; ``because`` says."""

    stale: bool
    because: str


class Accuracy(Value):
    """One case of real-valued data, judged against the truth (METHOD: rho = max |error| / (u * S)).

    ``n`` is the most terms in one output: rho stays below n for any order of summation, and near sqrt(n) if rounding
    errors are independent. ``mean_signed`` is the mean of error / (u * S): not near 0 means biased rounding. ``ulp`` is
    the largest error in units of the last place where S is close to |y| (no cancellation). ``used`` is the largest share
    of the tolerance that an output used up (at most 1 when it passed).
    """

    operator: str
    problem: str
    dtype: str
    values: str
    origin: str
    n: int
    rho: float
    rho_p50: float
    rho_p90: float
    rho_p99: float
    rms: float
    mean_signed: float
    ulp: float | None
    used: float
    reached: str


class DialectAnswer(Value):
    """Which answer an implementation gives to one option of the dialect (:mod:`conformance.problem.dialect`).

    ``usual`` is False where it is not the definition's own; ``exceptions`` are operators and types that answer otherwise;
    ``finding`` says how it depends on the place or the size, where it does.
    """

    option: str
    about: str
    answer: str
    words: str
    usual: bool = True
    exceptions: tuple[str, ...] = ()
    finding: str = ""


class Implementation(Value):
    """One implementation in one run. ``reason`` says why it is unavailable or nothing was verified, or what of it was not."""

    name: str
    summary: str
    status: Status
    reason: str = ""
    accuracy_declared: str = ""
    dtypes: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    not_claimed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    tallies: tuple[Tally, ...] = ()
    power: tuple[Power, ...] = ()
    skips: tuple[Skip, ...] = ()
    findings: tuple[Finding, ...] = ()
    expected: tuple[ExpectedFailure, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    dialect: tuple[DialectAnswer, ...] = ()
    seconds: float = 0.0
    seconds_inside: float = 0.0
    seconds_to_first_finding: float | None = None


class Timing(Value):
    """One implementation on one problem, measured interleaved with the others of the same problem.

    Seconds of one bare call: median over rounds. ``ratio`` is its time over the reference's (paired within rounds, median
    of the ratios) with its 95 % bootstrap interval; ``verdict`` compares with the reference at the stated margin.
    Where it was not timed, ``reason`` says why and the numbers are None; ``failed``: because it was wrong, crashed or cheated.

    ``threads`` and ``cold`` are the conditions; ``rounds`` were made until ``ended``. ``probability`` is that of such rounds
    without a difference beyond the margin, corrected for all problems. ``first_call``, ``prepare`` and ``fetch`` (conversion
    and transfer) are seconds that are no part of ``seconds``. ``peak`` are the bytes that a call took at most beside its
    tensors. ``gbytes`` are GB/s of the ``bytes`` that the problem must move, ``intensity`` its FLOP (of pooling: elements
    read) a byte, and ``share`` that of the roofline.
    """

    problem: str
    workload: str
    implementation: str
    reference: str
    work: int
    seconds: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    gflops: float | None = None
    verdict: Literal["FASTER", "SLOWER", "SAME", "INCONCLUSIVE", "REFERENCE", ""] = ""
    reason: str = ""
    failed: bool = False
    threads: int | None = None
    cold: bool = False
    rounds: int = 0
    ended: str = ""
    probability: float | None = None
    first_call: float | None = None
    prepare: float | None = None
    fetch: float | None = None
    peak: int | None = None
    gbytes: float | None = None
    bytes: int | None = None
    intensity: float | None = None
    share: float | None = None


class Rate(Value):
    """The best rate that was seen, in FLOP/s or bytes/s, of products by data type or of copies by the bytes of a buffer,
    and the share of it by which the median was below it."""

    what: str
    best: float
    spread: float


class Roofline(Value):
    """This machine's limits with so many threads: products of large matrices, and copies of a buffer's bytes."""

    threads: int | None
    cold: bool = False
    products: tuple[Rate, ...]
    copies: tuple[Rate, ...]


class LeftOut(Value):
    """A problem that was not begun."""

    workload: str
    problem: str
    threads: int | None
    reason: str


class Growth(Value):
    """How an implementation's time grows with the work where one ``dimension`` of a ``workload`` is varied: time ~ work^exponent,
    with the 95 % interval of the exponent. ``factors`` are those that were timed."""

    dimension: str
    workload: str
    implementation: str
    threads: int | None
    factors: tuple[float, ...]
    work: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float | None = None
    low: float | None = None
    high: float | None = None


class Report(Value):
    """Everything that one run of ``check`` or ``compare`` found."""

    schema_version: int = SCHEMA_VERSION
    title: str
    command: str
    started: str
    seconds: float
    seed: int
    profile: str
    interrupted: bool = False
    environment: Environment
    implementations: tuple[Implementation, ...]
    unmet: tuple[UnmetEntry, ...] = ()
    timings: tuple[Timing, ...] = ()
    margin: float | None = None
    threads: int | None = None
    budget: float | None = None
    conditions: tuple[str, ...] = ()
    rooflines: tuple[Roofline, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    growth: tuple[Growth, ...] = ()

    @property
    def findings(self) -> list[tuple[Implementation, Finding]]:
        return [(one, finding) for one in self.implementations for finding in one.findings]
