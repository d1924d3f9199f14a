"""Which suite it is, and which files a target is loaded from: what must be the same for a run to be continued."""

from __future__ import annotations

import hashlib
import importlib.machinery
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import conformance
from conformance.plugin.load import split_text
from conformance.plugin.registry import GROUP, registered, registered_names
from conformance.plugin.target import Target

_HOME = Path(conformance.__file__).parent
_DECIDES = (
    "problem", "reference", "cases", "checks", "plugin", "diagnosis",
    *(f"running/{name}.py" for name in (
        "examination", "explain", "findings", "heard", "integrity", "memory", "outcome", "plan", "printed", "profile", "run",
        "seen", "session", "shrink", "surroundings", "threads", "trials", "worker",
    )),
)  # fmt: skip
"""What decides which cases are made, how they are run and judged, and what a finding says: folders and modules."""
_MOST_BYTES = 2**30  # of a file of a target that is read for its digest


@cache
def suite_digest() -> str:
    """A digest of the suite's own sources: the same one makes the same cases and judges them in the same way."""
    digest = hashlib.sha256(conformance.__version__.encode())
    for path in sorted(_sources()):
        digest.update(f"\0{path.relative_to(_HOME).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for name in _DECIDES:
        path = _HOME / name
        yield from path.rglob("*.py") if path.is_dir() else (path,)


def files_of(target: Target) -> dict[str, str]:
    """The SHA-256 of the file that a target is, or that its module or command names; nothing of it is imported or run."""
    found = {}
    for path in _files(target):
        if path.is_file() and path.stat().st_size <= _MOST_BYTES:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _files(target: Target) -> Iterator[Path]:
    if target.command:
        yield from map(Path, target.command)
        return
    place, attribute = split_text(target.text)
    if not attribute and place in registered_names():
        named = next(iter(entry_points(group=GROUP, name=place)), None)
        place = named.module if named is not None else type(registered(place)).__module__
    if Path(place).is_file():
        yield Path(place)
    elif (module := _module_file(place)) is not None:
        yield module


def _module_file(name: str) -> Path | None:
    """Where a module would be imported from, or None; its parent packages are not imported."""
    places: list[str] | None = ["", *sys.path]
    specification = None
    for part in name.split("."):
        if places is None:
            return None
        specification = importlib.machinery.PathFinder.find_spec(part, places)
        places = list(specification.submodule_search_locations or ()) if specification is not None else None
    return Path(specification.origin) if specification is not None and specification.origin else None
