"""The baseline of a gate: what was known of an implementation when somebody last agreed to it, as a file to be committed.

It holds no times of a machine, but ratios to a reference that was measured beside it; no accuracy of single cases, but how
it is spread over them. Its order is fixed and its numbers are short, so that a difference in git is one that matters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from conformance.errors import UsageError
from conformance.reading import parse_json, read_bytes
from conformance.report.jsonfile import validated
from conformance.report.schema import Environment
from conformance.report.values import Few, KnownOperator, Line, Value
from conformance.timing.statistics import Ratio

BASELINE_VERSION = 1
_MOST_BYTES = 4 * 2**20  # a larger file is no baseline: those of all operators have some 100 kB
_KIND, _WHAT = "conformance baseline", "baseline"
_DIGITS = 4

Count = Annotated[int, Field(ge=0, lt=2**63)]
Rho = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Choices(Value):
    """What decides which cases are tried, beside the suite itself."""

    profile: Line = "quick"
    seed: Count = 0
    operators: Few[KnownOperator] = ()
    arrays: Line | None = None
    claim: Few[Line] = ()
    no_claim: Few[Line] = ()


class Claimed(Value):
    """What of one operator is claimed, as words, and how many cases of it passed."""

    operator: KnownOperator
    dtypes: Line
    options: Line
    passed: Count


class KnownFailing(Value):
    """``count`` cases of an operator that fail one check in one way; ``case`` is the text of the smallest."""

    operator: KnownOperator
    check: Line
    kind: Line
    count: Annotated[int, Field(gt=0, lt=2**63)]
    case: Line


class Spread(Value):
    """How accurate one operator is in one type: rho = max |error| / (u S) over its ``cases`` with ``outputs`` in all.

    ``p25`` to ``worst`` are order statistics: the smallest rho that at least this share of the cases does not pass.
    ``reached`` is the class of the worst case.
    """

    operator: KnownOperator
    dtype: Line
    reached: Line
    cases: Annotated[int, Field(gt=0, lt=2**63)]
    outputs: Annotated[int, Field(gt=0, lt=2**63)]
    p25: Rho
    p50: Rho
    p75: Rho
    p90: Rho
    worst: Rho

    @model_validator(mode="after")
    def _in_order(self) -> Spread:
        if not self.p25 <= self.p50 <= self.p75 <= self.p90 <= self.worst:
            raise ValueError("p25, p50, p75, p90 and worst must not fall")
        return self


class Speed(Value):
    """Time over the time of ``reference``, measured beside it, with its interval; ``case`` is the problem as text."""

    case: Line
    reference: Line
    ratio: Positive
    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _in_order(self) -> Speed:
        if not self.low <= self.ratio <= self.high:
            raise ValueError("the ratio must lie between low and high")
        return self

    @property
    def as_ratio(self) -> Ratio:
        return Ratio(self.ratio, self.low, self.high)


class Baseline(Value):
    """All of it. ``suite`` is the digest of what makes and judges the cases."""

    kind: Literal["conformance baseline"] = "conformance baseline"
    schema_version: int = BASELINE_VERSION
    suite: Line
    target: Line
    options: Choices
    environment: Environment
    claims: Few[Claimed] = ()
    failing: Few[KnownFailing] = ()
    accuracy: Few[Spread] = ()
    speed: Few[Speed] = ()


def to_text(baseline: Baseline) -> str:
    """``baseline`` as the text of its file: one row of each list a line, so that a change is a line in git."""
    data = baseline.model_dump(mode="json")
    parts = [f" {json.dumps(key)}: {_value(_short(value))}" for key, value in data.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _value(value: object) -> str:
    def line(item: object) -> str:
        return json.dumps(item, ensure_ascii=False)

    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {line(row)}" for row in value) + "\n ]"
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"  {line(key)}: {line(item)}" for key, item in value.items()) + "\n }"
    return line(value)


def _short(value: object) -> object:
    """The same with floats of four digits. What is rounded up and what down stays in order, as rounding is monotonic."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return [_short(item) for item in value] if isinstance(value, list) else value


def read_baseline(path: Path) -> Baseline:
    """The baseline in the file ``path``. Raises :class:`UsageError` if there is none, or it cannot be one."""
    if not path.exists():
        raise UsageError(f"there is no baseline {path}")
    return parse_baseline(read_bytes(path, _WHAT, _MOST_BYTES), str(path))


def parse_baseline(data: bytes, place: str) -> Baseline:
    """The baseline that is written in ``data``, which comes from ``place``. Raises :class:`UsageError`, nothing else."""
    value = parse_json(data, place, _WHAT)
    if not isinstance(value, dict) or value.get("kind") != _KIND:
        raise UsageError(f'{place} is no {_WHAT}: it does not say "kind": "{_KIND}"')
    return validated(Baseline, BASELINE_VERSION, value, place, _WHAT, "")
