"""Which of an operator's parameters a function takes, and under which names: its part of the namesake's signature.

The namesakes are those of ``torch.nn.functional``. The first parameters are the tensors (and of a pooling the kernel size,
of an adaptive one the output size), whatever they are called; the others are known by name. What a function lacks is not
claimed. Gradients are called like their operator with the pass behind it, and take the same parameters:

    conv2d_input_grad(grad_output, weight, stride, padding, dilation, groups, input_size)
    conv2d_weight_grad(input, grad_output, stride, padding, dilation, groups, kernel_size)
    conv2d_bias_grad(grad_output)
    max_pool2d_input_grad(grad_output, input, kernel_size, stride, padding, dilation, ceil_mode)
    conv_integer2d(input, weight, bias, stride, ..., x_zero_point, w_zero_point, scale, y_zero_point)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.errors import UsageError
from conformance.problem import Family, Operator
from conformance.problem.operators import BIAS_GRAD, DOUBLE_GRAD, INPUT_GRAD, WEIGHT_GRAD

# Parameter -> the names that functions in the wild give it; the first is the namesake's.
NAMES: dict[str, tuple[str, ...]] = {
    "b": ("bias", "b"),
    "stride": ("stride", "strides", "s"),
    "padding": ("padding", "pad", "pads", "paddings", "p"),
    "output_padding": ("output_padding", "adj"),
    "dilation": ("dilation", "dilations", "d"),
    "groups": ("groups", "group", "n_groups"),
    "pad_mode": ("padding_mode", "pad_mode"),
    "ceil": ("ceil_mode", "ceil"),
    "indices": ("return_indices", "indices"),
    "exclude_pad": ("count_include_pad",),
    "divisor": ("divisor_override", "divisor"),
    "mode": ("mode", "pool_type", "pooling"),
    "input_size": ("input_size", "input_shape"),
    "kernel_size": ("kernel_size", "weight_size"),
    "output_size": ("output_size",),
    "x_zero": ("x_zero_point",),
    "w_zero": ("w_zero_point",),
    "scale": ("scale",),
    "y_zero": ("y_zero_point",),
}
_BY_NAME = {name: parameter for parameter, names in NAMES.items() for name in names}
_CONV = ("b", "stride", "padding", "dilation", "groups")
_OF_FAMILY: dict[Family, tuple[str, ...]] = {
    Family.CONV: _CONV,
    Family.CONV_TRANSPOSE: (*_CONV[:3], "output_padding", "groups", "dilation"),
    Family.CONV_INTEGER: (*_CONV, "x_zero", "w_zero", "scale", "y_zero"),
    Family.MAX_POOL: ("stride", "padding", "dilation", "ceil", "indices"),
    Family.AVG_POOL: ("stride", "padding", "ceil", "exclude_pad", "divisor"),
    Family.LP_POOL: ("stride", "ceil"),
    Family.ADAPTIVE_MAX_POOL: ("indices",),
    Family.ADAPTIVE_AVG_POOL: (),
    Family.MAX_UNPOOL: ("stride", "padding", "output_size"),
}
_BEYOND = {Family.CONV: ("pad_mode",)}
"""Parameters that a function may have though its namesake has not."""
_OF_PASS = {INPUT_GRAD: ("input_size",), WEIGHT_GRAD: ("kernel_size",)}
_OPTION_OF = {"b": ("bias",), "scale": ("requantised",), "pad_mode": ("reflect", "replicate", "circular")}
"""Where a parameter is not called like the option that it serves."""


def leading(operator: Operator) -> tuple[str, ...]:
    """What the first parameters are: tensors by name, then ``kernel``, ``output`` or ``norm``."""
    family = operator.family
    of_pass = {INPUT_GRAD: ("dy",), WEIGHT_GRAD: ("x", "dy"), BIAS_GRAD: ("dy",), DOUBLE_GRAD: ("ddx",)}
    tensors = of_pass.get(operator.pass_name, ("x",))
    if operator.traits.weights:
        return tensors if operator.pass_name in (WEIGHT_GRAD, BIAS_GRAD) else (*tensors, "w")
    tensors += ("indices",) if family is Family.MAX_UNPOOL else () if operator.forward else ("x",)
    if operator.traits.window == "adaptive":
        return (*tensors, "output")
    return (*tensors, "norm", "kernel") if family is Family.LP_POOL else (*tensors, "kernel")


def own_parameters(operator: Operator) -> tuple[str, ...]:
    """The parameters that a function of this operator may have behind the leading ones."""
    if operator.pass_name == BIAS_GRAD:
        return ()
    names = (*_OF_FAMILY[operator.family], *_OF_PASS.get(operator.pass_name, ()), *_BEYOND.get(operator.family, ()))
    return names if operator.forward else tuple(name for name in names if name not in ("b", "indices"))


@dataclass(frozen=True, slots=True)
class Signature:
    """``names`` maps each parameter that the function takes to the name it has there; ``positional`` are positional-only."""

    names: Mapping[str, str]
    positional: tuple[str, ...] = ()
    default_stride: bool = False
    """Whether a stride that is not given is that of the namesake: the kernel's size."""

    def lacks(self, operator: Operator) -> set[str]:
        """The options of the namesake that the function cannot be asked for."""
        if operator.pass_name == BIAS_GRAD:
            return set()
        wanted = set(own_parameters(operator)) - {"input_size", "kernel_size"}
        missing = {name for name in wanted if name not in self.names}
        options = {option for name in missing for option in _OPTION_OF.get(name, (name,))}
        return options | ({"asymmetric_padding"} if "padding" in missing else set())

    def arguments(self, first: Sequence[Any], values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments of a call; ``values`` by parameter, those not taken are left out."""
        given = {self.names[name]: value for name, value in values.items() if name in self.names}
        return [*first, *(given.pop(name, None) for name in self.positional)], given


def read_signature(function: Callable[..., Any], operator: Operator, label: str) -> Signature:
    """The part of the namesake's signature that ``function`` takes. ``label`` names it in messages."""
    own = own_parameters(operator)
    own = (*own, "mode") if operator.family in (Family.MAX_POOL, Family.AVG_POOL) else own
    namesake = [name for name in own_parameters(operator) if name not in _BEYOND.get(operator.family, ())]
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # compiled functions may not tell: then it is the whole namesake
        return Signature({name: NAMES[name][0] for name in namesake})
    arrays = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in arrays)
    wanted = leading(operator)
    if len(arrays) < len(wanted) and not variadic:
        words = [_IN_WORDS[name] for name in wanted]
        raise UsageError(
            f"{label}({', '.join(map(str, parameters))}) takes no {words[len(arrays)] if arrays else 'arrays'}",
            hint=f"its first parameters must be ({', '.join(words)}), as in torch.nn.functional",
        )
    named = [p for p in parameters if p not in arrays[: len(wanted)] and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
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
        names = {name: NAMES[name][0] for name in namesake} | names
    return Signature(names, tuple(p.name for p in named if p.kind is p.POSITIONAL_ONLY), default)


_IN_WORDS = {
    "x": "input",
    "w": "weight",
    "dy": "grad_output",
    "ddx": "grad_grad_input",
    "indices": "indices",
    "kernel": "kernel_size",
    "output": "output_size",
    "norm": "norm_type",
}
