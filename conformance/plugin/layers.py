"""Layer classes as functions: a class built like its namesake in ``torch.nn`` is constructed for a problem and called.

What the class takes is read from its ``__init__``: ``MyConv2d(in_channels, out_channels, kernel_size, stride, …)``, or a
part of it, as a textbook's ``Conv2D(kernel_size)``. Its weights are handed in with the call (``torch.func.functional_call``),
so that autograd reaches them; building the layer is no part of what is timed. What the class lacks is not claimed.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.errors import UsageError
from conformance.plugin.functions import Function
from conformance.plugin.signature import NAMES, Signature, own_parameters
from conformance.problem import OPERATORS, Family, Operator, Problem

_CONSTRUCTOR: dict[str, tuple[str, ...]] = {
    "channels": ("in_channels", "in_channel", "in_ch", "c_in", "input_channels", "num_channels"),
    "out_channels": ("out_channels", "out_channel", "out_ch", "c_out", "output_channels", "num_filters"),
    "kernel": ("kernel_size", "kernel", "ksize", "k", "pool_size"),
    "output": ("output_size",),
    "norm": ("norm_type",),
}
"""What a constructor takes beside the parameters of a function -> the names that classes in the wild give it."""
_BY_NAME = {name: what for what, names in (*NAMES.items(), *_CONSTRUCTOR.items()) for name in names}
_MOST_BUILT = 64


def is_layer(found: Any) -> bool:
    """Whether ``found`` is a class of ``torch.nn.Module``; PyTorch is not imported to find out."""
    return isinstance(found, type) and any(
        base.__module__ == "torch.nn.modules.module" and base.__name__ == "Module" for base in found.__mro__
    )


def operator_of_class(found: type) -> Operator | None:
    """The operator of a layer class: of the class of ``torch.nn`` that it derives from, or else the one in its name.

    ``MyConv2d`` and ``Conv2D`` are conv2d, ``LPPool1d`` is lp_pool1d.
    """
    of_base = [_named(base.__name__) for base in found.__mro__ if base.__module__.startswith("torch.nn.modules.")]
    return next(filter(None, [*of_base, _named(found.__name__)]), None)


def _named(name: str) -> Operator | None:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    forward = [operator for operator in OPERATORS.values() if operator.forward]
    longest_first = sorted(forward, key=lambda operator: -len(operator.name))
    return next((operator for operator in longest_first if operator.name.replace("_", "") in plain), None)


@dataclass(frozen=True, slots=True)
class Layer(Function):
    """A layer class under test, for one operator. ``takes`` maps what the constructor takes to the names it has there.

    ``built`` holds the layers that were built, by their arguments: as in a network, one is called again and again.
    """

    takes: Mapping[str, str] = field(default_factory=dict)
    built: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False)

    @property
    def spells(self) -> bool:
        """Whether its constructor is given parameters that exist for each axis."""
        return not {"kernel", "output", "stride", "padding", "dilation"}.isdisjoint(self.takes)

    def call_on(self, problem: Problem, given: Mapping[str, Any]) -> Callable[[], Any]:
        """The bare call of a layer that has these weights."""
        import torch

        layer = self._layer(problem, given["x"].dtype)
        weights = _named_weights(layer, given, self.label)
        inputs = [given["x"]]
        if problem.op.family is Family.MAX_UNPOOL:
            inputs.append(given["indices"])
        keywords = {"output_size": self._values(problem)["output_size"]} if problem.op.family is Family.MAX_UNPOOL else {}
        return lambda: torch.func.functional_call(layer, weights, tuple(inputs), keywords)

    def _layer(self, problem: Problem, dtype: Any) -> Any:
        """A layer of this class with the problem's parameters."""
        values = self._values(problem) | {
            "channels": problem.channels,
            "out_channels": problem.out_channels,
            "kernel": self._spell(problem.kernel),
            "output": self._spell(tuple(window.output for window in problem.windows)),
            "norm": problem.norm,
            "b": problem.bias,
        }
        given = {name: values[what] for what, name in self.takes.items() if what in values}
        # Weights are handed in by writing them into the layer for the time of a call: threads must not share one.
        key = (threading.get_ident(), str(dtype), *sorted(given.items()))
        if key not in self.built:
            if len(self.built) >= _MOST_BUILT:
                self.built.clear()
            self.built[key] = self.call(**given).to(dtype)
        return self.built[key]

    def lacking(self) -> tuple[str, ...]:
        """Options that a class cannot be asked for because its constructor is not told of channels."""
        if not self.operator.traits.weights or self.form.rank != "batched":
            return ()
        return ("channels", "groups", "out_channels") if "channels" not in self.takes else ()

    def with_bias_of_its_own(self, problem: Problem) -> Layer:
        """Itself, with a bias if its layers have one though the constructor is not asked for it, as a textbook's."""
        if "b" in self.signature.names or not self.operator.traits.weights:
            return self
        import torch

        try:
            layer = self._layer(problem, torch.float32)
        except Exception:  # that it cannot be built is what the cases will show
            return self
        if "bias" not in dict(layer.named_parameters()):
            return self
        signature = dataclasses.replace(self.signature, names={**self.signature.names, "b": "bias"})
        return dataclasses.replace(self, signature=signature)


