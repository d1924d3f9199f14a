"""Functions as implementations: how a function of a user's own is called for a problem, and what it claims.

How it wants to be called (which arrays, how many axes, tuples or numbers) is a :class:`Form`, found out by
:mod:`conformance.plugin.probe` with smoke calls; the function itself is used as it stands, without an adapter.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from conformance.errors import UsageError
from conformance.plugin.arrays import arrays_named
from conformance.plugin.autograd import gradient_call
from conformance.plugin.axes import from_format, to_format
from conformance.plugin.claims import ON_REQUEST, OPTIONS, Claims, options_of
from conformance.plugin.implementation import Implementation
from conformance.plugin.signature import Signature, leading
from conformance.problem import FORMATS, OPERATORS, Family, Operator, Problem
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, FORWARD, in_short, name_of

Rank = Literal["batched", "unbatched", "single_output", "plain"]

_BY_CLAIM = ("rejects", "asymmetric_padding")
"""What is not asked of a function by itself, and can be of many."""
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
    differentiable: bool = False
    """Whether its results carry what the autograd of its library needs."""
    accepted: tuple[str, ...] = ()
    """Data types and options beyond its namesake's that calls were found to accept."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)  # without slots, so that claims can be worked out once: every result that is fetched needs them
class Function:
    """One function under test, for one operator. ``claim`` and ``no_claim`` are words that change its claims."""

    call: Callable[..., Any]
    label: str
    operator: Operator
    signature: Signature
    pointwise: bool = False
    form: Form = field(default_factory=Form)
    autograd: bool = False
    """Whether the operator is a gradient that autograd derives from the function."""
    claim: tuple[str, ...] = ()
    no_claim: tuple[str, ...] = ()

    @functools.cached_property
    def claims(self) -> Claims:
        """What its namesake in torch.nn.functional does, less what it does not take, changed by what its author says."""
        asked = ON_REQUEST - {"reflect", "replicate", "circular"} if "pad_mode" in self.signature.names else ON_REQUEST
        lacking = self.signature.lacks(self._called) | set(RANKS[self.form.rank][1]) | asked
        if self.form.spelling == "number":
            lacking.add("per_axis")
        if self.pointwise:
            lacking.add("kernel")
        known, own = self.operator.traits.dtypes, options_of(self.operator)
        dtypes = tuple(dtype for dtype in self.form.dtypes if dtype in known) or known
        accepted = set(self.form.accepted)
        if self.autograd:  # which is of floating-point numbers, and of whole batches
            accepted = {word for word in accepted if word in FORMATS and FORMATS[word].kind == "float"}
        accepted = {word for word in accepted if word in own or (word in known and word not in dtypes)}
        dtypes += tuple(dtype for dtype in known if dtype in accepted)
        claims = Claims(dtypes, (own - lacking) | (accepted & own), accepted=frozenset(accepted))
        claims = claims.changed(self.claim, self.no_claim)
        return dataclasses.replace(claims, dtypes=tuple(dtype for dtype in claims.dtypes if dtype in known))

    @property
    def undefined(self) -> tuple[str, ...]:
        """Data types that are claimed, though the operator is not defined for them."""
        if self.autograd:
            return ()
        known = self.operator.traits.dtypes
        said = Claims(("float32",)).changed(self.claim).dtypes
        return tuple(dtype for dtype in said if dtype not in known and dtype != "float32")

    @property
    def spells(self) -> bool:
        """Whether it is given parameters that exist for each axis."""
        return self.operator.is_pool or not {"stride", "padding", "dilation"}.isdisjoint(self.signature.names)

    def bind(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        """The bare call on native arrays."""
        if not self.autograd:
            return self.call_on(problem, self.native(arrays))
        forward = problem.as_pass(FORWARD).replace(bias=problem.op.pass_name == BIAS_GRAD)
        # What the pass is not given does not matter to it, but the function wants a tensor in its own order of axes.
        absent = {n: np.zeros(shape, problem.dtype_of(n)) for n, shape in forward.array_shapes.items() if n not in arrays}
        given = self.native({**arrays, **absent})
        return gradient_call(self.form.arrays, problem, given, lambda tensors: self.call_on(forward, tensors)())

    def native(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The tensors as the function takes them: its axes, in its order, of its library."""
        library, claims = arrays_named(self.form.arrays), self.claims
        return {
            name: library.to_native(to_format(self.operator, name, array, claims.data_format, claims.kernel_format))
            for name, array in self._squeeze(arrays).items()
        }

    @property
    def _called(self) -> Operator:
        """The operator whose signature the function has."""
        return OPERATORS[self.operator.base] if self.autograd else self.operator

    def call_on(self, problem: Problem, given: Mapping[str, Any]) -> Callable[[], Any]:
        """The bare call on native arrays by name, as the function takes its arguments."""
        values = self._values(problem) | {name: given.get(name) for name in ("b", "x_zero", "w_zero", "scale", "y_zero")}
        first = [given[name] if name in given else self._leading(problem, name) for name in leading(problem.op)]
        positional, keywords = self.signature.arguments(first, values)
        return functools.partial(self.call, *positional, **keywords)

    def _leading(self, problem: Problem, name: str) -> Any:
        """A first parameter that is no tensor. Nothing else may be derived here: an invalid problem must reach the function."""
        if name == "norm":
            return problem.norm
        return self._spell(problem.kernel if name == "kernel" else tuple(window.output for window in problem.windows))

    def _squeeze(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The tensors without the axes of size 1 in front that this function does not have."""
        (x_axes, w_axes, _), _ = RANKS[self.form.rank]
        dropped = {"x": x_axes, "w": w_axes, "b": 0}
        # An array itself where nothing is dropped: who remembers by the object must be given the same one again.
        return {name: array[(0,) * axes] if (axes := dropped.get(name, 0)) else array for name, array in arrays.items()}

    def unsqueeze(self, outputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Outputs with those axes put back in the harness's order, so that they can be compared."""
        (_, _, missing), _ = RANKS[self.form.rank]
        claims = self.claims
        ordered = [from_format(self.operator, output, claims.data_format, claims.kernel_format) for output in outputs]
        return tuple(output[(None,) * missing] for output in ordered)

    def _values(self, problem: Problem) -> dict[str, Any]:
        values: dict[str, Any] = {
            "stride": self._spell(problem.stride),
            "padding": self._padding(problem),
            "groups": problem.groups,
            "ceil": problem.ceil,
            "indices": problem.indices,
            "exclude_pad": problem.count_include_pad,
            "mode": "max" if problem.op.family is Family.MAX_POOL else "avg",
            "output_padding": self._spell(problem.output_padding),
            "pad_mode": problem.pad_mode,
            "input_size": problem.input_shape,
            "kernel_size": self._spell(problem.kernel),
            "output_size": tuple(window.size for window in problem.windows),
        }
        if problem.op.family is not Family.AVG_POOL:
            values["dilation"] = self._spell(problem.dilation)
        if self.operator.is_pool and self.signature.default_stride and problem.stride == problem.kernel:
            del values["stride"]  # then the default must be the same
        if problem.divisor is not None:
            values["divisor"] = problem.divisor
        return values

    def _padding(self, problem: Problem) -> Any:
        if problem.auto_pad:
            return problem.auto_pad
        if "asymmetric_padding" in self.claims.options:
            return problem.padding
        return self._spell(tuple(begin for begin, _ in problem.padding))

    def _spell(self, values: tuple[int, ...]) -> Any:
        if self.form.spelling != "tuple" and len(set(values)) == 1:
            return values[0]
        return values


def gradients_of(function: Function) -> list[Function]:
    """The gradients that autograd derives from a differentiable function; a second derivative only if it is claimed."""
    own = function.operator
    passes = [name for name in own.traits.passes if name not in (FORWARD, DOUBLE_GRAD)]
    if "b" not in function.signature.names:
        passes = [name for name in passes if name != BIAS_GRAD]
    operators = [OPERATORS[name_of(own.family, own.ndim, name)] for name in passes]
    return [dataclasses.replace(function, operator=operator, autograd=True) for operator in operators]


@dataclass(frozen=True, slots=True)
class _Returned:
    """What a function returned: how it is brought back depends on whose it is."""

    function: Function
    value: Any


class Functions(Implementation):
    """One or several functions of a target as one implementation."""

    def __init__(self, name: str, functions: Mapping[str, Function], others: tuple[str, ...] = ()) -> None:
        self.name, self.others = name, others
        self.functions = dict(functions)
        self.summary = ", ".join(dict.fromkeys(function.label for function in functions.values()))
        self._claims = {operator: function.claims for operator, function in self.functions.items()}
        _require_types(self.functions)

    @property
    def claims(self) -> Mapping[str, Claims]:
        return self._claims

    def prepare(self, problem: Problem, arrays: Mapping[str, np.ndarray]) -> Callable[[], Any]:
        function = self.functions[problem.operator]
        bare, finish = function.bind(problem, arrays), arrays_named(function.form.arrays).finish
        return lambda: _Returned(function, finish(bare()))

    def fetch(self, result: _Returned) -> tuple[np.ndarray, ...]:
        return result.function.unsqueeze(arrays_named(result.function.form.arrays).fetch(result.value))

    def versions(self) -> dict[str, str]:
        return arrays_named(next(iter(self.functions.values())).form.arrays).versions()

    def scope(self) -> tuple[str, ...]:
        accepted = {
            word: OPTIONS[word].words if word in OPTIONS else word for c in self._claims.values() for word in sorted(c.accepted)
        }
        # Options that need a parameter of their own can be claimed only by a function that has it.
        open_to = [
            word
            for word in _BY_CLAIM
            if any(word not in c.options and word in options_of(OPERATORS[name]) for name, c in self._claims.items())
        ]
        found = [f"found to accept {', '.join(accepted.values())}, and tried on it (--claims namesake: not)"] if accepted else []
        asked = [f"{OPTIONS[word].words} (--claim {word})" for word in open_to]
        asked.append("where frameworks legitimately differ (conformance dialect; --claim OPTION=ANSWER)")
        return (*found, f"not asked for: {'; '.join(asked)}")

    def notes(self) -> tuple[str, ...]:
        found = [f"{f.label}: {note}" for f in self.functions.values() for note in f.form.notes]
        found += [
            f"{name} is not defined for {', '.join(f.undefined)}: not tried" for name, f in self.functions.items() if f.undefined
        ]
        return tuple(dict.fromkeys(found))


def _require_types(functions: Mapping[str, Function]) -> None:
    """Raise :class:`UsageError` for a data type that is claimed and that no operator is defined for."""
    for name, function in functions.items():
        if function.undefined and (not function.claims.dtypes or all(other.undefined for other in functions.values())):
            raise UsageError(
                f"{', '.join(function.undefined)} is claimed, but {name} is not defined for it",
                hint=f"{name} is defined for {', '.join(function.operator.traits.dtypes)}",
            )


def not_claimed(claims: Mapping[str, Claims]) -> tuple[str, ...]:
    """In words, operators with the options of the definition that an implementation does not claim for them."""
    by_missing: dict[str, list[str]] = {}
    for operator, claimed in claims.items():
        unasked = ON_REQUEST - {"asymmetric_padding", "empty_batch", "rejects"}
        lacking = options_of(OPERATORS[operator]) - claimed.options - unasked
        missing = [OPTIONS[name].words for name in OPTIONS if name in lacking]
        if missing:
            by_missing.setdefault(", ".join(missing), []).append(operator)
    return tuple(f"{in_short(operators)}: {missing}" for missing, operators in by_missing.items())
