"""Which of an operator's parameters a function takes, and under which names: its part of the namesake's signature.

The namesakes are those of ``torch.nn.functional``. The first parameter is the input and the second the weight (or a
pooling's kernel size), whatever they are called; the others are known by name. What a function lacks is not claimed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.errors import UsageError
from conformance.problem import Family

# Parameter -> the names that functions in the wild give it; the first is the namesake's.
NAMES: dict[str, tuple[str, ...]] = {
    "b": ("bias", "b"),
    "stride": ("stride", "strides", "s"),
    "padding": ("padding", "pad", "pads", "paddings", "p"),
    "dilation": ("dilation", "dilations", "d"),
    "groups": ("groups", "group", "n_groups"),
    "ceil": ("ceil_mode", "ceil"),
    "indices": ("return_indices", "indices"),
    "exclude_pad": ("count_include_pad",),
    "divisor": ("divisor_override", "divisor"),
    "mode": ("mode", "pool_type", "pooling"),
}
_BY_NAME = {name: parameter for parameter, names in NAMES.items() for name in names}
_OF_FAMILY = {
    Family.CONV: ("b", "stride", "padding", "dilation", "groups"),
    Family.MAX_POOL: ("stride", "padding", "dilation", "ceil", "indices"),
    Family.AVG_POOL: ("stride", "padding", "ceil", "exclude_pad", "divisor"),
}
_OPTION_OF = {"b": "bias"}
"""Where a parameter is not called like the option that it serves."""


@dataclass(frozen=True, slots=True)
class Signature:
    """``names`` maps each parameter that the function takes to the name it has there; ``positional`` are positional-only."""

    names: Mapping[str, str]
    positional: tuple[str, ...] = ()
    default_stride: bool = False
    """Whether a stride that is not given is that of the namesake: the kernel's size."""

    def lacks(self, family: Family) -> set[str]:
        """The options of the namesake that the function cannot be asked for."""
        missing = {_OPTION_OF.get(name, name) for name in _OF_FAMILY[family] if name not in self.names}
        return missing | ({"asymmetric_padding"} if "padding" in missing else set())

    def arguments(self, first: Any, second: Any, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call; ``values`` by parameter, those not taken are left out."""
        given = {self.names[name]: value for name, value in values.items() if name in self.names}
        return [first, second, *(given.pop(name, None) for name in self.positional)], given


def read_signature(function: Callable[..., Any], family: Family, label: str) -> Signature:
    """The part of the namesake's signature that ``function`` takes. ``label`` names it in messages."""
    own = (*_OF_FAMILY[family], "mode") if family is not Family.CONV else _OF_FAMILY[family]
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # compiled functions may not tell: then it is the whole namesake
        return Signature({name: NAMES[name][0] for name in _OF_FAMILY[family]})
    arrays = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in arrays)
    if len(arrays) < 2 and not variadic:
        second = "weight" if family is Family.CONV else "kernel_size"
        raise UsageError(
            f"{label}({', '.join(map(str, parameters))}) takes no {'arrays' if not arrays else second}",
            hint=f"its first two parameters must be (input, {second}), as in torch.nn.functional",
        )
    named = [p for p in parameters if p not in arrays[:2] and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names: dict[str, str] = {}
    default = any(_BY_NAME.get(p.name) == "stride" and p.default is not p.empty for p in named)
    for parameter in named:
        meaning = _BY_NAME.get(parameter.name)
        if meaning is not None and meaning in own and meaning not in names:
            names[meaning] = parameter.name
        elif parameter.default is parameter.empty:
            raise UsageError(
                f"the parameter {parameter.name!r} of {label} is not understood",
                hint="known are " + ", ".join(NAMES[name][0] for name in own) + "; or give it a default",
            )
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        names = {name: NAMES[name][0] for name in _OF_FAMILY[family]} | names
    return Signature(names, tuple(p.name for p in named if p.kind is p.POSITIONAL_ONLY), default)
