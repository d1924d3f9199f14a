"""Kinds of layers: the windows and groupings that networks use, which is what kernels are specialised on.

Each field of use is a text file beside this one, in which every network has its published source and a line for each kind:

    [MobileNetV2] Sandler et al., arXiv 1801.04381, table 2; padding as in torchvision.models.mobilenet_v2
    conv2d k3 s2 p1 depthwise

A line is the text form of a problem without sizes and channels. ``depthwise`` has a group for each channel, ``depthwise x4``
four outputs of each, ``g32`` 32 groups of several channels. Adding a network is adding a section. :func:`drawn` makes
windows that are in no table.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from conformance.errors import UsageError
from conformance.problem import OPERATORS, Family, Operator, Problem, parse_problem
from conformance.problem.operators import name_of
from conformance.problem.validity import is_valid
from conformance.problem.window import Window

_HERE = Path(__file__).parent
_HEAD = re.compile(r"\[(?P<name>[^\]]+)\] (?P<source>.+)")
_GROUPING = re.compile(r" depthwise(?: x(?P<multiplier>\d+))?| g(?P<groups>\d+)")
_LARGEST = 16  # kernel of the windows that are drawn
_MOST_WORK = 2**15  # multiply-adds of them, with as few channels and on as small an input as they have: aligned ones have more
_OF_POOLS = 32  # times as many: they have no pairs of channels
_BORROWED = {
    Family.CONV_INTEGER: (Family.CONV,),
    Family.LP_POOL: (Family.AVG_POOL, Family.MAX_POOL),
    Family.MAX_UNPOOL: (Family.MAX_POOL,),
    Family.ADAPTIVE_MAX_POOL: (Family.ADAPTIVE_AVG_POOL,),
    Family.ADAPTIVE_AVG_POOL: (Family.ADAPTIVE_MAX_POOL,),
}
"""Families that networks seldom or never have by themselves, and whose kinds they are tried on too."""

Grouping = Literal["dense", "depthwise", "multiplier", "groups"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A window and a grouping. ``problem`` is of the forward pass, with windows of size 1 whose sizes mean nothing.

    ``groups`` is their number (of ``groups``), or the outputs of each channel (of ``multiplier``). ``networks`` have it.
    """

    problem: Problem
    grouping: Grouping = "dense"
    groups: int = 1
    networks: tuple[str, ...] = ()

    @property
    def operator(self) -> Operator:
        return self.problem.op

    def __str__(self) -> str:
        """As in a table: ``conv2d k3x3 s2x2 p1x1 depthwise``."""
        words = [word for word in str(self.problem).split() if not re.fullmatch(r"(f32|[ncog]\d+|i[\dx]+)", word)]
        grouping = {"dense": "", "depthwise": "depthwise", "multiplier": f"depthwise x{self.groups}", "groups": f"g{self.groups}"}
        return " ".join(filter(None, [*words, grouping[self.grouping]]))


@dataclass(frozen=True, slots=True)
class Source:
    """A network: its name, the field that it is of, where it was published, and its kinds of layers as they are written."""

    name: str
    field: str
    published: str
    lines: tuple[str, ...]


@cache
def networks() -> tuple[Source, ...]:
    """Every network of the tables."""
    return tuple(source for path in sorted(_HERE.glob("*.txt")) for source in _read(path))


def _read(path: Path) -> Iterator[Source]:
    name, published, lines = "", "", list[str]()
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if head := _HEAD.fullmatch(line):
            if name:
                yield Source(name, path.stem, published, tuple(lines))
            name, published, lines = head["name"], head["source"], []
        elif name:
            lines.append(line)
        else:
            raise UsageError(f"{path.name}:{number}: {line!r} stands before the first network", hint="write [NAME] SOURCE first")
    if name:
        yield Source(name, path.stem, published, tuple(lines))


def parse_kind(line: str) -> Kind:
    """The kind of a line. Raises :class:`UsageError` for one that is not understood."""
    found = _GROUPING.search(line)
    text = line if found is None else line[: found.start()] + line[found.end() :]
    operator, *words = text.split()
    problem = parse_problem(" ".join([operator, "i1", *words]))
    if found is None:
        return Kind(problem)
    if found["groups"]:
        return Kind(problem, "groups", int(found["groups"]))
    return Kind(problem, "multiplier", int(found["multiplier"])) if found["multiplier"] else Kind(problem, "depthwise")


@cache
def table() -> tuple[Kind, ...]:
    """Every kind of the tables, each once, those of most networks first."""
    found: dict[Kind, list[str]] = {}
    for network in networks():
        for line in network.lines:
            found.setdefault(parse_kind(line), []).append(network.name)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return tuple(dataclasses.replace(kind, networks=tuple(dict.fromkeys(names))) for kind, names in ordered)


