"""What is covered: every cell of operator × pass × data type, memory layout or option, derived from what defines them.

A cell is a claim: the quick profile exercises it, so an implementation that is wrong only there is found out. The tests
hold the harness to that cell by cell, and the README shows :func:`markdown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from conformance.cases.invalid import INVALID
from conformance.plugin.claims import OPTIONS, options_of
from conformance.plugin.layouts import LAYOUTS
from conformance.problem import FORMATS, OPERATORS, Family, Operator
from conformance.problem.operators import PASSES, TRAITS
from conformance.problem.window import AUTO_PADS, PAD_MODES

ALL_LAYOUTS = ("contiguous", *LAYOUTS)
_NOT_OF_RESULTS = frozenset({"rejects", "strict_types"})  # they ask for errors, not for results
_KINDS = {"float": "floats", "complex": "complex", "int": "integers"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that is covered of one operator: problems of a data type, a memory layout of its tensors, or an option."""

    operator: str
    aspect: Literal["type", "layout", "option"]
    name: str

    def __str__(self) -> str:
        return f"{self.operator} {self.aspect} {self.name}"


@dataclass(frozen=True, slots=True)
class Row:
    """One family: for each of :data:`PASSES` the data types that it is covered in, none where there is no such pass."""

    family: Family
    about: str
    dtypes: tuple[tuple[str, ...], ...]


def cells(operator: Operator) -> Iterator[Cell]:
    """Everything that is covered of ``operator``."""
    for dtype in operator.traits.dtypes:
        yield Cell(operator.name, "type", dtype)
    for layout in ALL_LAYOUTS:
        yield Cell(operator.name, "layout", layout)
    for option in sorted(options_of(operator) - _NOT_OF_RESULTS):
        yield Cell(operator.name, "option", option)


def rows() -> tuple[Row, ...]:
    """The table: one row for each family, one entry for each pass."""
    return tuple(
        Row(family, traits.about, tuple(traits.dtypes if name in traits.passes else () for name in PASSES))
        for family, traits in TRAITS.items()
    )


def markdown() -> str:
    """The table with its legend, as Markdown."""
    axes = sorted({operator.ndim for operator in OPERATORS.values()})
    lines = [
        f"| operator, each in {_listed([f'{n}-D' for n in axes])} | {' | '.join(map(_words, PASSES))} |",
        "|---" * (1 + len(PASSES)) + "|",
    ]
    for row in rows():
        lines.append(f"| `{row.family}`: {row.about} | {' | '.join(_types(dtypes) for dtypes in row.dtypes)} |")
    legend = "; ".join(f"{word} are {', '.join(_of_kind(kind))}" for kind, word in _KINDS.items())
    lines += ["", f"- types: {legend}", f"- memory layouts, of every operator and pass: {', '.join(map(_words, ALL_LAYOUTS))}"]
    modes = _by_families({mode: mode for mode in PAD_MODES if mode in OPTIONS})
    rules = _by_families({rule: "same_upper" if "_" in rule else "same" for rule in AUTO_PADS})
    lines.append(f"- padding, beside that with zeros: {modes}; by the rules {rules}")
    lines.append(f"- {len(INVALID)} kinds of invalid problems that must be refused, where `rejects` is claimed")
    return "\n".join(lines) + "\n"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _of_kind(kind: str) -> list[str]:
    return [name for name, found in FORMATS.items() if found.kind == kind]


def _types(dtypes: tuple[str, ...]) -> str:
    """Whole kinds by their word, what is left by name."""
    parts, left = [], list(dtypes)
    for kind, word in _KINDS.items():
        if set(_of_kind(kind)) <= set(dtypes):
            parts.append(word)
            left = [name for name in left if FORMATS[name].kind != kind]
    return ", ".join([*parts, *left]) or "–"


def _by_families(options: Mapping[str, str]) -> str:
    """Names, each with the option that claims it, together where they are of the same families."""
    together: dict[frozenset[Family], list[str]] = {}
    for name, option in options.items():
        together.setdefault(OPTIONS[option].families, []).append(f"`{name}`")
    return "; ".join(f"{_listed(names)} of {_families(families)}" for families, names in together.items())


def _families(families: frozenset[Family]) -> str:
    return _listed([f"`{family}`" for family in Family if family in families])
