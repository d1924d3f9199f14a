"""What plugs in: the interface of an implementation, what it may claim, and how a target becomes one."""

from conformance.plugin.claims import Claims
from conformance.plugin.implementation import Implementation, WrongResult

__all__ = ["Claims", "Implementation", "WrongResult"]
