"""Whether the worker's own tools are still what they were before a target was loaded.

A target runs in the same process as the code that measures it, and could replace what that code uses: a clock, the
function that tells whether memory is shared, a function of the worker's. All that the worker's modules hold and all that
they name in other modules is remembered first, and compared by identity after each job.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.running.idle import unrest

_MODULES = (
    "conformance.running.worker", "conformance.running.seen", "conformance.running.threads",
    "conformance.running.integrity", "conformance.running.idle", "conformance.running.printed",
    "conformance.running.surroundings", "conformance.running.memory",
    "conformance.running.processes", "conformance.running.serve", "conformance.running.channel", "conformance.running.crossing",
    "conformance.timing.block", "conformance.timing.device", "conformance.timing.fresh",
    "conformance.plugin.job", "conformance.plugin.implementation", "conformance.plugin.layouts", "conformance.plugin.functions",
    "conformance.plugin.arrays", "conformance.plugin.library", "conformance.plugin.guarded", "conformance.plugin.abi",
)  # fmt: skip
"""What works between a job and its replies."""

RESTLESS = "goes on working"
"""The kind of a breach: its threads do not come to rest."""
_ABSENT = object()
_watched: list[_Names] = []
_functions: list[tuple[str, FunctionType, CodeType]] = []
_looks: list[_Look] = []
_code_of = operator.attrgetter("__code__")
_jobs = count(1)


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of one namespace, and what they stood for."""

    owner: str
    space: Mapping[str, Any]
    names: tuple[str, ...]
    values: tuple[Any, ...]

    def changed(self) -> list[str]:
        pairs = zip(self.names, self.values, strict=True)
        return [f"{self.owner}.{name}" for name, value in pairs if self.space.get(name, _ABSENT) is not value]


class _Look:
    """All that is watched in one look, which follows every job.

    Of the worker's modules all values are compared, which finds as well what hides a builtin: going through them in their
    order takes half the time of asking for their names. Where only data has changed, :func:`changes` has the last word.
    """

    def __init__(self, modules: Sequence[ModuleType], watched: Sequence[_Names], functions: Iterable[FunctionType]) -> None:
        self._modules = [vars(module) for module in modules]
        whole = set(map(id, self._modules))
        there = [
            (names.space, [name for name, value in zip(names.names, names.values, strict=True) if value is not _ABSENT])
            for names in watched
            if id(names.space) not in whole
        ]
        # An itemgetter of one name gives no tuple, so that name is asked for twice.
        self._gets = [(operator.itemgetter(*names, names[0]), space) for space, names in there if names]
        self._functions = list(dict.fromkeys(functions))
        self._values, self._codes = list(self._found()), list(self._found_codes())  # kept, or others could come to lie there
        self._where = _addresses(iter(self._values), len(self._values)), _addresses(iter(self._codes), len(self._codes))

    def same(self) -> bool:
        try:
            found = self._found()
            where = _addresses(found, len(self._values)), _addresses(self._found_codes(), len(self._codes))
            return where == self._where and next(found, _ABSENT) is _ABSENT
        except (KeyError, ValueError, RuntimeError):  # a name is gone, or others come and go just now
            return False

    def _found(self) -> Iterator[Any]:
        modules = [space.values() for space in self._modules]
        return chain.from_iterable([*modules, *[get(space) for get, space in self._gets]])

    def _found_codes(self) -> Iterator[CodeType]:
        return map(_code_of, self._functions)


def _addresses(objects: Iterator[Any], count: int) -> bytes:
    """Where so many objects lie, one after the other: equal for two rows of living objects that are the same, and no others.

    Raises :class:`ValueError` if there are fewer.
    """
    return np.fromiter(objects, object, count).tobytes()


def watch() -> None:
    """Remember what the worker works with. Called once, before a target is loaded."""
    if _watched:
        return
    modules = [importlib.import_module(name) for name in _MODULES]
    for module in modules:
        vars(module).setdefault("__warningregistry__", {})  # which a warning puts there, shown or not
    named: dict[int, tuple[ModuleType, set[str]]] = {}
    for module in modules:
        own = {name: value for name, value in vars(module).items() if not name.startswith("__") and _is_tool(value)}
        called = {name for code in _codes(module) for name in code.co_names}
        shadowed = dict.fromkeys((called & vars(builtins).keys()) - vars(module).keys(), _ABSENT)
        _remember(module.__name__, vars(module), shadowed | own)
        for owner, space in _classes(module):
            _remember(owner, space, {name: value for name, value in space.items() if _is_tool(value)})
        for code in _codes(module):
            others = [vars(module).get(name) for name in code.co_names]
            for other in [builtins, *(other for other in others if isinstance(other, ModuleType))]:
                named.setdefault(id(other), (other, set()))[1].update(code.co_names)
    for other, names in named.values():
        space = vars(other)
        _remember(other.__name__, space, {n: space[n] for n in sorted(names) if n in space and _is_tool(space[n])})
    _looks.append(_Look(modules, _watched, [function for _, function, _ in _functions]))


def changes() -> list[str]:
    """What no longer is what it was, as ``module.name``."""
    if _looks and _looks[0].same():
        return []
    found = [name for names in _watched for name in names.changed()]
    return found + [name for name, function, code in _functions if function.__code__ is not code]


def breaches() -> tuple[tuple[str, str], ...]:
    """What a target did beside its work, as (kind, message): to be called when a job is done.

    The first job and then ever fewer are followed by a look at whether the worker comes to rest.
    """
    job = next(_jobs)
    found = replacements()
    if job.bit_count() == 1 and job.bit_length() % 2:  # jobs 1, 4, 16, 64, ...
        found += restlessness()
    return tuple(found)


def replacements() -> list[tuple[str, str]]:
    """The first of :func:`changes`, as a breach."""
    return [("changed the harness", f"{name} was replaced in the worker") for name in changes()[:1]]


def restlessness() -> list[tuple[str, str]]:
    """Processor time that goes on being taken after all calls have returned, as a breach."""
    share = unrest()
    message = f"its threads took {share:.0%} of a core a second after the call had returned"
    return [(RESTLESS, message)] if share else []


def _remember(owner: str, space: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    _watched.append(_Names(owner, space, tuple(values), tuple(values.values())))
    for name, value in values.items():
        function = inspect.unwrap(value) if isinstance(value, FunctionType) else value
        both = [value] if function is value else [value, function]  # no set: what ctypes calls has no hash
        _functions.extend((f"{owner}.{name}", one, one.__code__) for one in both if isinstance(one, FunctionType))


def _is_tool(value: Any) -> bool:
    """Functions, methods, classes and modules are replaced by nobody with good intent; data may change."""
    return callable(value) or isinstance(value, ModuleType | property | classmethod | staticmethod)


def _classes(module: ModuleType) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield f"{module.__name__}.{name}", vars(value)


def _codes(module: ModuleType) -> Iterator[CodeType]:
    """The code of a module's functions and of its classes' methods, with what is defined inside them."""
    spaces = [vars(module), *(space for _, space in _classes(module))]
    waiting = [
        inspect.unwrap(value).__code__
        for space in spaces
        for value in space.values()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    ]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
