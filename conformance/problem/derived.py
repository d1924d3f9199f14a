"""What follows from the fields of a frozen value: worked out when it is first asked for, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    derived = property
else:

    class derived:  # noqa: N801 - used as a decorator
        """As ``functools.cached_property``, which takes a lock in Python 3.11: most problems are looked at once and dropped."""

        def __init__(self, work_out: Any) -> None:
            self._work_out, self.__doc__ = work_out, work_out.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, value: Any, owner: type | None = None) -> Any:
            if value is None:
                return self
            found = value.__dict__[self._name] = self._work_out(value)
            return found


def given_fields(value: Any) -> dict[str, Any]:
    """What a value was made of, without what was worked out of it: that is what crosses processes."""
    known = vars(value)
    return {name: known[name] for name in type(value).__dataclass_fields__ if name in known}
