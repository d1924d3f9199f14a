"""The report as a JSON file, and back. Reading validates: a report is data, whoever wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from conformance.errors import UsageError
from conformance.plain import MOST_OF_NAME, line
from conformance.reading import parse_json, read_bytes
from conformance.report.schema import SCHEMA_VERSION, Report
from conformance.report.values import Value

V = TypeVar("V", bound=Value)
_HINT = "write one with conformance check --json FILE"


def to_json(report: Report) -> str:
    """``report`` as text that a person can read too."""
    return report.model_dump_json(indent=1)


def read_json(path: Path) -> Report:
    """The report in the file ``path``. Raises :class:`UsageError` if there is none, or it is not one of this version."""
    return parse_report(read_bytes(path, "report"), str(path))


def parse_report(data: bytes, place: str) -> Report:
    """The report that is written in ``data``; ``place`` is where that comes from. Raises :class:`UsageError`."""
    return validated(Report, SCHEMA_VERSION, parse_json(data, place, "report", _HINT), place, "report", _HINT)


def validated(kind: type[V], version: int, value: Any, place: str, what: str, hint: str) -> V:
    """``value``, as JSON has it, as a ``kind`` of this ``version``; or :class:`UsageError` says which field is wrong."""
    if not isinstance(value, dict):
        raise UsageError(f"{place} is no {what}: it holds no object", hint=hint)
    given = value.get("schema_version")
    if given != version or isinstance(given, bool):
        raise UsageError(
            f"{place} has schema version {line(repr(given)[:MOST_OF_NAME], 40)}, and this is version {version}",
            hint="write it again with this version of conformance",
        )
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = line(".".join(str(part)[:MOST_OF_NAME] for part in first["loc"]), MOST_OF_NAME)
        raise UsageError(f"{place} is no {what}: {field}: {line(first['msg'], MOST_OF_NAME)}", hint=hint) from None
    except RecursionError:
        raise UsageError(f"{place} is no {what}: it is nested too deep", hint=hint) from None
