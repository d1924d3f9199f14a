"""The one-line text form of a problem, which parses back to the same problem.

    conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias
    conv2d_weight_grad f64 n1 c2 i8x8 o3 k3x3 p1x1 reflect
    conv_transpose1d f32 n1 c2 i5 o3 k3 s2 op1
    max_pool2d f32 n1 c3 i8x8 k3x3 s2x2 p1:0x1 ceil indices
    avg_pool1d f64 n1 c1 i9 k2 exclude_pad
    adaptive_avg_pool2d f32 n1 c3 i7x7 to3x2
    conv_integer2d uint8>int8 n1 c3 i8x8 o4 k3x3

n batch, c channels, i input sizes (of unpooling those of its output), o output channels, k kernel, s stride, p padding
(``1:0`` is one before and none behind, ``-1`` crops), d dilation, g groups, op output padding, to output sizes of adaptive
pooling, norm the p of a p-norm (``norminf`` too). Sizes of several axes are joined by ``x``; one number serves all axes.
What is left out has its default: n1 c1 o1 s1 p0 d1 g1 norm2 f32, no bias. ``f16>f32``: float32 results for float16 inputs.
``same``, ``valid``, ``same_upper`` and ``same_lower`` ask for padding by rule; ``reflect``, ``replicate`` and ``circular``
say what it holds; ``unbatched`` tensors have no batch axis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from conformance.errors import UsageError
from conformance.problem.formats import FORMATS, format_named
from conformance.problem.operators import Family, Operator, operator_named
from conformance.problem.problem import Problem
from conformance.problem.window import (
    AUTO_PADS,
    PAD_MODES,
    AdaptiveWindow,
    AnyWindow,
    PadMode,
    TransposedWindow,
    Window,
    auto_padding,
)

_T = TypeVar("_T")
_TOKEN = re.compile(r"(?P<key>divisor|norm|op|to|[a-z])(?P<value>-?\d[-\d:x.]*|inf)", re.ASCII)
_DTYPE = re.compile(r"(?P<of>(b?f|u?int|b?float|complex)\d+)(>(?P<result>\w+))?", re.ASCII)
_EXAMPLE = "conv2d f32 n2 c4 i9x7 o6 k3x2 s2x1 p1x2 d1x2 g2 bias"
_WORDS = ("bias", "ceil", "indices", "exclude_pad", "unbatched")
_SCALARS = {"n": "batch", "c": "channels", "o": "out_channels", "g": "groups", "divisor": "divisor"}
_AXES = {"i": "size", "k": "kernel", "s": "stride", "d": "dilation", "op": "output_padding", "to": "output"}
_FIELDS_OF = {
    "sliding": ("i", "k", "s", "d"),
    "transposed": ("i", "k", "s", "d", "op"),
    "adaptive": ("i", "to"),
}
MOST_TEXT = 2000
"""Characters of a text: more than the longest that says anything."""
MAX_DIGITS = 10  # beyond the largest tensor; longer numbers would only cost time
_SHOWN = 80
_MAX_DIGITS_OF_NORM = 400  # of any float64 without its exponent


class TextError(UsageError):
    """A text that is not a problem's."""

    def __init__(self, message: str, *, hint: str = f"write for example: {_EXAMPLE}") -> None:
        super().__init__(message, hint=hint)


