"""A case: a problem, a recipe for its values, and where it comes from. Its text alone makes it again on any machine.

conv2d f32 n1 c1 i3x3 o1 k2x2 values=integers:7
conv2d f32 n1 c1 i3x3 o1 k2x2 values=known:corr2d
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from conformance.cases.values import KINDS, make_values
from conformance.problem import Problem, parse_problem, require_valid
from conformance.problem.benchdnn import looks_like_benchdnn, parse_benchdnn
from conformance.problem.text import TextError, require_short

_ALL_KINDS = (*KINDS, "known", "invalid", "periodic")
_VALUES = re.compile(r"values=(?P<kind>[a-z_]+):(?P<seed>[A-Za-z0-9_-]{1,64})")


@dataclass(frozen=True, slots=True)
class Case:
    """``kind`` and ``seed`` are the recipe: see :mod:`conformance.cases.values`. ``origin`` says where it comes from."""

    problem: Problem
    kind: str = "integers"
    seed: str = "0"
    origin: str = ""

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors of the case, by name."""
        if self.kind == "known":
            from conformance.cases.known import known_arrays  # known answers are cases themselves

            return known_arrays(self.seed, self.problem)
        if self.kind == "periodic":
            from conformance.cases.periodic import periodic_arrays  # only what is huge needs it

            return periodic_arrays(self.problem, self.seed)
        return make_values(self.problem, "digits" if self.kind == "invalid" else self.kind, self.seed)

    def __str__(self) -> str:
        return f"{self.problem} values={self.kind}:{self.seed}"


def parse_case(text: str) -> Case:
    """The case of a text; without ``values=`` it gets integers. Also reads benchdnn descriptors.

    Raises :class:`TextError` for a text that is not understood and :class:`InvalidProblem` for one without meaning.
    """
    words = require_short(text).split()
    recipes = [word for word in words if word.startswith("values=")]
    rest = " ".join(word for word in words if not word.startswith("values="))
    problem = parse_benchdnn(rest) if looks_like_benchdnn(rest) else parse_problem(rest)
    require_valid(problem)
    if not recipes:
        return Case(problem, origin="given")
    recipe = _VALUES.fullmatch(recipes[0])
    if len(recipes) > 1 or recipe is None or recipe["kind"] not in _ALL_KINDS:
        kinds = ", ".join(_ALL_KINDS)
        raise TextError(f"{' '.join(recipes)!r} is no recipe", hint=f"write values=KIND:SEED, KIND one of {kinds}")
    case = Case(problem, recipe["kind"], recipe["seed"], "given")
    if case.kind == "known":
        case.arrays()  # an unknown name is told now
    if case.kind == "periodic":
        from conformance.cases.periodic import is_row

        if not is_row(problem):
            hint = "write one item and one row, without padding, groups and bias: conv2d i1x100 k1x2 values=periodic:0"
            raise TextError("values=periodic is for tensors of one row, which are judged in parts", hint=hint)
    if case.kind == "invalid":
        from conformance.cases.invalid import INVALID

        if case.seed not in INVALID:
            raise TextError(f"{case.seed!r} is no way to be invalid", hint=f"known are {', '.join(INVALID)}")
    return case
