"""Reads lists of layers: text files with a problem a line, labelled or not. Every error says the file and the line.

    # what a reader should know
    title = ResNet-50
    source = He, Zhang, Ren, Sun, arXiv 1512.03385

    conv1: conv2d c3 i224 o64 k7 s2 p3
    maxpool: max_pool2d c64 i112 k3 s2 p1
    layer1.0.conv2 < layer1.0.conv1 x3: conv2d c64 i56 o64 k3 p1

A layer reads the output of the one above it; ``label < other`` reads that of ``other`` instead, and ``label < outside``
a tensor that no listed layer makes (the image, a concatenation, an upsampling). ``x3`` says that the network has three
layers of this shape. With ``kind = list`` no layer reads another. A line may be a problem alone, or a descriptor of
benchdnn, whose name (``n"conv1"``) is its label. A file may be anybody's, so its size is bounded and every line judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.cases.case import Case, parse_case
from conformance.errors import UsageError, did_you_mean
from conformance.problem import Problem
from conformance.problem.benchdnn import name_of_descriptor
from conformance.reading import read_text

OUTSIDE = "outside"
NETWORK, LIST = "network", "list"
MOST_LAYERS = 2000
_MOST_BYTES = 2**20  # some thousand lines; a larger file is something else
_MOST_CHARACTERS = 500  # of a line
_MOST_REPEATS = 10_000
_KEYS = ("title", "source", "kind")
_HEADER = re.compile(r"(?P<key>[A-Za-z_-]+)\s*=\s*(?P<value>.+)")
_LABEL = r"[\w./+-]{1,80}"
_LAYER = re.compile(rf"(?P<label>{_LABEL})(?: < (?P<after>{_LABEL}))?(?: x(?P<repeats>\d{{1,6}}))?:\s+(?P<text>.+)")
_EXAMPLE = "write for example conv1: conv2d c3 i224 o64 k7 s2 p3"


@dataclass(frozen=True, slots=True)
class Layer:
    """``case`` is what its ``text`` says; ``after`` the label of the layer that it reads, or ``outside``. ``repeats`` is
    how many layers of this shape the network has, ``line`` where it stands in its file."""

    label: str
    text: str
    case: Case
    after: str = OUTSIDE
    repeats: int = 1
    line: int = 0

    @property
    def problem(self) -> Problem:
        return self.case.problem

    @property
    def has_values(self) -> bool:
        """Whether the text says which numbers its tensors hold."""
        return "values=" in self.text


@dataclass(frozen=True, slots=True)
class Network:
    """``source`` is the paper, and the model definition where the paper leaves something open. What is no ``whole`` is a
    list of layers from several networks."""

    name: str
    layers: tuple[Layer, ...]
    title: str = ""
    source: str = ""
    whole: bool = True

    @property
    def multiply_adds(self) -> int:
        """Of all convolutions, each listed one as often as the network has it."""
        return sum(layer.problem.work * layer.repeats for layer in self.layers if not layer.problem.op.is_pool)


def read_listing(path: Path, name: str = "") -> Network:
    """The file ``path``, called ``name`` or as it is. Raises :class:`UsageError` if it cannot be read or is no list of layers."""
    missing = "give a text file, a problem a line"
    text = read_text(path, "a list of layers", _MOST_BYTES, called="the workload", missing=missing, example=_EXAMPLE)
    return parse_listing(text, str(path), name)


def parse_listing(text: str, file: str, name: str = "") -> Network:
    """The layers of a file's ``text``; ``file`` is what errors call it. Raises :class:`UsageError` for anything else."""
    header: dict[str, str] = {}
    layers: dict[str, Layer] = {}
    options: list[int] = []
    last = OUTSIDE
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        _require_readable(line, file, number)
        if line.startswith("--"):
            options.append(number)
        elif (found := _HEADER.fullmatch(line)) and "values=" not in line:
            _note(found["key"], found["value"], header, file, number)
        elif len(layers) == MOST_LAYERS:
            raise UsageError(f"{file}:{number}: more than {MOST_LAYERS:,} layers", hint="give the rest in a file of its own")
        else:
            layer = _layer(line, number, file, layers, OUTSIDE if header.get("kind") == LIST else last)
            layers[layer.label] = layer
            last = layer.label if _LAYER.fullmatch(line) else OUTSIDE
    if options:
        raise _options(options, file)
    if not layers:
        raise UsageError(f"{file} has no layers", hint=_EXAMPLE)
    whole = header.get("kind", NETWORK) == NETWORK
    return Network(name or file, tuple(layers.values()), header.get("title", ""), header.get("source", ""), whole)


def _options(lines: Sequence[int], file: str) -> UsageError:
    """benchdnn's batch files mix options and descriptors; what an option would change is said to the command instead."""
    others = f" (also line {', '.join(map(str, lines[1:6]))}{', …' if len(lines) > 6 else ''})" if lines[1:] else ""
    return UsageError(
        f"{file}:{lines[0]}: options of benchdnn (--…) are not read{others}",
        hint="delete them, and say --batch, --passes and --dtype to the command; a file behind --batch= is a workload itself",
    )


def _require_readable(line: str, file: str, number: int) -> None:
    if len(line) > _MOST_CHARACTERS:
        raise UsageError(f"{file}:{number}: {len(line):,} characters", hint=f"a line has at most {_MOST_CHARACTERS}")
    if not line.replace("\t", " ").isprintable():
        raise UsageError(f"{file}:{number}: characters that cannot be printed", hint=f"it holds text: {_EXAMPLE}")


def _note(key: str, value: str, header: dict[str, str], file: str, number: int) -> None:
    if key not in _KEYS:
        raise UsageError(
            f"{file}:{number}: {key!r} is not known", hint=did_you_mean(key, _KEYS) or f"known are {', '.join(_KEYS)}"
        )
    if key in header:
        raise UsageError(f"{file}:{number}: {key} is given twice", hint="delete one of them")
    if key == "kind" and value not in (NETWORK, LIST):
        raise UsageError(f"{file}:{number}: the kind {value!r} is not known", hint=f"write kind = {NETWORK} or kind = {LIST}")
    header[key] = value


def _layer(line: str, number: int, file: str, known: dict[str, Layer], before: str) -> Layer:
    """The layer of one line: labelled, or a problem alone that reads nothing of the others."""
    found = _LAYER.fullmatch(line)
    text = found["text"] if found else line
    try:
        case = parse_case(text)
    except UsageError as error:
        raise type(error)(f"{file}:{number}: {error.message}", hint=error.hint or _EXAMPLE) from error
    if found is None:
        named = name_of_descriptor(text)
        label = named if named and named not in known else f"line{number}"
        return Layer(label, text, case, line=number)
    label, after, repeats = found["label"], found["after"] or before, int(found["repeats"] or 1)
    if label in known or label == OUTSIDE:
        taken = f"it is the label of line {known[label].line}, too" if label in known else "it means what no layer makes"
        raise UsageError(f"{file}:{number}: the label {label!r} is taken: {taken}", hint="give it another")
    if after != OUTSIDE and after not in known:
        hint = did_you_mean(after, (*known, OUTSIDE)) or f"name one that is listed above it, or {OUTSIDE}"
        raise UsageError(f"{file}:{number}: no layer above is called {after!r}", hint=hint)
    if not 1 <= repeats <= _MOST_REPEATS:
        raise UsageError(f"{file}:{number}: a layer is there x1 to x{_MOST_REPEATS} times, not x{repeats}", hint=_EXAMPLE)
    return Layer(label, text, case, after, repeats, number)
