"""The report as a JSON file, and back. Reading validates: a report is data, whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from conformance.errors import UsageError
from conformance.report.schema import SCHEMA_VERSION, Report

_MAX_BYTES = 256 * 2**20  # a larger file is no report


def to_json(report: Report) -> str:
    """``report`` as text that a person can read too."""
    return report.model_dump_json(indent=1)


def read_json(path: Path) -> Report:
    """The report in the file ``path``. Raises :class:`UsageError` if there is none, or it is not one of this version."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path} is too large for a report")
        text = path.read_text(encoding="utf-8")
        version = json.loads(text).get("schema_version")
    except OSError as error:
        raise UsageError(f"the report {path} cannot be read: {error.strerror}") from error
    except (ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is not a report: {error}", hint="write one with conformance check --json FILE") from error
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{path} has schema version {version!r}, and this is version {SCHEMA_VERSION}",
            hint="write it again with this version of conformance",
        )
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is not a report: {place}: {first['msg']}") from error
