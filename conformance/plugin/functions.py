"""Functions as implementations: how a function of a user's own is called for a problem, and what it claims.

How it wants to be called (which arrays, how many axes, tuples or numbers) is a :class:`Form`, found out by
:mod:`conformance.plugin.probe` with smoke calls; the function itself is used as it stands, without an adapter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from conformance.plugin.arrays import arrays_named
from conformance.plugin.claims import OPTIONS, Claims, options_of
from conformance.plugin.implementation import Implementation
from conformance.plugin.signature import Signature
from conformance.problem import OPERATORS, Family, Operator, Problem

Rank = Literal["batched", "unbatched", "single_output", "plain"]

# Rank -> axes that are left out in front of the input, the weight and the output, and what cannot be asked for then.
RANKS: dict[Rank, tuple[tuple[int, int, int], tuple[str, ...]]] = {
    "batched": ((0, 0, 0), ()),
    "unbatched": ((1, 0, 1), ("batch",)),
    "single_output": ((1, 1, 2), ("batch", "out_channels", "groups")),
    "plain": ((2, 2, 2), ("batch", "channels", "out_channels", "groups")),
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a function wants to be called. ``spelling``: per-axis parameters as tuples, as one number, or either."""

    arrays: str = "numpy"
    rank: Rank = "batched"
    spelling: Literal["either", "tuple", "number"] = "either"
    dtypes: tuple[str, ...] = ("float32", "float64")
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One function under test, for one operator. ``claim`` and ``no_claim`` are words that change its claims."""

    call: Callable[..., Any]
    label: str
    operator: Operator
    signature: Signature
    pointwise: bool = False
    form: Form = field(default_factory=Form)
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()

    @property
    def claims(self) -> Claims:
        """What its namesake in torch.nn.functional does, less what it does not take, changed by what its author says."""
        lacking = self.signature.lacks(self.operator.family) | set(RANKS[self.form.rank][1]) | {"asymmetric_padding"}
        if self.form.spelling == "number":
            lacking.add("per_axis")
        if self.pointwise:
            lacking.add("kernel")
        claims = Claims(self.form.dtypes, options_of(self.operator) - lacking)
        return claims.changed(self.claim, self.no_claim)

    def bind(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        """The bare call on native arrays."""
        native = arrays_named(self.form.arrays)
        given = {name: native.to_native(squeezed) for name, squeezed in self._squeeze(arrays).items()}
        second = given["w"] if "w" in given else self._spell(problem.kernel)
        values = self._values(problem) | {"b": given.get("b")}
        positional, keywords = self.signature.arguments(given["x"], second, values)
        return functools.partial(self.call, *positional, **keywords)

    def _squeeze(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The tensors without the axes of size 1 in front that this function does not have."""
        (x_axes, w_axes, _), _ = RANKS[self.form.rank]
        dropped = {"x": x_axes, "w": w_axes, "b": 0}
        return {name: array[(0,) * dropped[name]] for name, array in arrays.items()}

    def unsqueeze(self, outputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Outputs with those axes put back, so that they can be compared."""
        (_, _, missing), _ = RANKS[self.form.rank]
        return tuple(output[(None,) * missing] for output in outputs)

    def _values(self, problem: Problem) -> dict[str, Any]:
        values: dict[str, Any] = {
            "stride": self._spell(problem.stride),
            "padding": self._padding(problem),
            "groups": problem.groups,
            "ceil": problem.ceil,
            "indices": problem.indices,
            "exclude_pad": problem.count_include_pad,
            "mode": "max" if problem.op.family is Family.MAX_POOL else "avg",
        }
        if problem.op.family is not Family.AVG_POOL:
            values["dilation"] = self._spell(problem.dilation)
        if self.operator.is_pool and self.signature.default_stride and problem.stride == problem.kernel:
            del values["stride"]  # then the default must be the same
        if problem.divisor is not None:
            values["divisor"] = problem.divisor
        return values

    def _padding(self, problem: Problem) -> Any:
        if "asymmetric_padding" in self.claims.options:
            return problem.padding
        return self._spell(tuple(begin for begin, _ in problem.padding))

    def _spell(self, values: tuple[int, ...]) -> Any:
        if self.form.spelling != "tuple" and len(set(values)) == 1:
            return values[0]
        return values


class Functions(Implementation):
    """One or several functions of a target as one implementation."""

    def __init__(self, name: str, functions: Mapping[str, Function], others: tuple[str, ...] = ()) -> None:
        self.name, self.others = name, others
        self.functions = dict(functions)
        self.summary = ", ".join(dict.fromkeys(function.label for function in functions.values()))
        self._claims = {operator: function.claims for operator, function in self.functions.items()}
        self._called = next(iter(self.functions.values()))

    @property
    def claims(self) -> Mapping[str, Claims]:
        return self._claims

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        self._called = self.functions[problem.operator]
        return self._called.bind(problem, arrays)

    def fetch(self, result: Any) -> tuple[np.ndarray, ...]:
        return self._called.unsqueeze(arrays_named(self._called.form.arrays).fetch(result))

    def versions(self) -> dict[str, str]:
        return arrays_named(self._called.form.arrays).versions()

    def notes(self) -> tuple[str, ...]:
        found = [f"{f.label}: {note}" for f in self.functions.values() for note in f.form.notes]
        return tuple(dict.fromkeys(found))


def not_claimed(claims: Mapping[str, Claims]) -> tuple[str, ...]:
    """In words, operators with the options of the definition that an implementation does not claim for them."""
    by_missing: dict[str, list[str]] = {}
    for operator, claimed in claims.items():
        missing = [OPTIONS[name].words for name in OPTIONS if name in options_of(OPERATORS[operator]) - claimed.options]
        if missing:
            by_missing.setdefault(", ".join(missing), []).append(operator)
    return tuple(f"{', '.join(operators)}: {missing}" for missing, operators in by_missing.items())