def _named_weights(layer: Any, given: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The given weights by the names that they have in the layer: ``weight`` and ``bias``, or whatever alone has their shape.

    Raises :class:`ValueError` where a weight of the layer has another shape, as loading it would.
    """
    import torch

    names = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    weights: dict[str, Any] = {}
    for what, usual in (("w", "weight"), ("b", "bias")):
        if what not in given:
            if usual in names and what == "b":
                weights[usual] = torch.zeros(names[usual], dtype=given["x"].dtype)
            continue
        shape = tuple(given[what].shape)
        fitting = [name for name, has in names.items() if has == shape]
        name = usual if usual in names else fitting[0] if len(fitting) == 1 else ""
        if names.get(name) != shape:
            has = ", ".join(f"{name}{list(has)}" for name, has in names.items()) or "no parameters"
            raise ValueError(f"{label} has {has}; a {usual} of shape {list(shape)} cannot be loaded")
        weights[name] = given[what]
    return weights


def read_constructor(found: type, operator: Operator) -> tuple[Signature, dict[str, str]]:
    """What a class takes: the parameters of a function that it has, and what its constructor calls everything.

    Raises :class:`UsageError` for a parameter without a default that means nothing here.
    """
    known = {*own_parameters(operator), *_CONSTRUCTOR}
    takes: dict[str, str] = {}
    open_ended = False
    parameters = list(inspect.signature(found).parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            open_ended = True
            continue
        what = _BY_NAME.get(parameter.name)
        if what in known and what not in takes:
            takes[str(what)] = parameter.name
        elif parameter.default is parameter.empty:
            names = [_CONSTRUCTOR[name][0] for name in _CONSTRUCTOR] + [NAMES[name][0] for name in own_parameters(operator)]
            raise UsageError(
                f"the parameter {parameter.name!r} of {found.__name__}'s constructor is not understood",
                hint=f"known are {', '.join(names)}; or give it a default",
            )
    if open_ended and not takes:  # it hands everything on to its base: then it is built like the namesake
        return read_constructor(_namesake(operator), operator)
    own = {name: takes[name] for name in own_parameters(operator) if name in takes}
    default = any(_BY_NAME.get(p.name) == "stride" and p.default is not p.empty for p in parameters)
    return Signature(own, default_stride=default), takes


def _namesake(operator: Operator) -> type:
    """The class of ``torch.nn`` for an operator."""
    import torch

    plain = operator.name.replace("_", "")
    found = next(item for name, item in vars(torch.nn).items() if name.lower() == plain)
    assert isinstance(found, type)
    return found
