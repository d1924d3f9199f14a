"""Turns a target into an implementation. Only a worker process calls this: loading a target runs the target's code."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from conformance.errors import UsageError
from conformance.plugin.arrays import ONNX
from conformance.plugin.decorate import declared
from conformance.plugin.functions import Form, Function, Functions, Rank, gradients_of
from conformance.plugin.implementation import Implementation
from conformance.plugin.layers import Layer, is_layer, operator_of_class, read_constructor
from conformance.plugin.library import Library
from conformance.plugin.onnx_runtimes import OnnxRuntime, is_backend, of_backend, of_function
from conformance.plugin.probe import settle, smoke_problem, with_accepted
from conformance.plugin.program import Program
from conformance.plugin.registry import registered, registered_names
from conformance.plugin.shared_library import is_library
from conformance.plugin.signature import read_signature
from conformance.plugin.target import Target
from conformance.problem import OPERATORS, Family, Operator
from conformance.problem.operators import operator_named, with_passes

# A textbook's names: corr2d, corr2d_multi_in, corr2d_multi_in_out, corr2d_multi_in_out_1x1, pool2d.
_TEXTBOOK = re.compile(r"(?P<kind>corr|pool)(?P<ndim>[123])d(?P<channels>_multi_in(_out)?)?(?P<pointwise>_1x1)?")
_RANK_OF_TEXTBOOK: dict[str | None, Rank] = {None: "plain", "_multi_in": "single_output", "_multi_in_out": "unbatched"}
_FORWARD = tuple(name for name, operator in OPERATORS.items() if operator.forward)
_OPERATOR_IN_NAME = re.compile("|".join(sorted(OPERATORS, key=len, reverse=True)))


def load(target: Target) -> Implementation:
    """The implementation that ``target`` names. Raises :class:`UsageError` that says what to type instead."""
    if target.command:
        return Program(target.command, target.claim, target.no_claim)
    place, attribute = split_text(target.text)
    if not attribute and place in registered_names():
        return registered(place)
    if is_library(place):
        return Library(target.text, place, attribute, target)
    found = find(target.text, target.folders)
    others: tuple[str, ...] = ()
    of_models = _runtime(found, target)
    if of_models is not None:
        return of_models
    if attribute:
        if isinstance(found, Implementation):
            return found
        if isinstance(found, type) and issubclass(found, Implementation):
            return found()
        if not callable(found):
            raise UsageError(f"{target.text} is a {type(found).__name__}, not a function, a layer class or an Implementation")
        functions = dict(_functions(found, attribute, target))
    else:
        functions, others = _functions_of_module(found, target)
    names = with_passes(target.operators) if target.operators else tuple(functions)
    wanted = {operator: function for operator, function in functions.items() if operator in names}
    if not wanted:
        raise UsageError(f"{target.text} has no {' or '.join(target.operators)}", hint=f"it has {', '.join(functions)}")
    return Functions(target.text, wanted, others)


def _runtime(found: Any, target: Target) -> Implementation | None:
    """A runtime of ONNX models, if ``found`` is one or the user says so."""
    name, package = target.text, getattr(found, "__module__", getattr(found, "__name__", "")).partition(".")[0]
    if is_backend(found):
        return OnnxRuntime(name, of_backend(found), package, target.claim, target.no_claim)
    if target.arrays == ONNX:
        if not callable(found):
            hint = "with --arrays onnx a target is a function run(model, inputs), such as file.py:run"
            raise UsageError(f"{name} is no function of an ONNX model", hint=hint)
        return OnnxRuntime(name, of_function(found), package, target.claim, target.no_claim)
    return None


def split_text(text: str) -> tuple[str, str]:
    """A target's module or file, and what of it is meant (empty: all of it)."""
    place, colon, attribute = text.rpartition(":")
    if not colon or (len(place) == 1 and attribute.startswith(("\\", "/"))):  # a drive letter is no module
        return text, ""
    return place, attribute


def find(text: str, folders: Sequence[str] = ()) -> Any:
    """The module, or the function or class of one, that ``text`` names; ``folders`` are looked in first."""
    place, attribute = split_text(text)
    here = [] if place.endswith(".py") else [""]  # a module of the directory that the command was started in
    sys.path[:0] = [*folders, *here]
    module = _import(place, text)
    return _attribute(module, attribute) if attribute else module


def _functions_of_module(module: ModuleType, target: Target) -> tuple[dict[str, Function], tuple[str, ...]]:
    """The first function for each operator, and the names of those that serve an operator which is taken."""
    functions: dict[str, Function] = {}
    others, layers = [], list[tuple[str, Any]]()
    for name, found in vars(module).items():
        if is_layer(found):
            if found.__module__ == module.__name__ and operator_of_class(found):
                layers.append((name, found))
        elif callable(found) and (name in OPERATORS or _TEXTBOOK.fullmatch(name)) and not isinstance(found, type):
            served = dict(_functions(found, name, target))
            if name in OPERATORS and not OPERATORS[name].forward:
                functions |= served  # a gradient of its own goes before autograd's
            elif functions.keys() & served.keys() & {n for n, f in served.items() if not f.autograd}:
                others.append(name)
            else:
                functions |= {operator: f for operator, f in served.items() if not f.autograd or operator not in functions}
    for name, found in layers:  # a module's functions go before its layers, which may call them
        served = dict(_functions(found, name, target))
        if functions.keys() & served.keys():
            others.append(name)
        else:
            functions |= served
    if not functions:
        raise UsageError(
            f"{target.text} has no function with an operator's name",
            hint=f"names are {', '.join(_FORWARD)}, and those of gradients; or say which function: "
            f"{target.text}:NAME --operator conv2d",
        )
    return functions, tuple(others)


