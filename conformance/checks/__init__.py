"""What must hold. A check is named ``group.variant``; :data:`CHECKS` is all of them by name, cheap and powerful first."""

from conformance.checks import accuracy, adjoint, algebra, equivalence, exact, huge, layout, receptive, rejection, special, state
from conformance.checks.base import Check

CHECKS: dict[str, Check] = {
    check.name: check
    for module in (exact, special, state, layout, receptive, adjoint, algebra, equivalence, accuracy, rejection, huge)
    for check in module.CHECKS
}

__all__ = ["CHECKS", "Check"]