def format_problem(problem: Problem) -> str:
    """The canonical text of ``problem``; :func:`parse_problem` is its inverse."""
    joined, windows, op = _joined(problem.windows), problem.windows, problem.op
    result = f">{FORMATS[problem.result].short}" if problem.result else ""
    words = [problem.operator, FORMATS[problem.dtype].short + result, f"n{problem.batch}", f"c{problem.channels}"]
    words.append("i" + joined(lambda w: w.size))
    if not op.is_pool:
        words.append(f"o{problem.out_channels}")
    if op.traits.window == "adaptive":
        words.append("to" + joined(lambda w: w.output))
    else:
        words.append("k" + joined(lambda w: w.kernel))
        if any(w.stride != 1 for w in windows):
            words.append("s" + joined(lambda w: w.stride))
        if any(w.pad_begin or w.pad_end for w in windows) and not problem.auto_pad:
            words.append("p" + joined(_format_padding))
        if any(w.dilation != 1 for w in windows):
            words.append("d" + joined(lambda w: w.dilation))
        if any(problem.output_padding):
            words.append("op" + "x".join(map(str, problem.output_padding)))
    if problem.groups != 1:
        words.append(f"g{problem.groups}")
    if problem.divisor is not None:
        words.append(f"divisor{problem.divisor}")
    if problem.norm != 2:
        words.append("norm" + np.format_float_positional(problem.norm, trim="-"))
    words += [problem.auto_pad] if problem.auto_pad else []
    words += [problem.pad_mode] if problem.pad_mode != "zeros" else []
    given = (problem.bias, problem.ceil, problem.indices, not problem.count_include_pad, problem.unbatched)
    words += [word for word, present in zip(_WORDS, given, strict=True) if present]
    return " ".join(words)


def _joined(windows: Sequence[AnyWindow]) -> Callable[[Callable[[AnyWindow], object]], str]:
    return lambda field: "x".join(str(field(window)) for window in windows)


def _format_padding(window: AnyWindow) -> str:
    begin, end = window.pad_begin, window.pad_end
    return str(begin) if begin == end else f"{begin}:{end}"


def parse_problem(text: str) -> Problem:
    """The problem that ``text`` describes. It may be invalid in the sense of :func:`reasons_invalid`.

    Raises :class:`TextError` with the word that is not understood.
    """
    words = require_short(text).split()
    if not words:
        raise TextError("the text of a problem is empty")
    op = operator_named(words[0])
    dtype, result, flags, values = _read_words(words[1:])
    allowed = _FIELDS_OF[op.traits.window]
    for key in values:
        if (key in _AXES and key not in allowed) or (key == "p" and "k" not in allowed):
            raise TextError(f"'{key}{values[key]}' says nothing of {op.name}")
    for key in ("i", allowed[1]):
        if key not in values:
            raise TextError(f"the {_AXES[key]} ({key}…) is missing in {text!r}")
    axes = {_AXES[key]: _axes(values, key, op) for key in allowed}
    modes = [word for word in PAD_MODES if word in flags]
    rules = [word for word in AUTO_PADS if word in flags]
    if op.traits.window != "sliding" and (modes or rules or "ceil" in flags):
        raise TextError(f"ceil, padding modes and padding rules say nothing of {op.name}")
    if len(modes) > 1 or len(rules) > 1 or (rules and "p" in values):
        raise TextError("padding is given twice: once as a rule (same, valid, ...) or mode, or as numbers (p1x2)")
    padding = _padding(values.get("p"), op)
    windows = tuple(
        _window(op, {field: sizes[axis] for field, sizes in axes.items()}, padding[axis], "ceil" in flags, modes)
        for axis in range(op.ndim)
    )
    if rules and all(min(w.size, w.kernel, w.stride, w.dilation) > 0 for w in windows):
        pads = [auto_padding(rules[0], window) for window in windows]
        windows = tuple(_padded(window, pad) for window, pad in zip(windows, pads, strict=True))
    scalars = {field: int(values[key]) for key, field in _SCALARS.items() if key in values}
    if op.is_pool:
        if "o" in values:
            raise TextError(f"'o{values['o']}': pooling has as many output channels as channels")
        scalars["out_channels"] = scalars.get("channels", 1)
    return Problem(
        op.name,
        windows,
        dtype=dtype or ("uint8" if op.family is Family.CONV_INTEGER else "float32"),
        result=result,
        bias="bias" in flags,
        indices="indices" in flags,
        count_include_pad="exclude_pad" not in flags,
        norm=_norm(values),
        auto_pad=rules[0] if rules else "",
        unbatched="unbatched" in flags,
        **scalars,
    )


