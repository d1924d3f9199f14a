"""Reads problem descriptors of benchdnn, the test driver of oneDNN, such as ``mb1ic3ih227oc96oh55kh11sh4ph0``.

What differs from our own text: a dilation of 0 means none (ours is 1); a missing width is the height's value; the
padding behind follows from the output size; a missing padding is the one that centres the window; a missing batch is 2.
Source: oneDNN, tests/benchdnn/doc (driver_conv.md, driver_pool.md).
"""

from __future__ import annotations

import re

from conformance.problem.operators import operator_named
from conformance.problem.problem import Problem
from conformance.problem.text import MAX_DIGITS, TextError, require_short
from conformance.problem.window import Window

_TOKEN = re.compile(r"(mb|[io][cdhw]|[kspd][dhw]|g)(\d{1,9})", re.ASCII)
_NAME = re.compile(r"n(\"[^\"]*\"|[A-Za-z][\w:.*-]*)$")
_EXAMPLE = "write for example mb1ic3ih227oc96oh55kh11sh4ph0"
_AXIS_NAMES = {1: "w", 2: "hw", 3: "dhw"}


def looks_like_benchdnn(text: str) -> bool:
    """True for what is meant as a descriptor, with or without an operator in front."""
    words = text.replace("_", "").split()
    return bool(words) and len(words) <= 2 and re.match(r"(g\d+)?(mb\d+)?(g\d+)?ic\d+i[dhw]\d", words[-1]) is not None


def name_of_descriptor(text: str) -> str:
    """The name that a descriptor ends in (``n"resnet:conv1"``, ``nresnet:conv1``); empty if it has none."""
    found = _NAME.search(text) if looks_like_benchdnn(text) else None
    return found[1].strip('"') if found else ""


def parse_benchdnn(text: str, dtype: str = "float32") -> Problem:
    """The problem that a descriptor means. Pooling ones need the operator in front: ``max_pool2d ic64ih112kh3sh2ph1``."""
    if not 1 <= len(require_short(text).split()) <= 2:
        raise TextError(f"{text!r} is no descriptor, nor one with an operator in front", hint=_EXAMPLE)
    *front, descriptor = text.split()
    fields = _fields(descriptor)
    ndim = 3 if "id" in fields else 2 if "ih" in fields else 1
    if "oc" in fields:
        operator = operator_named(f"conv{ndim}d")
    elif front:
        operator = operator_named(front[0])
    else:
        raise TextError(f"{descriptor!r} has no oc, so it is a pooling", hint=f"write for example max_pool{ndim}d {text}")
    if operator.ndim != ndim or (front and front[0] != operator.name):
        raise TextError(f"{descriptor!r} has {ndim} axes and is no {front[0]}", hint=_EXAMPLE)
    windows = tuple(_window(fields, axis, _AXIS_NAMES[ndim][0]) for axis in _AXIS_NAMES[ndim])
    return Problem(
        operator.name,
        windows,
        batch=fields.get("mb", 2),
        channels=fields["ic"],
        out_channels=fields.get("oc", fields["ic"]),
        groups=fields.get("g", 1),
        dtype=dtype,
    )


def _fields(descriptor: str) -> dict[str, int]:
    body = _NAME.sub("", descriptor).replace("_", "")  # oneDNN ignores the underscores
    fields, at = {}, 0
    for token in _TOKEN.finditer(body):
        if token.start() != at:
            break
        fields[token[1]] = int(token[2])
        at = token.end()
    rest = body[at:]
    if rest:
        raise TextError(f"{rest!r} in the descriptor {descriptor!r} is not understood", hint=_EXAMPLE)
    if "ic" not in fields:
        raise TextError(f"the descriptor {descriptor!r} has no ic", hint=_EXAMPLE)
    return fields


def _window(fields: dict[str, int], axis: str, first: str) -> Window:
    def value(key: str, default: int) -> int:
        return fields.get(key + axis, fields.get(key + first, default))

    size, kernel, stride = value("i", 0), value("k", 0), value("s", 1)
    if not size or not kernel:
        raise TextError(f"the descriptor has no i{axis} or no k{axis}", hint=_EXAMPLE)
    if not stride:
        raise TextError(f"the stride s{axis} is 0, but must be at least 1", hint=_EXAMPLE)
    window = Window(size, kernel, stride, dilation=value("d", 0) + 1)
    output, begin = value("o", 0), value("p", -1)
    if not output:
        begin = max(begin, 0)
        return Window(size, kernel, stride, window.dilation, begin, begin)
    reach = (output - 1) * stride + window.extent
    if begin < 0:
        begin = max(0, reach - size) // 2
    result = Window(size, kernel, stride, window.dilation, begin, max(0, reach - size - begin))
    if result.pad_end >= 10**MAX_DIGITS:
        raise TextError(
            f"o{axis}{output} does not follow from the input: it would need {result.pad_end:,} of padding", hint=_EXAMPLE
        )
    if result.output != output:
        raise TextError(f"o{axis}{output} does not follow from the input: it would be {result.output}", hint=_EXAMPLE)
    return result
