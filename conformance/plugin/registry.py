"""The implementations that are known by name: every one in the package ``implementations``, and entry points.

A built-in backend is one module of :mod:`implementations`; a package of anybody's registers its own in the entry-point
group ``conformance.implementations``. Nothing is imported to list the names but what defines the built-in ones, so that a
package that is broken shows only where it is asked for: there it is said which package that is, and what is wrong.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import pkgutil
import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from conformance.errors import UsageError
from conformance.plugin.implementation import Implementation
from conformance.plugin.raised import where, words

GROUP = "conformance.implementations"
_VALUE = re.compile(r"(?P<module>\w+(\.\w+)*)\s*:\s*(?P<attribute>\w+(\.\w+)*)\s*(\[.*\])?")


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
    return [*_built_in(), *sorted({entry.name for entry in entry_points(group=GROUP)} - _built_in().keys())]


def registered(name: str) -> Implementation:
    """A new instance of the implementation registered as ``name``, which is what it is called then.

    Raises KeyError for an unknown name, and :class:`UsageError` for one that no implementation can be had for: it is
    registered twice, or what it stands for cannot be imported or made, or is none.
    """
    if name in _built_in():
        return _built_in()[name]()
    entries = sorted(entry_points(group=GROUP, name=name), key=_package)
    if not entries:
        raise KeyError(name)
    if len(entries) > 1:
        raise UsageError(
            f"{name} is registered by {' and by '.join(map(_package, entries))}",
            hint=f"uninstall one of them, or write {' or '.join(entry.value for entry in entries)}",
        )
    made = _made(_loaded(entries[0]), entries[0])
    with contextlib.suppress(AttributeError):  # one that cannot be renamed keeps the name that it has
        made.name = name
    return made


def not_used(name: str) -> list[str]:
    """What else is registered under the name of a built-in implementation, which goes first; a sentence for each."""
    if name not in _built_in():
        return []
    return [
        f"{_package(entry)} registers {name} too, which is built in and goes first; to use the other, write {entry.value}"
        for entry in entry_points(group=GROUP, name=name)
    ]


def _package(entry: EntryPoint) -> str:
    """The package that registers an entry point, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"


def _wrong(entry: EntryPoint, what: str) -> UsageError:
    package = entry.dist.name if entry.dist is not None else "the package"
    return UsageError(
        f"{entry.name}, which {_package(entry)} registers as {entry.value}, cannot be used: {what}",
        hint=f"mend {package}, or uninstall it: python -m pip uninstall {package}",
    )


def _loaded(entry: EntryPoint) -> Any:
    """What an entry point stands for. A module of anybody's may raise anything, SystemExit too."""
    parts = _VALUE.fullmatch(entry.value)
    if parts is None:
        raise _wrong(entry, "what is registered is written module:Class")
    try:
        module = importlib.import_module(parts["module"])
    except ModuleNotFoundError as error:
        if error.name and f"{parts['module']}.".startswith(f"{error.name}."):
            raise _wrong(entry, f"there is no module {error.name}") from error
        raise _wrong(entry, f"importing it raised {words(error)} {where(error)}".rstrip()) from error
    except (Exception, SystemExit) as error:
        raise _wrong(entry, f"importing it raised {words(error)} {where(error)}".rstrip()) from error
    found: Any = module
    for part in parts["attribute"].split("."):
        if not hasattr(found, part):
            if getattr(found, "__file__", "") is None:  # a namespace package, which any folder is
                folder = next(iter(found.__path__), "")
                raise _wrong(entry, f"the folder {folder} is taken for the module {parts['module']}: type it in another folder")
            near = difflib.get_close_matches(part, [each for each in vars(found) if not each.startswith("_")], n=1)
            raise _wrong(entry, f"{parts['module']} has no {part}" + (f", but it has {near[0]}" if near else ""))
        found = getattr(found, part)
    return found


def _made(found: Any, entry: EntryPoint) -> Implementation:
    """An implementation of what is registered: a class, or a function that makes one."""
    if not callable(found):
        raise _wrong(
            entry, f"it is of type {type(found).__name__}, and must be a class that derives from conformance.Implementation"
        )
    try:
        made = found()
    except (Exception, SystemExit) as error:
        raise _wrong(entry, f"making one raised {words(error)} {where(error)}".rstrip()) from error
    if isinstance(made, Implementation):
        return made
    what = "it is a class that does" if isinstance(found, type) else f"what it makes, of type {type(made).__name__}, does"
    raise _wrong(entry, f"{what} not derive from conformance.Implementation")
