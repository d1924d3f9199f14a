"""What must hold. A check is named ``group.variant``; :data:`CHECKS` is all of them by name, cheap and powerful first."""

from conformance.checks import (
    accuracy,
    adjoint,
    algebra,
    dialect,
    equivalence,
    exact,
    huge,
    layout,
    receptive,
    rejection,
    special,
    state,
)
from conformance.checks.base import Check

ROUNDS: tuple[Check, ...] = tuple(
    check
    for module in (exact, special, state, layout, receptive, adjoint, algebra, equivalence, accuracy, rejection, huge)
    for check in module.CHECKS
)
"""Those that are made on problems of any kind, in rounds."""
CHECKS: dict[str, Check] = {
    check.name: check for check in (*ROUNDS, *dialect.CHECKS, accuracy.ALL_KINDS, *layout.GROUPS, *layout.OF_ONE_TENSOR)
}

__all__ = ["CHECKS", "ROUNDS", "Check"]