def _functions(call: Callable[..., Any], name: str, target: Target) -> Iterator[tuple[str, Function]]:
    """The operators that one function or layer class serves, each with how it is called."""
    if is_layer(call):
        yield from _of_layer(call, name, target)
        return
    said = declared(call)
    operators, textbook = _operators_of(name, said.operators or target.operators)
    for operator in operators:
        signature = read_signature(call, operator, name)
        form = Form(arrays=target.arrays or "numpy", rank="batched")
        pointwise = False
        if textbook:
            rank: Rank = "plain" if textbook["kind"] == "pool" else _RANK_OF_TEXTBOOK[textbook["channels"]]
            signature = dataclasses.replace(signature, default_stride=False)  # a textbook's default is its own
            form, pointwise = Form(arrays=target.arrays or "numpy", rank=rank), bool(textbook["pointwise"])
        function = Function(
            call, name, operator, signature, pointwise, form,
            claim=(*said.claim, *target.claim), no_claim=(*said.no_claim, *target.no_claim),
        )  # fmt: skip
        if textbook and operator.family is Family.AVG_POOL and "mode" not in signature.names:
            continue  # a textbook's pool2d without a mode takes the maximum
        function = settle(function, target.arrays, bool(textbook)) if target.probe else function
        if target.probe == "all" and not textbook and "accepted" not in function.no_claim:
            function = with_accepted(function)
        yield from _with_gradients(function)


def _with_gradients(function: Function) -> Iterator[tuple[str, Function]]:
    """A function by its operator, and what autograd derives from it."""
    yield function.operator.name, function
    if function.form.differentiable:
        yield from ((gradient.operator.name, gradient) for gradient in gradients_of(function))


def _of_layer(found: Any, name: str, target: Target) -> Iterator[tuple[str, Function]]:
    """The operator of a layer class, and its gradients by autograd."""
    said = declared(found)
    operator = operator_of_class(found)
    if said.operators or target.operators or operator is None:
        operator = _operators_of(name, said.operators or target.operators)[0][0]
    if not operator.forward:
        operator = OPERATORS[operator.base]
    signature, takes = read_constructor(found, operator)
    # A layer that is not told of channels is a textbook's, written for the type that PyTorch makes tensors in.
    textbook = operator.traits.weights and "channels" not in takes
    form = Form("torch", dtypes=("float32",), notes=("float64 not claimed: it is not told of channels",))
    layer = Layer(
        found, name, operator, signature, form=form if textbook else Form("torch"),
        claim=(*said.claim, *target.claim), no_claim=(*said.no_claim, *target.no_claim), takes=takes,
    )  # fmt: skip
    if target.probe:
        settled = settle(layer, "torch", textbook=False)
        assert isinstance(settled, Layer)
        layer = settled.with_bias_of_its_own(smoke_problem(operator, settled.form.rank, pointwise=False))
    yield from _with_gradients(dataclasses.replace(layer, no_claim=(*layer.lacking(), *layer.no_claim)))


def _operators_of(name: str, said: tuple[str, ...]) -> tuple[list[Operator], re.Match[str] | None]:
    if textbook := _TEXTBOOK.fullmatch(name):
        families = [Family.CONV] if textbook["kind"] == "corr" else [Family.MAX_POOL, Family.AVG_POOL]
        return [OPERATORS[f"{family}{textbook['ndim']}d"] for family in families], textbook
    if name in OPERATORS:
        return [OPERATORS[name]], None
    if said:
        return [operator_named(operator) for operator in said], None
    if inside := _OPERATOR_IN_NAME.search(name):
        return [OPERATORS[inside[0]]], None
    raise UsageError(
        f"which operator {name!r} implements does not show in its name",
        hint=f"say --operator with one of {', '.join(_FORWARD)}, or a gradient of one",
    )


def _import(place: str, text: str) -> ModuleType:
    if place.endswith(".py"):
        path = Path(place)
        if not path.is_file():
            near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=1)
            raise UsageError(f"there is no file {place}", hint=f"did you mean {path.with_name(near[0])}?" if near else "")
        return _import_file(path.resolve())
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and not f"{place}.".startswith(f"{error.name}."):
            raise UsageError(f"{text} needs the module {error.name!r}, which is not installed") from error
        near = difflib.get_close_matches(text, registered_names(), n=1)
        known = f"did you mean {near[0]}?" if near else "registered are " + ", ".join(registered_names())
        raise UsageError(
            f"the target {text!r} is neither a registered name nor a module that can be imported",
            hint=f"{known}; a function is written path/to/file.py:conv2d or module:conv2d",
        ) from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"the target {text!r} is no module's name: {error}") from error


@cache
def _import_file(path: Path) -> ModuleType:
    sys.path.insert(0, str(path.parent))  # so that it finds its neighbours, as a script would
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise UsageError(f"{path} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules.setdefault(path.stem, module)
    specification.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, attribute: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in vars(module) if not name.startswith("_")]
            near = difflib.get_close_matches(attribute, names, n=1)
            functions = [
                name for name in names if callable(getattr(module, name)) and not isinstance(getattr(module, name), type)
            ]
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(functions[:12]) or 'no functions'}"
            raise UsageError(f"{module.__name__} has no {attribute!r}", hint=hint)
        found = getattr(found, part)
    return found