@cache
def kinds_of(family: Family, ndim: int) -> tuple[Kind, ...]:
    """The kinds of a family for a number of axes: its own, and those of others that it is tried on too."""
    own: dict[Kind, Kind] = {}
    for lender in (family, *_BORROWED.get(family, ())):
        for kind in table():
            if kind.operator is OPERATORS[name_of(lender, ndim)] and (fitting := _of_family(kind, family)) is not None:
                own.setdefault(dataclasses.replace(fitting, networks=()), fitting)
    return tuple(own.values())


def _of_family(kind: Kind, family: Family) -> Kind | None:
    if kind.operator.family is family:
        return kind
    if kind.problem.pad_mode != "zeros":
        return None
    plain = kind.problem.as_family(family).replace(count_include_pad=True, indices=False)
    if family is Family.CONV_INTEGER:
        plain = plain.replace(dtype="uint8")
    if family is Family.LP_POOL:
        plain = plain.with_windows(pad_begin=0, pad_end=0)
    if family is Family.MAX_UNPOOL:
        plain = plain.with_windows(ceil=False)
    made = dataclasses.replace(kind, problem=plain)
    return made if is_valid(sized(made)) else None


def sized(kind: Kind) -> Problem:
    """A valid problem of the kind, if there is one: windows that fit, and as many channels as the grouping needs."""
    problem = kind.problem
    for axis, window in enumerate(problem.windows):
        if isinstance(window, Window):
            problem = problem.with_axis(
                axis, size=max(1, window.extent - window.pad_begin - window.pad_end, max(window.pad_begin, window.pad_end) + 1)
            )
        elif window.output < 1:  # a transposed window, of which padding cuts off everything
            problem = problem.with_axis(axis, size=1 + (1 - window.output + window.stride - 1) // window.stride)
    channels, out = {"dense": (1, 1), "depthwise": (2, 2), "multiplier": (2, 2 * kind.groups)}.get(
        kind.grouping, (2 * kind.groups, 2 * kind.groups)
    )
    if problem.op.is_pool:
        return problem
    groups = {"dense": 1, "groups": kind.groups}.get(kind.grouping, channels)
    return problem.replace(channels=channels, out_channels=out, groups=groups)


def drawn(operator: Operator, seed: int, rounds: int) -> Iterator[Kind]:
    """Windows alike in every axis, one for each kernel size up to 16 in each of some rounds, drawn anew with every seed.

    Strides up to the kernel's size; half, full or no padding (full: one tap less than the kernel); dilations up to 4.
    """
    rng = random.Random(f"{operator.base}:{seed}")
    seen: set[Kind] = set()
    for _ in range(rounds):
        for kernel in range(1, _LARGEST + 1):
            for _ in range(10):  # most draws are of some use: padding is limited, and a stride of an unpooling
                kind = _drawn(OPERATORS[operator.base], kernel, rng)
                if kind is not None and kind not in seen:
                    seen.add(kind)
                    yield kind
                    break


def _drawn(operator: Operator, kernel: int, rng: random.Random) -> Kind | None:
    family, words = operator.family, [operator.name, "i1"]
    if operator.traits.window == "adaptive":
        return Kind(parse_problem(f"{operator.name} i1 to{kernel}"))
    stride = rng.choice((1, 2, kernel, rng.randint(1, kernel)))
    dilation = rng.choice((1, 1, 2, rng.randint(1, 4)))
    padding = rng.choice((0, kernel // 2, kernel - 1, (kernel - 1) * dilation // 2))
    if family is Family.MAX_UNPOOL:
        stride, dilation = kernel + rng.choice((0, 0, 1)), 1
    if family in (Family.AVG_POOL, Family.LP_POOL):
        dilation = 1
    if operator.is_pool:
        padding = 0 if family is Family.LP_POOL else min(padding, kernel // 2)
    words += [f"k{kernel}", f"s{stride}", f"p{padding}", f"d{dilation}"]
    if operator.traits.window == "transposed":
        words.append(f"op{rng.randrange(max(stride, dilation))}")
    grouping: Sequence[Grouping] = ("dense", "dense", "depthwise", "groups")
    chosen: Grouping = "dense" if operator.is_pool else rng.choice(grouping)
    kind = Kind(parse_problem(" ".join(words)), chosen, 2 if chosen == "groups" else 1)
    most = _MOST_WORK * (_OF_POOLS if operator.is_pool else 1)
    return kind if is_valid(one := sized(kind)) and one.work <= most else None
