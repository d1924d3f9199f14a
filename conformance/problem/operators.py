"""The operators that the harness knows, by the names that users know them by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.errors import UsageError


class Family(StrEnum):
    """Operators of one family share their formula; they differ in the number of axes."""

    CONV = "conv"
    MAX_POOL = "max_pool"
    AVG_POOL = "avg_pool"


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    family: Family
    ndim: int

    @property
    def is_pool(self) -> bool:
        return self.family is not Family.CONV


OPERATORS: dict[str, Operator] = {
    f"{family}{ndim}d": Operator(f"{family}{ndim}d", family, ndim) for family in Family for ndim in (1, 2, 3)
}


def operator_named(name: str) -> Operator:
    """The operator called ``name``, for example ``conv2d``."""
    try:
        return OPERATORS[name]
    except KeyError:
        raise UsageError(f"the operator {name!r} is not known", hint=f"known are {', '.join(OPERATORS)}") from None
