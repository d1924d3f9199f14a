"""The implementations that are known by name: every one in the package ``implementations``, and entry points.

A built-in backend is one module of :mod:`implementations`; a package of anybody's registers its own in the entry-point
group ``conformance.implementations``. Nothing is imported to list the names but what defines them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from conformance.plugin.implementation import Implementation

GROUP = "conformance.implementations"


@cache
def _built_in() -> dict[str, type[Implementation]]:
    """Classes with a name of their own, in the order of their modules' ``ORDER`` (those of a reader, not the alphabet)."""
    import implementations

    found = []
    for info in pkgutil.iter_modules(implementations.__path__):
        if info.ispkg:  # no backend: the deliberately broken ones
            continue
        module = importlib.import_module(f"implementations.{info.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Implementation) and item.__module__ == module.__name__ and item.name:
                found.append((getattr(module, "ORDER", 100), item))
    return {item.name: item for _, item in sorted(found, key=lambda pair: pair[0])}


def registered_names() -> list[str]:
    """Built-in names first, then those of entry points."""
    return [*_built_in(), *sorted(entry.name for entry in entry_points(group=GROUP) if entry.name not in _built_in())]


def registered(name: str) -> Implementation:
    """A new instance of the implementation registered as ``name``. Raises KeyError for an unknown one."""
    made: Callable[[], Implementation]
    if name in _built_in():
        made = _built_in()[name]
    else:
        (entry,) = entry_points(group=GROUP, name=name)
        made = entry.load()
    return made()
