"""Deliberately broken implementations as data: what each says of its bug, and how those of a file or package are found.

A mutant measures the harness: one that is found conformant is a hole in it, or has no bug after all. Finding them imports
the module that they are in, which runs its code, so only a worker process does it.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from conformance.errors import UsageError
from conformance.plugin.implementation import Implementation
from conformance.plugin.load import find, split_text
from conformance.problem import OPERATORS

T = TypeVar("T")
MARK = "__conformance_mutant__"


@dataclass(frozen=True, slots=True)
class Broken:
    """``bug`` says what is wrong, ``shows`` the fewest conditions under which it is seen.

    ``module`` is a module or a file, and ``operators`` (none: all that it claims) are those in which it must be found out.
    ``source`` is the address of a public bug that it re-creates. ``dtypes`` are the data types in which it is wrong, none
    for all. The bodies of ``unchecked`` ones get whatever comes, valid or not. ``arrays`` is the library whose arrays it
    takes, where that is not NumPy. ``checks`` and ``kinds``: a finding must be of such a group of checks, and of such a
    kind; empty ones ask for nothing. ``causes`` are what a right diagnosis says, any of them: the key of a hypothesis, or a
    pattern of its first line such as ``*where batch ≥ 5*``; none where the failure itself says what is wrong.
    """

    name: str
    module: str
    operators: tuple[str, ...]
    category: str
    bug: str
    shows: str
    source: str = ""
    dtypes: tuple[str, ...] = ()
    unchecked: bool = False
    arrays: str = ""
    checks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return f"{self.module}:{self.name}"

    def is_named_by(self, hypothesis: str, words: str) -> bool:
        """Whether a diagnosis names one of the causes: ``hypothesis`` is its key, ``words`` its first line."""
        return any(fnmatch.fnmatchcase(said, cause) for cause in self.causes for said in (hypothesis, words) if said)


def mutant(
    bug: str, *, category: str = "", shows: str = "", source: str = "", arrays: str = "", causes: Sequence[str] = ()
) -> Callable[[T], T]:
    """Mark a function or an Implementation of one's own as deliberately broken: ``@conformance.mutant("no bias")``.

    ``causes`` are what a diagnosis should say, as in :class:`Broken`. Of a file in which anything is marked,
    ``conformance mutants --target`` runs what is marked and nothing else.
    """

    def mark(made: T) -> T:
        name = getattr(made, "__name__", "")
        said = Broken(name, "", (), category or "unsorted", bug, shows, source, arrays=arrays, causes=tuple(causes))
        setattr(made, MARK, said)
        return made

    return mark


def mutants_in(text: str) -> tuple[Broken, ...]:
    """The mutants of a file, a module, a package with its modules, or one function or class of these, as they are defined.

    Where nothing is marked, they are the public functions with an operator in their name, and the Implementations,
    that are defined there. Raises :class:`UsageError` if there are none.
    """
    place, attribute = split_text(text)
    if attribute:
        return (_described(find(text), place, attribute),)
    module = find(place)
    modules = [module, *_submodules(module)]
    marked = [broken for one in modules for broken in _marked(one, place if one is module else one.__name__)]
    found = marked or [_described(made, place, name) for name, made in _defined(module)]
    if not found:
        raise UsageError(
            f"{text} has nothing that could be run",
            hint="functions are called after an operator, such as conv2d_flipped, or marked with @conformance.mutant",
        )
    return tuple(found)


def _submodules(module: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
        yield importlib.import_module(info.name)


def _marked(module: ModuleType, place: str) -> Iterator[Broken]:
    for name, made in vars(module).items():
        if _said(made) is not None and made.__module__ == module.__name__:
            yield _described(made, place, name)


def _said(made: Any) -> Broken | None:
    """What its own decorator said, not that of a class it derives from."""
    said = getattr(made, "__dict__", {}).get(MARK)
    return said if isinstance(said, Broken) else None


def _described(made: Any, place: str, name: str) -> Broken:
    """What it says of itself; of what says nothing, the first line of its docstring."""
    said = _said(made) or Broken(name, place, (), "unsorted", _first_line(made) or "it does not say what is wrong", "")
    return dataclasses.replace(said, name=name, module=place)


def _first_line(made: Any) -> str:
    return (inspect.getdoc(made) or "").partition("\n")[0]


def _defined(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, made in vars(module).items():
        if name.startswith("_") or getattr(made, "__module__", "") != module.__name__:
            continue
        if isinstance(made, type):
            if issubclass(made, Implementation):
                yield name, made
        elif callable(made) and any(operator in name for operator in OPERATORS):
            yield name, made
