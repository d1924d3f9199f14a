"""What ``conformance init`` writes: for each kind of target a skeleton that is whole but for one place, marked EDIT HERE.

A skeleton is text and the commands that build and check it. Nothing is written here, and nothing imported that a target is
written with.
"""

from __future__ import annotations

import keyword
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.errors import UsageError
from conformance.problem import OPERATORS, Family, Operator
from conformance.problem.operators import operator_named

MARK = "EDIT HERE"
KINDS = {
    "function": "a function, called like its namesake in torch.nn.functional",
    "layer": "a layer class, built like its namesake in torch.nn",
    "class": "a class that derives from conformance.Implementation",
    "c": "a shared library in C",
    "process": "a program that speaks the process protocol",
    "package": "a package that registers a class under a name",
}
_LAYERS = {Family.CONV: "Conv", Family.MAX_POOL: "MaxPool", Family.AVG_POOL: "AvgPool"}
OPERATORS_WITH_SKELETON = tuple(name for name, op in OPERATORS.items() if op.forward and op.family in _LAYERS)
_OF_KIND = {
    "function": "function.py", "layer": "layer.py", "class": "class.py", "c": "library.c", "process": "process.{suffix}",
    "package": "class.py",
}  # fmt: skip
"""The template of the file that is edited."""
_MOST_LETTERS = 60
_TEMPLATES = Environment(
    loader=PackageLoader("conformance.cli"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class File:
    """``path`` is relative to the folder in which the skeleton is written."""

    path: PurePosixPath
    text: str


@dataclass(frozen=True, slots=True)
class Skeleton:
    """``files``, of which the first has the place to edit, at ``line``; ``commands`` build it and check it, as they are typed."""

    files: tuple[File, ...]
    line: int
    commands: tuple[str, ...]


def skeleton(
    name: str,
    kind: str = "function",
    operator: str = "conv2d",
    *,
    arrays: str = "numpy",
    language: str = "python",
    folder: str = "",
) -> Skeleton:
    """The skeleton of a ``kind`` of :data:`KINDS` for ``operator``, whose files are called ``name``.

    ``arrays`` (numpy, torch) are those of a function, ``language`` (python, node) that of a process; ``folder`` is where
    the commands find the files. Raises :class:`UsageError` for a name that cannot be one, and for an operator without a
    skeleton.
    """
    check_name(name)
    op = OPERATORS[operator_named(operator).name]
    if operator not in OPERATORS_WITH_SKELETON:
        raise UsageError(
            f"there is no skeleton of {operator}",
            hint=f"there are those of {', '.join(OPERATORS_WITH_SKELETON)}; begin with one of them",
        )
    suffix = "c" if kind == "c" else "js" if kind == "process" and language == "node" else "py"
    source = PurePosixPath(name, "src", f"{name}.py") if kind == "package" else PurePosixPath(f"{name}.{suffix}")
    told = _Told(name, registered_name(name), kind, op, arrays, language, source)
    files = [File(source, _rendered(_OF_KIND[kind].format(suffix=suffix), told))]
    if kind == "package":
        beside = {"pyproject.toml": "package.toml", "README.md": "package.md"}
        files += [File(PurePosixPath(name, path), _rendered(template, told)) for path, template in beside.items()]
    line = next(number for number, text in enumerate(files[0].text.splitlines(), 1) if f"{MARK}:" in text)
    return Skeleton(tuple(files), line, told.commands(PurePosixPath(folder)))


@dataclass(frozen=True, slots=True)
class _Told:
    """What a skeleton is made of."""

    name: str
    registered: str
    kind: str
    op: Operator
    arrays: str
    language: str
    source: PurePosixPath

    @property
    def layer(self) -> str:
        """The class of ``torch.nn``."""
        return f"{_LAYERS[self.op.family]}{self.op.ndim}d"

    def commands(self, folder: PurePosixPath) -> tuple[str, ...]:
        """What builds and checks it, as typed in a shell, where ``folder`` holds its files."""
        path = folder / self.source
        if self.kind == "c":
            library = path.with_name(f"lib{self.name}.so")
            build = f'cc -O2 -fPIC -shared -I"$(conformance include-dir)" -o {_quoted(library)} {_quoted(path)}'
            return build, f"conformance check {_as_place(library)}"
        if self.kind == "process":
            return (f"conformance check -- {'node' if self.language == 'node' else 'python3'} {_quoted(path)}",)
        if self.kind == "package":
            return f"python -m pip install -e {_as_place(path.parents[1])}", f"conformance check {self.registered}"
        attribute = {"function": self.op.name, "layer": self.layer, "class": "Backend"}[self.kind]
        arrays = " --arrays torch" if self.kind == "function" and self.arrays == "torch" else ""
        return (f"conformance check {_quoted(f'{path}:{attribute}')}{arrays}",)


def _quoted(path: object) -> str:
    return shlex.quote(str(path))


def _as_place(path: PurePosixPath) -> str:
    """A path that is taken for one, and not for a name, though it has no folder."""
    return _quoted(path if "/" in str(path) else f"./{path}")


def _rendered(template: str, told: _Told) -> str:
    words: dict[str, Any] = {
        "name": told.name, "registered": told.registered, "operator": told.op.name, "family": str(told.op.family),
        "ndim": told.op.ndim, "layer": told.layer, "arrays": told.arrays, "kind": told.kind,
        "commands": told.commands(PurePosixPath()),
        "missing": f"{told.op.name} is not written yet: see {MARK} in {told.source.name}",
    }  # fmt: skip
    return _TEMPLATES.get_template(f"{template}.j2").render(words)


def check_name(name: str) -> None:
    """Raise :class:`UsageError` unless ``name`` is one that a file, a module and a library can have."""
    allowed = "a name has letters of ASCII, digits and _, and begins with a letter"
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or len(name) > _MOST_LETTERS:
        near = re.sub(r"[^A-Za-z0-9]+", "_", name.removesuffix(".py")).lstrip("_0123456789")[:_MOST_LETTERS].rstrip("_")
        near = near if near and not _taken(near) else "my_conv"
        longest = f", at most {_MOST_LETTERS}" if len(name) > _MOST_LETTERS else ""
        raise UsageError(f"{name!r} cannot be a name: {allowed}{longest}", hint=f"type {near}")
    if reason := _taken(name):
        raise UsageError(f"{name!r} cannot be a name: it is {reason}", hint=f"type my_{name}")


def _taken(name: str) -> str:
    """What else the name is, so that a module of this name could not be imported, or would hide another; empty if nothing."""
    if keyword.iskeyword(name):
        return "a word of Python's own"
    return "a module of Python's own" if name in sys.stdlib_module_names else ""


def registered_name(name: str) -> str:
    """The name for reports and for ``conformance check``: my-conv of my_conv."""
    return re.sub("_+", "-", name).strip("-")
