"""Another version of a target, to be measured beside it: that of a git revision, of a wheel, or any other target.

A revision is written out into a temporary folder with an index of its own, so that neither the working tree nor anything in
``.git`` changes; a wheel is installed into one without its dependencies. The same target text is then loaded from there, and
it is made sure that it is found there: else a version would be compared with itself.
"""

from __future__ import annotations

import dataclasses
import importlib.machinery
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import distributions, entry_points
from pathlib import Path

from conformance.errors import UsageError
from conformance.plugin.load import split_text
from conformance.plugin.registry import GROUP, registered_names
from conformance.plugin.target import Target, command_text

REVISION, WHEEL = "rev:", "wheel:"
_LIMIT = 300.0  # seconds that git or pip may take
_SAID = 400  # characters of what they print that are shown


@contextmanager
def version_of(target: Target, text: str) -> Iterator[Target]:
    """The target that ``text`` names, ``rev:REVISION``, ``wheel:FILE`` or a target's text, while the context lasts.

    Raises :class:`UsageError` that says what is wrong with it. The temporary folder is removed whatever happens.
    """
    if not text.startswith((REVISION, WHEEL)):
        yield dataclasses.replace(target, text=text, folders=())
        return
    with tempfile.TemporaryDirectory(prefix="conformance-version-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        if text.startswith(REVISION):
            yield _of_revision(target, text.removeprefix(REVISION), folder)
        else:
            yield _of_wheel(target, Path(text.removeprefix(WHEEL)), folder)


def _of_revision(target: Target, revision: str, folder: Path) -> Target:
    try:
        top = Path(_git("rev-parse", "--show-toplevel").strip()).resolve()
    except UsageError as error:
        raise UsageError(f"rev:{revision} needs a git repository: {error.message}") from error
    try:
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except UsageError as error:
        hint = "revisions are such as HEAD~1, main or a tag; a shallow clone has only the last: fetch-depth: 0 in CI"
        raise UsageError(f"the repository has no revision {revision!r}", hint=hint) from error
    tree, index = folder / "tree", {"GIT_INDEX_FILE": str(folder / "index")}
    _git("read-tree", commit, cwd=top, more=index)
    _git("checkout-index", "--all", f"--prefix={tree}/", cwd=top, more=index)
    here = Path.cwd().resolve().relative_to(top)
    places = [tree / here, tree / here / "src", tree, tree / "src"]
    what = f"revision {revision} ({commit[:9]})"
    if target.command:
        return dataclasses.replace(target, text=_command(target.command, top, tree, what))
    place, attribute = split_text(target.text)
    path = Path(place)
    if path.exists() or place.endswith(".py"):  # a file or a library
        return _with_file(target, _inside(path, top, tree, what), attribute)
    return _with_module(target, places, what, _registered_as(target, []))


def _inside(path: Path, top: Path, tree: Path, what: str) -> Path:
    """Where a file of the repository is in the written tree."""
    path = Path.cwd() / path
    resolved = path.parent.resolve() / path.name
    if not resolved.is_relative_to(top):
        raise UsageError(f"{resolved} is not in the repository {top}", hint="--against path/to/other.py:conv2d compares any two")
    found = tree / resolved.relative_to(top)
    if not found.exists():
        hint = "what git does not have must be built and named: --against path/to/the/other"
        raise UsageError(f"{what} has no {resolved.relative_to(top)}", hint=hint)
    return found


def _command(words: Sequence[str], top: Path, tree: Path, what: str) -> str:
    """A command with the files of the repository that it names as they were."""
    moved = [str(_inside(Path(word), top, tree, what)) if _is_of(word, top) else word for word in words]
    if moved == list(words):
        raise UsageError(f"no word of the command {' '.join(words)} is a file of the repository", hint="--against names another")
    return command_text(moved)


def _is_of(word: str, top: Path) -> bool:
    return Path(word).is_file() and Path(word).resolve().is_relative_to(top)


def _of_wheel(target: Target, wheel: Path, folder: Path) -> Target:
    if not wheel.is_file() or wheel.suffix != ".whl":
        raise UsageError(f"there is no wheel {wheel}", hint="make one with: python -m pip wheel --no-deps .")
    if target.command or Path(split_text(target.text)[0]).exists():
        hint = "write the target as module:function"
        raise UsageError(f"a wheel has modules, and {target.text} is none", hint=hint)
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--no-input")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder / "site"), str(wheel)]
    _run(command, f"{wheel} cannot be installed")
    return _with_module(target, [folder / "site"], f"the wheel {wheel.name}", _registered_as(target, [str(folder / "site")]))


def _registered_as(target: Target, site: list[str]) -> str:
    """What a registered name stands for in the packages in ``site``, or here: ``module:Class``; else the text as it is."""
    place, attribute = split_text(target.text)
    if attribute:
        return target.text
    there = [one for each in distributions(path=site) for one in each.entry_points if site and one.group == GROUP]
    entries = [one for one in there if one.name == place] or list(entry_points(group=GROUP, name=place))
    if entries:
        return entries[0].value
    if place in registered_names():
        hint = "--against takes another registered name as well"
        raise UsageError(f"{place} is built in: it has no other version than that of conformance", hint=hint)
    return target.text


def _with_file(target: Target, path: Path, attribute: str) -> Target:
    return dataclasses.replace(target, text=f"{path}:{attribute}" if attribute else str(path))


def _with_module(target: Target, places: Sequence[Path], what: str, text: str) -> Target:
    folders = [str(place) for place in places if place.is_dir()]
    module = split_text(text)[0]
    if not _has(module, folders):
        raise UsageError(f"{what} has no module {module}", hint="where it is in the repository: its top folder, src, or here")
    return dataclasses.replace(target, text=text, folders=tuple(folders))


def _has(module: str, folders: Sequence[str]) -> bool:
    """Whether a module is found in ``folders``; nothing is imported."""
    places: list[str] | None = list(folders)
    for part in module.split("."):
        found = importlib.machinery.PathFinder.find_spec(part, places) if places else None
        if found is None:
            return False
        places = list(found.submodule_search_locations or ())
    return True


def _git(*words: str, cwd: Path | None = None, more: dict[str, str] | None = None) -> str:
    return _run(["git", *words], f"git {words[0]} failed", cwd, more)


def _run(command: Sequence[str], failed: str, cwd: Path | None = None, more: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", cwd=cwd, env={**os.environ, **(more or {})},
            timeout=_LIMIT, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UsageError(f"{failed}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_SAID:]
        raise UsageError(f"{failed}: {said}" if said else failed)
    return done.stdout
