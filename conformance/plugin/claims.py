"""What an implementation says that it does, one :class:`Claims` for each operator.

An unclaimed problem is skipped and counted; a claimed one that fails is a finding. Every option that a problem can
require is one line of :data:`OPTIONS`, so that cases, command line and reports speak of the same things.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from conformance.errors import UsageError
from conformance.problem import Family, Operator, Problem, format_named
from conformance.problem.accuracy import accuracy_named


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a problem may require of an implementation, in the families of operators that know it."""

    words: str
    required: Callable[[Problem], bool]
    families: frozenset[Family] = frozenset(Family)


_CONV = frozenset({Family.CONV})
_AVG = frozenset({Family.AVG_POOL})


def _differ(values: Iterable[object]) -> bool:
    return len(set(values)) > 1


def _per_axis(problem: Problem) -> bool:
    lists: list[Iterable[object]] = [problem.stride, problem.dilation, problem.padding]
    return any(map(_differ, [*lists, problem.kernel] if problem.op.is_pool else lists))


OPTIONS: dict[str, Option] = {
    "batch": Option("several items in a batch", lambda p: p.batch > 1),
    "channels": Option("several channels", lambda p: p.channels > 1),
    "out_channels": Option("several output channels", lambda p: p.out_channels > 1, _CONV),
    "kernel": Option("kernels larger than 1", lambda p: max(p.kernel) > 1),
    "stride": Option("strides other than 1", lambda p: max(p.stride) > 1),
    "padding": Option("padding", lambda p: any(map(any, p.padding))),
    "asymmetric_padding": Option("padding that differs before and behind", lambda p: any(map(_differ, p.padding))),
    "dilation": Option("dilation", lambda p: max(p.dilation) > 1, frozenset({Family.CONV, Family.MAX_POOL})),
    "per_axis": Option("parameters that differ by axis", _per_axis),
    "groups": Option("groups", lambda p: p.groups > 1, _CONV),
    "bias": Option("a bias", lambda p: p.bias, _CONV),
    "ceil": Option("ceil mode", lambda p: p.ceil, frozenset({Family.MAX_POOL, Family.AVG_POOL})),
    "indices": Option("indices of the maxima", lambda p: p.indices, frozenset({Family.MAX_POOL})),
    "exclude_pad": Option("averages without the padding", lambda p: not p.count_include_pad, _AVG),
    "divisor": Option("a divisor of its own", lambda p: p.divisor is not None, _AVG),
}


def options_of(operator: Operator) -> frozenset[str]:
    """Every option that problems of this operator can require."""
    return frozenset(
        name
        for name, option in OPTIONS.items()
        if operator.family in option.families and not (name == "per_axis" and operator.ndim == 1)
    )


@dataclass(frozen=True, slots=True)
class Claims:
    """What is claimed for one operator. ``accuracy`` names a class of :mod:`conformance.problem.accuracy`.

    ``deterministic`` claims the same bits when the same call is repeated in one process.
    """

    dtypes: tuple[str, ...] = ("float32", "float64")
    options: frozenset[str] = frozenset(OPTIONS)
    accuracy: str = "componentwise"
    deterministic: bool = True

    def __post_init__(self) -> None:
        unknown = set(self.options) - set(OPTIONS)
        if unknown:
            raise UsageError(f"the option {sorted(unknown)[0]!r} cannot be claimed", hint=f"known are {', '.join(OPTIONS)}")
        accuracy_named(self.accuracy)
        object.__setattr__(self, "dtypes", tuple(format_named(name).name for name in self.dtypes))

    def refusal(self, problem: Problem) -> str | None:
        """The first reason why ``problem`` is not claimed, or None when it is."""
        if problem.dtype not in self.dtypes:
            return f"{problem.dtype} is not claimed"
        for name, option in OPTIONS.items():
            if name not in self.options and problem.op.family in option.families and option.required(problem):
                return f"{option.words}: not claimed ({name})"
        return None

    def without(self, *names: str) -> Claims:
        """The same claims less some options."""
        return dataclasses.replace(self, options=self.options - frozenset(names))

    def changed(self, claim: Iterable[str] = (), no_claim: Iterable[str] = ()) -> Claims:
        """The same claims changed by words of the command line: ``groups``, ``dtypes=float32``, ``accuracy=fft``."""
        options = set(self.options)
        fields: dict[str, Any] = {}
        for word in claim:
            key, equals, value = word.partition("=")
            if key == "dtypes" and value:
                fields["dtypes"] = tuple(value.split(","))
            elif key == "accuracy" and value:
                fields["accuracy"] = value
            elif key == "deterministic" and not equals:
                fields["deterministic"] = True
            else:
                options.add(_known_option(word))
        for word in no_claim:
            if word == "deterministic":
                fields["deterministic"] = False
            elif word in self.dtypes:
                fields["dtypes"] = tuple(name for name in fields.get("dtypes", self.dtypes) if name != word)
            else:
                options.discard(_known_option(word))
        return dataclasses.replace(self, options=frozenset(options), **fields)


def _known_option(word: str) -> str:
    if word not in OPTIONS:
        allowed = ", ".join([*OPTIONS, "dtypes=float32,float64", "accuracy=NAME", "deterministic"])
        raise UsageError(f"{word!r} cannot be claimed", hint=f"known are {allowed}")
    return word
