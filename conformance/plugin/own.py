"""What a target's own source is, as far as that is known, and the numbers that it names."""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path

from conformance.plugin.constants import of_callable, of_files, sources_beside
from conformance.plugin.functions import Functions
from conformance.plugin.implementation import Implementation
from conformance.plugin.load import split_text
from conformance.plugin.registry import registered_names
from conformance.plugin.target import Target


def constants_of(implementation: Implementation, target: Target) -> tuple[int, ...]:
    """Numbers that the source of a target names: that of its functions, that beside a library or program, or what is said."""
    if target.sources:
        return of_files(map(Path, target.sources))
    if isinstance(implementation, Functions):
        calls = {id(function.call): function.call for function in implementation.functions.values()}
        return tuple(sorted({value for call in calls.values() for value in of_callable(call)}))
    if target.command:
        return of_files([path for word in target.command for path in sources_beside(word)])
    place, _ = split_text(target.text)
    if place in registered_names():
        return ()
    return of_files(found) if (found := sources_beside(place)) else of_callable(implementation)


def own_files(target: Target) -> list[str]:
    """The Python file that a target is, or that its module is found in: what its author wrote. Nothing is imported."""
    place, attribute = split_text(target.text)
    if target.command or (not attribute and place in registered_names()):
        return []
    if place.endswith(".py"):
        return [str(Path(place).resolve())] if Path(place).is_file() else []
    folders: list[str] = [*target.folders, "", *sys.path]
    origin = ""
    for part in place.split("."):
        found = importlib.machinery.PathFinder.find_spec(part, folders)
        origin, folders = (found.origin or "", list(found.submodule_search_locations or ())) if found else ("", [])
    return [origin] if origin.endswith(".py") else []
