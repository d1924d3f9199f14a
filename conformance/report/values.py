"""What the values of a report are made of: text that cannot steer a terminal, numbers that can be added up, frozen objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from conformance.plain import line, lines
from conformance.problem.operators import operator_named

T = TypeVar("T")

Line = Annotated[str, BeforeValidator(lambda value: _if_text(line, value))]
"""One line of text without anything that steers a terminal."""
Lines = Annotated[str, BeforeValidator(lambda value: _if_text(lines, value))]
KnownOperator = Annotated[Line, AfterValidator(lambda name: operator_named(name).name)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A number that can be added up and printed."""
Few = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""Values of which the first wrong one is told, however many there are."""


def _if_text(made: Callable[[str], str], value: Any) -> Any:
    return made(value) if isinstance(value, str) else value


class Value(BaseModel):
    """Base of all values: frozen, and unknown fields are errors rather than lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