def require_short(text: str) -> str:
    """Return ``text``, or raise :class:`TextError` if it is longer than any that says anything."""
    if len(text) > MOST_TEXT:
        raise TextError(f"the text has {len(text):,} characters, more than {MOST_TEXT:,}: {text[:_SHOWN]!r}…")
    return text


def _window(op: Operator, fields: dict[str, int], padding: tuple[int, int], ceil: bool, modes: Sequence[PadMode]) -> AnyWindow:
    if op.traits.window == "adaptive":
        return AdaptiveWindow(**fields)
    if op.traits.window == "transposed":
        return TransposedWindow(**fields, pad_begin=padding[0], pad_end=padding[1])
    mode: PadMode = modes[0] if modes else "zeros"
    return Window(**fields, pad_begin=padding[0], pad_end=padding[1], ceil=ceil, mode=mode)


def _padded(window: AnyWindow, pad: tuple[int, int]) -> AnyWindow:
    assert isinstance(window, Window)
    return Window(window.size, window.kernel, window.stride, window.dilation, *pad, window.ceil, window.mode)


def _read_words(words: Sequence[str]) -> tuple[str, str, set[str], dict[str, str]]:
    dtype, result, flags = "", "", set()
    values: dict[str, str] = {}
    for word in words:
        if word in (*_WORDS, *PAD_MODES, *AUTO_PADS):
            flags.add(word)
        elif not dtype and (found := _DTYPE.fullmatch(word)):
            dtype, result = (format_named(name).name if name else "" for name in (found["of"], found["result"]))
        elif token := _TOKEN.fullmatch(word):
            _note(word, token, values)
        else:
            raise TextError(f"the word {word!r} is not understood")
    return dtype, result, flags, values


def _note(word: str, token: re.Match[str], values: dict[str, str]) -> None:
    key = token["key"]
    if key in values:
        raise TextError(f"{key!r} is given twice: '{key}{values[key]}' and {word!r}")
    if key not in (*_SCALARS, *_AXES, "p", "norm"):
        raise TextError(f"the word {word!r} is not understood")
    most = _MAX_DIGITS_OF_NORM if key == "norm" else MAX_DIGITS
    if any(len(number) > most for number in re.findall(r"\d+", word)):
        raise TextError(f"a number in {word[:40]!r} is too large")
    if key in _SCALARS and not token["value"].isdigit():
        raise TextError(f"{word!r}: {_SCALARS[key]} is a single number")
    values[key] = token["value"]


def _norm(values: dict[str, str]) -> float:
    """The p of a p-norm, as a decimal number or ``inf``."""
    try:
        return float(values.get("norm", "2"))
    except ValueError:
        raise TextError(f"'norm{values['norm']}': a norm is a number or inf") from None


def _axes(values: dict[str, str], key: str, op: Operator) -> list[int]:
    parts = values.get(key, "0" if key == "op" else "1").split("x")
    if not all(part.isdigit() for part in parts):
        raise TextError(f"'{key}{values[key]}': the {_AXES[key]} is numbers joined by x")
    return _per_axis([int(part) for part in parts], f"{key}{values.get(key)}", op)


def _padding(value: str | None, op: Operator) -> list[tuple[int, int]]:
    pairs = []
    for part in (value or "0").split("x"):
        numbers = part.split(":")
        if len(numbers) > 2 or not all(re.fullmatch(r"-?\d+", number) for number in numbers):
            raise TextError(f"'p{value}': padding is p1x2, or p1:0x2:1 for begin and end")
        pairs.append((int(numbers[0]), int(numbers[-1])))
    return _per_axis(pairs, f"p{value}", op)


def _per_axis(numbers: list[_T], word: str, op: Operator) -> list[_T]:
    if len(numbers) == 1:
        return numbers * op.ndim
    if len(numbers) != op.ndim:
        raise TextError(f"{word!r} has {len(numbers)} axes, but {op.name} has {op.ndim}")
    return numbers
